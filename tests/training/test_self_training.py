"""Self-training: its stages, whose neighbours it draws, and labels that are revised and never given up."""

import numpy as np
import pytest
import torch
from scipy import sparse

from semimetric import MetricEmbedder
from semimetric.losses import NormalisedSoftmaxLoss
from semimetric.model import CONTRAST, KL, METRIC, RECONSTRUCTION, Weights
from semimetric.training import LABELLED, PAIRED, UNLABELLED, SelfTraining
from semimetric.training.data import InputGraph
from semimetric.training.evidence import Evidence
from semimetric.training.pseudo_labels import Spread
from semimetric.training.routines import self_training

BEST = Weights({METRIC: 0.75, CONTRAST: 0.25})
FIRST = {PAIRED: (CONTRAST,), LABELLED: (METRIC,)}
LATER = {UNLABELLED: (METRIC,), LABELLED: (METRIC,)}


@pytest.mark.parametrize(("epochs", "first"), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (9, 3), (30, 10), (100, 33)])
def test_a_third_of_the_epochs_spreads_no_label(epochs, first):
    routine = SelfTraining(BEST, epochs)
    taken = [[(step.streams, dict(step.weights)) for step in routine.steps(epoch, 3)] for epoch in range(epochs)]
    before, after = (FIRST, {METRIC: 1.0, CONTRAST: 1.0}), (LATER, {METRIC: 0.75})
    assert taken == [[before] * 3] * first + [[after] * 3] * (epochs - first)
    assert routine.settled_from == epochs - 1


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (Weights({METRIC: 0.75}), {METRIC: 0.75}),
        (Weights({CONTRAST: 0.25}), {CONTRAST: 1.0}),
        (Weights({RECONSTRUCTION: 1.5, KL: 0.5}), {RECONSTRUCTION: 0.75, KL: 0.25}),
    ],
    ids=["labels alone", "contrast", "VAE"],
)
def test_with_terms_of_one_kind_there_is_one_stage(weights, expected):
    routine = SelfTraining(weights, 6)
    steps = [step for epoch in range(6) for step in routine.steps(epoch, 2)]
    labelled = {LABELLED: (METRIC,)} if METRIC in weights else {}
    everything = PAIRED if CONTRAST in weights else UNLABELLED
    assert all(step.streams == {everything: tuple(weights), **labelled} for step in steps)
    assert all(dict(step.weights) == expected for step in steps)


def test_later_every_row_is_seen_in_one_view_with_all_terms_but_the_contrast():
    routine = SelfTraining(Weights({METRIC: 0.5, CONTRAST: 0.25, RECONSTRUCTION: 0.25}), 3)
    first, later = (next(routine.steps(epoch, 1)) for epoch in (0, 2))
    assert first.streams == {PAIRED: (CONTRAST, RECONSTRUCTION), LABELLED: (METRIC,)}
    assert later.streams == {UNLABELLED: (METRIC, RECONSTRUCTION), LABELLED: (METRIC,)}
    assert dict(later.weights) == {METRIC: 0.5, RECONSTRUCTION: 0.25}


def test_an_optimiser_for_each_stage():
    apart = SelfTraining(BEST, 6, separate_optimisers=True)
    assert [step.optimiser for epoch in range(6) for step in apart.steps(epoch, 1)] == ["first"] * 2 + ["second"] * 4
    assert apart.phases() == ("first", "second")


# Neighbours -------------------------------------------------------------------------------------------


def nearest(Z, k=10):
    """The k nearest other rows of each, as sets."""
    distances = np.linalg.norm(Z[:, None] - Z, axis=2)
    np.fill_diagonal(distances, np.inf)
    return [set(row) for row in distances.argsort(axis=1)[:, :k]]


def test_partners_are_near_in_the_inputs_then_nobody(fit_of):
    fit = fit_of("best")
    routine = SelfTraining(fit.weights, 9)  # of three epochs without labels
    X = fit.X / np.ptp(fit.X, axis=0)
    for epoch in range(3):
        routine.before_epoch(epoch, fit.model, fit.data)
        assert [set(row) for row in fit.data.neighbours] == nearest(X)
    assert fit.data.y.tolist() == fit.y.tolist()
    routine.before_epoch(3, fit.model, fit.data)
    assert fit.data.neighbours is None


def test_augmentation_has_no_part_in_who_is_near(fit_of):
    fits = [fit_of("best", augmentation=augmentation) for augmentation in (None, lambda x: x * torch.randn(4) + 100)]
    for fit in fits:
        SelfTraining(fit.weights, 9).before_epoch(2, fit.model, fit.data)
    assert np.array_equal(fits[0].data.neighbours, fits[1].data.neighbours)


