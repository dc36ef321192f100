"""The objective: each term by hand, on its own rows and no others."""

import math
import re

import pytest
import torch
from torch import nn

from semimetric.losses import TripletLoss
from semimetric.model import KL, METRIC, RECONSTRUCTION, Batch, Model, Weights, sum_of_terms, weighted_total
from semimetric.networks import POSTERIORS, Decoder, Encoder, Gaussian
from semimetric.priors import KL_ESTIMATORS, ClassPrior, HypercubePrior, MixturePrior, UnitPrior, VampPrior

MINUS = torch.full((1,), -1)


def transparent(family="point", metric=None, prior=None):
    """A model whose networks change nothing: what goes in are the posterior's numbers, what comes out is z."""
    encoder = Encoder(nn.Identity(), POSTERIORS[family])
    return Model(encoder, Decoder(nn.Identity(), Gaussian()), prior or UnitPrior(2), metric or TripletLoss(1.0))


def batch_of(x, terms, y=None, target=None, weights=None):
    y = MINUS.expand(len(x)) if y is None else torch.tensor(y)
    return Batch(x, x if target is None else target, y, torch.arange(len(x)), terms, weights)


@pytest.mark.parametrize(("reduction", "expected"), [("mean", (0 + 4 + 9 + 16) / 4), ("sum", (0 + 4 + 9 + 16) / 2)])
def test_reconstruction_by_hand(reduction, expected):
    x, target = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    batch = batch_of(x, {RECONSTRUCTION: slice(None)}, target=target)
    assert {k: v.item() for k, v in sum_of_terms(reduction)(transparent(), batch).items()} == {RECONSTRUCTION: expected}


@pytest.mark.parametrize(("reduction", "elements"), [("mean", 1), ("sum", 3 * 5 * 7)])
def test_images_are_summed_or_averaged_over_channels_and_pixels(reduction, elements):
    """Every element is off by 2, so the mean of squares is 4."""
    model = Model(Encoder(nn.Flatten(), POSTERIORS["point"]), Decoder(nn.Unflatten(1, (3, 5, 7)), Gaussian()))
    x = torch.zeros(4, 3, 5, 7)
    terms = sum_of_terms(reduction)(model, batch_of(x, {RECONSTRUCTION: slice(None)}, target=x + 2))
    assert terms[RECONSTRUCTION].item() == pytest.approx(4 * elements)


def test_kl_is_summed_over_dimensions_and_averaged_over_rows():
    """½(1 + 1) = 1, then ½(4 − 1 − log 4), then 0."""
    x = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, math.log(4), 0.0], [0.0, 0.0, 0.0, 0.0]])
    terms = sum_of_terms()(transparent("gaussian"), batch_of(x, {KL: slice(None)}))
    assert terms[KL].item() == pytest.approx((1 + 1.5 - math.log(2) + 0) / 3)


def test_metric_by_hand():
    """The triplet loss's own example, in rows 1 to 3; row 0 is labelled too, and not asked for."""
    x = torch.tensor([[9.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.5, 0.0]])
    terms = sum_of_terms()(transparent(), batch_of(x, {METRIC: slice(1, 4)}, y=[1, 0, 0, 1]))
    assert terms[METRIC].item() == 1.0


def test_weights_of_rows_reach_the_metric_loss():
    x = torch.tensor([[9.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.5, 0.0], [0.5, 0.0]])
    weights = torch.tensor([7.0, 1.0, 1.0, 1.0, 3.0])
    terms = sum_of_terms()(transparent(), batch_of(x, {METRIC: slice(1, 5)}, y=[1, 0, 0, 1, 2], weights=weights))
    assert terms[METRIC].item() == (0.5 + 1.5 + 3 * 1.5 + 3 * 1.5) / 8


ROWS = {RECONSTRUCTION: slice(0, 4), KL: slice(2, 6), METRIC: slice(6, 12)}
Y = [0, 1, 0, -1, 1, 0, 0, 0, 1, 1, 2, 2]


