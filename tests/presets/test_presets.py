"""Every preset: its parts and weights as numbers, what stands for None, and what a fitted one can do."""

import math
from dataclasses import fields

import numpy as np
import pytest
import torch

from semimetric import MetricEmbedder
from semimetric.losses import RandomTripletLoss, TripletLoss
from semimetric.presets import DEFAULTS, PRESETS, Choices
from semimetric.priors import FittedPrior, HypercubePrior, UnitPrior, VampPrior

VIEWS = {"labelled", "unlabelled", "paired"}


class Expected:
    """What the papers say a preset is. ``weights`` is at alpha = 0.25, beta = 3, gamma = 5."""

    def __init__(self, weights, metric=True, decoder=True, prior=None, views=frozenset(), contrast=False):
        self.weights, self.metric, self.decoder, self.prior, self.views = weights, metric, decoder, prior, set(views)
        self.contrast = contrast


EXPECTED = {
    "best": Expected({"metric": 5 / 6, "contrast": 1 / 6}, decoder=False, views=VIEWS, contrast=True),
    "best-fast": Expected({"metric": 5 / 6, "contrast": 1 / 6}, decoder=False, views=VIEWS, contrast=True),
    "dml": Expected({"metric": 1.0}, decoder=False, views=VIEWS),
    "dml-autoencoder": Expected({"metric": 0.75, "reconstruction": 0.25}, views=VIEWS),
    "dml-unit-prior": Expected({"metric": 0.75, "kl": 0.25 * 3}, decoder=False, prior=UnitPrior, views=VIEWS),
    "dml-gmm-prior": Expected({"metric": 0.75, "kl": 0.25 * 3}, decoder=False, prior=HypercubePrior, views=VIEWS),
    "metric-vae": Expected(
        {"metric": 0.75, "reconstruction": 0.25, "kl": 0.25 * 3}, prior=VampPrior, views={"labelled"}
    ),
    "joint-mvae": Expected({"reconstruction": 1.0, "kl": 3.0, "metric": 5.0}, prior=UnitPrior, views={"labelled"}),
    "tvae": Expected({"kl": 0.25, "reconstruction": 3.0, "metric": 5.0}, prior=UnitPrior),
    "autoencoder": Expected({"reconstruction": 1.0}, metric=False, views=VIEWS),
    "vae": Expected({"reconstruction": 1.0, "kl": 3.0}, metric=False, prior=UnitPrior),
    "vamp-vae": Expected({"reconstruction": 1.0, "kl": 3.0}, metric=False, prior=VampPrior),
}
each_preset = pytest.mark.parametrize("name", PRESETS)


def choices(name, **parameters):
    resolved = PRESETS[name].resolve(MetricEmbedder(name, **parameters).get_params())
    return Choices(**{field.name: resolved[field.name] for field in fields(Choices)})


def test_all_presets_are_expected():
    assert list(PRESETS) == list(EXPECTED)
    assert all(preset.name == name for name, preset in PRESETS.items())


@each_preset
def test_weights(name):
    preset = PRESETS[name]
    given = preset.weights(choices(name, alpha=0.25, beta=3.0, gamma=5.0))
    assert dict(given) == pytest.approx(EXPECTED[name].weights)
    assert set(preset.weights(choices(name))) == set(EXPECTED[name].weights)  # with its own values no term is lost


@each_preset
def test_parts(name):
    """Each term has the part that computes it, and no part is without a term."""
    preset, expected = PRESETS[name], EXPECTED[name]
    model = preset.compose((6,), choices(name), n_classes=3).model
    found = (model.metric is not None, model.decoder is not None, model.contrast is not None)
    assert found == (expected.metric, expected.decoder, expected.contrast)
    assert type(model.prior) is (expected.prior or type(None))
    assert set(expected.weights) == {
        *(["metric"] if model.metric else []),
        *(["reconstruction"] if model.decoder else []),
        *(["kl"] if model.prior else []),
        *(["contrast"] if model.contrast else []),
    }
    assert (preset.metric, preset.decoder, preset.has_prior) == (
        expected.metric,
        expected.decoder,
        expected.prior is not None,
    )
    assert preset.parameters_per_dimension == (2 if expected.prior else 1)
    assert preset.needs_labels == (not preset.decoder and not preset.contrast)
    assert set(preset.views) == expected.views
    assert model.encoder(torch.zeros(2, 6)).mean.shape == (2, {"tvae": 20, "best": 32, "best-fast": 32}.get(name, 10))


def test_losses_and_networks_are_the_papers():
    tvae = PRESETS["tvae"].compose((6,), choices("tvae")).model
    assert isinstance(tvae.metric, RandomTripletLoss)
    assert tvae.metric.margin == 1.0
    assert tvae.encoder.network[0].out_features == 400
    for name in ("dml", "metric-vae", "joint-mvae"):
        metric = PRESETS[name].compose((6,), choices(name)).model.metric
        assert isinstance(metric, TripletLoss)
        assert metric.margin == choices(name).margin


