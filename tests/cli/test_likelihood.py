"""Likelihoods on the command line: of black and white images, and of presets that have none."""

import json

import numpy as np
import pytest

from semimetric.data import load_dataset


@pytest.fixture
def file(tmp_path):
    """Sixty grey images of noise, and forty to test on."""
    X = np.random.default_rng(0).integers(0, 256, (100, 8, 8), np.uint8)
    y = np.arange(100) % 2
    np.savez(tmp_path / "grey.npz", X=X[:60], y=y[:60], X_test=X[60:], y_test=y[60:])
    return tmp_path / "grey.npz"


def test_fit_and_evaluate_on_black_and_white(semimetric, no_report, file, tmp_path):
    run = tmp_path / "run"
    done = semimetric(
        *("fit", file, "--binarise", "--preset", "vae", "--likelihood", "bernoulli", "--epochs", 1),
        *("--latent-dim", 2, "--out", run, "--json", "-q"),
    )
    assert done.code == 0, done.err
    assert json.loads((run / "config.json").read_text())["loading"] == {"binarise": "True"}
    kept = np.load(run / "embedding.npz")
    assert set(np.unique(kept["shown_inputs"])) == {0, 255}
    expected = load_dataset(file, binarise=True)
    assert np.array_equal(kept["shown_inputs"], expected.X_test[kept["shown_rows"]])
    scores = semimetric("evaluate", run, file, "--binarise", "--likelihood-samples", 5, "--json", "-q").json
    assert {name: scores[name] for name in ("elbo", "kl", "vae_loss")} == {
        name: done.json[name] for name in ("elbo", "kl", "vae_loss")
    }
    assert scores["vae_loss"] == pytest.approx(-scores["elbo"])
    assert 0 > scores["log_likelihood"] > scores["elbo"]
    without = semimetric("evaluate", run, file, "--binarise", "--json", "-q").json
    assert "log_likelihood" not in without
    as_fitted, in_grey = (semimetric("evaluate", run, file, *grey, "--json", "-q").json for grey in ((), ("--grey",)))
    assert as_fitted == without
    assert in_grey["elbo"] != without["elbo"]


def test_what_is_not_of_eight_bits_is_answered_by_a_sentence(semimetric, tmp_path):
    done = semimetric("fit", "digits", "--binarise", "--out", tmp_path / "run", "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: binarise=True needs images of 8 bits, but digits holds float32 (8, 8)\n"
    assert not (tmp_path / "run").exists()


def test_a_preset_without_a_prior_has_no_likelihood(semimetric, vector_run, vector_file):
    done = semimetric("evaluate", vector_run[0], vector_file, "--likelihood-samples", 5, "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == (
        "error: preset 'dml-autoencoder' has no prior: likelihood_terms needs one of 'metric-vae', 'joint-mvae', "
        "'tvae', 'vae', 'vamp-vae'"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--prior", "vampp"], "unknown prior 'vampp': did you mean 'vamp'? Known: classes, fitted, hypercube, "),
        (["--preset", "vae", "--warm-up", "2"], "warm_up must be between 0 and 1: a share of the training, got 2.0"),
        (["--prior", "fitted"], "prior 'fitted' takes the shape of a trained space: it needs routine='staged'"),
        (["--loss", "triplets"], "unknown loss 'triplets': did you mean 'triplet' or 'random-triplet'? Known: center"),
        (["--preset", "dml", "--prior", "unit"], "a prior was given, but preset 'dml' has none: use one of "),
        (["--kl-samples", "0"], "kl_samples must be a whole number of at least 1, got 0"),
    ],
)
def test_what_cannot_be_right_leaves_no_trace(semimetric, vector_file, tmp_path, arguments, told):
    preset = [] if "--preset" in arguments else ["--preset", "metric-vae"]
    done = semimetric("fit", vector_file, *preset, *arguments, "--out", tmp_path / "run", "-q")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {told}")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_every_option_of_a_fit_reaches_the_model(semimetric, no_report, vector_file, tmp_path):
    given = {
        "preset": "joint-mvae", "latent_dim": 2, "alpha": 0.5, "beta": 0.25, "gamma": 3.0, "loss": "contrastive",
        "margin": 0.75, "distance": "manhattan", "metric_on": "mean", "prior": "simplex", "n_components": 3,
        "log_variance": -1.0, "kl_estimator": "monte-carlo", "kl_samples": 2, "free_bits": 0.125, "warm_up": 0.5,
        "likelihood": "bernoulli", "reconstruction": "mean", "network": "two-layer", "routine": "alternate-batches",
        "balance": "uncertainty", "epochs": 1,
    }  # fmt: skip
    options = [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]
    done = semimetric("fit", vector_file, *options, "--separate-optimisers", "--out", tmp_path / "run", "--json", "-q")
    assert done.code == 0, done.err
    used = json.loads((tmp_path / "run" / "config.json").read_text())["parameters"]
    assert {name: used[name] for name in given} == given
    assert used["separate_optimisers"] is True
