"""The adapter: the package's own values on the labelled rows, and nothing that breaks on any batch."""

import subprocess
import sys

import pytest
import torch

from semimetric.losses import ContrastiveLoss, MetricLoss, PyTorchMetricLearning

pytest.importorskip("pytorch_metric_learning")
from pytorch_metric_learning import distances, losses, miners, reducers

Y = [0, 0, 1, -1, 1, 2, 0, -1, 2]
LABELLED = torch.tensor(Y) != -1
THEIRS = {
    "contrastive": losses.ContrastiveLoss,
    "triplet": losses.TripletMarginLoss,
    "supcon": losses.SupConLoss,
    "n-pairs": losses.NPairsLoss,
    "multi-similarity": losses.MultiSimilarityLoss,
    "nca": losses.NCALoss,
    "circle": losses.CircleLoss,
    "lifted": losses.LiftedStructureLoss,
    "proxy-nca": lambda: losses.ProxyNCALoss(3, 3),
    "proxy-anchor": lambda: losses.ProxyAnchorLoss(3, 3),
    "arcface": lambda: losses.ArcFaceLoss(3, 3),
    "normalized-softmax": lambda: losses.NormalizedSoftmaxLoss(3, 3),
}
MINERS = {
    "none": lambda: None,
    "batch-hard": miners.BatchHardMiner,
    "multi-similarity": miners.MultiSimilarityMiner,
    "pair-margin": miners.PairMarginMiner,
    "triplet-margin": miners.TripletMarginMiner,
}
each_loss = pytest.mark.parametrize("loss", THEIRS)
each_miner = pytest.mark.parametrize("miner", MINERS)


def built(loss):
    torch.manual_seed(0)
    return THEIRS[loss]().double()


@each_loss
@each_miner
def test_is_the_packages_own_on_the_labelled_rows(loss, miner, embeddings, value_and_gradients, assert_same):
    z, y = embeddings(len(Y)), torch.tensor(Y)
    adapted = PyTorchMetricLearning(built(loss), MINERS[miner]())
    theirs, mining = built(loss), MINERS[miner]()

    def direct(z):
        return theirs(z, y[LABELLED], None if mining is None else mining(z, y[LABELLED]))

    parameters = list(theirs.parameters())
    torch.manual_seed(1)
    value, gradient, *rest = value_and_gradients(direct, z[LABELLED], parameters=parameters)
    torch.manual_seed(1)
    found = value_and_gradients(adapted, z, y, parameters=adapted.parameters())
    assert_same([found[0], found[1][LABELLED], *found[2:]], [value, gradient, *rest], 0)
    assert (found[1][~LABELLED] == 0).all()
    assert value > 0


def test_a_simple_one_by_hand():
    """Their contrastive loss is linear in the distance: d of positives, margin − d of negatives."""
    loss = losses.ContrastiveLoss(
        neg_margin=1, distance=distances.LpDistance(normalize_embeddings=False), reducer=reducers.MeanReducer()
    )
    z, y = torch.tensor([[0.0], [1.0], [1.5], [9.0]]), torch.tensor([0, 0, 1, -1])
    assert PyTorchMetricLearning(loss)(z, y).item() == 1 + (0 + 0.5) / 2


@each_loss
@each_miner
@pytest.mark.parametrize(
    "y",
    [[-1, -1, -1, -1], [2, 2, 2, 2], [2, 0, 1, -1], [0, 0, -1, -1], [0, -1, 1, -1], [0, 0, 1, -1], [0], [-1], []],
    ids=str,
)
def test_no_batch_breaks_it(loss, miner, y, embeddings, value_and_gradients):
    """Neither of these labels, nor everything in one point."""
    adapted = PyTorchMetricLearning(built(loss), MINERS[miner]())
    labels = torch.tensor(y, dtype=torch.long)
    for z in (embeddings(4)[: len(y)], torch.zeros(len(y), 3, dtype=torch.float64)):
        found = value_and_gradients(adapted, z, labels, parameters=list(adapted.parameters()))
        assert all(each.isfinite().all() for each in found)
        if sum(label != -1 for label in y) < 2:
            assert not any(each.any() for each in found)


def test_an_infinite_unlabelled_row_does_not_matter(embeddings, value_and_gradients, assert_same):
    z, y, loss = embeddings(len(Y)), torch.tensor(Y), PyTorchMetricLearning(losses.TripletMarginLoss())
    moved = z.clone()
    moved[~LABELLED] = float("inf")
    assert_same(value_and_gradients(loss, moved, y), value_and_gradients(loss, z, y), 0)


@pytest.mark.parametrize("loss", ["proxy-nca", "arcface"])
def test_what_the_loss_learns_is_trained(loss, embeddings):
    torch.manual_seed(0)
    adapted, y = PyTorchMetricLearning(THEIRS[loss]()), torch.tensor([0, 0, 1, 1, 2, -1])
    z = torch.eye(3)[y] + 0.1 * embeddings(6).float()
    optimiser = torch.optim.Adam(adapted.parameters(), 0.05)
    values = []
    for _ in range(100):
        optimiser.zero_grad()
        value = adapted(z, y)
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < 0.2 * values[0]
    assert any(key.startswith("loss.") for key in adapted.state_dict())


def test_autocast_does_not_reach_it(embeddings):
    z, y, loss = embeddings(len(Y)).bfloat16(), torch.tensor(Y), PyTorchMetricLearning(losses.SupConLoss())
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(z, y)
    assert inside.dtype == torch.float32
    assert inside == loss(z.float(), y)


def test_for_monitoring_leaves_the_miner_out_and_shares_what_is_learned():
    loss = losses.ProxyNCALoss(3, 3)
    watched = PyTorchMetricLearning(loss, miners.BatchHardMiner()).for_monitoring()
    assert isinstance(watched, MetricLoss)
    assert watched.miner is None
    assert watched.loss is loss


def test_weights_are_refused(embeddings):
    with pytest.raises(ValueError, match="weights must be None"):
        PyTorchMetricLearning(losses.SupConLoss())(embeddings(2), torch.tensor([0, 0]), torch.ones(2))


@pytest.mark.parametrize("wrong", [losses.SupConLoss, "supcon", None], ids=["class", "name", "none"])
def test_a_loss_that_is_no_module_is_refused(wrong):
    with pytest.raises(TypeError, match=r"loss must be an object such as losses\.ContrastiveLoss\(\), got"):
        PyTorchMetricLearning(wrong)


def test_a_miner_that_is_no_module_is_refused():
    with pytest.raises(TypeError, match=r"miner must be None or an object such as miners\.BatchHardMiner\(\), got"):
        PyTorchMetricLearning(losses.SupConLoss(), miners.BatchHardMiner)


def test_a_loss_that_is_not_reduced_is_refused(embeddings):
    loss = PyTorchMetricLearning(losses.SupConLoss(reducer=reducers.DoNothingReducer()))
    with pytest.raises(TypeError, match=r"loss must return a scalar: give it a reducer such as MeanReducer\(\)"):
        loss(embeddings(4), torch.tensor([0, 0, 1, 1]))


def test_one_of_ours_is_not_for_it():
    with pytest.raises(TypeError, match="ContrastiveLoss is a metric loss already"):
        PyTorchMetricLearning(ContrastiveLoss())


def test_the_package_is_not_imported_with_the_library():
    code = "import sys, semimetric.losses; sys.exit('pytorch_metric_learning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
