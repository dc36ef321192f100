"""How much each loss term counts. One number per term is the canonical form; α and γ are constructors of it."""

from collections.abc import Iterator, Mapping

METRIC = "metric"
RECONSTRUCTION = "reconstruction"
KL = "kl"
CONTRAST = "contrast"
SUPERVISED_TERMS = frozenset({METRIC})  # computed where there are labels; every other term needs none


class Weights(Mapping[str, float]):
    """Term → weight; a term of weight zero is left out, and is then not computed at all.

    >>> dict(Weights({"metric": 1.0, "reconstruction": 0.0}))
    {'metric': 1.0}
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        for term, weight in weights.items():
            if not weight >= 0:
                raise ValueError(f"the weight of {term!r} must be at least 0, got {weight!r}")
        self._weights = {term: float(weight) for term, weight in weights.items() if weight > 0}

    @classmethod
    def from_alpha(cls, alpha: float, beta: float = 1.0) -> "Weights":
        """``(1 − α) · metric + α · (reconstruction + β · KL)``: Safir et al. 2022, algorithms 2, 3 and 5.

        >>> dict(Weights.from_alpha(0.25, beta=2.0))
        {'metric': 0.75, 'reconstruction': 0.25, 'kl': 0.5}
        """
        return cls({METRIC: 1 - alpha, RECONSTRUCTION: alpha, KL: alpha * beta})

    @classmethod
    def from_gamma(cls, gamma: float, beta: float = 1.0) -> "Weights":
        """``reconstruction + β · KL + γ · metric``: the same paper's joint form (its Table 4).

        >>> dict(Weights.from_gamma(5.0))
        {'metric': 5.0, 'reconstruction': 1.0, 'kl': 1.0}
        """
        return cls({METRIC: gamma, RECONSTRUCTION: 1.0, KL: beta})

    def scaled(self, term: str, factor: float) -> "Weights":
        """Return the same weights with one of them multiplied by ``factor``; at 0 the term is still computed.

        >>> dict(Weights({"kl": 2.0}).scaled("kl", 0.25))
        {'kl': 0.5}
        """
        scaled = Weights(self)
        scaled._weights[term] *= factor
        return scaled

    def only(self, *terms: str) -> "Weights":
        """Return the weights of these terms, the others left out."""
        return Weights({term: weight for term, weight in self.items() if term in terms})

    @property
    def supervised(self) -> tuple[str, ...]:
        """The terms that need labels."""
        return tuple(term for term in self if term in SUPERVISED_TERMS)

    @property
    def unsupervised(self) -> tuple[str, ...]:
        """The terms that need none."""
        return tuple(term for term in self if term not in SUPERVISED_TERMS)

    def __getitem__(self, term: str) -> float:
        return self._weights[term]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    def __repr__(self) -> str:
        return f"Weights({self._weights})"