@each_preset
def test_what_is_shown_of_it(name):
    preset = PRESETS[name]
    assert 20 < len(preset.summary) < 120
    assert "\n" not in preset.summary
    assert any(year in preset.citation for year in ("2014", "2018", "2020", "2022"))


@each_preset
def test_none_is_the_presets_own_value_and_a_given_value_stays(name):
    preset = PRESETS[name]
    assert set(preset.defaults) <= set(DEFAULTS)
    own = {**DEFAULTS, **preset.defaults}
    assert preset.resolve(dict.fromkeys(DEFAULTS)) == own
    assert preset.resolve(dict.fromkeys(DEFAULTS, "given")) == dict.fromkeys(DEFAULTS, "given")
    zero = {"alpha": 0, "free_bits": 0.0, "warm_up": False}  # are no None
    assert preset.resolve(zero) == zero
    assert preset.resolve({"n_components": None, "patience": None}) == {"n_components": None, "patience": None}
    signature = MetricEmbedder(name).get_params()
    assert all(signature[parameter] is None for parameter in DEFAULTS)


def test_what_presets_set():
    """Weights are tuned; what they multiply is published."""
    assert dict(PRESETS["tvae"].defaults) == {
        "prior": "unit",
        "latent_dim": 20,
        "alpha": 1.0,
        "beta": 1.0,
        "gamma": 35.0,
        "loss": "random-triplet",
        "margin": 1.0,
        "metric_on": "mean",
        "reconstruction": "sum",
        "network": "two-layer",
    }
    tuned = {"alpha", "beta", "gamma", "warm_up"}
    assert PRESETS["best-fast"].defaults == {**PRESETS["best"].defaults, "network": "auto"}
    assert {
        name: {key: value for key, value in preset.defaults.items() if key not in tuned}
        for name, preset in PRESETS.items()
        if preset.defaults and name not in ("tvae", "best-fast")
    } == {
        "best": {
            "latent_dim": 32,
            "network": "pooled",
            "loss": "normalised-softmax",
            "routine": "self-training",
            "validation_share": 0.0,
        },
        "dml-unit-prior": {"prior": "unit", "metric_on": "mean", "free_bits": 1.0, "margin": 0.3},
        "dml-gmm-prior": {"prior": "hypercube", "metric_on": "mean", "free_bits": 1.0, "margin": 0.3},
        "metric-vae": {"prior": "vamp", "margin": 1.0},
        "joint-mvae": {"prior": "unit", "margin": 1.0, "reconstruction": "sum"},
        "vae": {"prior": "unit", "reconstruction": "sum"},
        "vamp-vae": {"prior": "vamp", "reconstruction": "sum"},
    }
    for name in ("vae", "vamp-vae"):  # a negative ELBO, nothing more
        assert dict(PRESETS[name].weights(choices(name))) == {"reconstruction": 1.0, "kl": 1.0}


# Fitted -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=PRESETS)
def fitted(request, fit):
    """One epoch of it, or in "best" two: labels are spread before the second."""
    return fit(request.param, epochs=2 if request.param == "best" else 1)


def test_a_fitted_preset_embeds_and_comes_back_from_its_file(fitted, digits, tmp_path):
    X = digits.X_test[:50]
    expected = EXPECTED[fitted.preset]
    Z = fitted.transform(X)
    assert Z.shape == (50, 3)
    assert np.isfinite(Z).all()
    assert len(np.unique(Z, axis=0)) == 50
    assert set().union(*fitted.history_) == {"epoch"} | {f"train_{term}" for term in expected.weights}
    again = MetricEmbedder.load(fitted.save(tmp_path / "model"))
    assert np.array_equal(again.transform(X), Z)
    assert np.array_equal(again.predict(X), fitted.predict(X))
    if expected.prior is not None:
        assert type(again.model_.prior) is expected.prior
        assert np.array_equal(again.kl(X), fitted.kl(X))
        assert np.array_equal(again.sample_embeddings(4), fitted.sample_embeddings(4))
    if expected.decoder and expected.prior:
        assert np.array_equal(again.sample(4, random_state=3), fitted.sample(4, random_state=3))


def test_settings_are_the_presets_where_none_was_given(fitted):
    own = {**DEFAULTS, **PRESETS[fitted.preset].defaults, "latent_dim": 3}
    assert {name: fitted.settings_[name] for name in own} == own
    assert fitted.get_params()["alpha"] is None


