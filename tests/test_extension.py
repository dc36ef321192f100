"""Adding a prior, a loss or a routine takes one file and one line: here all three are added, as a stranger would."""

import importlib.util
import sys

import numpy as np
import pytest

from semimetric import MetricEmbedder
from semimetric.data import hide_labels
from semimetric.errors import ModelFileError
from semimetric.losses import LOSSES
from semimetric.priors import PRIORS
from semimetric.training import ROUTINES

PRIOR = '''
"""Independent Laplace distributions around zero."""

import torch
from torch.distributions import Distribution, Independent, Laplace

from semimetric.priors import Prior, PriorSetting

CALLS = []


class LaplacePrior(Prior):
    def __init__(self, setting: PriorSetting) -> None:
        super().__init__()
        CALLS.append(setting)
        self.log_scale = torch.nn.Parameter(torch.zeros(setting.latent_dim))

    def distribution(self) -> Distribution:
        return Independent(Laplace(torch.zeros_like(self.log_scale), self.log_scale.exp()), 1)
'''

LOSS = '''
"""The mean squared distance to the mean of one's class, and nothing that draws classes apart."""

from torch import Tensor

from semimetric.losses import LossSetting, MetricLoss

CALLS = []


class Compactness(MetricLoss):
    def __init__(self, setting: LossSetting) -> None:
        super().__init__()
        CALLS.append(setting)

    def forward(self, z: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        CALLS.append(y.tolist())
        classes = y[y >= 0].unique()
        return sum(z[y == c].var(0, unbiased=False).sum() for c in classes) / len(classes)
'''

ROUTINE = '''
"""The metric loss in every third step, everything else in the other two."""

from collections.abc import Iterator

from semimetric.training import LABELLED, UNLABELLED, Routine, Step

CALLS = []


class EveryThird(Routine):
    def before_epoch(self, epoch, model, data) -> None:
        CALLS.append(("epoch", epoch, type(model.prior).__name__, type(model.metric).__name__))

    def steps(self, epoch: int, length: int) -> Iterator[Step]:
        for number in range(length):
            supervised = number % 3 == 2
            CALLS.append(supervised)
            streams = {LABELLED: self.weights.supervised} if supervised else {UNLABELLED: self.weights.unsupervised}
            yield Step(streams, self.weights)
'''


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a module to a file and import it."""

    def module(name, text):
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(name, file)
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return module


def test_a_prior_a_loss_and_a_routine_each_take_one_file_and_one_line(written, digits, tmp_path, monkeypatch):
    prior, loss, routine = written("laplace", PRIOR), written("compactness", LOSS), written("every_third", ROUTINE)
    monkeypatch.setitem(PRIORS, "toy", prior.LaplacePrior)
    monkeypatch.setitem(LOSSES, "toy", loss.Compactness)
    monkeypatch.setitem(ROUTINES, "toy", routine.EveryThird)

    X, y = digits.X_train[:160], hide_labels(digits.y_train[:160], count=60, seed=0)
    toys = {"prior": "toy", "loss": "toy", "routine": "toy"}
    embedder = MetricEmbedder("metric-vae", **toys, latent_dim=3, epochs=2, validation_share=0, random_state=0)
    embedder.fit(X, y)

    assert isinstance(embedder.model_.prior, prior.LaplacePrior)
    assert isinstance(embedder.model_.metric, loss.Compactness)
    assert [(s.latent_dim, s.n_classes, s.shape) for s in prior.CALLS] == [(3, 10, (1, 8, 8))]
    assert (embedder.model_.prior.log_scale != 0).all()  # trained with the model
    assert (loss.CALLS[0].latent_dim, loss.CALLS[0].n_classes) == (3, 10)
    epochs = [("epoch", number, "LaplacePrior", "Compactness") for number in range(2)]
    assert [call for call in routine.CALLS if isinstance(call, tuple)] == epochs
    steps = [call for call in routine.CALLS if isinstance(call, bool)]
    length = len(steps) // 2
    assert steps == [number % 3 == 2 for number in range(length)] * 2
    batches = loss.CALLS[2:]  # the first two: how it was built, and the trial before the fit
    assert len(batches) == sum(steps) > 2
    assert all(min(batch) >= 0 for batch in batches)  # of the labelled stream alone
    assert set(embedder.history_[0]) == {"epoch", "train_metric", "train_reconstruction", "train_kl"}
    assert np.isfinite(embedder.transform(X)).all()

    # All that the library does with a prior comes with it.
    kl = embedder.kl(X)
    assert np.isfinite(kl).all()
    assert embedder.sample(4).shape == (4, 8, 8)
    scale = embedder.model_.prior.log_scale.exp().detach().numpy()
    spread = np.abs(embedder.sample_embeddings(4_000)).mean(0)  # of a Laplace distribution, its scale
    np.testing.assert_allclose(spread, scale, rtol=4 / np.sqrt(4_000))
    assert embedder.likelihood_terms(X[:5], samples=3)["log_likelihood"].shape == (5,)

    path = embedder.save(tmp_path / "model")
    again = MetricEmbedder.load(path)
    assert np.array_equal(again.transform(X), embedder.transform(X))
    assert np.array_equal(again.kl(X), kl)
    assert {name: again.get_params()[name] for name in toys} == toys
    monkeypatch.delitem(PRIORS, "toy")
    with pytest.raises(ModelFileError, match="unknown prior 'toy': known: classes, "):
        MetricEmbedder.load(path)


@pytest.mark.parametrize("part", ["prior", "loss", "routine"])
def test_a_mistyped_name_is_answered_with_the_new_one_among_the_known(part, monkeypatch):
    registry = {"prior": PRIORS, "loss": LOSSES, "routine": ROUTINES}[part]
    monkeypatch.setitem(registry, "toy", object)
    with pytest.raises(ValueError, match=f"unknown {part} 'toyy': did you mean 'toy'\\? Known: .*toy"):
        MetricEmbedder("metric-vae", **{part: "toyy"}).fit(np.zeros((4, 2)), [0, 0, 1, 1])
