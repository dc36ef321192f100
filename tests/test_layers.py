"""Imports run downwards only, and the check that says so would notice one that did not."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def check_layers(root: Path) -> subprocess.CompletedProcess:
    """Run import-linter on the package in ``root/src``, whichever is installed."""
    arguments = ["lint-imports", "--config", str(root / "pyproject.toml"), "--no-cache"]
    code = (
        f"import sys; sys.path.insert(0, {str(root / 'src')!r}); sys.argv = {arguments!r}\n"
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)


def test_imports_run_downwards_only():
    done = check_layers(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_upward_import_fails_the_check(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "src" / "semimetric" / "losses" / "triplet.py"
    file.write_text(file.read_text() + "\nfrom semimetric.estimator import MetricEmbedder  # noqa\n")
    done = check_layers(tmp_path)
    assert done.returncode == 1
    assert "semimetric.losses is not allowed to import semimetric.estimator" in done.stdout
