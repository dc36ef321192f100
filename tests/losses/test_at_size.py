"""Batches of a thousand rows: value and gradient against loops over anchors, in both precisions, tiled or not."""

import pytest
import torch
from torch.nn import functional as F

from semimetric.losses import (
    CenterLoss,
    ContrastiveLoss,
    NormalisedSoftmaxLoss,
    NPairLoss,
    NTXentLoss,
    RandomTripletLoss,
    SoftmaxLoss,
    SupervisedContrastiveLoss,
    TripletLoss,
)

N, D, C = 1024, 32, 10
Y = torch.arange(N) % (C + 1) - 1  # every eleventh row is unlabelled
pytestmark = pytest.mark.usefixtures("each_way")


def mean_over_anchors(z, y, of_anchor):
    """Σ sums / Σ counts, of what one anchor adds: (its row, its positives', its negatives') → (sum, count)."""
    rows = (y != -1).nonzero().flatten()
    parts = []
    for a in rows:
        others = rows[rows != a]
        parts.append(of_anchor(z[a], z[others[y[others] == y[a]]], z[others[y[others] != y[a]]]))
    sums, counts = zip(*parts, strict=True)
    return sum(sums) / sum(counts)


def lengths(a, others):
    return (others - a).square().sum(1).sqrt()


def cosines(a, others):
    return F.normalize(others, dim=1) @ F.normalize(a, dim=0)


def triplet(z, y):
    def of_anchor(a, p, n):
        hinge = lengths(a, p)[:, None] - lengths(a, n) + 0.2
        return hinge[hinge > 0].sum(), (hinge > 0).sum()

    return mean_over_anchors(z, y, of_anchor)


def contrastive(z, y):
    def repelled(a, p, n):
        near = 4 - lengths(a, n)
        return near[near > 0].square().sum() / 2, (near > 0).sum()

    attraction = mean_over_anchors(z, y, lambda a, p, n: ((p - a).square().sum() / 2, len(p)))
    return attraction + mean_over_anchors(z, y, repelled)


def n_pair(z, y):
    def of_anchor(a, p, n):
        return torch.log1p((n @ a - (p @ a)[:, None]).exp().sum(1)).sum(), len(p)

    return mean_over_anchors(z, y, of_anchor) + 0.02 * z[y != -1].square().sum(1).mean()


def nt_xent(z, y):
    def of_anchor(a, p, n):
        return torch.log1p(((cosines(a, n) - cosines(a, p)[:, None]) / 0.1).exp().sum(1)).sum(), len(p)

    return mean_over_anchors(z, y, of_anchor)


def supervised_contrastive(z, y):
    def of_anchor(a, p, n):
        return (torch.cat([cosines(a, p), cosines(a, n)]) / 0.1).exp().sum().log() - (cosines(a, p) / 0.1).mean(), 1

    return mean_over_anchors(z, y, of_anchor)


def softmax(z, y):
    loss = learned(SoftmaxLoss).double()
    rows = (y != -1).nonzero().flatten()
    logits = [loss.linear.weight @ z[i] + loss.linear.bias for i in rows]
    return sum(row.exp().sum().log() - row[y[i]] for i, row in zip(rows, logits, strict=True)) / len(rows)


def normalised_softmax(z, y):
    proxies = learned(NormalisedSoftmaxLoss).double().proxies
    rows = (y != -1).nonzero().flatten()
    logits = [cosines(z[i], proxies) / 0.1 for i in rows]
    return sum(row.exp().sum().log() - row[y[i]] for i, row in zip(rows, logits, strict=True)) / len(rows)


def center(z, y):
    loss = learned(CenterLoss).double()
    rows = (y != -1).nonzero().flatten()
    logits = [loss.softmax.linear.weight @ z[i] + loss.softmax.linear.bias for i in rows]
    entropy = sum(row.exp().sum().log() - row[y[i]] for i, row in zip(rows, logits, strict=True))
    return (entropy + 0.1 * sum((z[i] - loss.centers[y[i]]).square().sum() / 2 for i in rows)) / len(rows)


def learned(kind):
    torch.manual_seed(0)
    return kind(n_classes=C, latent_dim=D)


TWINS = {
    "triplet": (TripletLoss, triplet),
    "contrastive": (lambda: ContrastiveLoss(4.0), contrastive),
    "n-pair": (NPairLoss, n_pair),
    "nt-xent": (NTXentLoss, nt_xent),
    "supervised-contrastive": (SupervisedContrastiveLoss, supervised_contrastive),
    "softmax": (lambda: learned(SoftmaxLoss), softmax),
    "normalised-softmax": (lambda: learned(NormalisedSoftmaxLoss), normalised_softmax),
    "center": (lambda: learned(CenterLoss), center),
}
_EXPECTED = {}


@pytest.fixture(scope="module")
def z():
    return torch.randn(N, D, generator=torch.Generator().manual_seed(0)).double() / 2  # float32 holds these too


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str)
def test_equals_a_loop_over_anchors(name, dtype, tolerance, z, value_and_gradients):
    loss, twin = TWINS[name]
    if name not in _EXPECTED:
        _EXPECTED[name] = value_and_gradients(twin, z, Y)
    found = value_and_gradients(loss().to(dtype), z.to(dtype), Y)
    for one, other in zip(found, _EXPECTED[name], strict=True):
        assert one.dtype == dtype
        assert (one - other).norm() <= tolerance * other.norm()


def test_random_triplets_are_those_drawn(z, value_and_gradients):
    loss = RandomTripletLoss(0.2)
    torch.manual_seed(0)
    found = value_and_gradients(loss, z, Y)
    torch.manual_seed(0)
    rows = (Y != -1).nonzero().flatten()
    a, p, n = (rows[drawn] for drawn in loss.draw(Y[rows]))

    def twin(z):
        hinges = [(z[i] - z[j]).norm() - (z[i] - z[k]).norm() + 0.2 for i, j, k in zip(a, p, n, strict=True)]
        return sum(hinge.clamp(min=0) for hinge in hinges) / len(hinges)

    for one, other in zip(found, value_and_gradients(twin, z), strict=True):
        assert (one - other).norm() <= 1e-12 * other.norm()
