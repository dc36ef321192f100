"""Embedding throughput: `MetricEmbedder.transform` beside the bare forward pass of its encoder."""

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contestants import LATENT, Task
from benchmarks.measure import Contestant, Row, Setting, Stopwatch, compare
from benchmarks.training import task_of
from semimetric import MetricEmbedder

CHUNKS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)


def inference(setting: Setting) -> list[Row]:
    """Return images per second, beside the forward pass alone and beside it with the way in and out of NumPy."""
    task = task_of(setting)
    embedder = MetricEmbedder("autoencoder", latent_dim=LATENT, epochs=1, device=task.device, random_state=0)
    embedder.fit(task.images[:1024])
    network = embedder.model_.encoder.network.eval()
    x = task.floats().to(task.device)
    chunk, threads = best_chunk(network, x, task), f"{setting.threads} thread{'s' * (setting.threads > 1)}"
    rows = []
    for peer, theirs in (
        (f"forward pass, chunks of {chunk}", forward(network, x, chunk)),
        (f"the same from uint8 to NumPy, chunks of {chunk}", from_numpy(network, task, chunk)),
    ):
        what = f"transform, {len(task.images):,} images, float32, {threads}"
        row = compare(what, transform(embedder, task), theirs, setting, peer=peer, unit="images", bar=(">=", 0.95))
        row.count = len(task.images)
        rows.append(row)
    return rows


def transform(embedder: MetricEmbedder, task: Task) -> Contestant:
    """Return the call, warmed up by one of a few rows."""

    def run(watch: Stopwatch) -> None:
        embedder.transform(task.images[:2048])
        watch.start()
        embedder.transform(task.images)
        watch.stop()

    return run


def forward(network: nn.Module, x: Tensor, chunk: int) -> Contestant:
    """Return the forward pass alone, over float tensors that are on the device and of results that stay there."""

    @torch.inference_mode()
    def run(watch: Stopwatch) -> None:
        network(x[:chunk])
        watch.start()
        for part in x.split(chunk):
            network(part)
        watch.stop()

    return run


def from_numpy(network: nn.Module, task: Task, chunk: int) -> Contestant:
    """Return the hand-written way from a uint8 array to a float32 array."""

    @torch.inference_mode()
    def run(watch: Stopwatch) -> None:
        network(task.floats()[:chunk].to(task.device))
        watch.start()
        parts = []
        for start in range(0, len(task.images), chunk):
            part = torch.from_numpy(task.images[start : start + chunk]).to(task.device)
            parts.append(network(part.unsqueeze(1).float() / 255).cpu().numpy())
        np.concatenate(parts)
        watch.stop()

    return run


def best_chunk(network: nn.Module, x: Tensor, task: Task) -> int:
    """Return the chunk size at which the forward pass is fastest, the best of two runs each."""

    def seconds(chunk: int) -> float:
        watch = Stopwatch(task.device)
        found = []
        for _ in range(2):
            forward(network, x, chunk)(watch)
            found.append(watch.seconds)
        return min(found)

    return min((chunk for chunk in CHUNKS if chunk <= max(len(x), CHUNKS[0])), key=seconds)
