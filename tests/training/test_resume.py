"""A fit killed in the middle of an epoch and resumed equals an undisturbed one, bit for bit."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

FIT = """
import json, os, signal, sys
from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset
from semimetric.data.augmentation import Deform

directory, options, kill_at, resume = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "resume"
calls, deform = 0, Deform()

def augment(x):  # one call per step
    global calls
    calls += 1
    if calls == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return deform(x)

digits = load_dataset("digits")
X, y = digits.X_train[:400], hide_labels(digits.y_train[:400], count=150)
embedder = MetricEmbedder(
    epochs=6, latent_dim=3, augment=augment, patience=2, random_state=7, checkpoint_dir=directory, resume=resume,
    **options,
)
embedder.fit(X, y).save(directory + "/model")
"""
STEPS_PER_EPOCH = 17


EVERYTHING_AT_ONCE = {
    "preset": "metric-vae",
    "routine": "alternate-batches",
    "separate_optimisers": True,
    "balance": "uncertainty",
    "warm_up": 0.5,
    "loss": "softmax",
}


def fit(directory: Path, options: dict, kill_at: int = 0, resume: bool = False) -> int:
    arguments = [str(directory), json.dumps(options), str(kill_at), "resume" if resume else "anew"]
    return subprocess.run([sys.executable, "-c", FIT, *arguments], check=False).returncode


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"routine": "joint"}, id="joint", marks=pytest.mark.slow),
        pytest.param({"preset": "best", "validation_share": 0.05, "averaging": 0.9}, id="best"),
        pytest.param(EVERYTHING_AT_ONCE, id="everything at once", marks=pytest.mark.slow),
        pytest.param({"routine": "alternate-epochs"}, id="alternate-epochs", marks=pytest.mark.slow),
        pytest.param({"routine": "staged", "preset": "dml-gmm-prior"}, id="staged", marks=pytest.mark.slow),
        pytest.param({"routine": "joint", "averaging": 0.9}, id="averaged", marks=pytest.mark.slow),
    ],
)
def test_a_killed_and_resumed_fit_equals_an_undisturbed_one(tmp_path, options):
    assert fit(tmp_path / "whole", options) == 0
    in_epoch_four = 3 * STEPS_PER_EPOCH + 5
    assert fit(tmp_path / "killed", options, kill_at=in_epoch_four) == -signal.SIGKILL
    left_behind = torch.load(tmp_path / "killed" / "last.pt", weights_only=True)
    assert len(left_behind["history"]) == 3
    assert fit(tmp_path / "killed", options, resume=True) == 0

    whole, resumed = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "killed"))
    assert resumed["history"] == whole["history"]
    assert resumed["best"]["epoch"] == whole["best"]["epoch"]
    assert_equal_bit_for_bit(resumed["model"], whole["model"])
    assert_equal_bit_for_bit(resumed["best"]["model"], whole["best"]["model"])
    assert (whole["average"] is not None) == ("averaging" in options)
    if whole["average"] is not None:
        assert resumed["average"]["steps"] == whole["average"]["steps"] == 6 * STEPS_PER_EPOCH
        assert_equal_bit_for_bit(resumed["average"]["model"], whole["average"]["model"])
    assert resumed["routine"] == whole["routine"]
    assert resumed["optimisers"].keys() == whole["optimisers"].keys()
    for name, optimiser in whole["optimisers"].items():
        assert_equal_bit_for_bit(resumed["optimisers"][name]["state"], optimiser["state"])
    weights = [(tmp_path / name / "model" / "weights.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


def assert_equal_bit_for_bit(a, b):
    assert a.keys() == b.keys()
    for key in a:
        if isinstance(a[key], dict):
            assert_equal_bit_for_bit(a[key], b[key])
        else:
            assert torch.equal(a[key], b[key]), key
