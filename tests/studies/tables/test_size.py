"""Ten thousand results: a table of them is made in seconds and little memory."""

import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from semimetric.studies.tables.table_spec import TableSpec
from semimetric.studies.tables.write_tables import write_tables
from semimetric.studies.task import Result


def ten_thousand():
    numbers = random.Random(0)
    metrics = ("knn_accuracy", "knn_ami", "few_label_accuracy")
    for labels in (10, 60, 600, 6000):
        for d in (2, 5, 10, 20, 50):
            for row in range(50):
                for alpha in (0.1, 0.5):
                    for seed in range(5):
                        place = {"dataset": "mnist", "labels": labels, "latent_dim": d, "seed": seed}
                        scores = {name: numbers.random() for name in metrics}
                        scores |= {f"{b}.{name}": 0.5 for b in ("pca", "raw") for name in metrics}
                        yield Result({**place, "row": f"row {row}", "alpha": alpha}, "done", scores, 1.0)


def study():
    spec = TableSpec(compare=[["row 1", "row 2"], ["row 3", "pca"]])
    metrics = ["knn_accuracy", "knn_ami", "few_label_accuracy"]
    return SimpleNamespace(name="large", title="", description="", metrics=metrics, table=spec, budget="full")


@pytest.mark.slow
def test_every_result_of_ten_thousand_is_in_the_table(tmp_path):
    results = list(ten_thousand())
    assert len(results) == 10_000
    write_tables(study(), results, tmp_path)
    text = (tmp_path / "table.csv").read_text().splitlines()
    assert len(text) == 1 + 3 * (2000 + 20 * 2)  # three metrics of 2,000 rows of five seeds, and two baselines a block
    assert "10,000 runs, 10,000 core-seconds" in (tmp_path / "table.md").read_text()
    assert "are left out" in (tmp_path / "table.md").read_text()  # of the figure


@pytest.mark.slow  # a process of its own
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's process status")
def test_the_memory_is_bounded(tmp_path):
    code = (
        "import pathlib, runpy\n"
        f"made = runpy.run_path({__file__!r})\n"
        f"made['write_tables'](made['study'](), list(made['ten_thousand']()), {str(tmp_path)!r})\n"
        # Not getrusage's maximum, which a process inherits from the one that started it.
        "print(pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500_000  # kB, libraries included
