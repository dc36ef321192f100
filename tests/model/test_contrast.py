"""The contrast term: NT-Xent of rows that stand in pairs, one pair at a time."""

import pytest
import torch
from torch import nn

from semimetric.losses import NTXentLoss
from semimetric.model import CONTRAST, METRIC, Batch, Model, sum_of_terms
from semimetric.networks import POSTERIORS, Encoder

TEMPERATURE = 0.3
PAIRS = torch.tensor([[3, 7], [7, 3], [5, 5], [0, 9], [9, 5]])


def embeddings(n, seed=0):
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def contrast_of(x, rows, part=slice(None), family="point"):
    model = Model(Encoder(nn.Identity(), POSTERIORS[family]), contrast=NTXentLoss(TEMPERATURE))
    y = torch.full((len(x),), -1)
    return sum_of_terms()(model, Batch(x, x, y, rows, {CONTRAST: part}))[CONTRAST]


def naive(z):
    """Each row against its partner and the rows of all other pairs: Chen et al. 2020, eq. 1."""
    unit = [row / row.norm() for row in z]
    total = 0.0
    for a in range(len(z)):
        partner = a + 1 if a % 2 == 0 else a - 1
        right = (unit[a] @ unit[partner] / TEMPERATURE).exp()
        wrong = sum((unit[a] @ unit[n] / TEMPERATURE).exp() for n in range(len(z)) if n not in (a, partner))
        total = total - (right / (right + wrong)).log()
    return total / len(z)


@pytest.mark.parametrize("family", ["point", "sphere"])
def test_equals_its_naive_twin(family):
    """A row may stand in several pairs, as itself or as a neighbour: pairs are what is told apart."""
    x = embeddings(10).requires_grad_()
    found, expected = contrast_of(x, PAIRS.flatten(), family=family), naive(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)
    slopes = [torch.autograd.grad(value, x)[0] for value in (found, expected)]
    torch.testing.assert_close(*slopes, rtol=1e-8, atol=1e-12)


def test_the_order_of_pairs_does_not_matter():
    x, order = embeddings(10), torch.tensor([4, 2, 0, 1, 3])
    shuffled = x.view(5, 2, 4)[order].reshape(10, 4)
    torch.testing.assert_close(
        contrast_of(shuffled, PAIRS[order].flatten()), contrast_of(x, PAIRS.flatten()), rtol=1e-12, atol=0
    )


def test_which_rows_are_partners_does():
    x = embeddings(10)
    assert contrast_of(x.roll(1, 0), PAIRS.flatten()) != pytest.approx(contrast_of(x, PAIRS.flatten()).item())


def test_of_its_own_rows_alone():
    """Wherever they begin, at an odd row too."""
    x = torch.cat([embeddings(3, seed=1), embeddings(10), embeddings(2, seed=2)]).requires_grad_()
    rows = torch.cat([torch.tensor([3, 3, 7]), PAIRS.flatten(), torch.tensor([1, 2])])
    found = contrast_of(x, rows, slice(3, 13))
    torch.testing.assert_close(found, naive(x[3:13]), rtol=1e-10, atol=0)
    (slope,) = torch.autograd.grad(found, x)
    assert (slope[:3] == 0).all()
    assert (slope[13:] == 0).all()


def test_labels_have_no_part_in_it():
    x = embeddings(10)
    model = Model(Encoder(nn.Identity(), POSTERIORS["point"]), contrast=NTXentLoss(TEMPERATURE))
    values = [
        sum_of_terms()(model, Batch(x, x, y, PAIRS.flatten(), {CONTRAST: slice(None)}, weights))[CONTRAST].item()
        for y, weights in ((torch.full((10,), -1), None), (torch.zeros(10).long(), torch.full((10,), 0.1)))
    ]
    assert values[0] == values[1]


def test_it_is_of_means_not_of_samples():
    numbers = torch.cat([embeddings(10), torch.zeros(10, 4, dtype=torch.float64)], dim=1)
    torch.testing.assert_close(contrast_of(numbers, PAIRS.flatten(), family="gaussian"), naive(embeddings(10)))


class Refuses(NTXentLoss):
    def forward(self, z, y, weights=None):
        raise AssertionError("the contrast was not asked for")


def test_it_is_not_computed_where_it_is_not_asked_for():
    model = Model(Encoder(nn.Identity(), POSTERIORS["point"]), metric=NTXentLoss(), contrast=Refuses())
    x = embeddings(4)
    batch = Batch(x, x, torch.tensor([0, 0, 1, 1]), torch.arange(4), {METRIC: slice(None)})
    assert set(sum_of_terms()(model, batch)) == {METRIC}