def all_terms(x, target, y=Y, rows=ROWS):
    torch.manual_seed(0)  # the same noise for the same rows
    return sum_of_terms("sum")(transparent("gaussian"), batch_of(x, rows, y=y, target=target))


@pytest.mark.parametrize("term", ROWS)
def test_a_term_is_computed_on_its_rows_alone(term):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(12, 4, generator=generator).requires_grad_()
    target = torch.randn(12, 2, generator=generator).requires_grad_()
    own = torch.zeros(12, dtype=torch.bool)
    own[ROWS[term]] = True

    value = all_terms(x, target)[term]
    gradient, _ = torch.autograd.grad(value, (x, target), allow_unused=True)
    assert (gradient[~own] == 0).all()
    assert (gradient[own] != 0).any(dim=1).all()

    other_x, other_target, other_y = x.detach().clone(), target.detach().clone(), torch.tensor(Y)
    other_x[~own], other_target[~own], other_y[~own] = 5.0, -5.0, 2
    assert all_terms(other_x, other_target, other_y.tolist())[term] == value
    assert all_terms(x, target, rows={term: ROWS[term]}) == {term: value}


def test_reconstruction_and_metric_share_one_sample():
    """The decoder's mistake is the noise itself when the target is the mean."""
    x = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])

    class Spread(TripletLoss):
        def forward(self, z, y, weights=None):
            return z.square().sum(1).mean()

    batch = batch_of(x, {RECONSTRUCTION: slice(None), METRIC: slice(None)}, target=x[:, :2])
    torch.manual_seed(0)
    terms = sum_of_terms("sum")(transparent("gaussian", Spread()), batch)
    assert terms[METRIC] == terms[RECONSTRUCTION] > 0


def test_weighted_total_and_its_gradient():
    terms = {METRIC: torch.tensor(2.0, requires_grad=True), KL: torch.tensor(5.0, requires_grad=True)}
    total = weighted_total(terms, Weights({METRIC: 0.25, RECONSTRUCTION: 9.0, KL: 3.0}))
    assert total.item() == 0.25 * 2 + 3 * 5
    total.backward()
    assert (terms[METRIC].grad.item(), terms[KL].grad.item()) == (0.25, 3.0)


def test_an_unknown_term_is_refused():
    with pytest.raises(ValueError, match=r"no term 'sparsity'; it has metric, reconstruction, kl and contrast"):
        sum_of_terms()(transparent(), batch_of(torch.zeros(2, 2), {"sparsity": slice(None)}))


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reconstruction_reduction must be 'mean' or 'sum', got 'max'"):
        sum_of_terms("max")


def test_the_embedding_is_the_posterior_mean():
    x = torch.tensor([[1.0, 2.0, 3.0, 3.0]])
    assert transparent("gaussian").embed(x).tolist() == [[1, 2]]
    assert transparent("point").embed(x).tolist() == [[1, 2, 3, 3]]


# Where the metric loss looks --------------------------------------------------------------------------


class FirstRow(TripletLoss):
    """A loss that tells what it was given."""

    def forward(self, z, y, weights=None):
        return z[0, 0]


def test_the_metric_loss_sees_the_sample_or_the_mean():
    """The triplet loss's own example at the means, 0, 1 and 1.5: its loss there is 1, whatever the noise."""
    x = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.5, 0.0, 0.0, 0.0]]).requires_grad_()
    batch = batch_of(x, {METRIC: slice(None)}, y=[0, 0, 1])
    for seed in range(3):
        torch.manual_seed(seed)
        on_mean = sum_of_terms(metric_on="mean")(transparent("gaussian"), batch)[METRIC]
        assert on_mean.item() == 1.0
        torch.manual_seed(seed)
        on_sample = sum_of_terms(metric_on="sample")(transparent("gaussian"), batch)[METRIC]
        torch.manual_seed(seed)
        z = transparent("gaussian").encoder(x).rsample()
        assert on_sample.item() == TripletLoss(1.0)(z, batch.y).item() != 1.0
    (slope,) = torch.autograd.grad(on_mean, x)
    assert (slope[:, 2:] == 0).all()  # the variances have no part in it
    assert (slope[:, 0] != 0).any()


