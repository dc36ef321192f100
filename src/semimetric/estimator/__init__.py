"""The scikit-learn door: `MetricEmbedder`."""

from semimetric.estimator.embedder import MetricEmbedder

__all__ = ["MetricEmbedder"]
