"""Training throughput: `MetricEmbedder.fit` beside the bare training step and beside the loops of its peers."""

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.contestants import (
    Task,
    bare_autoencoder,
    library,
    pml_loop,
    pythae_trainer,
    rows_per_step,
    whole_bare,
    whole_library,
)
from benchmarks.machine import version
from benchmarks.measure import Contestant, KernelClock, Row, Setting, compare, quartiles, take_turns
from semimetric.data import load_dataset

ROWS_ON_PROCESSOR = 40 * 256
ROWS = 60_000
BARE = "bare step"


def training(setting: Setting) -> list[Row]:
    """Return images per second of fits, and the ratio to each contestant."""
    task = task_of(setting)
    fit = "autoencoder"
    rows = [
        _row(f"{fit}, float32", library(task, fit), bare_autoencoder(task), task, setting, BARE, 0.9),
        _row(
            f"{fit}, bfloat16",
            library(task, fit, "bfloat16"),
            bare_autoencoder(task, "bfloat16"),
            task,
            setting,
            BARE,
            0.9,
        ),
        _row(
            f"{fit}, float32, with its default augmentation",
            library(task, fit, augment="auto"),
            bare_autoencoder(task),
            task,
            setting,
            f"{BARE}, no augmentation",
        ),
        _row(
            f"{fit}, float32, the whole call, {task.epochs} epochs",
            whole_library(task),
            whole_bare(task),
            task,
            setting,
            f"{BARE} and its set-up",
        ),
    ]
    for kind, ours in (("ae", fit), ("vae", "vae")):
        peer = f"pythae {kind.upper()}"
        if version("pythae") is None:
            rows.append(Row(ours, peer=peer, note="pythae is not installed"))
            continue
        theirs = pythae_trainer(task, kind)
        rows.append(_row(f"{ours}, float32", library(task, ours), theirs, task, setting, peer, 1.5))
        faster = library(task, ours, "bfloat16")
        rows.append(_row(f"{ours}, bfloat16", faster, theirs, task, setting, f"{peer}, float32"))
    for labelled in (64, 256):
        rows.append(_beside_pml(task, labelled, setting))
    return rows


def _beside_pml(task: Task, labelled: int, setting: Setting) -> Row:
    per_step = rows_per_step(task.labels, labelled)["rows"]
    what, peer = f"dml, float32, {per_step} labelled rows a step", "loop with pytorch-metric-learning"
    if version("pytorch-metric-learning") is None:
        return Row(what, peer=peer, note="pytorch-metric-learning is not installed")
    ours = library(task, "dml", labelled_batch_size=labelled)
    images = per_step * -(-len(task.images) // task.batch_size) * task.epochs
    bar = 2.0 if labelled == task.batch_size else None  # with few rows a step there is little but the encoder
    return _row(what, ours, pml_loop(task, labelled), task, setting, peer, bar, images)


def _row(
    what: str,
    ours: Contestant,
    theirs: Contestant,
    task: Task,
    setting: Setting,
    peer: str,
    bar: float | None = None,
    images: int | None = None,
) -> Row:
    row = compare(
        what,
        ours,
        theirs,
        setting,
        peer=peer,
        unit="images",
        count=images or len(task.images) * task.epochs,
        bar=None if bar is None else (">=", bar),
    )
    if setting.device.startswith("cuda"):
        row.extra["outside_kernels"] = [
            outside_kernels(contestant, seconds, setting)
            for contestant, seconds in ((ours, row.ours), (theirs, row.theirs))
        ]
    return row


def outside_kernels(contestant: Contestant, seconds: list[float], setting: Setting) -> float:
    """Return the share of a run's median wall time in which the GPU ran no kernel; needs one more run, recorded."""
    ((in_kernels,),) = take_turns([contestant], replace(setting, repeats=1), "kernels", watch=KernelClock)
    return 1 - in_kernels / quartiles(seconds)[1]


def task_of(setting: Setting, **options: Any) -> Task:
    """Return MNIST out of ``data_dir``, or without it random bytes of its shape: as many rows as the setting says.

    On a processor 40 batches an epoch are enough to be steady; a GPU gets all 60,000.
    """
    if setting.data_dir is None:
        rng = np.random.default_rng(0)
        images, labels = rng.integers(0, 256, (ROWS, 28, 28), np.uint8), rng.integers(0, 10, ROWS)
    else:
        data = load_dataset("mnist", setting.data_dir, download=False)
        images, labels = data.X_train, data.y_train
    rows = setting.rows or (ROWS if setting.device.startswith("cuda") else ROWS_ON_PROCESSOR)
    return Task(np.ascontiguousarray(images[:rows]), np.asarray(labels[:rows], np.int64), setting.device, **options)
