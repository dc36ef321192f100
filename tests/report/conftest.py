"""Synthetic run directories: what a finished fit leaves, written by hand."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semimetric.runs.directory import RunDirectory

Make = Callable[..., Path]


def arrays_of(kind: str, rows: int, classes: int, dimensions: int, names: list[str] | None) -> dict[str, np.ndarray]:
    """Gaussian clusters, every tenth row taken for the next class, and inputs of the given kind."""
    random = np.random.default_rng(0)
    centres = random.normal(scale=6, size=(classes, dimensions))
    y = np.arange(rows) % classes
    predicted = np.where(np.arange(rows) % 10 == 0, (y + 1) % classes, y)
    y_labelled = np.arange(2 * classes) % classes
    shape = {"images": (8, 8), "colour": (10, 12, 3), "vectors": (5,)}[kind]

    def inputs(labels: np.ndarray) -> np.ndarray:
        noise = random.random((len(labels), *shape))
        level = (labels / classes).reshape(-1, *[1] * len(shape))
        drawn = 0.5 * noise + 0.5 * level
        return drawn if kind == "vectors" else (255 * drawn).astype(np.uint8)

    def label(codes: np.ndarray) -> np.ndarray:
        return codes if names is None else np.array(names)[codes]

    walked = min(dimensions, 3)
    walks = inputs(np.arange(walked * 7) % classes)
    shown = np.arange(0, rows, 2)
    pairs = inputs(y[: min(rows, 12)])
    return {
        "Z_test": (centres[y] + random.normal(size=(rows, dimensions))).astype(np.float32),
        "y_test": label(y),
        "predicted_test": label(predicted),
        "Z_labelled": (centres[y_labelled] + random.normal(size=(2 * classes, dimensions))).astype(np.float32),
        "y_labelled": label(y_labelled),
        "shown_rows": shown,
        "shown_inputs": inputs(y[shown]),
        "labelled_inputs": inputs(y_labelled),
        "reconstruction_inputs": pairs,
        "reconstruction_outputs": pairs[::-1].copy(),
        "samples": inputs(np.arange(14) % classes),
        "traversals": walks.reshape(walked, 7, *shape),
        "traversal_dimensions": np.arange(dimensions)[::-1][:walked],
        "traversal_values": np.tile(np.linspace(-2, 2, 7, dtype=np.float32), (walked, 1)),
        "prior_means": centres.astype(np.float32),
        "prior_scales": np.ones((classes, dimensions), dtype=np.float32),
        "prior_weights": np.full(classes, 1 / classes, dtype=np.float32),
        "cluster_sizes": np.array([40, 20, 12]),
        "cluster_inputs": inputs(np.arange(30) % classes).reshape(3, 10, *shape),
    }


CONFIG: dict[str, Any] = {
    "preset": "dml-autoencoder",
    "dataset": "shapes",
    "n_train": 500,
    "n_labelled": 8,
    "n_test": 120,
    "seed": 3,
    "epochs": 6,
    "best_epoch": 4,
    "seconds_fit": 192.0,
    "command": "semimetric fit shapes --labels 8",
    "versions": {"semimetric": "0.0.1", "python": "3.11.7"},
    "evaluated_on": "test",
}
METRICS = {"few_label_accuracy": 0.931, "knn_accuracy": 0.957, "knn_ami": 0.842, "map_at_r": None}
BASELINES = {
    "raw": {"few_label_accuracy": 0.653, "knn_accuracy": 0.961},
    "pca": {"few_label_accuracy": 0.681, "knn_accuracy": 0.904, "knn_ami": 0.801},
}
HISTORY = [
    {
        "epoch": e,
        "train_metric": 1 / e,
        "held_out_metric": 1.2 / e,
        "train_reconstruction": 9 / e,
        "seconds": 1.5,
    }
    for e in range(1, 7)
]


@pytest.fixture
def make_run(tmp_path: Path) -> Make:
    """Return a function that writes a run; ``without`` leaves arrays out, other keywords replace a part."""

    def make(
        kind: str = "images",
        rows: int = 120,
        classes: int = 4,
        dimensions: int = 2,
        names: list[str] | None = None,
        without: tuple[str, ...] = (),
        config: dict[str, Any] | None = None,
        metrics: dict[str, Any] | None = None,
        history: list[dict[str, float]] | None = None,
        arrays: dict[str, np.ndarray] | None = None,
    ) -> Path:
        run = RunDirectory(tmp_path / "run")
        run.write_json("config.json", CONFIG | (config or {}))
        run.write_json("metrics.json", {**METRICS, "baselines": BASELINES} if metrics is None else metrics)
        run.write_history(HISTORY if history is None else history)
        content = arrays_of(kind, rows, classes, dimensions, names) | (arrays or {})
        run.write_arrays({name: array for name, array in content.items() if name not in without})
        return run.path

    return make


class Page(HTMLParser):
    """Collects what a browser would load and run, and the text it would show."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.images_without_alt = 0
        self.scripts = 0
        self.handlers: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        given = dict(attrs)
        self.addresses += [given[name] or "" for name in ("src", "href", "data", "action") if name in given]
        self.ids += [given["id"] or ""] if "id" in given else []
        self.handlers += [name for name in given if name.startswith("on")]
        self.scripts += tag == "script"
        self.images_without_alt += tag == "img" and not given.get("alt")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data


def section(path: Path, name: str) -> str:
    """The HTML of one section of the page."""
    found = re.search(rf'<section id="{name}".*?</section>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"the page has no section {name}"
    return found.group()


@pytest.fixture
def page_of() -> Callable[[Path], Page]:
    """Return a function that reads a page."""
    return Page


@pytest.fixture
def section_of() -> Callable[[Path, str], str]:
    """Return a function that cuts a section out of a page."""
    return section
