"""Where training runs and in which precision; both chosen by what the machine gains from."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL_BATCH = 2**15  # numbers in a batch of inputs below which a second thread costs more than it brings
EMBEDDED_AT_ONCE = 1024  # rows
EMBEDDED_AT_ONCE_ON_CPU = 256  # few enough that a processor's cache holds what passes between a network's layers

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")


def choose_device(device: str, count: int = 1) -> torch.device:
    """Return the device of that name, of which there must be ``count``; "auto" takes CUDA, else MPS, else the CPU.

    Raises
    ------
    ValueError
        If the name is unknown, or the machine has no such device, or too few.
    """
    chosen = _named(device)
    if count == 1:
        return chosen
    there = {"cuda": torch.cuda.device_count(), "mps": 1}.get(chosen.type, count)
    if count > there:
        raise ValueError(f"devices={count} were asked for, but PyTorch finds {there} of type {chosen.type!r}")
    if chosen.index is not None:
        raise ValueError(f"device {device!r} is one device: for devices={count} say {chosen.type!r}")
    return chosen


def _named(device: str) -> torch.device:
    if device == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(name)
    kind, _, index = str(device).partition(":")
    if kind not in DEVICES or (index and not (kind == "cuda" and index.isdigit())):
        raise ValueError(f"device must be one of {', '.join(DEVICES)} or 'cuda:N', got {device!r}")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device {device!r} was asked for, but PyTorch finds {torch.cuda.device_count()} CUDA devices")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device 'mps' was asked for, but PyTorch finds no Apple GPU")
    return torch.device(device)


def choose_precision(precision: str, device: torch.device, convolutional: bool) -> str:
    """Return "float32" or "bfloat16" (mixed); "auto" takes bfloat16 where convolutions gain by it.

    Processors without bfloat16 units would emulate them, slowly, and small dense networks gain nothing.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "auto":
        return precision
    if device.type == "cpu":
        # PyTorch knows, but has no public name for it yet.
        units = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        gains = any(getattr(torch.cpu, name, lambda: False)() for name in units)
    else:
        gains = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if convolutional and gains else "float32"


def embedded_at_once(device: torch.device) -> int:
    """Return how many rows to take through an encoder at a time, where no gradients are wanted."""
    return EMBEDDED_AT_ONCE_ON_CPU if device.type == "cpu" else EMBEDDED_AT_ONCE


@contextmanager
def fitting_threads(numbers_per_batch: int) -> Iterator[None]:
    """Compute on one thread for the time of a ``with`` block if batches are small.

    Small operations do not gain by more, and on a busy machine threads that wait for each other are several
    times slower than one alone.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if numbers_per_batch < SMALL_BATCH else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
