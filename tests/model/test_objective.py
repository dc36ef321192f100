"""The objective: each term by hand, on its own rows and no others."""

import math

import pytest
import torch
from torch import nn

from semimetric.losses import TripletLoss
from semimetric.model import KL, METRIC, RECONSTRUCTION, Batch, Model, Weights, sum_of_terms, weighted_total
from semimetric.networks import POSTERIORS, Decoder, Encoder, Gaussian
from semimetric.priors import UnitPrior

MINUS = torch.full((1,), -1)


def transparent(family="point", metric=None):
    """A model whose networks change nothing: what goes in are the posterior's numbers, what comes out is z."""
    encoder = Encoder(nn.Identity(), POSTERIORS[family])
    return Model(encoder, Decoder(nn.Identity(), Gaussian()), UnitPrior(2), metric or TripletLoss(1.0))


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
    with pytest.raises(ValueError, match=r"no term 'sparsity'; it has metric, reconstruction and kl"):
        sum_of_terms()(transparent(), batch_of(torch.zeros(2, 2), {"sparsity": slice(None)}))


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reconstruction_reduction must be 'mean' or 'sum', got 'max'"):
        sum_of_terms("max")


def test_the_embedding_is_the_posterior_mean():
    x = torch.tensor([[1.0, 2.0, 3.0, 3.0]])
    assert transparent("gaussian").embed(x).tolist() == [[1, 2]]
    assert transparent("point").embed(x).tolist() == [[1, 2, 3, 3]]
