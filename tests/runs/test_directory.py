"""What is written into a run directory is what is read from it, whole or not at all."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from semimetric.errors import RunError
from semimetric.runs import RunDirectory
from semimetric.runs.directory import check_writable, plain, write_array, write_whole

CONFIG = {"dataset": "digits", "seed": np.int64(3), "stopped": "finished", "folder": Path("a/b"), "rows": (1, 2)}
METRICS = {"knn_accuracy": np.float32(0.5), "knn_ami": math.nan, "baselines": {"raw": {"knn_accuracy": np.inf}}}
HISTORY = [{"epoch": 1.0, "train_metric": 0.1}, {"epoch": 2.0, "train_metric": 1 / 3, "held_out_total": math.inf}]
ARRAYS = {"Z_test": np.arange(6, dtype=np.float32).reshape(3, 2), "y_test": np.array(["a", "b", "c"])}


@pytest.fixture
def run(tmp_path):
    run = RunDirectory(tmp_path / "runs" / "one")
    run.write_json("config.json", CONFIG)
    run.write_json("metrics.json", METRICS)
    run.write_history(HISTORY)
    run.write_arrays(ARRAYS)
    return run


def test_a_run_is_read_back_as_it_was_written(run):
    record = run.read()
    assert record.config == {**CONFIG, "seed": 3, "folder": "a/b", "rows": [1, 2]}
    assert record.metrics == {"knn_accuracy": 0.5, "knn_ami": None}
    assert record.baselines == {"raw": {"knn_accuracy": None}}
    assert record.history == HISTORY  # a term that an epoch does not have stays away
    assert all(np.array_equal(record.arrays[name], array) for name, array in ARRAYS.items())
    assert record.arrays["Z_test"].dtype == np.float32
    assert {entry.name for entry in run.path.iterdir()} == {
        "config.json",
        "metrics.json",
        "history.csv",
        "embedding.npz",
    }


def test_json_is_json_for_every_reader(run):
    text = (run.path / "metrics.json").read_text()
    assert text.endswith("}\n")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.25), 0.25),
        (np.int8(-1), -1),
        (np.bool_(True), True),
        (np.array([[1.5, np.nan]]), [[1.5, None]]),
        (-math.inf, None),
        ({1: (np.str_("a"), None)}, {"1": ["a", None]}),
        (Path("runs") / "a", os.path.join("runs", "a")),
    ],
)
def test_numpy_values_become_plain_ones(value, expected):
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_a_run_without_one_finished_epoch_has_an_empty_history(run):
    run.write_history([])
    assert run.read().history == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(run, monkeypatch):
    before = {file: file.read_bytes() for file in run.path.iterdir()}

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for write in (
        lambda: run.write_json("config.json", {"new": True}),
        lambda: run.write_history([{"epoch": 9.0}]),
        lambda: run.write_arrays({"Z_test": np.zeros(3)}),
    ):
        with pytest.raises(OSError, match=r"could not write .*runs/one/\w+\.\w+: No space left on device") as error:
            write()
        assert error.value.errno == 28
    assert {file: file.read_bytes() for file in run.path.iterdir()} == before


def test_a_kill_while_writing_leaves_the_old_file(run, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run.write_json("config.json", {"new": True})
    assert run.read_json("config.json")["dataset"] == "digits"
    assert not list(run.path.glob(".*"))


def test_where_nothing_can_be_written_it_says_so_before(tmp_path):
    file = tmp_path / "file"
    write_whole(file, b"old")
    check_writable(file)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
    for path, why in (
        (file / "x", "Not a directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / "a" / "b", f"there is no folder {tmp_path / 'a'}"),
    ):
        with pytest.raises(OSError, match=f"could not write {path}: {why}"):
            check_writable(path)
        with pytest.raises(OSError, match=f"could not write {path}: {why}"):
            write_whole(path, b"new")
    with pytest.raises(OSError, match=f"could not write {file}/run/config.json: Not a directory"):
        RunDirectory(file / "run").write_json("config.json", {})


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "history.csv", "embedding.npz"])
def test_a_missing_file_is_named(run, name):
    (run.path / name).unlink()
    with pytest.raises(RunError) as error:
        run.read()
    assert str(error.value) == f"{run.path} is not a finished run: {name} is missing"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b'{"dataset": '),
        ("config.json", b"[1, 2]"),
        ("config.json", b"\xff\xfe"),
        ("metrics.json", b""),
        ("history.csv", b""),
        ("history.csv", b"epoch,train_metric\n1.0,0."),
        ("history.csv", b"epoch,train_metric\n1.0,many\n"),
        ("history.csv", b"epoch,train_metric\n1.0,0.5,7\n"),
        ("history.csv", b"\xff\xfe\n"),
        ("embedding.npz", b""),
        ("embedding.npz", b"PK\x03\x04 and then nothing"),
        ("embedding.npz", b"\x80\x04\x95"),
    ],
)
def test_a_damaged_file_is_named(run, name, content):
    (run.path / name).write_bytes(content)
    with pytest.raises(RunError) as error:
        run.read()
    assert str(error.value).startswith(f"{run.path / name} is damaged: ")


def test_any_truncation_and_any_changed_byte_of_the_arrays_is_a_run_error(run):
    file = run.path / "embedding.npz"
    raw = file.read_bytes()
    rng = np.random.default_rng(0)
    for keep in rng.choice(len(raw), 40, replace=False):
        file.write_bytes(raw[:keep])
        with pytest.raises(RunError, match=r"embedding.npz is damaged"):
            run.read()
    for place in rng.choice(len(raw), 200, replace=False):
        changed = bytearray(raw)
        changed[place] ^= 0x55
        file.write_bytes(changed)
        try:  # not every byte of an archive matters; what is read must be right, or refused
            arrays = run.read().arrays
        except RunError:
            continue
        assert all(np.array_equal(array, ARRAYS[name]) for name, array in arrays.items() if name in ARRAYS)


def test_a_pickle_among_the_arrays_is_not_loaded(run):
    np.savez(run.path / "embedding.npz", Z_test=np.array([object()], dtype=object))
    with pytest.raises(RunError, match=r"embedding.npz is damaged: Object arrays cannot be loaded"):
        run.read()


def test_a_folder_that_is_not_there_and_a_run_that_is_not_finished(run, tmp_path):
    with pytest.raises(RunError) as error:
        RunDirectory(tmp_path / "nowhere").read()
    assert str(error.value) == f"{tmp_path / 'nowhere'} is not a run directory: there is no such folder"
    run.write_json("config.json", {"stopped": "running"})
    with pytest.raises(RunError) as error:
        run.read()
    assert str(error.value) == (
        f"{run.path} is not a finished run: it is still being fitted, or was killed; if killed, go on with it by "
        "--resume"
    )


@pytest.mark.parametrize("shape", [(5, 3), (400_000, 1), (1,)])
def test_an_array_is_filled_through_a_memory_map(tmp_path, shape):
    expected = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    def fill(mapped):
        assert isinstance(mapped, np.memmap)
        assert not mapped.any()
        mapped[:] = expected

    write_array(tmp_path / "z.npy", shape, fill)
    read = np.load(tmp_path / "z.npy")
    assert read.dtype == np.float32
    assert np.array_equal(read, expected)
    assert [entry.name for entry in tmp_path.iterdir()] == ["z.npy"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_array_that_is_not_finished_leaves_the_old_one(tmp_path, stop):
    (tmp_path / "z.npy").write_bytes(b"old")

    def fill(mapped):
        mapped[0] = 1
        raise stop

    with pytest.raises(stop):
        write_array(tmp_path / "z.npy", (5, 3), fill)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_a_disk_too_small_for_an_array_is_noticed_before_it_is_filled(small_disk):
    with pytest.raises(OSError, match=r"could not write .*z\.npy: No space left on device"):
        write_array(small_disk / "z.npy", (50_000, 3), lambda mapped: pytest.fail("it was to be filled"))
    assert list(small_disk.iterdir()) == []
