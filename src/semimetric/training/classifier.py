"""A logistic regression on what inputs are described by, whose borders are straight or curved."""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax
from torch import Tensor

from semimetric.training.descriptor import Description, Descriptor

LANDMARKS = 1_000
LEAST_PROBABILITY = 1e-3  # that a class is taken to have: one row does not decide
STEPS = 1_000
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class InputClassifier:
    """Logarithms of the classes' probabilities by an input's description.

    Borders are straight, or curved: linear in Gaussian kernels around landmarks, exp(−‖a − b‖²), where the mean square
    of descriptions about their mean is 1.

    descriptor : Descriptor, what makes a description (d,) of an input.
    centre : float64 array (d,), and size : float, by which descriptions are moved and divided.
    coefficients : float64 array (c, d), or (c, m) of kernels; intercepts : float64 array (c,).
    landmarks : float64 array (m, d); None where borders are straight.
    """

    descriptor: Descriptor
    centre: np.ndarray
    size: float
    coefficients: np.ndarray
    intercepts: np.ndarray
    landmarks: np.ndarray | None = None

    def __call__(self, x: Tensor) -> np.ndarray:
        """Return the logarithms (n, c) of normalised inputs (n, …)."""
        return self.of_descriptions(self.descriptor(x))

    def of_descriptions(self, rows: np.ndarray) -> np.ndarray:
        """Return the logarithms (n, c) of descriptions (n, d): none is below that of 0.001."""
        parts = [self._logits(rows[start : start + ROWS_AT_ONCE]) for start in range(0, len(rows), ROWS_AT_ONCE)]
        return np.maximum(log_softmax(np.concatenate(parts), axis=1), np.log(LEAST_PROBABILITY))

    def _logits(self, rows: np.ndarray) -> np.ndarray:
        rows = (rows - self.centre) / self.size
        if self.landmarks is not None:
            from sklearn.metrics.pairwise import rbf_kernel

            rows = rbf_kernel(rows, self.landmarks, gamma=1.0)
        return rows @ self.coefficients.T + self.intercepts


@dataclass(frozen=True)
class Unfitted:
    """A description whose centre (d,) and size are known, to fit classifiers to by some labels or others."""

    description: Description
    centre: np.ndarray
    size: float

    @classmethod
    def of(cls, description: Description) -> "Unfitted":
        """Measure a description's rows."""
        centre = description.rows.mean(axis=0, dtype=np.float64)
        square = np.mean(np.sum((description.rows - centre) ** 2, axis=1))
        return cls(description, centre, float(np.sqrt(square)) or 1.0)

    def fit(self, codes: np.ndarray, strength: float, curved: bool = False) -> InputClassifier:
        """Return the logistic regression of class numbers (n,), −1 for unlabelled, with C = ``strength``.

        Curved borders have the labelled rows for landmarks, or 1,000 of them.
        """
        from sklearn.kernel_approximation import Nystroem
        from sklearn.linear_model import LogisticRegression

        labelled = codes >= 0
        rows = (self.description.rows[labelled] - self.centre) / self.size
        kernels = None
        if curved:
            kernels = Nystroem(gamma=1.0, n_components=min(LANDMARKS, len(rows)), random_state=0)
            rows = kernels.fit_transform(rows)
        regression = LogisticRegression(C=strength, max_iter=STEPS).fit(rows, codes[labelled])
        coefficients, intercepts, landmarks = regression.coef_, regression.intercept_, None
        if len(coefficients) == 1:  # of two classes, the second's against the first
            coefficients, intercepts = (np.concatenate([0 * each, each]) for each in (coefficients, intercepts))
        if kernels is not None:
            coefficients, landmarks = coefficients @ kernels.normalization_, kernels.components_
        coefficients = np.ascontiguousarray(coefficients)  # as they come from a file: other orders sum in others
        descriptor = self.description.descriptor
        return InputClassifier(descriptor, self.centre, self.size, coefficients, intercepts, landmarks)
