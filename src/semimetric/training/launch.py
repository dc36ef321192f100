"""Training one model in several processes of this machine, one per device."""

import contextlib
import pickle
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from semimetric.model import Model, Objective
from semimetric.training.checkpoint import Checkpoint
from semimetric.training.data import TrainingData, as_tensor
from semimetric.training.holdout import HoldOut
from semimetric.training.loop import TrainingResult, TrainingSettings, train
from semimetric.training.ranks import Ranks
from semimetric.training.routines import Routine


def train_on(
    devices: int,
    model: Model,
    objective: Objective,
    routine: Routine,
    data: TrainingData,
    split: HoldOut,
    settings: TrainingSettings,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
) -> TrainingResult:
    """`train` on several devices: each step's batches are dealt out to one process per device.

    Metric losses see the rows of all processes, gradients are averaged, and so the model is that of one process with
    the whole batches; but for what is random per row, which each process draws for its own, and for batch norm, which
    takes its statistics from each process's rows.

    Raises
    ------
    ValueError
        If something of one's own cannot be sent to another process.
    RuntimeError
        If one of the processes was killed.
    """
    if devices == 1:
        return train(model, objective, routine, data, split, settings, checkpoint, resume)
    # Its processes need no `if __name__ == "__main__"` in the caller's script, and take functions defined there.
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with tempfile.TemporaryDirectory(prefix="semimetric-") as name:
        folder = Path(name)
        np.save(folder / "rows.npy", data.inputs.numpy())  # read by memory map: once in memory, for all processes
        inputs, data.inputs = data.inputs, torch.empty(0)
        task = (model, objective, routine, data, split, settings, checkpoint, resume)
        threads = {"OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // devices))}
        pool = ProcessPoolExecutor(max_workers=devices, env=threads)
        try:
            with _interrupts_passed_on(folder / "stop"):
                ranks: list[Future[Any]] = [pool.submit(_work, n, devices, folder, task) for n in range(devices)]
                wait(ranks, return_when=FIRST_EXCEPTION)
                for rank in ranks:
                    if rank.done():
                        rank.result()
            result, state, told = ranks[0].result()
        except pickle.PicklingError as error:
            lines = str(error.__cause__ or error).replace('"', "").split("\n")  # a traceback, whose last line says why
            reason = [line for line in lines if line.strip()][-1]
            raise ValueError(f"devices={devices} sends every part to other processes, but: {reason}") from error
        except TerminatedWorkerError as error:
            raise RuntimeError(
                f"one of the {devices} training processes was killed, perhaps for want of memory: "
                "resume from a checkpoint_dir, or use fewer devices"
            ) from error
        finally:
            data.inputs = inputs
            pool.shutdown(wait=True, kill_workers=True)
    model.load_state_dict(state)
    for category, text in told:
        warnings.warn(text, category, stacklevel=2)
    return result


def _work(number: int, size: int, folder: Path, task: tuple[Any, ...]) -> Any:
    """Train as one of the processes; return what the first of them has to tell."""
    model, objective, routine, data, split, settings, checkpoint, resume = task
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller's process hears it, and asks all by the stop file
    data.inputs = as_tensor(np.load(folder / "rows.npy", mmap_mode="r"))
    device = settings.device
    if device.type == "cuda":
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    ranks = Ranks(number, size, folder / "stop")
    settings = replace(settings, device=device, show_progress=settings.show_progress and ranks.first)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, init_method=f"file://{folder / 'meeting'}", rank=number, world_size=size)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = train(model, objective, routine, data, split, settings, checkpoint, resume, ranks)
        if not ranks.first:
            return None
        state = {name: value.cpu() for name, value in model.state_dict().items()}
        return result, state, [(each.category, str(each.message)) for each in told if _ours(each)]
    finally:
        dist.destroy_process_group()


def _ours(warning: warnings.WarningMessage) -> bool:
    return issubclass(warning.category, UserWarning) and "semimetric" in warning.filename


@contextlib.contextmanager
def _interrupts_passed_on(stop: Path) -> Iterator[None]:
    """Let Ctrl-C ask the processes to stop, each after the same step; a second one does what it always does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(*_: Any) -> None:
        stop.touch()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
