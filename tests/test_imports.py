"""What is cheap to import stays cheap: the heavy libraries come only with what needs them."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "sklearn", "scipy", "matplotlib", "plotly", "rich", "pandas", "lightning_fabric", "pyarrow"}
COMMAND_LINE = HEAVY - {"rich"}  # what help is drawn with


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after running the code."""
    report = "\nimport sys; print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    *_, last = done.stdout.splitlines()
    word, *names = last.split()
    assert word == "loaded"
    return set(names)


def called(*arguments: str) -> str:
    return f"""
import sys
from semimetric.cli import main
sys.argv = ["semimetric", *{arguments!r}]
try:
    main()
except SystemExit as left:
    assert not left.code, left.code
"""


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import semimetric", HEAVY),
        ("import semimetric; dir(semimetric); semimetric.__version__", HEAVY),
        ("from semimetric.errors import DataError", HEAVY),
        ("from semimetric.data import hide_labels, load_dataset", HEAVY),
        ("from semimetric.data import list_datasets; list_datasets()", HEAVY),
        ("from semimetric.evaluation import evaluate", {"torch", "matplotlib", "plotly", "rich", "lightning_fabric"}),
        ("from semimetric.report import write_report", HEAVY),
        ("from semimetric.studies import collect, expand, read_study, Study, Task, Result", HEAVY),
        (called("--help"), COMMAND_LINE),
        (called("fit", "--help"), COMMAND_LINE),
        (called("--version"), COMMAND_LINE),
        (called("datasets"), COMMAND_LINE),
        (called("study"), COMMAND_LINE),
    ],
    ids=lambda value: value if isinstance(value, str) and value.count("\n") == 0 else None,
)
def test_heavy_libraries_are_not_loaded(code, absent):
    assert loaded_by(code) & absent == set()


def test_the_estimator_brings_torch_but_not_what_fitting_and_reports_need():
    loaded = loaded_by("from semimetric import MetricEmbedder")
    assert {"torch", "sklearn"} <= loaded
    assert loaded & {"matplotlib", "plotly", "lightning_fabric"} == set()
