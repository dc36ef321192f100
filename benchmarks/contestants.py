"""Those who train, each on the same rows and networks: the library, the bare step, pythae's trainer, a loop with PML.

A run builds everything anew, goes through one epoch to warm up, and starts the watch after it. ``epochs`` more are
timed, with all that their owner does between them.
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.losses import pml_loss
from benchmarks.measure import Contestant, Stopwatch
from semimetric import MetricEmbedder
from semimetric.networks import build_decoder, build_encoder
from semimetric.training import Joint, Routine, Step

LATENT = 10
SHAPE = (1, 28, 28)
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Task:
    """What is learned from: images uint8 (n, 28, 28) with labels, by batches, on a device, over so many epochs."""

    images: np.ndarray
    labels: np.ndarray
    device: str
    batch_size: int = 256
    epochs: int = 2

    def floats(self) -> Tensor:
        """Return the images in memory as a training loop would have them: (n, 1, 28, 28), float32 in [0, 1]."""
        return torch.from_numpy(self.images).float().div_(255).unsqueeze(1)


def library(task: Task, preset: str, precision: str = "float32", **options: Any) -> Contestant:
    """Return `MetricEmbedder.fit`, nothing held out; the labels are given to presets that learn from them."""
    labels = task.labels if preset.startswith("dml") else None

    def run(watch: Stopwatch) -> None:
        embedder = MetricEmbedder(
            preset,
            latent_dim=LATENT,
            batch_size=task.batch_size,
            epochs=task.epochs + 2,
            learning_rate=LEARNING_RATE,
            routine=timed_routine(watch),
            validation_share=0.0,
            device=task.device,
            precision=precision,
            random_state=0,
            **{"augment": "none", **options},
        )
        embedder.fit(task.images, labels)

    return run


def timed_routine(watch: Stopwatch) -> type[Routine]:
    """Return the joint routine that times all epochs but the first, and of the last one takes no step.

    From the end of the first to the beginning of the last: all that a fit does after an epoch is counted.
    """

    class Timed(Joint):
        def before_epoch(self, epoch: int, *model_and_data: Any) -> None:
            super().before_epoch(epoch, *model_and_data)
            if epoch == 1:
                watch.start()
            if epoch == self.epochs - 1:
                watch.stop()

        def steps(self, epoch: int, length: int) -> Iterator[Step]:
            return super().steps(epoch, 0 if epoch == self.epochs - 1 else length)

    return Timed


def whole_library(task: Task) -> Contestant:
    """Return the whole call, set-up included, of as many epochs as `whole_bare` takes."""

    def run(watch: Stopwatch) -> None:
        embedder = MetricEmbedder(
            "autoencoder",
            latent_dim=LATENT,
            batch_size=task.batch_size,
            epochs=task.epochs,
            augment="none",
            validation_share=0.0,
            device=task.device,
            precision="float32",
            random_state=0,
        )
        watch.start()
        embedder.fit(task.images)
        watch.stop()

    return run


def whole_bare(task: Task) -> Contestant:
    """Return the bare training with its set-up."""

    def run(watch: Stopwatch) -> None:
        watch.start()
        train = bare_epoch(task, "float32")
        for _ in range(task.epochs):
            train()
        watch.stop()

    return run


def bare_autoencoder(task: Task, precision: str = "float32") -> Contestant:
    """Return the bare training step: forward, loss, backward, optimiser; nothing is added up, shown or kept."""

    def run(watch: Stopwatch) -> None:
        train = bare_epoch(task, precision)
        train()
        watch.start()
        for _ in range(task.epochs):
            train()
        watch.stop()

    return run


def bare_epoch(task: Task, precision: str) -> Any:
    """Return a function that trains an autoencoder for one epoch, on float tensors that are on the device."""
    x = task.floats().to(task.device)
    network = nn.Sequential(build_encoder(SHAPE, LATENT), build_decoder(LATENT, SHAPE))
    network.to(task.device, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

    def train() -> None:
        for rows in torch.randperm(len(x), device=task.device).split(task.batch_size):
            batch = x[rows]
            with torch.autocast(torch.device(task.device).type, torch.bfloat16, enabled=precision == "bfloat16"):
                loss = F.mse_loss(network(batch).float(), batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()

    return train


def pythae_trainer(task: Task, kind: str) -> Contestant:
    """Return pythae's BaseTrainer, as it comes, on its AE or VAE ("ae", "vae") around the same networks."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import AE, VAE, AEConfig, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    from benchmarks.pythae_networks import PythaeDecoder, PythaeEncoder

    class Epochs(TrainingCallback):
        def __init__(self, watch: Stopwatch) -> None:
            self.watch = watch
            self.done = 0

        def on_epoch_end(self, training_config: Any, **other: Any) -> None:
            self.done += 1
            if self.done == 1:
                self.watch.start()
            if self.done == task.epochs + 1:
                self.watch.stop()

    def run(watch: Stopwatch) -> None:
        logging.getLogger("pythae").setLevel(logging.WARNING)
        for name in logging.root.manager.loggerDict:
            if name.startswith("pythae"):
                logging.getLogger(name).setLevel(logging.WARNING)
        about = {"input_dim": SHAPE, "latent_dim": LATENT, "reconstruction_loss": "mse"}
        networks = PythaeEncoder(kind == "vae", SHAPE, LATENT), PythaeDecoder(SHAPE, LATENT)
        if kind == "ae":
            del about["reconstruction_loss"]
        model = (VAE(VAEConfig(**about), *networks)) if kind == "vae" else AE(AEConfig(**about), *networks)
        data = BaseDataset(task.floats(), torch.from_numpy(task.labels))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            settings = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=task.epochs + 1,
                learning_rate=LEARNING_RATE,
                per_device_train_batch_size=task.batch_size,
                no_cuda=task.device == "cpu",
            )
            BaseTrainer(model, data, training_config=settings, callbacks=[Epochs(watch)]).train()

    return run


def pml_loop(task: Task, labelled_batch_size: int) -> Contestant:
    """Return the loop of PML's documentation: DataLoader, MPerClassSampler, TripletMarginLoss, on the same encoder."""
    from pytorch_metric_learning.samplers import MPerClassSampler

    def run(watch: Stopwatch) -> None:
        shares = rows_per_step(task.labels, labelled_batch_size)
        steps = -(-len(task.images) // task.batch_size)
        sampler = MPerClassSampler(task.labels, shares["per_class"], shares["rows"], steps * shares["rows"])
        data = torch.utils.data.TensorDataset(task.floats(), torch.from_numpy(task.labels))
        loader = torch.utils.data.DataLoader(data, shares["rows"], sampler=sampler, pin_memory=task.device != "cpu")
        encoder = build_encoder(SHAPE, LATENT).to(task.device, memory_format=torch.channels_last)
        optimiser = torch.optim.Adam(encoder.parameters(), lr=LEARNING_RATE, fused=True)
        loss_of = pml_loss("triplet", 0, 0)
        for epoch in range(task.epochs + 1):
            if epoch == 1:
                watch.start()
            for x, y in loader:
                z = encoder(x.to(task.device, non_blocking=True))
                loss = loss_of(z, y.to(task.device, non_blocking=True))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        watch.stop()

    return run


def rows_per_step(labels: np.ndarray, labelled_batch_size: int) -> Mapping[str, int]:
    """Return how many rows of each class, and of all, a labelled batch of the library holds."""
    classes = len(np.unique(labels))
    per_class = max(4, labelled_batch_size // classes)
    return {"per_class": per_class, "rows": per_class * classes}
