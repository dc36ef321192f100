"""What holds for every prior and estimator: several samples, precision, saving, and building by name."""

import pytest
import torch

from semimetric.networks import POSTERIORS
from semimetric.priors import (
    KL_ESTIMATORS,
    PRIORS,
    ClassPrior,
    FittedPrior,
    HypercubePrior,
    MixturePrior,
    PriorSetting,
    UnitPrior,
    VampPrior,
    get_prior,
)

Y = torch.tensor([0, 3, -1, 1, -1, 2, 0])
SAMPLES = 5


KINDS = ("unit", "hypercube", "mixture", "learned", "classes", "vamp")
APPLICABLE = {"closed-form": ("unit",), "quadrature": ("unit", "hypercube")}
PAIRS = [(kind, estimator) for estimator in KL_ESTIMATORS for kind in APPLICABLE.get(estimator, KINDS)]
each_kind = pytest.mark.parametrize("kind", KINDS)
each_pair = pytest.mark.parametrize(("kind", "estimator"), PAIRS)


def built(name, **setting):
    prior = get_prior(name, PriorSetting(latent_dim=3, shape=(6,), **setting))
    prior.attach(lambda u: POSTERIORS["gaussian"].read(u))
    return prior


@pytest.mark.parametrize("y", [None, Y], ids=["unlabelled", "labelled"])
@each_pair
def test_several_samples_give_the_mean_of_their_estimates(make_prior, posterior, kind, estimator, y):
    prior, z, estimate = make_prior(kind), posterior.rsample((SAMPLES,)), KL_ESTIMATORS[estimator]
    assert z.shape == (SAMPLES, 7, 3)
    torch.manual_seed(2)
    together = estimate(prior, posterior, z, y)
    torch.manual_seed(2)
    one_by_one = torch.stack([estimate(prior, posterior, one, y) for one in z])
    assert together.shape == (7,)
    torch.testing.assert_close(together, one_by_one.mean(0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [(kind, name) for kind, name in PAIRS if kind == "unit" or name not in ("as-printed", "sign-mended")],
)
def test_rows_do_not_see_each_other(make_prior, posterior, kind, estimator, gaussian):
    """Shuffled rows give shuffled values, one row alone its own value; the faulty two draw components, but one."""
    prior, z, estimate, order = make_prior(kind), posterior.sample(), KL_ESTIMATORS[estimator], torch.randperm(7)
    whole = estimate(prior, posterior, z, Y)
    mean, log_variance = posterior.mean, posterior.variance.log()
    torch.testing.assert_close(
        estimate(prior, gaussian(mean[order], log_variance[order]), z[order], Y[order]), whole[order]
    )
    torch.testing.assert_close(estimate(prior, gaussian(mean[:1], log_variance[:1]), z[:1], Y[:1]), whole[:1])


@each_pair
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_kept(make_prior, kind, estimator, dtype, gaussian):
    prior = make_prior(kind, dtype=dtype)
    mean, log_variance = torch.randn(2, 7, 3, dtype=dtype)
    q = gaussian(mean, log_variance)
    assert prior.sample(2).dtype == dtype
    assert prior.log_prob(mean).dtype == dtype
    assert prior.log_prob(mean, Y).dtype == dtype
    assert all(value.dtype == dtype for value in prior.state_dict().values())
    assert KL_ESTIMATORS[estimator](prior, q, q.rsample(), Y).dtype == dtype


def test_float32_agrees_with_float64(prior):
    z = torch.randn(20, 3, dtype=torch.float64)
    expected = prior.log_prob(z)
    for encoder in getattr(prior, "_encoder", ()):
        encoder.float()
    torch.testing.assert_close(prior.float().log_prob(z.float()).double(), expected, rtol=1e-4, atol=1e-4)


@each_kind
def test_state_dict_round_trip(make_prior, kind):
    """Into a prior that was built otherwise: everything that makes the density is in the state."""
    prior, other, z = make_prior(kind), make_prior(kind), torch.randn(9, 3, dtype=torch.float64)
    if kind == "hypercube":
        other = HypercubePrior(3, -2.0).double()
    for encoder in getattr(prior, "_encoder", ()):
        other.attach(encoder)
    assert kind == "unit" or not torch.allclose(other.log_prob(z), prior.log_prob(z))
    other.load_state_dict(prior.state_dict())
    assert other.log_prob(z).equal(prior.log_prob(z))


@pytest.mark.parametrize("n_classes", [0, 4])
@pytest.mark.parametrize("name", PRIORS)
def test_every_name_builds_a_prior_that_works(name, n_classes):
    """Without any class too: training must not need labels."""
    prior = built(name, n_classes=n_classes)
    q = POSTERIORS["gaussian"].read(torch.randn(7, 6))
    y = Y if n_classes else torch.full((7,), -1)
    assert prior.sample(4).shape == (4, 3)
    for labels in (None, y):
        kl = KL_ESTIMATORS["auto"](prior, q, q.rsample(), labels)
        assert kl.shape == (7,)
        assert kl.isfinite().all()


def test_names_and_their_defaults():
    assert type(built("unit")) is UnitPrior
    assert built("hypercube").log_variance == 1  # the paper's
    simplex, mixture, fitted, classes = (
        built(name, n_classes=4) for name in ("simplex", "mixture", "fitted", "classes")
    )
    assert type(simplex) is type(mixture) is MixturePrior
    assert (type(fitted), type(classes), type(built("vamp"))) == (FittedPrior, ClassPrior, VampPrior)
    assert [len(prior.means) for prior in (simplex, mixture, fitted, classes)] == [4, 10, 4, 4]
    assert len(built("fitted").means) == 10
    assert all((prior.log_variances == 0).all() for prior in (simplex, mixture, fitted, classes))
    assert built("vamp").pseudo_inputs.shape == (100, 6)
    learned = {name for name in PRIORS if list(built(name).parameters())}
    assert learned == {"mixture", "classes", "vamp"}


@pytest.mark.parametrize("log_variance", [0.0, -2.0, 1.5])
def test_a_given_log_variance_is_taken(log_variance):
    """Zero too, which is no "not given"."""
    assert built("hypercube", log_variance=log_variance).log_variance == log_variance
    for name in ("simplex", "mixture", "classes"):
        assert (built(name, log_variance=log_variance).log_variances == log_variance).all()


def test_a_given_number_of_components_is_taken():
    for name in ("simplex", "mixture", "fitted"):
        assert len(built(name, n_components=2, n_classes=4).means) == 2
    assert len(built("vamp", n_components=2).pseudo_inputs) == 2


@pytest.mark.parametrize(("wrong", "nearest"), [("hypercub", "hypercube"), ("Unit", "unit"), ("vampprior", "vamp")])
def test_an_unknown_name_gets_the_nearest(wrong, nearest):
    with pytest.raises(ValueError, match=f"unknown prior '{wrong}': did you mean '{nearest}'"):
        get_prior(wrong, PriorSetting(latent_dim=2))


@pytest.mark.parametrize("name", PRIORS)
def test_components_to_be_drawn_are_plain_numbers_that_add_up(name):
    prior = built(name, n_classes=3)
    means, scales, weights = (tensor.numpy() for tensor in prior.gaussians(1_024))
    assert means.shape == scales.shape == (len(weights), 3)
    assert weights.sum() == pytest.approx(1)
    assert (scales > 0).all()
