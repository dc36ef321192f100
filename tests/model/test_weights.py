"""α, β and γ against the step costs of the papers."""

import pytest
import torch

from semimetric.model import KL, METRIC, RECONSTRUCTION, Weights, weighted_total

TERMS = {METRIC: 2.0, RECONSTRUCTION: 3.0, KL: 5.0}
m, rec, kl = TERMS.values()


def cost(weights, *terms):
    return weighted_total({term: torch.tensor(TERMS[term]) for term in terms}, weights).item()


@pytest.mark.parametrize("alpha", [0.25, 0.33, 0.5, 0.66, 0.75])
@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
def test_alpha(alpha, beta):
    """Supervised: (1 − α)·m + α·U; otherwise α·U; with U = MSE + β·KL, or what of it the model has."""
    weights = Weights.from_alpha(alpha, beta)
    u = rec + beta * kl
    assert cost(weights, METRIC, RECONSTRUCTION, KL) == pytest.approx((1 - alpha) * m + alpha * u)
    assert cost(weights, RECONSTRUCTION, KL) == pytest.approx(alpha * u)
    assert cost(weights, METRIC, RECONSTRUCTION) == pytest.approx((1 - alpha) * m + alpha * rec)
    assert cost(Weights.from_alpha(alpha), METRIC, KL) == pytest.approx((1 - alpha) * m + alpha * kl)


@pytest.mark.parametrize("gamma", [2.0, 5.0, 10.0])
def test_gamma(gamma):
    """L = L_U + γ·L_S."""
    assert cost(Weights.from_gamma(gamma), METRIC, RECONSTRUCTION, KL) == pytest.approx(rec + kl + gamma * m)
    assert cost(Weights.from_gamma(gamma, beta=0.5), METRIC, RECONSTRUCTION, KL) == pytest.approx(
        rec + 0.5 * kl + gamma * m
    )


@pytest.mark.parametrize(
    ("weights", "left"),
    [
        (Weights.from_alpha(1.0), {RECONSTRUCTION: 1.0, KL: 1.0}),
        (Weights.from_alpha(0.0), {METRIC: 1.0}),
        (Weights.from_alpha(0.5, beta=0.0), {METRIC: 0.5, RECONSTRUCTION: 0.5}),
        (Weights.from_gamma(0.0), {RECONSTRUCTION: 1.0, KL: 1.0}),
        (Weights({METRIC: 0}), {}),
    ],
)
def test_a_weight_of_zero_is_left_out(weights, left):
    assert dict(weights) == left
    assert len(weights) == len(left)
    assert KL in left or KL not in weights


@pytest.mark.parametrize("weight", [-1.0, -1e-9, float("nan")])
def test_a_weight_below_zero_is_refused(weight):
    with pytest.raises(ValueError, match=f"the weight of 'kl' must be at least 0, got {weight!r}"):
        Weights({METRIC: 1.0, KL: weight})


@pytest.mark.parametrize(("alpha", "term"), [(1.5, "metric"), (-0.5, "reconstruction")])
def test_alpha_outside_its_range_is_refused(alpha, term):
    with pytest.raises(ValueError, match=f"the weight of '{term}' must be at least 0, got -0.5"):
        Weights.from_alpha(alpha)


def test_which_terms_need_labels():
    weights = Weights.from_gamma(5.0)
    assert weights.supervised == (METRIC,)
    assert set(weights.unsupervised) == {RECONSTRUCTION, KL}
    assert dict(weights.only(KL, METRIC)) == {METRIC: 5.0, KL: 1.0}
    assert weights.only(*weights.unsupervised).supervised == ()


def test_one_weight_scaled():
    weights = Weights({METRIC: 0.25, RECONSTRUCTION: 0.75, KL: 0.5})
    assert dict(weights.scaled(KL, 0.5)) == {METRIC: 0.25, RECONSTRUCTION: 0.75, KL: 0.25}
    assert dict(weights.scaled(METRIC, 4.0)) == {METRIC: 1.0, RECONSTRUCTION: 0.75, KL: 0.5}
    assert dict(weights) == {METRIC: 0.25, RECONSTRUCTION: 0.75, KL: 0.5}


def test_scaled_to_zero_a_term_is_still_computed():
    """A warm-up begins so; the batch must not change its shape in the second step."""
    nothing = Weights({METRIC: 0.25, KL: 0.5}).scaled(KL, 0.0)
    assert dict(nothing) == {METRIC: 0.25, KL: 0.0}
    assert nothing.unsupervised == (KL,)
    assert cost(nothing, METRIC, KL) == 0.25 * m


def test_a_term_without_a_weight_cannot_be_scaled():
    with pytest.raises(KeyError):
        Weights({METRIC: 1.0}).scaled(KL, 0.5)
