"""Mixtures: where they start, what is learned, and the fit to embeddings."""

import warnings

import numpy as np
import pytest
import torch

from semimetric.priors import FittedPrior, MixturePrior, UnitPrior, simplex
from semimetric.priors import mixture as room

MEANS = np.array([[-6.0, 0.0, 2.0], [0.0, 5.0, 0.0], [6.0, 0.0, -2.0]])
VARIANCES = np.array([[0.25, 1.0, 0.5], [1.0, 0.25, 1.0], [2.0, 1.0, 0.1]])
WEIGHTS = np.array([0.2, 0.3, 0.5])


def embeddings(n=6000, seed=0):
    rng = np.random.default_rng(seed)
    of = rng.choice(3, n, p=WEIGHTS)
    return MEANS[of] + np.sqrt(VARIANCES[of]) * rng.standard_normal((n, 3))


def parameters(prior):
    """Weights, means and variances, in the order of the components."""
    weights = prior.logits.detach().double().softmax(0).numpy()
    return weights, prior.means.detach().double().numpy(), prior.log_variances.detach().double().exp().numpy()


@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 3), (2, 1), (3, 5), (6, 5), (11, 10), (65, 64)])
@pytest.mark.parametrize("separation", [1.0, 4.0])
def test_simplex_is_equidistant_and_centred(n, d, separation):
    points = simplex(n, d, separation)
    assert points.shape == (n, d)
    torch.testing.assert_close(points.mean(0), torch.zeros(d), rtol=0, atol=1e-5)
    distances = torch.pdist(points)
    torch.testing.assert_close(distances, torch.full_like(distances, separation), rtol=1e-5, atol=0)


def test_the_default_separation_is_four():
    assert torch.pdist(simplex(2, 3)).item() == pytest.approx(4, rel=1e-6)


def test_a_simplex_has_at_most_one_corner_more_than_dimensions():
    with pytest.raises(ValueError, match="5 points at equal distances need at least 4 dimensions, got 3"):
        simplex(5, 3)


def test_more_components_than_a_simplex_holds_start_apart():
    means = room.scattered(200, 3)
    assert means.shape == (200, 3)
    assert torch.pdist(means).min() > 0
    assert means.mean(0).abs().max() < 4 / 200**0.5
    assert room.scattered(4, 3).equal(simplex(4, 3))


@pytest.mark.parametrize("learned", [True, False])
def test_only_a_learned_one_has_parameters(learned):
    prior = MixturePrior(torch.randn(3, 2), learned=learned)
    names = ["means", "log_variances", "logits"]
    assert [name for name, _ in prior.named_parameters()] == (names if learned else [])
    assert list(prior.state_dict()) == names
    z = torch.randn(4, 2, requires_grad=True)
    prior.log_prob(z).sum().backward()
    assert all((parameter.grad != 0).all() for parameter in prior.parameters())


def test_it_owns_what_it_is_given():
    means, spread, logits = torch.zeros(3, 2), torch.zeros(3, 2), torch.zeros(3)
    prior = MixturePrior(means, spread, logits)
    for given in (means, spread, logits):
        given += torch.arange(1.0, 4.0).reshape(-1, *[1] * (given.ndim - 1))
    assert all((value == 0).all() for value in prior.state_dict().values())


def test_one_standard_component_is_the_unit_prior(posterior):
    prior, z = MixturePrior(torch.zeros(1, 3)).double(), posterior.rsample()
    torch.testing.assert_close(prior.log_prob(z), UnitPrior(3).double().log_prob(z), rtol=1e-12, atol=1e-12)


