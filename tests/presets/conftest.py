"""A few digits, some of them labelled, and quick fits of them."""

import warnings

import pytest

from semimetric import MetricEmbedder
from semimetric.data import hide_labels


@pytest.fixture(scope="session")
def few(digits):
    """160 digits, 60 of them labelled."""
    return digits.X_train[:160], hide_labels(digits.y_train[:160], count=60, seed=0)


@pytest.fixture(scope="session")
def fit(few):
    """Preset and parameters of `MetricEmbedder` → one fitted to the few digits; one epoch unless told otherwise."""

    def fitted(preset, **parameters):
        embedder = MetricEmbedder(preset, **{"latent_dim": 3, "epochs": 1, "random_state": 0} | parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return embedder.fit(*few)

    return fitted
