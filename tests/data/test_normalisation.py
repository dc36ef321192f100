"""Normalisation: what range or moments it gives, and that it can be undone."""

import numpy as np
import pytest
import torch

from semimetric.data.arrays import check_inputs
from semimetric.data.normalisation import KINDS, Normaliser


def fitted(X, kind="auto"):
    """The normaliser, and what it makes of the rows that it was fitted on."""
    rows, form = check_inputs(X)
    normaliser = Normaliser(form.shape).fit(rows, form, kind)
    return normaliser, torch.from_numpy(rows), normaliser(torch.from_numpy(rows))


def draws(*shape, low=0.0, high=1.0):
    return np.random.default_rng(0).uniform(low, high, shape)


PIXELS = np.random.default_rng(0).integers(10, 250, (40, 8, 9), np.uint8)
DATA = {
    "vectors": draws(40, 5, low=-3, high=100),
    "floating-point images": draws(40, 8, 9, 3, low=-3, high=100),
    "uint8 images": PIXELS,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", DATA)
def test_the_inverse_undoes_it(data, kind):
    normaliser, rows, x = fitted(DATA[data], kind)
    assert x.dtype == torch.float32
    torch.testing.assert_close(normaliser.inverse(x), rows.float(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", ["unit", "auto"])
def test_uint8_is_divided_by_255(kind):
    normaliser, rows, x = fitted(PIXELS, kind)
    assert rows.dtype == torch.uint8
    torch.testing.assert_close(x, rows / 255, rtol=0, atol=0)
    assert normaliser(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).flatten().tolist() == [0, 1]


@pytest.mark.parametrize("shape", [(40, 8, 9), (40, 8, 9, 3), (40, 5)])
def test_unit_is_the_range_from_zero_to_one(shape):
    _, rows, x = fitted(draws(*shape, low=-3, high=100), "unit")
    assert (x.min().item(), x.max().item()) == (0, 1)
    expected = (rows.double() - rows.min()) / (rows.max().double() - rows.min())
    torch.testing.assert_close(x.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.2, 0.7), (0.5, 0.5)])
def test_what_lies_between_zero_and_one_stays_as_it_is(low, high):
    _, rows, x = fitted(draws(40, 8, 9, low=low, high=high), "unit")
    assert x.equal(rows)


def test_standard_is_mean_zero_and_variance_one_of_each_feature():
    X = draws(500, 4) * [1, 1e-3, 1e5, 1] + [0, 7, -1e5, 1e3]
    _, _, x = fitted(X, "auto")
    torch.testing.assert_close(x.mean(0), torch.zeros(4), rtol=0, atol=1e-3)
    torch.testing.assert_close(x.std(0, correction=0), torch.ones(4), rtol=1e-3, atol=0)


@pytest.mark.parametrize("X", [PIXELS, draws(40, 8, 9, 3, low=-3, high=100)], ids=["uint8", "colour"])
def test_standard_images_share_one_mean_and_one_variance(X):
    normaliser, _, x = fitted(X, "standard")
    assert normaliser.shift.numel() == normaliser.scale.numel() == 1
    assert x.mean().item() == pytest.approx(0, abs=1e-5)
    assert x.std(correction=0).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.3, 1e6 / 3])
def test_a_feature_that_never_varies_becomes_zero(constant):
    X = draws(1000, 2)
    X[:, 1] = constant
    normaliser, _, x = fitted(X, "standard")
    torch.testing.assert_close(x[:, 1], torch.zeros(1000), rtol=0, atol=0)
    assert normaliser.scale[1] == 1


@pytest.mark.parametrize("constant", [1.0, 1e3 / 3, -1e6 / 3])
def test_a_feature_that_varies_by_rounding_alone_is_not_blown_up(constant):
    X = draws(1000, 2).astype(np.float32)
    X[:, 1] = constant
    X[::2, 1] = np.nextafter(np.float32(constant), np.float32(np.inf))
    _, _, x = fitted(X, "standard")
    assert x[:, 1].abs().max() <= 2e-7 * abs(constant)


@pytest.mark.parametrize("kind", ["unit", "standard"])
@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_images_that_never_vary_stay_finite(kind, constant):
    _, _, x = fitted(np.full((4, 8, 8), constant), kind)
    assert x.unique().tolist() == [0]


def test_none_changes_nothing():
    _, rows, x = fitted(draws(40, 5, low=-3, high=100), "none")
    assert x.equal(rows)


def test_float64_rows_stay_float64():
    normaliser, rows, x = fitted(DATA["vectors"])
    precise = normaliser(rows.double())
    assert precise.dtype == torch.float64
    torch.testing.assert_close(precise.float(), x)


@pytest.mark.parametrize("data", DATA)
def test_what_was_fitted_is_saved_with_the_model(data):
    normaliser, rows, x = fitted(DATA[data])
    fresh = Normaliser(check_inputs(DATA[data])[1].shape)
    fresh.load_state_dict(normaliser.state_dict())
    assert fresh(rows).equal(x)
