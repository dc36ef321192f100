"""Batches made of row numbers: which term sees which rows, and which of the two views."""

import warnings

import numpy as np
import pytest
import torch

from semimetric.data.arrays import recognise
from semimetric.data.normalisation import Normaliser
from semimetric.training import TrainingData, as_tensor

X = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), np.uint8)
Y = np.arange(20) % 4 - 1
PARTS = {"unlabelled": np.array([3, 0, 19]), "labelled": np.array([5, 5, 6, 7])}
TERMS = {"unlabelled": ("reconstruction", "kl"), "labelled": ("metric",)}


@pytest.fixture
def data():
    return TrainingData(X, Y, Normaliser(X.shape[1:]).fit(X, recognise(X)), lambda x: -x)


def test_each_term_is_given_its_streams_rows(data):
    batch = data.batch(PARTS, TERMS, augment=False)
    assert {term: batch.rows[rows].tolist() for term, rows in batch.terms.items()} == {
        "reconstruction": [3, 0, 19],
        "kl": [3, 0, 19],
        "metric": [5, 5, 6, 7],
    }
    assert batch.y.tolist() == Y[batch.rows].tolist()
    torch.testing.assert_close(batch.target, torch.from_numpy(X[batch.rows]) / 255)


def test_the_encoder_reads_the_augmented_view_and_the_decoder_aims_at_the_plain_one(data):
    plain, augmented = (data.batch(PARTS, TERMS, augment) for augment in (False, True))
    assert plain.x.equal(plain.target)
    assert augmented.target.equal(plain.target)
    assert augmented.x.equal(-plain.target)
    data.augmentation = None
    assert data.batch(PARTS, TERMS, augment=True).x.equal(plain.target)


def test_a_tensor_over_the_arrays_own_memory():
    frozen = np.arange(6, dtype=np.float32)
    frozen.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = as_tensor(frozen)
    assert tensor.data_ptr() == frozen.ctypes.data


def test_a_term_on_both_streams_is_computed_on_both(data):
    terms = {"unlabelled": ("kl",), "labelled": ("metric", "kl")}
    batch = data.batch(PARTS, terms, augment=False)
    assert batch.rows[batch.terms["kl"]].tolist() == [3, 0, 19, 5, 5, 6, 7]
    apart = {"a": np.array([0]), "b": np.array([1]), "c": np.array([2])}
    with pytest.raises(ValueError, match="the streams of term 'kl' must follow one another"):
        data.batch(apart, {"a": ("kl",), "b": ("metric",), "c": ("kl",)}, augment=False)


@pytest.mark.parametrize(
    ("views", "seen"),
    [
        (("labelled",), [1, 1, 1, -1, -1, -1, -1]),
        (("unlabelled",), [-1, -1, -1, 1, 1, 1, 1]),
        (("labelled", "unlabelled"), [-1] * 7),
        ((), [1] * 7),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_only_rows_of_the_named_streams_are_seen_in_views(views, seen, order):
    """Whichever stream comes first; the decoder's targets stay plain, and so does everything without ``augment``."""
    calls = []
    data = TrainingData(X, Y, Normaliser(X.shape[1:]).fit(X, recognise(X)), lambda x: calls.append(len(x)) or -x, views)
    parts = dict(list(PARTS.items())[::order])
    rows = np.concatenate(list(parts.values()))
    plain = torch.from_numpy(X[rows]) / 255
    signs = torch.tensor(seen[:3] + seen[3:] if order == 1 else seen[3:] + seen[:3])
    batch = data.batch(parts, TERMS, augment=True)
    torch.testing.assert_close(batch.x, plain * signs[:, None, None, None])
    torch.testing.assert_close(batch.target, plain)
    assert sum(calls) == seen.count(-1)
    assert data.batch(parts, TERMS, augment=False).x.equal(batch.target)
    alone = data.batch({"labelled": PARTS["labelled"]}, TERMS, augment=True)
    torch.testing.assert_close(alone.x, alone.target * seen[-1])


def test_unless_told_otherwise_every_stream_is_seen_in_views(data):
    assert data.views == {"labelled", "unlabelled", "paired"}


# Pairs, and rows that count for less --------------------------------------------------------------------

PAIRS = np.array([[3, 7], [7, 3], [5, 5]])


def test_pairs_stand_next_to_each_other(data):
    parts = {"labelled": np.array([6, 8, 9]), "paired": PAIRS}
    terms = {"labelled": ("metric",), "paired": ("metric", "contrast")}
    batch = data.batch(parts, terms, augment=False)
    assert batch.rows.tolist() == [6, 8, 9, 3, 7, 7, 3, 5, 5]
    assert (batch.terms["metric"], batch.terms["contrast"]) == (slice(0, 9), slice(3, 9))
    assert batch.y.tolist() == Y[batch.rows].tolist()
    torch.testing.assert_close(batch.x, torch.from_numpy(X[batch.rows]) / 255)
    assert parts["paired"] is PAIRS
    assert PAIRS.shape == (3, 2)


def test_a_row_that_is_its_own_partner_is_seen_in_two_views():
    generator = torch.Generator().manual_seed(0)
    noise = lambda x: x + torch.randn(x.shape, generator=generator)  # noqa: E731
    data = TrainingData(X, Y, Normaliser(X.shape[1:]).fit(X, recognise(X)), noise)
    batch = data.batch({"paired": PAIRS}, {"paired": ("contrast",)}, augment=True)
    assert batch.target[4].equal(batch.target[5])
    assert not batch.x[4].equal(batch.x[5])


def test_rows_have_weights_only_where_a_routine_gives_them_some(data):
    terms = {"paired": ("metric",)}
    assert data.batch({"paired": PAIRS}, terms, augment=False).weights is None
    data.weights = torch.arange(20.0)
    weights = data.to(torch.device("cpu")).batch({"paired": PAIRS}, terms, augment=False).weights
    assert weights.tolist() == [3, 7, 7, 3, 5, 5]
