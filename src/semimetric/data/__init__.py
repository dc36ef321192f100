"""Data: named datasets, a user's own files, and labels hidden on purpose.

>>> from semimetric.data import hide_labels, load_dataset
>>> digits = load_dataset("digits")
>>> y = hide_labels(digits.y_train, count=60)
>>> int((y >= 0).sum())
60
"""

from semimetric.data.catalog import list_datasets, load_dataset
from semimetric.data.dataset import Dataset
from semimetric.data.labels import hide_labels

__all__ = ["Dataset", "hide_labels", "list_datasets", "load_dataset"]
