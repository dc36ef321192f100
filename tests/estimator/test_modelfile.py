"""Saved models: they come back the same, and anything else is refused with a sentence."""

import hashlib
import json
import pickle
import random
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from semimetric import MetricEmbedder
from semimetric.data import hide_labels
from semimetric.errors import ModelFileError

FILES = ["model.json", "weights.safetensors"]


@pytest.fixture(scope="module")
def embedder(digits):
    X, y = digits.X_train[:300], hide_labels(digits.y_train[:300], count=40, seed=0)
    return MetricEmbedder(latent_dim=3, epochs=2, random_state=0).fit(X, np.where(y >= 0, y.astype(str), None))


@pytest.fixture
def saved(embedder, tmp_path):
    return embedder.save(tmp_path / "model")


def test_a_fresh_process_gives_the_same_embeddings(embedder, saved, digits, tmp_path):
    np.save(tmp_path / "X.npy", digits.X_test)
    code = (
        "import sys, numpy as np; from semimetric import MetricEmbedder;"
        "m = MetricEmbedder.load(sys.argv[1]); X = np.load(sys.argv[2]);"
        "np.savez(sys.argv[3], Z=m.transform(X), p=m.predict(X), back=m.inverse_transform(m.transform(X)))"
    )
    subprocess.run([sys.executable, "-c", code, saved, tmp_path / "X.npy", tmp_path / "out.npz"], check=True)
    out = np.load(tmp_path / "out.npz")
    Z = embedder.transform(digits.X_test)
    np.testing.assert_allclose(out["Z"], Z, atol=1e-6)
    assert np.array_equal(out["p"], embedder.predict(digits.X_test))
    np.testing.assert_allclose(out["back"], embedder.inverse_transform(Z), atol=1e-6)


def test_everything_fitted_comes_back(embedder, saved):
    again = MetricEmbedder.load(saved)
    forgotten = {"checkpoint_dir", "resume", "verbose"}
    parameters = {k: v for k, v in embedder.settings_.items() if k not in forgotten}
    assert {k: v for k, v in again.get_params().items() if k not in forgotten} == parameters
    for name in ("history_", "best_epoch_", "stopped_", "seed_", "n_features_in_", "fit_seconds_", "n_epochs_"):
        assert getattr(again, name) == getattr(embedder, name), name
    for name in ("classes_", "labelled_rows_", "labelled_embeddings_", "labelled_codes_"):
        assert np.array_equal(getattr(again, name), getattr(embedder, name)), name
    assert {k: v for k, v in again.settings_.items() if k not in forgotten} == parameters
    fitted = {name for name in vars(embedder) if name.endswith("_")}
    assert {name for name in vars(again) if name.endswith("_")} == fitted


def test_a_loaded_model_can_be_saved_again(saved, tmp_path):
    MetricEmbedder.load(saved).save(tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


@pytest.mark.parametrize("labels", [[0, 7, 3], [True, False, True], [1.0, 2.0, 4.0], ["b", "a", "c"]])
def test_labels_of_every_kind_come_back(labels, digits, tmp_path):
    X, y = digits.X_train[:60], np.array([labels[i % 3] for i in range(60)])
    fitted = MetricEmbedder("dml", latent_dim=2, epochs=1, random_state=0).fit(X, y)
    again = MetricEmbedder.load(fitted.save(tmp_path / "model"))
    assert again.classes_.dtype.kind == fitted.classes_.dtype.kind
    assert np.array_equal(again.predict(X), fitted.predict(X))


@pytest.mark.parametrize("name", FILES)
def test_any_changed_byte_is_noticed(saved, name):
    raw = (saved / name).read_bytes()
    rng = random.Random(0)
    for _ in range(60):
        place, bit = rng.randrange(len(raw)), rng.randrange(8)
        (saved / name).write_bytes(raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :])
        with pytest.raises(ModelFileError, match=name):
            MetricEmbedder.load(saved)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(saved, name, keep):
    raw = (saved / name).read_bytes()
    (saved / name).write_bytes(raw[: int(len(raw) * keep)])
    with pytest.raises(ModelFileError, match=rf"{name} is (damaged|not)"):
        MetricEmbedder.load(saved)