def test_on_the_mean_the_decoder_still_sees_a_sample():
    x = torch.zeros(1, 4)
    batch = batch_of(x, {METRIC: slice(None), RECONSTRUCTION: slice(None)}, target=x[:, :2])
    torch.manual_seed(0)
    terms = sum_of_terms("sum", metric_on="mean")(transparent("gaussian", FirstRow()), batch)
    assert terms[METRIC].item() == 0
    assert terms[RECONSTRUCTION].item() > 0
    torch.manual_seed(0)
    noise = torch.randn(1, 2)
    assert terms[RECONSTRUCTION].item() == pytest.approx(noise.square().sum().item())


# How the KL is estimated ------------------------------------------------------------------------------

GAUSSIANS = torch.tensor([[1.0, -1.0, 0.3, -0.7], [0.2, 2.0, -1.0, 0.5], [-2.0, 0.0, 0.0, 1.0]])


def kl_of(prior, **options):
    torch.manual_seed(5)
    batch = batch_of(GAUSSIANS, {KL: slice(None)})
    return sum_of_terms(**options)(transparent("gaussian", prior=prior), batch)[KL].item()


def drawn(samples=None):
    """The posterior, and the sample or samples that the objective draws after the same seed."""
    torch.manual_seed(5)
    posterior = transparent("gaussian").encoder(GAUSSIANS)
    z = posterior.rsample()
    return posterior, z if samples is None else posterior.rsample(torch.Size([samples]))


@pytest.mark.parametrize("name", KL_ESTIMATORS)
def test_the_chosen_estimator_is_used_on_the_shared_sample(name):
    posterior, z = drawn()
    expected = KL_ESTIMATORS[name](UnitPrior(2), posterior, z, MINUS.expand(3)).mean().item()
    assert kl_of(UnitPrior(2), kl_estimator=name) == pytest.approx(expected)


def test_the_estimators_differ_as_they_should():
    exact = kl_of(UnitPrior(2))
    by_hand = 0.5 * (GAUSSIANS[:, :2].square() + GAUSSIANS[:, 2:].exp() - 1 - GAUSSIANS[:, 2:]).sum(1).mean().item()
    assert exact == pytest.approx(by_hand)
    assert kl_of(UnitPrior(2), kl_estimator="closed-form") == exact
    assert kl_of(UnitPrior(2), kl_estimator="quadrature") == pytest.approx(exact, rel=1e-5)
    assert kl_of(UnitPrior(2), kl_estimator="monte-carlo") != pytest.approx(exact, rel=1e-3)
    assert kl_of(UnitPrior(2), kl_estimator="as-printed") == -kl_of(UnitPrior(2), kl_estimator="sign-mended")
    assert kl_of(HypercubePrior(2)) == kl_of(HypercubePrior(2), kl_estimator="monte-carlo")
    with pytest.raises(ValueError, match="the KL to a HypercubePrior has no closed form"):
        kl_of(HypercubePrior(2), kl_estimator="closed-form")


@pytest.mark.parametrize("samples", [1, 2, 64])
def test_a_monte_carlo_estimate_averages_over_its_samples(samples):
    """One sample is the one that the decoder sees; more are drawn beside it."""
    prior = MixturePrior(torch.tensor([[-1.0, 0.0], [1.0, 2.0]]))
    posterior, z = drawn(None if samples == 1 else samples)
    expected = (posterior.log_prob(z) - prior.log_prob(z)).mean().item()
    assert kl_of(prior, kl_samples=samples) == pytest.approx(expected, rel=1e-5)


def test_more_samples_come_nearer_to_the_truth():
    exact = kl_of(UnitPrior(2))
    errors = [abs(kl_of(UnitPrior(2), kl_estimator="monte-carlo", kl_samples=n) - exact) for n in (1, 20_000)]
    assert errors[1] < 0.02 < errors[0]


