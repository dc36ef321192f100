"""Two processes with half a batch each are one process with the whole: value, and gradients averaged over ranks."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from semimetric.losses import LOSSES, LossSetting, PyTorchMetricLearning, across_ranks, get_loss

SETTING = LossSetting(latent_dim=3, n_classes=4, margin=0.5, distance="euclidean")
TILES = {"pairwise.PairwiseLoss.pairs_at_once": 25, "triplet.TripletLoss.pairs_at_once": 25}
WAYS = {"whole": {}, "by sorting, in tiles": {**TILES, "hinges.FEW": -1, "hinges.FEW_POSITIVES": 0}}
# The rows of the first process are those before the bar.
BATCHES = {
    "even": ([0, 1, 0, 2, 1], [2, 0, 3, 1, 0]),
    "uneven": ([0, 1, 0], [2, 0, 3, 1, 0, 2, 2]),
    "unlabelled rows": ([0, -1, -1, 2, 1], [2, 0, -1, 1, 0]),
    "a rank without labels": ([-1, -1, -1], [0, 0, 1, 2, 1]),
    "nothing labelled": ([-1, -1], [-1, -1, -1]),
    "a class on each rank": ([0, 0, 0], [1, 1]),
    "a rank of one row": ([0, 1, 0, 1], [1]),
}
NAMES = [*LOSSES, "pytorch-metric-learning"]
CASES = [
    (name, batch, weighted, way)
    for name in NAMES
    for batch in BATCHES
    for weighted in (False, True)
    for way in WAYS
    if not (name == "pytorch-metric-learning" and (weighted or way != "whole"))
]


def build(name):
    torch.manual_seed(0)
    if name == "pytorch-metric-learning":
        from pytorch_metric_learning.losses import ProxyAnchorLoss

        return PyTorchMetricLearning(ProxyAnchorLoss(4, 3)).double()
    return get_loss(name, SETTING).double()


def results(case, rank=None):
    """The value and the gradients of a case: of one rank's rows, or of all rows."""
    name, batch, weighted, way = case
    first, second = BATCHES[batch]
    own = slice(None) if rank is None else (slice(0, len(first)), slice(len(first), None))[rank]
    z = torch.randn(len(first + second), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    w = torch.rand(len(z), generator=torch.Generator().manual_seed(2), dtype=torch.float64) if weighted else None
    loss = build(name)
    with pytest.MonkeyPatch.context() as patch:
        for where, value in WAYS[way].items():
            patch.setattr(f"semimetric.losses.{where}", value)
        torch.manual_seed(3)
        z = z[own].requires_grad_()
        value = loss(z, torch.tensor(first + second)[own], None if w is None else w[own])
    return [value.detach(), *torch.autograd.grad(value, [z, *loss.parameters()])]


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    with across_ranks():
        found = [results(case, rank) for case in CASES]
    torch.save(found, f"{folder}/{rank}.pt")
    # A batch of one's own goes without the others: here only the first rank computes a loss.
    if rank == 0:
        torch.save(results(CASES[0]), f"{folder}/alone.pt")
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    mp.start_processes(work, (str(folder),), nprocs=2, start_method="spawn")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_two_ranks_are_one_batch(name, folder):
    ranks = [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]
    checked = 0
    for case, one, other in zip(CASES, *ranks, strict=True):
        if case[0] != name:
            continue
        value, gradient, *parameters = results(case)
        assert one[0] == other[0]  # every rank is told the same
        averaged = [one[0], torch.cat([one[1], other[1]]) / 2]
        averaged += [(a + b) / 2 for a, b in zip(one[2:], other[2:], strict=True)]
        for found, expected in zip(averaged, [value, gradient, *parameters], strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12, msg=lambda m, c=case: f"{c}: {m}")
        checked += bool(value > 0)
    assert checked >= 4


def test_without_the_context_a_process_group_changes_nothing(folder):
    for found, expected in zip(torch.load(folder / "alone.pt"), results(CASES[0]), strict=True):
        assert torch.equal(found, expected)


def test_without_a_process_group_the_context_changes_nothing():
    with across_ranks():
        found = results(CASES[0])
    assert all(torch.equal(a, b) for a, b in zip(found, results(CASES[0]), strict=True))
