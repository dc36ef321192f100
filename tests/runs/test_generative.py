"""What a run of a model with a prior keeps: samples, traversals, the prior's components, and its scores."""

import re

import numpy as np
import pytest

from semimetric import MetricEmbedder
from semimetric.report import write_report
from semimetric.runs import RunConfig, RunDirectory, execute
from semimetric.runs.pictures import SAMPLED, STEPS, TRAVERSED

DECODED = {"samples", "traversals", "traversal_dimensions", "traversal_values"}
COMPONENTS = {"prior_means", "prior_scales", "prior_weights"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A hundred small images of two kinds, thirty of them to test on."""
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    X = rng.integers(0, 100, (100, 8, 8)).astype(np.uint8)
    X[y == 1, :4] += 150
    path = tmp_path_factory.mktemp("images") / "halves.npz"
    np.savez(path, X=X[:70], y=y[:70], X_test=X[70:], y_test=y[70:])
    return path


@pytest.fixture(scope="module")
def finished(file, tmp_path_factory):
    """Preset and parameters → the directory, the record and the model of a run of two epochs."""

    def run(preset, **estimator):
        directory = RunDirectory(tmp_path_factory.mktemp(preset) / "run")
        estimator = {"preset": preset, "epochs": 2, "latent_dim": 3, **estimator}
        record = execute(RunConfig(str(file), labels=20, seed=3, estimator=estimator), directory)
        return directory, record, MetricEmbedder.load(directory.model)

    return run


@pytest.fixture(scope="module")
def vae(finished):
    return finished("vae")


@pytest.fixture(scope="module")
def without_decoder(finished):
    return finished("dml-unit-prior")


@pytest.fixture(scope="module")
def test_rows(file):
    return np.load(file)["X_test"]


def pictures(images):
    """As `runs` keeps what a decoder gives for images of 0 to 255."""
    return np.rint(np.clip(images, 0, 255)).astype(np.uint8)


def test_samples_are_decoded_draws_from_the_prior(vae):
    _, record, embedder = vae
    assert record.arrays["samples"].shape == (SAMPLED, 8, 8)
    assert np.array_equal(record.arrays["samples"], pictures(embedder.sample(SAMPLED, random_state=3)))


def test_traversals_walk_through_the_middle_of_the_embeddings(vae):
    _, record, embedder = vae
    Z, values, dimensions = (record.arrays[name] for name in ("Z_test", "traversal_values", "traversal_dimensions"))
    assert values.shape == (3, STEPS)
    assert (np.diff(values, axis=1) > 0).all()
    spread = Z.std(0)
    assert sorted(dimensions) == [0, 1, 2]
    assert (np.diff(spread[dimensions]) <= 0).all()  # the one that varies most first
    for walk, dimension in zip(values, dimensions, strict=True):
        low, high = np.quantile(Z[:, dimension], (0.01, 0.99))
        assert (walk[0], walk[-1]) == pytest.approx((low, high), abs=1e-5)
        assert Z[:, dimension].min() <= walk[0] < np.median(Z[:, dimension]) < walk[-1] <= Z[:, dimension].max()
        np.testing.assert_allclose(np.diff(walk), (high - low) / (STEPS - 1), rtol=1e-3)
    assert record.arrays["traversals"].shape == (3, STEPS, 8, 8)
    for number in (0, 2):  # decoded by hand: everything else at its median
        walk = np.tile(np.median(Z, axis=0), (STEPS, 1)).astype(np.float32)
        walk[:, dimensions[number]] = values[number]
        by_hand = pictures(embedder.inverse_transform(walk)).astype(int)
        assert np.abs(by_hand - record.arrays["traversals"][number]).max() <= 1  # of rounding


def test_of_many_dimensions_those_that_vary_most_are_walked(finished):
    _, record, _ = finished("vae", latent_dim=14)
    assert record.arrays["traversals"].shape == (TRAVERSED, STEPS, 8, 8)
    left_out = np.setdiff1d(np.arange(14), record.arrays["traversal_dimensions"])
    spread = record.arrays["Z_test"].std(0)
    assert spread[left_out].max() <= spread[record.arrays["traversal_dimensions"]].min()


def test_the_unit_prior_is_one_component(vae):
    _, record, _ = vae
    assert record.arrays["prior_means"].tolist() == [[0.0, 0.0, 0.0]]
    assert record.arrays["prior_scales"].tolist() == [[1.0, 1.0, 1.0]]
    assert record.arrays["prior_weights"].tolist() == [1.0]


def test_a_mixture_s_components_are_kept_as_they_were_trained(finished):
    _, record, embedder = finished("vamp-vae", n_components=7)
    means, scales, weights = (tensor.numpy() for tensor in embedder.model_.prior.eval().gaussians(100))
    np.testing.assert_allclose(record.arrays["prior_means"], means, atol=1e-5)
    np.testing.assert_allclose(record.arrays["prior_scales"], scales, rtol=1e-4)
    np.testing.assert_allclose(record.arrays["prior_weights"], weights, rtol=1e-5)
    assert means.shape == (7, 3)


def test_scores_of_a_vae_are_the_means_of_its_terms(vae, test_rows):
    _, record, embedder = vae
    terms = embedder.likelihood_terms(test_rows, random_state=3)
    for name in ("elbo", "kl"):
        assert record.metrics[name] == pytest.approx(terms[name].mean(), rel=1e-6)
    assert record.metrics["vae_loss"] == pytest.approx((terms["reconstruction"] + terms["kl"]).mean(), rel=1e-6)
    assert record.metrics["vae_loss"] == pytest.approx(-record.metrics["elbo"] - 0.5 * np.log(np.pi) * 64, rel=1e-6)
    assert record.metrics["reconstruction_error"] == pytest.approx(embedder.reconstruction_error(test_rows))
    assert "log_likelihood" not in record.metrics


def test_without_a_decoder_there_is_the_kl_alone(without_decoder, test_rows):
    _, record, embedder = without_decoder
    assert record.metrics["kl"] == pytest.approx(embedder.kl(test_rows, random_state=3).mean())
    assert not {"elbo", "vae_loss", "reconstruction_error", "log_likelihood"} & set(record.metrics)
    assert set(record.arrays) >= COMPONENTS
    assert not (DECODED | {"reconstruction_outputs"}) & set(record.arrays)


def test_without_a_prior_there_is_neither(finished):
    _, record, _ = finished("dml-autoencoder")
    assert not (DECODED | COMPONENTS) & set(record.arrays)
    assert not {"elbo", "kl", "vae_loss"} & set(record.metrics)
    assert record.metrics["reconstruction_error"] > 0


@pytest.mark.parametrize("which", ["vae", "without_decoder"])
def test_the_report_is_written(request, which):
    directory, record, _ = request.getfixturevalue(which)
    write_report(directory.path)
    page = directory.report.read_text()
    assert page.startswith("<!doctype html>")
    pictures = r'"data:image/png;base64,[^"]*"'  # in which any three letters may stand
    assert "NaN" not in re.sub(pictures, "", page.split("<script")[0])
    sections = {"samples.png": "samples" in record.arrays}
    for picture, expected in sections.items():
        assert (directory.path / picture).exists() == expected