def test_free_bits_cost_nothing_and_draw_to_nothing():
    """½(1 + 1) = 1 and ½(4 − 1 − log 4) ≈ 0.807: the batch's mean is 0.903."""
    x = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, math.log(4), 0.0]])

    def value_and_gradient(free_bits):
        leaf = x.clone().requires_grad_()
        kl = sum_of_terms(free_bits=free_bits)(transparent("gaussian"), batch_of(leaf, {KL: slice(None)}))[KL]
        return kl.item(), torch.autograd.grad(kl, leaf)[0]

    mean = (1 + 1.5 - math.log(2)) / 2
    value, slope = value_and_gradient(0.0)
    assert value == pytest.approx(mean)
    torch.testing.assert_close(slope, torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.75, 0.0]]))
    above = value_and_gradient(0.85)  # of the mean, not of every row: the second row's alone is less
    assert above[0] == value
    assert above[1].equal(slope)
    below = value_and_gradient(0.95)
    assert below[0] == pytest.approx(0.95)
    assert (below[1] == 0).all()


# Priors that know labels, and priors that know the encoder --------------------------------------------


def class_prior():
    prior = ClassPrior(2, 2)
    prior.means.data.copy_(torch.tensor([[-3.0, 0.0], [3.0, 0.0]]))
    return prior


LABELLED_ROWS = torch.tensor([[0.0] * 4, [0.0] * 4, [-3.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0]])


def test_under_a_prior_that_knows_labels_the_labelled_rows_cost_a_kl_too():
    """Of rows 2 and 3, to their own components: ½·2² = 2 and 0, on average 1; rows 0 and 1 are the unlabelled ones."""

    def kl(prior, terms, y=(-1, -1, 0, 1)):
        torch.manual_seed(0)
        return sum_of_terms()(transparent("gaussian", prior=prior), batch_of(LABELLED_ROWS, terms, y=list(y)))[KL]

    unlabelled, labelled = {KL: slice(0, 2)}, {METRIC: slice(2, 4)}
    alone, both = kl(class_prior(), unlabelled).item(), kl(class_prior(), {**unlabelled, **labelled}).item()
    assert both == pytest.approx(alone + 1.0, rel=1e-5)
    assert kl(class_prior(), {**unlabelled, **labelled}, y=(-1, -1, 1, 1)).item() == pytest.approx(
        alone + ((6**2 + 2**2) / 2 + 0) / 2, rel=1e-5
    )
    assert kl(UnitPrior(2), {**unlabelled, **labelled}) == kl(UnitPrior(2), unlabelled)


def test_rows_that_both_terms_are_of_are_counted_once():
    """As in a supervised step of an alternating routine."""
    labelled = slice(2, 4)
    batch = batch_of(LABELLED_ROWS, {METRIC: labelled, KL: labelled}, y=[-1, -1, 0, 1])
    assert sum_of_terms()(transparent("gaussian", prior=class_prior()), batch)[KL].item() == pytest.approx(1.0)


def test_a_model_shows_its_encoder_to_its_prior():
    prior = VampPrior(3, (4,))
    model = transparent("gaussian", prior=prior)
    with torch.no_grad():
        mixture = model.prior.distribution()
    torch.testing.assert_close(mixture.component_distribution.mean, prior.pseudo_inputs.detach()[:, :2])
    encoder = Encoder(nn.Linear(4, 4), POSTERIORS["gaussian"])
    model = Model(encoder, prior=prior)
    torch.testing.assert_close(prior.distribution().component_distribution.mean, encoder(prior.pseudo_inputs).mean)
    assert set(model.state_dict()) == {"encoder.network.weight", "encoder.network.bias", "prior.pseudo_inputs"}
    assert len(list(model.parameters())) == 3


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"metric_on": "means"}, "metric_on must be 'sample' or 'mean', got 'means'"),
        ({"kl_estimator": "montecarlo"}, "unknown kl_estimator 'montecarlo': did you mean 'monte-carlo'? Known: as-"),
        ({"kl_samples": 0}, "kl_samples must be at least 1, got 0"),
        ({"free_bits": -0.5}, "free_bits must be at least 0, got -0.5"),
        ({"free_bits": math.nan}, "free_bits must be at least 0, got nan"),
    ],
)
def test_an_option_that_cannot_be_right_is_refused(option, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        sum_of_terms(**option)