def test_both_graphs_count_alike_beside_what_the_evidence_says(fit_of, monkeypatch):
    """In each of five rounds, and again after a fit."""
    fit = fit_of("best")
    graphs = [sparse.csr_array(np.eye(60, k=k) + np.eye(60, k=-k)) for k in (1, 2)]
    found = Spread(np.full((60, 2), (0.25, 0.75)), np.full(60, -1))
    evidence = Evidence(0.5, np.zeros((60, 2)), power=3)
    seen = []
    fit.data.input_graph = InputGraph(fit.X, np.zeros((60, 1), int), graphs[0])
    monkeypatch.setattr(self_training, "weigh", lambda *given: evidence)
    monkeypatch.setattr(self_training, "_graph", lambda Z: (np.zeros((60, 1), int), graphs[1]))
    monkeypatch.setattr(self_training, "spread_labels", lambda *given: seen.append(given) or found)
    routine = SelfTraining(fit.weights, 7)
    for epoch in range(7):
        routine.before_epoch(epoch, fit.model, fit.data)
    _, spread, known = self_training.space_and_labels(fit.model, fit.data, fit.y)
    np.testing.assert_allclose(spread.probabilities, np.full((60, 2), (1 / 28, 27 / 28)))
    assert all((graph != graphs[0] + graphs[1]).nnz == 0 for graph, *_ in seen)
    assert len(seen) == 6
    assert all(believed is evidence for *_, believed in seen)
    assert known is evidence


# Labels -----------------------------------------------------------------------------------------------


