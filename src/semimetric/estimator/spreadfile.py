"""What was spread over the training rows, as tensors of a model's file; what cannot be is refused as `ValueError`."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from semimetric.estimator.spread import SpreadLabels
from semimetric.training import KINDS, Descriptor, InputClassifier

SPREAD, CLASSIFIER = "spread.", "spread.classifier."
OF_THE_DESCRIPTOR = ("ranges", "mean", "axes")
OF_THE_CLASSIFIER = ("centre", "coefficients", "intercepts")


def spread_tensors(spread: SpreadLabels) -> dict[str, Tensor]:
    """Return all parts under their names; parts that are None have none."""
    parts = {SPREAD + name: part for name, part in vars(spread).items() if name != "classifier"}
    if spread.classifier is not None:
        descriptor = spread.classifier.descriptor
        parts |= {CLASSIFIER + name: getattr(descriptor, name) for name in OF_THE_DESCRIPTOR}
        parts |= {CLASSIFIER + name: getattr(spread.classifier, name) for name in (*OF_THE_CLASSIFIER, "landmarks")}
        parts |= {f"{CLASSIFIER}kind": KINDS.index(descriptor.kind), f"{CLASSIFIER}size": spread.classifier.size}
    return {name: torch.from_numpy(np.asarray(part)) for name, part in parts.items() if part is not None}


def spread_labels(
    weights: dict[str, Tensor], latent_dim: int, n_classes: int, shape: tuple[int, ...]
) -> SpreadLabels | None:
    """Return the labels that were spread over the training rows, taken out of ``weights``, if there are any."""
    if not any(name.startswith(SPREAD) for name in weights):
        return None
    classifier = _classifier(weights, n_classes, shape)
    names = ("embeddings", "distributions", "clusters", "share")
    embeddings, distributions, clusters, share = (weights.pop(SPREAD + name).numpy() for name in names)
    n = clusters.size
    parts = (embeddings, distributions, clusters, share)
    expected = [((n, latent_dim), "float32"), ((n, n_classes), "float32"), ((n,), "int64"), ((), "float64")]
    if not n or [(part.shape, part.dtype.name) for part in parts] != expected:
        raise ValueError("the labels spread over the training rows do not fit their embeddings")
    if not 0 <= share < 1 or (share > 0) != (classifier is not None):
        raise ValueError(f"a classifier of the inputs cannot have had a share of {share} in the labels")
    if not -1 <= clusters.min() <= clusters.max() < n:
        raise ValueError("a training row is in a cluster whose number cannot be")
    return SpreadLabels(embeddings, distributions, clusters, float(share), classifier)


def _classifier(weights: dict[str, Tensor], n_classes: int, shape: tuple[int, ...]) -> InputClassifier | None:
    """Return the classifier of inputs of this shape, taken out of ``weights``, if there is one."""
    found = {
        name.removeprefix(CLASSIFIER): weights.pop(name).numpy() for name in [*weights] if name.startswith(CLASSIFIER)
    }
    if not found:
        return None
    kind, size = found.pop("kind"), found.pop("size")
    if kind.shape or kind.dtype != np.int64 or not 0 <= kind < len(KINDS):
        raise ValueError(f"a classifier of the inputs does not look at {kind}")
    descriptor = Descriptor(KINDS[kind], *(found.pop(name, None) for name in OF_THE_DESCRIPTOR))
    n_features = descriptor.features(torch.empty((1, *shape), device="meta")).shape[1]
    n_described = n_features if descriptor.axes is None else len(descriptor.axes)
    centre, coefficients, intercepts = (found.pop(name) for name in OF_THE_CLASSIFIER)
    landmarks = found.pop("landmarks", None)
    n_terms = n_described if landmarks is None else len(landmarks)
    wanted = [
        (size, (), "float64"),
        (centre, (n_described,), "float64"),
        (coefficients, (n_classes, n_terms), "float64"),
        (intercepts, (n_classes,), "float64"),
    ]
    if landmarks is not None:
        wanted.append((landmarks, (n_terms, n_described), "float64"))
    if descriptor.ranges is not None:
        wanted.append((descriptor.ranges, (n_features,), "float32"))
    if descriptor.mean is not None and descriptor.axes is not None:
        wanted += [(descriptor.mean, (n_features,), "float32"), (descriptor.axes, (n_described, n_features), "float32")]
        descriptor = replace(descriptor, axes=np.asfortranarray(descriptor.axes))
    fits = all(
        (each.shape, each.dtype.name) == (size_of, dtype) and np.isfinite(each).all() for each, size_of, dtype in wanted
    )
    whole = (descriptor.mean is None) == (descriptor.axes is None) and not found
    if not (fits and whole and size > 0 and (descriptor.ranges is None or descriptor.ranges.min() > 0)):
        raise ValueError("the classifier of the inputs does not fit the model, or itself")
    return InputClassifier(descriptor, centre, float(size), coefficients, intercepts, landmarks)
