"""The two streams: what they cover, how they are balanced, and why there are two."""

from itertools import islice

import numpy as np
import pytest
import torch

from semimetric.data import hide_labels
from semimetric.losses import pair_masks
from semimetric.training.streams import LabelledStream, PairedStream, UnlabelledStream


def take(stream, n, seed=0):
    return list(islice(stream.batches(np.random.default_rng(seed)), n))


@pytest.mark.parametrize(("rows", "batch_size"), [(10, 4), (12, 4), (5, 100), (1, 1), (101, 10)])
def test_a_pass_is_every_row_once(rows, batch_size):
    numbers = 3 * np.arange(rows) + 1
    stream = UnlabelledStream(numbers, batch_size)
    batches = take(stream, 3 * len(stream))
    sizes = {len(batch) for batch in batches}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert len(stream) == int(np.ceil(rows / batch_size))
    passes = [np.concatenate(batches[i * len(stream) : (i + 1) * len(stream)]) for i in range(3)]
    for one in passes:
        assert np.sort(one).tolist() == numbers.tolist()
    if rows > 10:
        assert passes[0].tolist() != passes[1].tolist() != sorted(passes[1])


@pytest.mark.parametrize(
    ("counts", "batch_size", "per_class"),
    [
        ([6] * 10, 128, 12),
        ([1, 50, 7], 30, 10),
        ([1] * 10, 128, 12),
        ([5, 5], 8, 4),
        ([3, 4], 2, 4),  # never fewer than four of a class
        ([9], 16, 16),
    ],
)
def test_a_labelled_batch_has_as_many_of_each_class(counts, batch_size, per_class):
    y = np.repeat(np.arange(len(counts)), counts)
    rows = 100 + np.random.default_rng(0).permutation(len(y))
    label = dict(zip(rows.tolist(), y.tolist(), strict=True))
    for batch in take(LabelledStream(rows, y, batch_size), 20):
        assert np.bincount([label[row] for row in batch.tolist()], minlength=len(counts)).tolist() == [per_class] * len(
            counts
        )


def test_no_row_is_seen_again_before_all_of_its_class():
    counts = [1, 7, 30]
    y = np.repeat([0, 4, 9], counts)
    batches = np.concatenate(take(LabelledStream(np.arange(38), y, 30), 30))
    for code, count in zip([0, 4, 9], counts, strict=True):
        seen = batches[y[batches] == code]
        whole = len(seen) // count * count
        assert (np.sort(seen[:whole].reshape(-1, count), axis=1) == np.flatnonzero(y == code)).all()


def test_more_classes_than_fit():
    """Forty classes of five rows, batches of 16: four of each of four classes, and every class gets its turn."""
    y = np.repeat(np.arange(40), 5)
    batches = take(LabelledStream(np.arange(200), y, 16), 400)
    drawn = np.array([np.bincount(y[batch], minlength=40) for batch in batches])
    assert (np.sort(drawn, axis=1)[:, -4:] == 4).all()
    assert (drawn.sum(axis=1) == 16).all()
    turns = (drawn > 0).sum(axis=0)  # 400 batches with probability 1/10 each: 40 ± 6
    assert (np.abs(turns - 40) < 4.5 * 6).all()
    assert len({tuple(row) for row in drawn.tolist()}) > 300


@pytest.mark.parametrize(
    "stream",
    [
        UnlabelledStream(np.arange(50), 8),
        LabelledStream(np.arange(50), np.arange(50) % 12, 16),
        PairedStream(UnlabelledStream(np.arange(50), 8), (np.arange(50)[:, None] + [1, 2]) % 50),
    ],
    ids=["unlabelled", "labelled", "paired"],
)
def test_what_it_yields_is_a_function_of_the_generator(stream):
    first, again, other = (np.concatenate(take(stream, 10, seed)) for seed in (3, 3, 4))
    assert first.tolist() == again.tolist() != other.tolist()


def has_triplet(y):
    """Whether some row has both a positive and a negative."""
    positive, negative = pair_masks(torch.from_numpy(y))
    return bool((positive.any(1) & negative.any(1)).any())


class TestSixtyLabelsInSixtyThousand:
    y = hide_labels(np.arange(60_000) % 10, count=60, seed=0)
    labelled = np.flatnonzero(y >= 0)

    def test_one_shuffled_stream_starves_the_metric_loss(self):
        batches = take(UnlabelledStream(np.arange(60_000), 128), 5_000)
        found = sum(has_triplet(self.y[batch]) for batch in batches)
        assert found / len(batches) < 1 / 1_000

    def test_with_two_every_batch_has_a_triplet(self):
        stream = LabelledStream(self.labelled, self.y[self.labelled], 128)
        assert all(has_triplet(self.y[batch]) for batch in take(stream, 1_000))


@pytest.mark.parametrize(("rows", "batch_size"), [(3, 2), (5, 2), (101, 2), (9, 4)])
def test_no_batch_is_of_one_row(rows, batch_size):
    stream = UnlabelledStream(np.arange(rows), batch_size)
    batches = [batch for _, batch in zip(range(len(stream)), stream.batches(np.random.default_rng(0)), strict=False)]
    assert sorted(np.concatenate(batches)) == list(range(rows))
    assert min(map(len, batches)) >= 2


# Pairs ------------------------------------------------------------------------------------------------

ROWS = np.arange(1, 61, 2)  # of sixty, the odd ones
NEIGHBOURS = (np.arange(60)[:, None] + [2, 20, 34]) % 60


def pairs(share, passes=1, neighbours=NEIGHBOURS):
    """The pairs (m, 2) of so many passes."""
    rows = UnlabelledStream(ROWS, 8)
    return np.concatenate(take(PairedStream(rows, neighbours, share), passes * len(rows)))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_each_row_has_a_partner_once_a_pass(share):
    """In the order in which the stream of single rows would have them, of equal batches."""
    rows = UnlabelledStream(ROWS, 8)
    batches = take(PairedStream(rows, NEIGHBOURS, share), 2 * len(rows))
    assert [batch.shape for batch in batches[:4]] == [(8, 2), (8, 2), (7, 2), (7, 2)]
    for one in (batches[:4], batches[4:]):
        assert np.sort(np.concatenate(one)[:, 0]).tolist() == ROWS.tolist()


def test_without_a_share_or_neighbours_it_is_itself():
    for found in (pairs(0.0), pairs(1.0, neighbours=None)):
        assert (found[:, 0] == found[:, 1]).all()


def test_with_all_of_the_share_it_is_one_of_its_neighbours_none_oftener_than_another():
    """Of 400 passes a third each, 133 ± 9."""
    found = pairs(1.0, passes=400)
    place = (found[:, 1:] == NEIGHBOURS[found[:, 0]]).argmax(axis=1)
    assert (NEIGHBOURS[found[:, 0], place] == found[:, 1]).all()
    counts = np.zeros((60, 3))
    np.add.at(counts, (found[:, 0], place), 1)
    assert (np.abs(counts[ROWS] - 400 / 3) < 4.5 * np.sqrt(400 * 2 / 9)).all()


def test_half_of_the_rows_get_a_neighbour():
    found = pairs(0.5, passes=200)
    others = (found[:, 0] != found[:, 1]).mean()
    assert others == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(len(found)))
