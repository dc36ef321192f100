"""Fits with few labels: how the cost of "best" grows with the rows, and "best-fast" beside semi-supervised UMAP.

Every fit is made once, whatever ``repeats`` says: it takes minutes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import version
from benchmarks.measure import Row, Setting, Stopwatch, compare
from benchmarks.memory import once
from benchmarks.training import ROWS, task_of
from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset
from semimetric.data.augmentation import Deform
from semimetric.evaluation.peers import PEERS, evaluate_peer

LABELS = 60
EPOCHS = 3  # one of the first stage of "best" and two rounds of label spreading: every kind of work
TIMES = (1, 2, 4)  # the smallest number of rows
CHUNK = 1000  # images deformed at a time
INTERVAL = 0.02  # seconds between looks at the memory, in a run of minutes
WARM_UP = 64  # rows of a fit that only loads what is loaded once
PEER_WARM_UP = 5000  # rows: with fewer than 4,096 UMAP does not compile its approximate search


def rows(setting: Setting, multiples: Sequence[int] = TIMES) -> list[Row]:
    """Return seconds and peak added memory of fits of "best" on more and more rows, each in a fresh process."""
    smallest = setting.rows or ROWS
    data_dir = None if setting.data_dir is None else str(setting.data_dir.resolve())
    found = []
    for n in (smallest * multiple for multiple in multiples):
        arguments = {"rows": n, "labels_among": smallest, "data_dir": data_dir}
        seconds, added = once("benchmarks.few_labels:fit", arguments, setting.device, setting.threads, INTERVAL)
        found.append(Row(f"{n:,} rows", [seconds], extra={"rows": n, "bytes": added}))
        setting.tick(f"rows, {n:,}")
    return found


def fit(rows: int, labels_among: int, data_dir: str | None, device: str) -> Callable[[], MetricEmbedder]:
    """Return the fit of "best" as a step, warmed up; 60 of the first ``labels_among`` rows have labels."""
    task = task_of(Setting(device, rows=rows, data_dir=None if data_dir is None else Path(data_dir)))
    images = enlarged(task.images, rows)
    y = np.full(rows, -1)
    y[: min(labels_among, len(task.labels))] = hide_labels(task.labels[:labels_among], LABELS)
    embedder = MetricEmbedder("best", epochs=EPOCHS, device=device, random_state=0)
    embedder.fit(task.images[:WARM_UP], task.labels[:WARM_UP])
    return lambda: embedder.fit(images, y)


def enlarged(images: np.ndarray, rows: int) -> np.ndarray:
    """Return (rows, h, w) uint8: the images, then the same again as often as needed, each copy deformed a little."""
    made = np.empty((rows, *images.shape[1:]), np.uint8)
    made[: len(images)] = images[:rows]
    deform = Deform()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for start in range(len(images), rows, CHUNK):
            places = np.arange(start, min(start + CHUNK, rows))
            copies = torch.from_numpy(images[places % len(images)]).float().unsqueeze(1)
            made[places] = deform(copies).squeeze(1).round().to(torch.uint8).numpy()
    return made


def few_labels_speed(setting: Setting, epochs: int | str = "auto") -> list[Row]:
    """Return seconds to learn from 60 labels and classify the test images, and the accuracy, beside UMAP's."""
    peer = PEERS["umap"]
    what = "best-fast, fit and prediction"
    if setting.data_dir is None:
        return [Row(what, peer=peer.label, note="needs MNIST's own images (--data-dir)")]
    if version(peer.package) is None:
        return [Row(what, peer=peer.label, note=f"{peer.package} is not installed")]
    data = load_dataset("mnist", setting.data_dir, download=False)
    X, labels = data.X_train[: setting.rows or ROWS], data.y_train[: setting.rows or ROWS]
    y = hide_labels(labels, LABELS)
    accuracy: dict[str, float] = {}

    def ours(watch: Stopwatch) -> None:
        chosen = {"device": setting.device, "random_state": 0}
        MetricEmbedder("best-fast", epochs=EPOCHS, **chosen).fit(X[:WARM_UP], labels[:WARM_UP])
        embedder = MetricEmbedder("best-fast", epochs=epochs, **chosen)
        watch.start()
        predicted = embedder.fit(X, y).predict(data.X_test)
        watch.stop()
        accuracy["ours"] = float(np.mean(predicted == data.y_test))

    def theirs(watch: Stopwatch) -> None:
        few = slice(PEER_WARM_UP)
        evaluate_peer("umap", X[few], hide_labels(labels[few], LABELS), data.X_test[few], data.y_test[few])
        watch.start()
        scores = evaluate_peer("umap", X, y, data.X_test, data.y_test)
        watch.stop()
        accuracy["theirs"] = scores["accuracy"]

    once_each = replace(setting, repeats=1)
    return [
        compare(
            f"{what}, {len(X):,} images, {LABELS} labels, {len(data.X_test):,} test images",
            ours,
            theirs,
            once_each,
            peer=peer.label,
        ),
        Row(
            f"accuracy on {len(data.X_test):,} test images",
            [accuracy["ours"]],
            [accuracy["theirs"]],
            peer.label,
            "share",
        ),
    ]
