"""SIGKILL of the driver and of its workers, at any moment: the study ends as it would have."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from semimetric.runs import RunDirectory, execute
from semimetric.studies import Settings, collect, expand, read_study, run_study

PROGRAM = (sys.executable, "-c", "import sys; from semimetric.cli import main; sys.argv[0] = 'semimetric'; main()")


@pytest.fixture
def file(vector_file, tmp_path):
    """Return a study's file, of so many epochs and seeds."""

    def written(epochs, seeds, search=None):
        rows = [{"name": "DML", "preset": "dml"}, {"name": "VAE", "preset": "metric-vae"}]
        content = {"name": "killed", "dataset": vector_file, "labels": 30, "seeds": seeds}
        content |= {"rows": rows} if search is None else {"search": search}
        content |= {"base": {"epochs": epochs, "latent_dim": 2, "patience": None}}
        path = tmp_path / f"killed-{epochs}-{seeds}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return written


def start(file, out, workers=2):
    command = [*PROGRAM, "study", str(file), "--out", str(out), "--workers", str(workers), "--quiet", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(program, timeout=300):
    out, err = program.communicate(timeout=timeout)
    return program.returncode, out, err


def workers_of(pid):
    """The workers that a driver has started and that are alive."""
    command = ["ps", "-o", "pid=,args=", "--ppid", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "semimetric.studies.worker" in line]


def wait_for(condition, program, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def under_way(out):
    return [path.parent.parent for path in Path(out).glob("runs/*/checkpoint/last.pt")]


def scores(file, out):
    return [(dict(r.place), r.status, dict(r.metrics)) for r in collect(read_study(str(file)), out)]


@pytest.mark.slow
def test_a_killed_worker_costs_its_run_an_attempt_which_goes_on_from_its_checkpoint(study, tmp_path):
    """In the midst of a run its worker is killed: what is said, and that the run ends as it does undisturbed."""
    small = study(grid={}, rows=[{"preset": "dml"}], base={"epochs": 60, "latent_dim": 2, "patience": None})
    (task,) = expand(small)
    records, at_the_kill = [], []

    def watch(standing):
        records.extend(json.loads(path.read_text()) for path in (tmp_path / "failed").glob("*.json"))
        if under_way(tmp_path) and not at_the_kill:
            (worker,) = workers_of(os.getpid())
            os.kill(worker, signal.SIGKILL)
            at_the_kill.append(worker)

    (result,) = run_study(small, tmp_path, Settings(workers=1), watch)
    (attempt,) = records[0]["attempts"]
    assert (records[0]["key"], attempt["kind"]) == (task.key, "lost")
    assert attempt["error"] == "its worker process was killed (SIGKILL), perhaps for want of memory"
    assert result.status == "done"
    assert list((tmp_path / "failed").iterdir()) == []
    undisturbed = execute(task.config, RunDirectory(tmp_path / "undisturbed"))
    assert len(undisturbed.history) == 60
    for name in ("metrics.json", "history.csv"):
        there = tmp_path / "runs" / task.key / name
        assert there.read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


@pytest.mark.slow
def test_a_killed_driver_takes_its_workers_along_and_loses_nothing(file, tmp_path):
    study = file(epochs=250, seeds=1)
    out = tmp_path / "out"
    program = start(study, out, workers=1)
    wait_for(lambda: under_way(out), program)
    (worker,) = workers_of(program.pid)
    program.kill()
    program.communicate(timeout=60)
    code, printed, err = finish(start(study, out, workers=1))
    assert not Path(f"/proc/{worker}").exists()
    assert (code, err) == (0, "")
    summary = json.loads(printed)
    assert (summary["done"], summary["failed"], summary["missing"]) == (2, 0, 0)
    assert not under_way(out)
    assert [path.read_text().count("\n") for path in out.glob("runs/*/history.csv")] == [251, 251]


@pytest.mark.slow
def test_ten_kills_of_drivers_and_workers_at_random_times_leave_the_table_as_it_would_be(file, tmp_path):
    study = file(epochs=150, seeds=6)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finish(start(study, whole))[0] == 0
    rng = random.Random(0)
    program, kills = start(study, killed), {"driver": 0, "worker": 0}
    while sum(kills.values()) < 10:
        time.sleep(rng.uniform(0.5, 8))
        if program.poll() is not None:
            assert program.returncode in (0, -signal.SIGKILL), program.communicate()
            program = start(study, killed)
        elif rng.random() < 0.5 and (workers := workers_of(program.pid)):
            os.kill(rng.choice(workers), signal.SIGKILL)
            kills["worker"] += 1
        else:
            program.kill()
            program.communicate()
            kills["driver"] += 1
            program = start(study, killed)
    finish(program)
    code, printed, err = finish(start(study, killed))
    assert code == 0, err
    assert json.loads(printed)["done"] == 12
    assert min(kills.values()) > 0, kills
    assert scores(study, killed) == scores(study, whole)
    for run in (whole / "runs").iterdir():
        for name in ("metrics.json", "history.csv"):
            assert (run / name).read_bytes() == (killed / "runs" / run.name / name).read_bytes()


@pytest.mark.slow
def test_kills_of_the_driver_of_a_search_leave_its_trials_as_they_would_be(file, tmp_path):
    space = {"margin": {"low": 0.1, "high": 0.9}, "preset": {"choices": ["dml", "metric-vae"]}}
    study = file(epochs=80, seeds=2, search={"method": "random", "trials": 4, "prune": False, "space": space})
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert finish(start(study, whole))[0] == 0
    rng = random.Random(1)
    program = start(study, killed)
    for _ in range(4):
        time.sleep(rng.uniform(4, 12))
        program.kill()
        program.communicate()
        program = start(study, killed)
    code, printed, err = finish(program)
    assert (code, err) == (0, "")
    assert json.loads(printed)["done"] == 2 * (4 + 1)
    assert scores(study, killed) == scores(study, whole)
