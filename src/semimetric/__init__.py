"""Learn a metric space from a few labels and everything you have not labelled.

>>> from semimetric import MetricEmbedder
>>> from semimetric.data import load_dataset, hide_labels

``import semimetric`` is cheap: PyTorch and scikit-learn are loaded when `MetricEmbedder` is first used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"
__all__ = ["MetricEmbedder", "__version__"]

if TYPE_CHECKING:
    from semimetric.estimator import MetricEmbedder


def __getattr__(name: str) -> Any:
    if name == "MetricEmbedder":
        from semimetric.estimator import MetricEmbedder

        return MetricEmbedder
    raise AttributeError(f"module 'semimetric' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
