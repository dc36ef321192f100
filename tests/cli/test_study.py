"""``semimetric study``: listing, planning, running, and going on."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from semimetric.studies import built_in_studies

PROGRAM = (sys.executable, "-c", "import sys; from semimetric.cli import main; sys.argv[0] = 'semimetric'; main()")
FILE = """name: mine
dataset: digits
labels: 50
base: {epochs: 2, latent_dim: 2}
rows:
  - {name: DML, preset: dml}
  - {name: both, preset: dml-autoencoder}
metrics: [knn_accuracy]
budgets:
  smoke: {base: {epochs: 1}}
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.yaml").write_text(FILE)
    return tmp_path / "mine.yaml"


def test_without_a_name_the_studies_are_listed(semimetric):
    done = semimetric("study", width=80)
    assert (done.code, done.err) == (0, "")
    assert re.search("digits-presets +Four presets on scikit-learn's digits", done.out)
    listed = semimetric("study", "--json").json["studies"]
    assert [one["name"] for one in listed] == list(built_in_studies())
    assert all(one["title"] and one["description"] for one in listed)


def test_a_plan_counts_runs_and_writes_nothing(semimetric, tmp_path):
    done = semimetric("study", "digits-presets", "--out", tmp_path / "out", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"48 runs: 0 done, 0 failed, 48 left\nDirectory: {tmp_path / 'out'}\n"
    plan = semimetric("study", "digits-presets", "--budget", "smoke", "--dry-run", "--json").json
    assert (plan["runs"], plan["out"]) == (4, "runs/studies/digits-presets-smoke")
    assert list(tmp_path.iterdir()) == []


def test_a_study_runs_and_a_second_call_repeats_nothing(semimetric, file, tmp_path):
    """With a real worker process; all other tests of the command take its results."""
    out = tmp_path / "out"
    done = semimetric("study", file, "--out", out, "--workers", 1)
    assert done.code == 0, done.err
    first, second = done.err.splitlines()
    assert first.startswith("DML, digits, 50 labels, seed 0: knn_accuracy 0.")
    assert "(1 of 2 done, 1 running, 0 failed, 0 left, 0:00:" in first
    assert second.startswith("both, digits, 50 labels, seed 0: knn_accuracy 0.")
    assert done.out.startswith("2 runs done, 0 failed; ")
    tables = "table.md, table.csv, table.tex, table.html"
    assert done.out.endswith(f" core-seconds in all\nDirectory: {out}\nTables: {tables}\n")
    assert "one seed" in (out / "table.md").read_text()

    stamps = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")}
    again = semimetric("study", file, "--out", out, "--resume", "--json")
    assert (again.code, again.err) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")} == stamps
    summary = again.json
    assert (summary["done"], summary["failed"], summary["missing"], summary["failures"]) == (2, 0, 0, [])
    assert summary["seconds"] > 0
    assert semimetric("study", file, "--out", out, "--dry-run", "--json").json["left"] == 0
    assert semimetric("study", file, "--out", out, "--table-only", "--json").json == summary
    (run, _) = sorted((out / "runs").iterdir())
    assert semimetric("report", run).code == 0  # it is a run like any other


def test_a_failed_run_is_summed_up_with_what_to_do_and_the_exit_code(semimetric, file, tmp_path, monkeypatch):
    from semimetric.studies.directory import Failure, StudyDirectory

    directory = StudyDirectory(tmp_path / "out")
    directory.describe({})

    def fail(study, folder, settings, watch):
        from semimetric.studies import expand

        failure = Failure(expand(study)[0].key, {}, {})
        directory.record_failure(failure, "error", "ValueError: no", "Traceback …", "c")

    monkeypatch.setattr("semimetric.studies.driver.run_study", fail)
    done = semimetric("study", file, "--out", directory.path)
    assert done.code == 1
    summary, where, _ = done.out.splitlines()
    assert summary == "0 runs done, 1 failed, 1 not run; 0 core-seconds in all"
    assert where == f"Directory: {directory.path}"
    assert done.err.splitlines() == [
        "failed: dataset digits, labels 50, seed 0, row DML, preset dml: ValueError: no",
        f"1 runs failed, their tracebacks are in {directory.path / 'failed'}; to try them again: --retry-failed",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["digits-preset"], "error: unknown study 'digits-preset': did you mean 'digits-presets'? Known: "),
        (["FILE", "--budget", "smok"], "mine.yaml: unknown budget 'smok': did you mean 'smoke'? Known: smoke\n"),
        (["FILE", "--engine", "loacl"], "error: unknown engine 'loacl': did you mean 'local'? Known: local, ray\n"),
        (["FILE", "--address", "here"], "error: an address is of a Ray cluster: it goes with --engine ray\n"),
        (["FILE", "--resume"], "there is no study in "),
        (["FILE", "--dry-run", "--retry-failed"], "does not go with --dry-run, which runs nothing"),
    ],
)
def test_what_is_used_wrongly_is_said(semimetric, file, tmp_path, arguments, told):
    arguments = [file if word == "FILE" else word for word in arguments]
    done = semimetric("study", *arguments, "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert told in " ".join(done.err.replace("│", " ").split()) + "\n"


def test_ray_is_asked_for_by_name_where_it_is_missing(semimetric, file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = semimetric("study", file, "--out", tmp_path / "out", "--engine", "ray")
    assert (done.code, done.out) == (2, "")
    advice = "pip install 'semimetric[ray]', or use --engine local"
    assert done.err == f"error: the ray engine needs Ray, which is not installed: {advice}\n"


@pytest.mark.slow
def test_ctrl_c_keeps_checkpoints_and_says_how_to_go_on(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(FILE.replace("epochs: 2", "epochs: 30_000, patience: null").replace("30_000", "30000"))
    out = tmp_path / "out"
    command = [*PROGRAM, "study", str(file), "--out", str(out), "--workers", "2", "--quiet"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(list(out.glob("runs/*/checkpoint/last.pt"))) < 2:
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    printed, err = program.communicate(timeout=30)
    assert (program.returncode, printed) == (1, "")
    assert err == (
        "interrupted: 0 of 2 runs are done, those under way keep their checkpoints. To go on: semimetric study "
        f"{file} --out {out} --workers 2 --quiet --resume\n"
    )
    assert len(list(out.glob("runs/*/checkpoint/last.pt"))) == 2
    configs = [json.loads(path.read_text()) for path in out.glob("runs/*/config.json")]
    assert [config["stopped"] for config in configs] == ["running"] * 2


def test_the_live_table_has_a_bar_the_numbers_what_is_under_way_and_the_last_results():
    from rich.console import Console

    from semimetric.cli.study_display import picture
    from semimetric.runs import RunConfig
    from semimetric.studies import Task
    from semimetric.studies.standing import Standing

    standing = Standing(1_200, done=300, failed=1, seconds=4_000, finished_here=10)
    standing.began -= 100
    standing.running = {str(n): (Task(RunConfig("digits"), {"dataset": "digits", "seed": n}), 0.0) for n in range(10)}
    standing.last.appendleft(("digits, seed 99", "knn_accuracy 0.912"))
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(picture("Presets", standing))
    title, bar, numbers, *rest = console.export_text().splitlines()
    assert title == "Presets"
    assert bar.rstrip() == 25 * "━"  # of 100: 301 of 1,200
    assert numbers + rest[0].rstrip() == (
        "300 of 1,200 done · 10 running · 1 failed · 889 left · 0:01:40 elapsed · about 2:29:50 to go · 4,000"
        "core-seconds"
    )
    shown = "\n".join(rest)
    assert "digits, seed 7" in shown
    assert "digits, seed 8" not in shown
    assert "and 2 more" in shown
    assert "knn_accuracy 0.912" in shown