def test_a_missing_model_or_file_is_named(saved, tmp_path):
    with pytest.raises(ModelFileError, match=f"there is no saved model at {tmp_path / 'nowhere'}"):
        MetricEmbedder.load(tmp_path / "nowhere")
    (saved / "weights.safetensors").unlink()
    with pytest.raises(ModelFileError, match=r"is not a whole saved model: weights.safetensors is missing"):
        MetricEmbedder.load(saved)
    (saved / "model.json").unlink()
    with pytest.raises(ModelFileError, match=r"is not a saved model: model.json is missing"):
        MetricEmbedder.load(saved)


def test_a_newer_format_says_upgrade(saved):
    content = json.loads((saved / "model.json").read_text())
    content["format_version"] = 2
    content["body"]["something"] = "new"
    (saved / "model.json").write_text(json.dumps(content))
    with pytest.raises(ModelFileError, match=r"format version 2, newer than the 1 .*: upgrade semimetric"):
        MetricEmbedder.load(saved)


class Hostile:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.mark.parametrize("name", [None, *FILES])
@pytest.mark.parametrize("write", ["pickle", "torch"])
def test_a_pickle_dressed_up_as_a_model_is_refused_and_not_run(saved, tmp_path, name, write):
    mark = tmp_path / "ran"
    if name is None:
        shutil.rmtree(saved)
    file = saved if name is None else saved / name
    if write == "pickle":
        file.write_bytes(pickle.dumps(Hostile(mark)))
    else:
        torch.save(Hostile(mark), file)
    with pytest.raises(ModelFileError, match=r"is a pickle .*which could run code and is never loaded"):
        MetricEmbedder.load(saved)
    assert not mark.exists()


def forged(saved, change):
    """Change the description as a stranger could who knows the format, checksums included."""
    from semimetric.estimator.modelfile import _envelope

    body = json.loads((saved / "model.json").read_text())["body"]
    change(body)
    (saved / "model.json").write_bytes(_envelope(body))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda b: b["parameters"].update(latent_dim=10**12), "has shape"),
        (lambda b: b["parameters"].update(latent_dim=0), "latent_dim must be a whole number of at least 1, got 0"),
        (lambda b: b["parameters"].update(preset="os.system"), "unknown preset 'os.system'"),
        (lambda b: b["parameters"].update(surprise=1), "surprise"),
        (lambda b: b["form"].update(shape=[1, 2**20, 2**20]), "larger than any model takes"),
        (lambda b: b["parameters"].update(checkpoint_dir="/tmp", resume=True), "checkpoint_dir, resume is not a param"),
        (lambda b: b["form"].update(shape=[-1]), "form.shape.0"),
        (lambda b: b["form"].update(layout="exec"), "form.layout"),
        (lambda b: b.update(classes=["0"]), "a class that the model does not have"),
        (lambda b: b.update(extra="x"), "extra"),
        (lambda b: b.pop("history"), "history"),
        (lambda b: b.update(own=["encoder"]), "give it again"),
    ],
)
def test_a_forged_description_is_refused(saved, change, told):
    forged(saved, change)
    with pytest.raises(ModelFileError, match=told):
        MetricEmbedder.load(saved)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("key", ["seed", "fit_seconds"])
def test_numbers_that_json_does_not_have_are_damage(saved, key, value):
    text = (saved / "model.json").read_text()
    (saved / "model.json").write_text(re.sub(rf'("{key}": )[^,]+', rf"\g<1>{value}", text))
    with pytest.raises(ModelFileError, match="is damaged: its content does not match its checksum"):
        MetricEmbedder.load(saved)


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_deeply_nested_body_is_damage(saved, depth):
    text = (saved / "model.json").read_text()
    (saved / "model.json").write_text(re.sub(r'"seed": \d+', '"seed": ' + "[" * depth + "]" * depth, text))
    with pytest.raises(ModelFileError, match="damaged"):
        MetricEmbedder.load(saved)


