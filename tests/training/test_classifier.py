"""The logistic regression of inputs: straight borders, curved ones, and the same word of new inputs."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from semimetric.training import classifier
from semimetric.training.classifier import Unfitted
from semimetric.training.descriptor import Description, Descriptor


def unfitted(rows):
    return Unfitted.of(Description(rows, Descriptor("numbers")))


@pytest.fixture
def moons():
    """Three arcs in each other, in a unit and about an origin of their own; every fourth row is labelled."""
    rng = np.random.default_rng(0)
    side = np.arange(300) % 3
    angle = np.pi * rng.random(300)
    rows = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.array([1.0, 2.0, 3.0])[side, None]
    rows = 7 + 40 * (rows + 0.1 * rng.standard_normal(rows.shape))
    return rows.astype(np.float32), side, np.where(np.arange(300) % 4 == 0, side, -1)


def unit(rows):
    """The naive twin: about their mean, and of mean square 1."""
    centred = rows.astype(np.float64) - rows.astype(np.float64).mean(axis=0)
    return centred / np.sqrt((centred**2).sum(axis=1).mean())


@pytest.mark.parametrize("classes", [2, 3])
def test_straight_borders_are_of_the_logistic_regression(moons, classes):
    rows, _, codes = moons
    codes = np.minimum(codes, classes - 1)
    plain = LogisticRegression(C=10.0, max_iter=1000).fit(unit(rows)[codes >= 0], codes[codes >= 0])
    found = np.exp(unfitted(rows).fit(codes, 10.0).of_descriptions(rows))
    np.testing.assert_allclose(found, np.maximum(plain.predict_proba(unit(rows)), 1e-3), rtol=1e-6)


def test_curved_borders_are_of_the_kernels_around_the_labelled_rows(moons):
    """Where the loss is least, a landmark's coefficients are C times what its own probabilities lack."""
    rows, _, codes = moons
    fitted = unfitted(rows).fit(codes, 1.0, curved=True)
    labelled = np.flatnonzero(codes >= 0)
    gaps = ((unit(rows)[:, None] - fitted.landmarks) ** 2).sum(axis=2)
    logits = np.exp(-gaps) @ fitted.coefficients.T + fitted.intercepts
    P = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(fitted.of_descriptions(rows)), np.maximum(P, 1e-3), rtol=1e-8)
    of_landmark = labelled[gaps[labelled].argmin(axis=0)]
    assert sorted(of_landmark) == labelled.tolist()
    lacking = np.eye(3)[codes[of_landmark]].T - P[of_landmark].T
    np.testing.assert_allclose(fitted.coefficients, lacking, atol=5e-3)


def test_curves_part_what_lines_do_not(moons):
    rows, side, codes = moons
    straight, curved = (unfitted(rows).fit(codes, 100.0, each).of_descriptions(rows) for each in (False, True))
    right = [(found.argmax(axis=1) == side).mean() for found in (straight, curved)]
    assert right[1] > 0.95 > 0.8 > right[0]


def test_of_many_labelled_rows_some_are_landmarks(moons, monkeypatch):
    monkeypatch.setattr(classifier, "LANDMARKS", 40)
    rows, side, codes = moons
    fitted = unfitted(rows).fit(codes, 100.0, curved=True)
    assert fitted.landmarks.shape == (40, 2)
    assert (fitted.of_descriptions(rows).argmax(axis=1) == side).mean() > 0.95


@pytest.mark.parametrize("curved", [False, True])
def test_unit_and_origin_do_not_matter(moons, curved):
    rows, _, codes = moons
    here, there = (unfitted(each).fit(codes, 10.0, curved).of_descriptions(each) for each in (rows, 1e3 * rows + 1e4))
    np.testing.assert_allclose(there, here, atol=2e-2)


@pytest.mark.parametrize("curved", [False, True])
def test_new_inputs_are_told_apart_as_the_others(moons, curved, monkeypatch):
    rows, _, codes = moons
    fitted = unfitted(rows).fit(codes, 10.0, curved)
    whole = fitted.of_descriptions(rows)
    np.testing.assert_allclose(fitted(torch.from_numpy(rows[5:9])), whole[5:9], rtol=1e-6)
    monkeypatch.setattr(classifier, "ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(fitted.of_descriptions(rows), whole, rtol=1e-9)


@pytest.mark.parametrize("curved", [False, True])
def test_rows_all_alike_tell_nothing(curved):
    rows, codes = np.full((30, 2), 5.0, np.float32), np.arange(30) % 3
    told = unfitted(rows).fit(codes, 10.0, curved).of_descriptions(rows)
    np.testing.assert_allclose(np.exp(told), 1 / 3, atol=1e-3)