def test_each_round_starts_from_the_given_labels_alone(fit_of, monkeypatch):
    """Row 10 is found to be of class 0, then of class 1, then of either; row 0 is of class 0 whatever is found."""
    found = iter([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    asked = []

    def spread(graph, codes, evidence):
        asked.append(codes.tolist())
        return Spread(np.tile(next(found), (60, 1)), np.full(60, -1))

    monkeypatch.setattr(self_training, "spread_labels", spread)
    fit = fit_of("best")
    routine, rounds = SelfTraining(fit.weights, 4), []
    for epoch in range(4):
        routine.before_epoch(epoch, fit.model, fit.data)
        if epoch:
            rounds.append((fit.data.y[10].item(), round(fit.data.weights[10].item(), 4)))
            assert fit.data.y[:4].tolist() == [0, 0, 1, 1]
            assert fit.data.weights[:4].tolist() == [1] * 4
    assert asked == [fit.y.tolist()] * 3
    assert rounds == [(0, round(81 / 82, 4)), (1, round(64 / 68, 4)), (0, 0.5)]
    assert (fit.y[4:] == -1).all()


class TwoPlaces(torch.nn.Module):
    """Sends rows with a positive first number to one place, the others to another, if only roughly."""

    def forward(self, x):
        return torch.where(x[:, :1] > 0, 10.0, -10.0) + 0.1 * x[:, :2]


def silence_inputs(data):
    """Let them have no neighbours, and tell of no class: they are noise here."""
    n = len(data.y)
    data.input_graph = InputGraph(np.zeros((n, 1)), np.arange(n)[:, None], sparse.csr_array((n, n)))
    data.evidence = Evidence()


def test_labels_follow_the_clusters_of_the_space(fit_of):
    fit = fit_of("dml")
    silence_inputs(fit.data)
    fit.model.encoder.network = TwoPlaces()
    side = fit.data.normaliser(torch.from_numpy(fit.X))[:, 0] > 0
    given = side[:4].long().numpy()
    assert len(set(given)) == 2
    fit.data.y[:4] = torch.from_numpy(given)
    SelfTraining(fit.weights, 20).before_epoch(19, fit.model, fit.data)  # when the inputs count least
    assert fit.data.y.tolist() == side.long().tolist()
    assert (fit.data.weights >= 0.8).all()


def test_rounds_are_trained_on_their_labels_and_weights(fit_of):
    """The metric loss sees what was found, each row with its weight."""
    fit, seen = fit_of("best", loss="triplet"), []
    forward = fit.model.metric.forward
    fit.model.metric.forward = lambda z, y, weights: seen.append((y, weights)) or forward(z, y, weights)
    fit.train(SelfTraining(fit.weights, 3), epochs=3)
    (first, later), steps = (seen[:3], seen[3:]), 3
    assert len(first) == steps
    assert len(later) == 2 * steps
    for y, weights in first:
        assert weights is None
        assert (y >= 0).all()
    for y, weights in later:
        assert ((weights == 0) == (y == -1)).all()


def test_a_batch_of_given_labels_stands_in_every_step_and_no_other_label_in_it(fit_of):
    fit, seen = fit_of("best"), []
    batch = fit.data.batch
    fit.data.batch = lambda parts, terms, augment: seen.append(parts.get(LABELLED)) or batch(parts, terms, augment)
    fit.train(SelfTraining(fit.weights, 3), epochs=3)
    drawn = [rows for rows in seen if rows is not None]
    assert len(drawn) == 3 * 3
    assert (fit.data.y >= 0).sum() > (fit.y >= 0).sum()
    assert set(np.concatenate(drawn)) == set(np.flatnonzero(fit.y >= 0))


def test_a_space_that_is_not_finite_has_no_neighbours(fit_of):
    fit = fit_of("best")
    with torch.no_grad():
        next(fit.model.encoder.parameters()).fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="no finite embeddings: lower learning_rate"):
        SelfTraining(fit.weights, 3).before_epoch(1, fit.model, fit.data)


# Classes without labels -------------------------------------------------------------------------------


class FourPlaces(torch.nn.Module):
    """Sends rows to one of four places by the signs of two numbers, if only roughly."""

    def forward(self, x):
        return 10.0 * x[:, :2].sign() + 0.1 * x[:, 2:]


@pytest.mark.parametrize(("loss", "taken_in"), [("normalised-softmax", True), ("triplet", True), ("softmax", False)])
def test_clusters_without_a_label_are_trained_on_as_classes_where_the_loss_can(fit_of, loss, taken_in):
    fit = fit_of("dml", loss=loss)
    silence_inputs(fit.data)
    fit.model.encoder.network = FourPlaces()
    place = (fit.data.normaliser(torch.from_numpy(fit.X))[:, :2] > 0).numpy() @ [1, 2]
    sizes = np.bincount(place)
    assert sizes.min() > 10
    labelled = [np.flatnonzero(place == 0)[:2], np.flatnonzero(place == 3)[:2]]
    fit.data.y[:] = -1
    for c, rows in enumerate(labelled):
        fit.data.y[rows] = c
    SelfTraining(fit.weights, 20).before_epoch(19, fit.model, fit.data)
    larger, smaller = (1, 2) if sizes[1] >= sizes[2] else (2, 1)
    expected = {0: 0, 3: 1, larger: 2, smaller: 3} if taken_in else {0: 0, 3: 1, larger: -1, smaller: -1}
    assert all((fit.data.y[place == p] == c).all() for p, c in expected.items())
    assert (fit.data.weights[(place == larger) | (place == smaller)] == (1 if taken_in else 0)).all()
    if taken_in:
        Z = fit.model.eval().embed(fit.data.normaliser(torch.from_numpy(fit.X)))
        centres = torch.stack([Z[place == p].mean(0) for p in (larger, smaller)])
        torch.testing.assert_close(fit.data.centres, centres)
    else:
        assert len(fit.data.centres) == 0


@pytest.fixture
def for_five_classes():
    """Return a loss for more classes than have labels."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NormalisedSoftmaxLoss(5, 4)


def test_a_loss_forgets_the_clusters_of_another_fit(for_five_classes):
    X, y = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32), np.arange(60) % 3 - 1
    first_epochs = []
    for _ in range(2):
        fitted = MetricEmbedder(
            "best", loss=for_five_classes, network="dense", latent_dim=4, epochs=1, random_state=0
        ).fit(X, y)
        first_epochs.append(fitted.history_[0])
        for_five_classes.take_in(torch.ones(1, 4), 2)
    assert first_epochs[0] == first_epochs[1]


@pytest.mark.parametrize(("averaging", "larger"), [(0.0, False), (0.5, False), (0.0, True)])
def test_classes_without_labels_are_drawn_together(averaging, larger, for_five_classes):
    """Two of four clouds have labels. The loss of what is trained knows of the others, as that of its average does."""
    X = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    whose = np.arange(400) % 4
    X[:, :2] += 8 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[whose]
    y = np.where(np.arange(400) < 20, np.where(whose < 2, whose, -1), -1)
    settings = {"network": "dense", "latent_dim": 4, "epochs": 12, "averaging": averaging, "random_state": 0}
    loss = for_five_classes if larger else None
    fitted = MetricEmbedder("best", loss=loss, **settings).fit(X, y)
    found = fitted.spread_labels_.clusters
    assert np.bincount(found[whose >= 2] + 1, minlength=3).tolist() == pytest.approx([0, 100, 100], abs=5)
    assert (found[whose < 2] == -1).mean() > 0.95
    Z = fitted.transform(X)
    centres = np.stack([Z[whose == c].mean(axis=0) for c in range(4)])
    assert (((Z[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1) == whose).mean() > 0.95


def test_a_prior_of_the_classes_is_not_asked_for_more(fit_of, monkeypatch):
    fit = fit_of("tvae", prior="classes")
    clusters = np.where(np.arange(60) < 30, -1, 0)
    monkeypatch.setattr(self_training, "spread_labels", lambda *given: Spread(np.full((60, 2), 0.5), clusters))
    SelfTraining(fit.weights, 4).before_epoch(3, fit.model, fit.data)
    assert (fit.data.y[30:] == -1).all()