def test_deeply_nested_json_is_refused(saved):
    (saved / "model.json").write_text("[" * 100_000)
    with pytest.raises(ModelFileError, match="damaged"):
        MetricEmbedder.load(saved)


def test_one_s_own_parts_are_asked_for_again(digits, tmp_path):
    X = digits.X_train[:100]

    def encoder(outputs=2):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs))

    fitted = MetricEmbedder("autoencoder", latent_dim=2, encoder=encoder(), epochs=1, random_state=0).fit(X)
    path = fitted.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match=r"fitted with encoder of the user's own.*load\(path, encoder=…\)"):
        MetricEmbedder.load(path)
    with pytest.raises(ModelFileError, match="was not fitted with decoder of the user's own"):
        MetricEmbedder.load(path, encoder=encoder(), decoder=encoder())
    with pytest.raises(ModelFileError, match="are they the same"):
        MetricEmbedder.load(path, encoder=encoder(3))
    assert np.array_equal(MetricEmbedder.load(path, encoder=encoder()).transform(X), fitted.transform(X))


def test_saving_replaces_a_model_but_nothing_else(embedder, saved, tmp_path):
    embedder.save(saved)
    MetricEmbedder.load(saved)
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.tex").write_text("…")
    with pytest.raises(ValueError, match="exists and is not a saved model: it is not overwritten"):
        embedder.save(other)
    assert (other / "thesis.tex").exists()


def test_saving_keeps_a_folder_that_only_holds_a_model_json_among_others(embedder, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "model.json").write_text("{}")
    (project / "thesis.tex").write_text("…")
    with pytest.raises(ValueError, match="is not overwritten"):
        embedder.save(project)
    assert sorted(file.name for file in project.iterdir()) == ["model.json", "thesis.tex"]


def test_a_failed_replacement_leaves_the_old_model(embedder, saved, monkeypatch):
    import os

    before = (saved / "weights.safetensors").read_bytes()
    replace = os.replace

    def failing(source, target):
        if str(source).endswith("new"):
            raise OSError("Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="Input/output error"):
        embedder.save(saved)
    monkeypatch.undo()
    assert (saved / "weights.safetensors").read_bytes() == before
    assert sorted(file.name for file in saved.parent.iterdir()) == ["model"]
    MetricEmbedder.load(saved)


def test_weights_whose_first_byte_is_a_pickle_s_are_no_pickle(saved):
    """A safetensors file begins with the length of its header, and 0x1080 begins with a pickle's 0x80."""
    file = saved / "weights.safetensors"
    raw = file.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = raw[8 : 8 + length].rstrip().ljust(0x1080)
    file.write_bytes((0x1080).to_bytes(8, "little") + header + raw[8 + length :])
    assert file.read_bytes()[:1] == b"\x80"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    forged(saved, lambda body: body.update(weights_sha256=digest, weights_bytes=file.stat().st_size))
    MetricEmbedder.load(saved)


def test_an_endless_file_is_refused_at_once(saved):
    import os

    os.truncate(saved / "weights.safetensors", 2**40)
    with pytest.raises(ModelFileError, match="damaged or truncated"):
        MetricEmbedder.load(saved)
    forged(saved, lambda body: body.update(weights_bytes=2**40))
    with pytest.raises(ModelFileError, match="weights_bytes"):
        MetricEmbedder.load(saved)


def test_a_full_disk_leaves_the_old_model(embedder, saved, small_disk):
    with pytest.raises(OSError, match=r"No space left|could not write the model"):
        embedder.save(small_disk / "model")
    assert not list(small_disk.iterdir())
