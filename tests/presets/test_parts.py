"""Any routine, prior and loss with a preset that has such a part, by name or as an object of one's own."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from semimetric import MetricEmbedder
from semimetric.errors import ModelFileError
from semimetric.losses import (
    LOSSES,
    CenterLoss,
    ContrastiveLoss,
    NormalisedSoftmaxLoss,
    NPairLoss,
    NTXentLoss,
    PyTorchMetricLearning,
    RandomTripletLoss,
    SoftmaxLoss,
    SupervisedContrastiveLoss,
    TripletLoss,
)
from semimetric.priors import PRIORS, ClassPrior, FittedPrior, HypercubePrior, MixturePrior, UnitPrior, VampPrior
from semimetric.training import ROUTINES, Joint

PRIOR_CLASSES = {
    "unit": UnitPrior,
    "hypercube": HypercubePrior,
    "simplex": MixturePrior,
    "mixture": MixturePrior,
    "fitted": FittedPrior,
    "classes": ClassPrior,
    "vamp": VampPrior,
}
LOSS_CLASSES = {
    "triplet": TripletLoss,
    "random-triplet": RandomTripletLoss,
    "contrastive": ContrastiveLoss,
    "center": CenterLoss,
    "softmax": SoftmaxLoss,
    "normalised-softmax": NormalisedSoftmaxLoss,
    "n-pair": NPairLoss,
    "nt-xent": NTXentLoss,
    "supervised-contrastive": SupervisedContrastiveLoss,
}


def assert_finite(embedder, X):
    assert np.isfinite(embedder.transform(X)).all()
    assert all(np.isfinite(list(row.values())).all() for row in embedder.history_)


def assert_comes_back(embedder, X, path, **own):
    again = MetricEmbedder.load(embedder.save(path), **own)
    assert np.array_equal(again.transform(X), embedder.transform(X))
    return again


@pytest.mark.parametrize("separate", [False, True], ids=["one optimiser", "separate"])
@pytest.mark.parametrize("routine", ROUTINES)
def test_every_routine(fit, few, routine, separate):
    fitted = fit("metric-vae", routine=routine, separate_optimisers=separate, epochs=2)
    assert_finite(fitted, few[0])
    terms = [{key.removeprefix("train_") for key in row if key != "epoch"} for row in fitted.history_]
    everything, unsupervised = {"metric", "reconstruction", "kl"}, {"reconstruction", "kl"}
    assert (
        terms
        == {
            "joint": [everything] * 2,
            "alternate-epochs": [unsupervised, everything],
            "alternate-batches": [everything] * 2,
            "staged": [{"metric"}, everything],
            "self-training": [everything] * 2,
        }[routine]
    )


def test_routines_lead_to_different_models(fit, few):
    ends = [fit("metric-vae", prior="unit", routine=name, epochs=2).transform(few[0]) for name in ROUTINES]
    assert all(not np.allclose(a, b) for number, a in enumerate(ends) for b in ends[:number])


@pytest.mark.parametrize("prior", PRIORS)
def test_every_prior(fit, few, tmp_path, prior):
    components = {} if prior in ("unit", "hypercube", "classes") else {"n_components": 4}
    fitted = fit("metric-vae", prior=prior, routine="staged" if prior == "fitted" else "joint", epochs=2, **components)
    assert type(fitted.model_.prior) is PRIOR_CLASSES[prior]
    assert_finite(fitted, few[0])
    assert "train_kl" in fitted.history_[-1]
    assert np.isfinite(fitted.kl(few[0])).all()
    again = assert_comes_back(fitted, few[0], tmp_path / "model")
    assert np.array_equal(again.sample(3), fitted.sample(3))
    parts = fitted.model_.prior.distribution()
    size = {"classes": 10, "unit": 1, "hypercube": 2}.get(prior, 4)
    if prior not in ("unit", "hypercube"):
        assert parts.component_distribution.batch_shape == (size,)


@pytest.mark.parametrize(("prior", "start"), [("hypercube", 1.0), ("simplex", 0.0)])
def test_the_components_variance_can_be_chosen(fit, prior, start):
    for chosen, expected in ((None, start), (-2.0, -2.0)):
        fitted = fit("metric-vae", prior=prior, log_variance=chosen)
        _, scales, _ = fitted.model_.prior.gaussians(100)
        np.testing.assert_allclose(2 * np.log(scales.numpy()), expected, atol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(fit, few, tmp_path, loss):
    fitted = fit("dml", loss=loss, epochs=2)
    assert type(fitted.model_.metric) is LOSS_CLASSES[loss]
    assert_finite(fitted, few[0])
    assert fitted.history_[1]["train_metric"] != fitted.history_[0]["train_metric"] > 0
    assert_comes_back(fitted, few[0], tmp_path / "model")


def test_losses_lead_to_different_models(fit, few):
    ends = [fit("dml", loss=loss).transform(few[0]) for loss in LOSSES]
    assert all(not np.allclose(a, b) for number, a in enumerate(ends) for b in ends[:number])


@pytest.mark.parametrize(
    "changed",
    [
        {"metric_on": "mean"},
        {"kl_samples": 3},
        {"kl_estimator": "monte-carlo"},
        {"free_bits": 50.0},
        {"warm_up": 1.0},
        {"reconstruction": "sum"},
        {"network": "dense"},
        {"balance": "uncertainty"},
        {"likelihood": "bernoulli"},
        {"alpha": 0.5},
        {"beta": 1.0},
        {"margin": 3.0},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_parameter_reaches_the_fit(fit, few, changed):
    """Two fits that differ in it alone differ; of "hypercube", whose KL has no closed form, in kl_samples too."""
    fixed = {"prior": "unit" if "kl_estimator" in changed else "hypercube", "warm_up": 0.0}
    plain, other = fit("metric-vae", **fixed), fit("metric-vae", **fixed | changed)
    assert not np.allclose(plain.transform(few[0]), other.transform(few[0]))


def test_gamma_reaches_the_fit(fit, few):
    a, b = (fit("joint-mvae", gamma=gamma).transform(few[0]) for gamma in (1.0, 1000.0))
    assert not np.allclose(a, b)


# Objects of one's own ---------------------------------------------------------------------------------

MEANS = torch.tensor([[-2.0, 0.0, 0.0], [2.0, 0.0, 0.0]])


def test_a_prior_of_one_s_own(fit, few, tmp_path):
    prior = MixturePrior(MEANS, log_variances=-1.0)
    fitted = fit("metric-vae", prior=prior)
    assert fitted.model_.prior is not prior
    assert fitted.model_.prior.means.equal(MEANS)
    samples = fitted.sample_embeddings(500)
    assert np.abs(samples[:, 0]).mean() == pytest.approx(2, abs=0.1)
    path = fitted.save(tmp_path / "model")
    with pytest.raises(ModelFileError) as error:
        MetricEmbedder.load(path)
    assert str(error.value) == (
        f"the model at {path} was fitted with prior of the user's own, which a file cannot hold: give it again, "
        "load(path, prior=…)"
    )
    again = assert_comes_back(fitted, few[0], path, prior=MixturePrior(torch.zeros(2, 3)))
    assert again.model_.prior.means.equal(MEANS)  # what it learned or was given is in the file
    assert np.array_equal(again.kl(few[0]), fitted.kl(few[0]))
    with pytest.raises(ModelFileError, match=r"prior\.log_variances has shape .*; the model was fitted with prior of"):
        MetricEmbedder.load(path, prior=MixturePrior(torch.zeros(5, 3)))


def test_a_learned_prior_of_one_s_own_is_trained_as_a_copy(fit):
    prior = MixturePrior(MEANS, learned=True)
    fitted = fit("metric-vae", prior=prior, beta=1.0, warm_up=0.0)
    assert prior.means.detach().equal(MEANS)
    assert not fitted.model_.prior.means.detach().equal(MEANS)


def test_a_vamp_prior_of_one_s_own_is_shown_the_encoder(fit, few, tmp_path):
    fitted = fit("metric-vae", prior=VampPrior(5, (1, 8, 8)))
    model = fitted.model_.eval()
    expected = model.encoder(model.prior.pseudo_inputs).mean
    torch.testing.assert_close(model.prior.distribution().component_distribution.mean, expected)
    again = assert_comes_back(fitted, few[0], tmp_path / "model", prior=VampPrior(5, (1, 8, 8)))
    assert np.array_equal(again.sample(3), fitted.sample(3))


def test_a_loss_out_of_pytorch_metric_learning(fit, few, tmp_path):
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    loss = PyTorchMetricLearning(losses.ProxyNCALoss(num_classes=10, embedding_size=3))
    start = loss.loss.proxies.detach().clone()
    fitted = fit("dml", loss=loss)
    assert_finite(fitted, few[0])
    assert loss.loss.proxies.detach().equal(start)
    assert not fitted.model_.metric.loss.proxies.detach().equal(start)
    path = fitted.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match=r"fitted with loss of the user's own.*load\(path, loss=…\)$"):
        MetricEmbedder.load(path)
    again = assert_comes_back(fitted, few[0], path, loss=loss)
    assert again.model_.metric.loss.proxies.equal(fitted.model_.metric.loss.proxies)


def test_both_are_asked_for_in_one_sentence(fit, tmp_path):
    path = fit("metric-vae", prior=UnitPrior(3), loss=TripletLoss(1.0)).save(tmp_path / "model")
    with pytest.raises(ModelFileError) as error:
        MetricEmbedder.load(path)
    assert str(error.value) == (
        f"the model at {path} was fitted with loss and prior of the user's own, which a file cannot hold: give them "
        "again, load(path, loss=…, prior=…)"
    )
    MetricEmbedder.load(path, prior=UnitPrior(3), loss=TripletLoss(1.0))


class Backwards(Joint):
    """The joint routine, which notes what it was made with."""

    made: tuple = ()

    def __init__(self, weights, epochs, separate_optimisers):
        super().__init__(weights, epochs, separate_optimisers)
        type(self).made += ((dict(weights), epochs, separate_optimisers),)


def test_a_routine_of_one_s_own_is_not_needed_to_load(fit, few, tmp_path, monkeypatch):
    monkeypatch.setattr(Backwards, "made", ())
    fitted = fit("dml-autoencoder", routine=Backwards, separate_optimisers=True, epochs=2)
    assert Backwards.made == (({"metric": pytest.approx(0.03), "reconstruction": 0.97}, 2, True),)
    again = assert_comes_back(fitted, few[0], tmp_path / "model")
    assert again.get_params()["routine"] is None
    assert again.settings_["routine"] == "joint"
    assert len(Backwards.made) == 1


def test_they_are_parameters_as_any_other(few):
    prior, loss = MixturePrior(MEANS), ContrastiveLoss(0.5, "euclidean")
    embedder = MetricEmbedder("metric-vae", latent_dim=3, epochs=1, prior=prior, loss=loss, routine=Backwards)
    parameters = embedder.get_params()
    assert (parameters["prior"], parameters["loss"], parameters["routine"]) == (prior, loss, Backwards)
    copy = clone(embedder)
    assert copy.prior is not prior
    assert copy.prior.means.equal(MEANS)
    assert copy.loss.margin == 0.5
    assert copy.routine is Backwards
    embedder.set_params(prior="unit", loss="triplet", routine="joint")
    assert embedder.fit(*few).model_.prior.location.tolist() == [0, 0, 0]
    embedder.set_params(prior=prior)
    assert embedder.fit(*few).model_.prior.means.equal(MEANS)
    assert "MixturePrior" in repr(embedder)