def test_draws_divergences_and_likelihoods(fitted, digits):
    X = digits.X_test[:100]
    expected = EXPECTED[fitted.preset]
    if expected.prior is not None:
        check_draws(fitted)
        check_kl(fitted, X)
    else:
        assert_refused(lambda: fitted.kl(X), fitted, "prior", "kl", ["prior"])
        assert_refused(lambda: fitted.sample_embeddings(2), fitted, "prior", "sample_embeddings", ["prior"])
    if expected.prior and expected.decoder:
        check_likelihood(fitted, X)
    else:
        lacking = "decoder" if not expected.decoder else "prior"
        assert_refused(lambda: fitted.likelihood_terms(X), fitted, lacking, "likelihood_terms", ["prior", "decoder"])
        assert_refused(lambda: fitted.sample(2), fitted, lacking, "sample", ["prior", "decoder"])


def check_draws(fitted):
    """They follow the seed, and the prior: of N(0, I), within four standard errors."""
    Z = fitted.sample_embeddings(2_000, random_state=1)
    assert (Z.dtype, Z.shape) == (np.float32, (2_000, 3))
    assert np.array_equal(Z, fitted.sample_embeddings(2_000, random_state=1))
    assert not np.array_equal(Z, fitted.sample_embeddings(2_000, random_state=2))
    if isinstance(fitted.model_.prior, UnitPrior):
        assert (np.abs(Z.mean(0)) < 4 / math.sqrt(2_000)).all()
        assert (np.abs(Z.var(0) - 1) < 4 * math.sqrt(2 / 2_000)).all()
    if EXPECTED[fitted.preset].decoder:
        drawn = fitted.sample(5, random_state=1)
        assert (drawn.dtype, drawn.shape) == (np.float32, (5, 8, 8))
        np.testing.assert_allclose(
            drawn, fitted.inverse_transform(fitted.sample_embeddings(5, random_state=1)), atol=1e-6
        )


def check_kl(fitted, X):
    found = fitted.kl(X)
    assert found.shape == (100,)
    assert np.array_equal(found, fitted.kl(X))
    posterior = fitted.model_.encoder(fitted.normaliser_(torch.from_numpy(X[:, None])))
    if isinstance(fitted.model_.prior, UnitPrior):
        mean, variance = posterior.mean.detach().numpy(), posterior.variance.detach().numpy()
        by_hand = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(1)
        np.testing.assert_allclose(found, by_hand, rtol=1e-3, atol=1e-5)
    else:  # by Monte Carlo, as an average over many draws is too
        draws = posterior.sample((400,))
        expected = fitted.model_.prior.kl(posterior, draws).detach().numpy()
        several = np.mean([fitted.kl(X, random_state=seed) for seed in range(20)])
        spread = (posterior.log_prob(draws) - fitted.model_.prior.log_prob(draws)).var(0).detach().numpy()
        error = math.sqrt(spread.mean() / 100 * (1 / 20 + 1 / 400))
        assert several == pytest.approx(float(expected.mean()), abs=4 * error)


def check_likelihood(fitted, X):
    terms = fitted.likelihood_terms(X, samples=50)
    assert {name: values.shape for name, values in terms.items()} == dict.fromkeys(
        ("reconstruction", "kl", "elbo", "log_likelihood"), (100,)
    )
    constant = 0.5 * math.log(math.pi) * 64
    np.testing.assert_allclose(terms["elbo"], -terms["reconstruction"] - terms["kl"] - constant, rtol=1e-6)
    assert terms["log_likelihood"].mean() >= terms["elbo"].mean()
    without = fitted.likelihood_terms(X)
    assert "log_likelihood" not in without
    assert all(np.array_equal(without[name], terms[name]) for name in without)
    if isinstance(fitted.model_.prior, UnitPrior):
        np.testing.assert_allclose(terms["kl"], fitted.kl(X), rtol=1e-5, atol=1e-6)


def assert_refused(call, fitted, part, method, needed):
    able = [name for name, one in EXPECTED.items() if all(getattr(one, each) for each in needed)]
    with pytest.raises(ValueError, match=rf"^preset '{fitted.preset}' has no {part}: {method} needs one of ") as error:
        call()
    assert str(error.value).endswith(f"needs one of {', '.join(map(repr, able))}")


def test_a_bernoulli_elbo_has_no_constant(fit, digits):
    terms = fit("vae", likelihood="bernoulli").likelihood_terms(digits.X_test[:20])
    np.testing.assert_allclose(terms["elbo"], -terms["reconstruction"] - terms["kl"], rtol=1e-6)


def test_staged_takes_a_fitted_prior_unless_told_otherwise(fit):
    assert isinstance(fit("metric-vae", routine="staged", epochs=2).model_.prior, FittedPrior)
    assert isinstance(fit("metric-vae", routine="staged", prior="unit").model_.prior, UnitPrior)
    assert fit("dml", routine="staged").model_.prior is None