def test_what_cannot_matter_does_not(posterior):
    """The order of components, a constant in the logits, one component given as two halves, a weightless one."""
    means, spread, logits = torch.randn(3, 3), torch.randn(3, 3), torch.randn(3)
    z = posterior.sample()
    twice = torch.tensor([0, 1, 2, 2])
    stray = torch.randn(1, 3)
    expected = MixturePrior(means, spread, logits).double().log_prob(z)
    halves = logits[twice] - torch.tensor([0, 0, 1, 1]) * np.log(2)
    same = [
        MixturePrior(means.flip(0), spread.flip(0), logits.flip(0)),
        MixturePrior(means, spread, logits + 7),
        MixturePrior(means[twice], spread[twice], halves),
        MixturePrior(torch.cat([means, stray]), torch.cat([spread, stray]), torch.cat([logits, torch.tensor([-1e4])])),
    ]
    for other in same:
        torch.testing.assert_close(other.double().log_prob(z), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("learned", [True, False])
def test_fit_finds_the_mixture_that_made_the_embeddings(learned):
    """Within four standard errors; a thousandth of all variance is added to each component's."""
    prior, Z = MixturePrior(torch.zeros(3, 3), learned=learned).double(), embeddings()
    assert prior.fit(Z) is prior
    weights, means, variances = parameters(prior)
    order = means[:, 0].argsort()
    of_each = 6000 * WEIGHTS[:, None]
    widened = VARIANCES + 1e-3 * Z.var(0).mean()
    assert (np.abs(weights[order] - WEIGHTS) < 4 * np.sqrt(WEIGHTS * (1 - WEIGHTS) / 6000)).all()
    assert (np.abs(means[order] - MEANS) < 4 * np.sqrt(VARIANCES / of_each)).all()
    assert (np.abs(variances[order] - widened) < 4 * VARIANCES * np.sqrt(2 / of_each)).all()
    assert all(parameter.requires_grad for parameter in prior.parameters())


def test_fit_makes_the_embeddings_likelier_than_any_start():
    Z = torch.from_numpy(embeddings())
    prior = FittedPrior(3, 3).double()
    before = prior.log_prob(Z).mean()
    assert prior.wants_embeddings
    assert prior.fit(Z.numpy()).log_prob(Z).mean() > before + 1


def test_fit_of_one_component_is_mean_and_variance():
    Z = embeddings(500)
    weights, means, variances = parameters(MixturePrior(torch.zeros(1, 3)).double().fit(Z))
    np.testing.assert_allclose(weights, [1])
    np.testing.assert_allclose(means[0], Z.mean(0), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(variances[0], Z.var(0) + 1e-3 * Z.var(0).mean(), rtol=1e-10)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1e-4), (0.0, 1e6), (100.0, 1.0), (1e4, 1e-2)])
def test_fit_moves_and_stretches_with_the_embeddings(shift, scale):
    """Near-coinciding ones far from the origin are resolved as well."""
    base = parameters(MixturePrior(torch.zeros(3, 3)).double().fit(embeddings(1000)))
    moved = parameters(MixturePrior(torch.zeros(3, 3)).double().fit(shift + scale * embeddings(1000)))
    for found, expected in zip(moved, (base[0], shift + scale * base[1], scale**2 * base[2]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * scale)


def test_fit_is_a_function_of_the_embeddings(monkeypatch):
    """The rows that are drawn where there are many, too; and it leaves the global generator alone."""
    monkeypatch.setattr(room, "FIT_ROWS", 300)
    state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = (MixturePrior(torch.zeros(3, 3)).fit(embeddings()) for _ in range(2))
    for name, value in first.state_dict().items():
        assert value.equal(again.state_dict()[name])
    assert torch.get_rng_state().equal(state[0])
    assert (np.random.get_state()[1] == state[1]).all()  # noqa: NPY002


def test_fit_wants_as_many_embeddings_as_components():
    with pytest.raises(ValueError, match="a mixture of 3 components needs as many embeddings, got 2"):
        MixturePrior(torch.zeros(3, 2)).fit(np.zeros((2, 2)))


@pytest.mark.parametrize("point", [0.0, 0.1, 1 / 3, -1e-8, 1e6 / 3])
@pytest.mark.parametrize(("n", "k"), [(10, 1), (50, 3), (1001, 3)])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_coinciding_embeddings_give_a_usable_mixture(point, n, k):
    """A space that has collapsed: whatever the point is, and however its mean is rounded."""
    for rounding in (0.0, 1e-8):
        Z = point * (1 + rounding * np.random.default_rng(0).standard_normal((n, 2)))
        prior = MixturePrior(torch.zeros(k, 2)).fit(Z)
        weights, means, variances = parameters(prior)
        np.testing.assert_allclose(weights @ means, [point] * 2, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(variances, 1e-3, rtol=0.05)
        assert prior.log_prob(torch.randn(5, 2)).isfinite().all()


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_a_component_on_one_point_keeps_a_variance(k):
    Z = np.concatenate([np.full((50, 2), 0.1), np.full((50, 2), 10.1)])
    _, _, variances = parameters(MixturePrior(torch.zeros(k, 2)).double().fit(Z))
    assert variances.min() == pytest.approx(1e-3 * Z.var(0).mean(), rel=1e-6)


def test_fit_of_ordinary_embeddings_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MixturePrior(torch.zeros(3, 3)).fit(embeddings().astype(np.float32))


def test_other_priors_are_not_fitted():
    with pytest.raises(NotImplementedError, match="a UnitPrior is not fitted to embeddings"):
        UnitPrior(3).fit(embeddings(10))
