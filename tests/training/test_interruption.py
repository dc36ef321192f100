"""What ends a fit early (Ctrl-C, a loss that is no longer finite, a full disk) costs nothing that was done."""

import numpy as np
import pytest
import torch

from semimetric import MetricEmbedder
from semimetric.errors import RunError
from semimetric.training import Checkpoint

STEPS_PER_EPOCH = 17


@pytest.fixture
def X(digits):
    return digits.X_train[:300]


class Act:
    """An augmentation that changes nothing, and does something at one step (numbered from 1)."""

    def __init__(self, step, action):
        self.step, self.action, self.calls = step, action, 0

    def __call__(self, x):
        self.calls += 1
        return self.action(x) if self.calls == self.step else x


def interrupt(x):
    raise KeyboardInterrupt


def embedder(augment, **parameters):
    defaults = {"epochs": 5, "latent_dim": 2, "random_state": 0, "precision": "float32"}
    return MetricEmbedder("autoencoder", augment=augment, **defaults | parameters)


def test_ctrl_c_keeps_the_best_model_so_far(X):
    undisturbed = embedder(Act(0, interrupt), epochs=5, patience=None).fit(X)
    interrupted = embedder(Act(2 * STEPS_PER_EPOCH + 3, interrupt), epochs=5, patience=None)
    with pytest.warns(UserWarning, match=r"interrupted in epoch 3 of 5: keeping the model of epoch 2"):
        interrupted.fit(X)
    assert interrupted.stopped_ == "interrupted"
    assert interrupted.best_epoch_ == 2
    assert interrupted.history_ == undisturbed.history_[:2]
    assert np.isfinite(interrupted.transform(X)).all()


def test_ctrl_c_in_the_first_epoch_still_leaves_a_model(X):
    with pytest.warns(UserWarning, match="keeping the model as it is, without one finished epoch"):
        fitted = embedder(Act(3, interrupt)).fit(X)
    assert fitted.history_ == []
    assert np.isfinite(fitted.transform(X)).all()


def test_an_interrupted_fit_can_be_resumed(X, tmp_path):
    whole = embedder(Act(0, interrupt)).fit(X)
    with pytest.warns(UserWarning, match="interrupted"):
        embedder(Act(40, interrupt), checkpoint_dir=tmp_path).fit(X)
    resumed = embedder(Act(0, interrupt), checkpoint_dir=tmp_path, resume=True).fit(X)
    assert resumed.history_ == whole.history_
    assert np.array_equal(resumed.transform(X), whole.transform(X))


def test_resuming_a_finished_fit_gives_the_same_model(X, tmp_path):
    whole = embedder("none", checkpoint_dir=tmp_path).fit(X)
    again = embedder("none", checkpoint_dir=tmp_path, resume=True).fit(X)
    assert again.history_ == whole.history_
    assert np.array_equal(again.transform(X), whole.transform(X))


def test_a_loss_that_is_no_longer_finite_keeps_the_best_model(X):
    diverging = embedder(Act(2 * STEPS_PER_EPOCH + 1, lambda x: x * float("nan")), patience=None)
    with pytest.warns(UserWarning, match=r"no longer finite in epoch 3: keeping the model of epoch 2"):
        diverging.fit(X)
    assert diverging.stopped_ == "diverged"
    assert np.isfinite(diverging.transform(X)).all()


def test_a_loss_that_is_never_finite_is_an_error(X):
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        embedder(Act(1, lambda x: x * float("inf"))).fit(X)


def test_patience_stops_training_and_the_best_epoch_is_kept(X):
    fitted = embedder("none", epochs=60, patience=1, learning_rate=0.02, validation_share=0.1).fit(X)
    totals = [row["held_out_total"] for row in fitted.history_]
    assert fitted.stopped_ == "early"
    assert len(totals) == fitted.best_epoch_ + 1 < 60
    assert totals[fitted.best_epoch_ - 1] == min(totals)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"latent_dim": 3}, "latent_dim was 2, now 3"),
        ({"epochs": 6}, "epochs was 5, now 6"),
        ({"random_state": 1}, "random_state was 0, now 1"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(X, tmp_path, change, told):
    embedder("none", checkpoint_dir=tmp_path).fit(X)
    with pytest.raises(RunError, match=told):
        embedder("none", checkpoint_dir=tmp_path, resume=True, **change).fit(X)


def test_a_checkpoint_of_other_data_is_refused(X, tmp_path):
    embedder("none", checkpoint_dir=tmp_path).fit(X)
    with pytest.raises(RunError, match="is of another fit \\(data was"):
        embedder("none", checkpoint_dir=tmp_path, resume=True).fit(X + np.float32(0.001))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")  # PyTorch, before it refuses the file
@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"\x80\x04garbage"])
def test_a_damaged_checkpoint_is_refused(X, tmp_path, damage):
    embedder("none", checkpoint_dir=tmp_path).fit(X)
    file = tmp_path / "last.pt"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(RunError, match="is damaged: delete it to start anew"):
        embedder("none", checkpoint_dir=tmp_path, resume=True).fit(X)


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    torch.save({"format": 1, "fingerprint": Hostile()}, tmp_path / "last.pt")
    with pytest.raises(RunError, match="is damaged"):
        Checkpoint(tmp_path, {}).read()
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_costs_the_checkpoint_but_not_the_fit(X, small_disk):
    with pytest.warns(UserWarning, match=r"could not write the checkpoint .*Training goes on"):
        fitted = embedder("none", checkpoint_dir=small_disk / "checkpoint").fit(X)
    assert len(fitted.history_) == 5
    assert not list((small_disk / "checkpoint").glob("*"))


def test_a_checkpoint_of_another_network_of_one_s_own_is_refused(X, tmp_path):
    def encoder(width):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, width), torch.nn.Linear(width, 2))

    embedder("none", checkpoint_dir=tmp_path, encoder=encoder(4)).fit(X)
    embedder("none", checkpoint_dir=tmp_path, encoder=encoder(4), resume=True).fit(X)
    with pytest.raises(RunError, match="is of another fit \\(encoder was"):
        embedder("none", checkpoint_dir=tmp_path, encoder=encoder(5), resume=True).fit(X)


def test_a_fit_with_numpy_numbers_for_parameters_can_be_resumed(X, tmp_path):
    numbers = {"alpha": np.float64(0.5), "latent_dim": np.int64(2), "checkpoint_dir": tmp_path}
    embedder("none", **numbers).fit(X)
    embedder("none", **numbers, resume=True).fit(X)
    with pytest.raises(RunError, match="latent_dim was 2, now 3"):
        embedder("none", **numbers | {"latent_dim": np.int64(3)}, resume=True).fit(X)
