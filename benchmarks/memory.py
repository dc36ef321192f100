"""Peak added memory of one call, measured in a fresh process: by how much it grew over what was there before.

On a processor it is the resident anonymous memory, looked at every half millisecond (Linux); on a GPU, PyTorch's own
count.

    python -m benchmarks.memory MODULE:FUNCTION '{"argument": …}' DEVICE THREADS INTERVAL
"""

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Stopwatch

INTERVAL = 0.0005  # seconds between looks
ROOT = Path(__file__).parents[1]


def added_peak(maker: str, arguments: dict[str, Any], device: str, threads: int) -> int:
    """Return the bytes that one call adds at its peak; the parameters are those of `once`."""
    return once(maker, arguments, device, threads)[1]


def once(
    maker: str, arguments: dict[str, Any], device: str, threads: int, interval: float = INTERVAL
) -> tuple[float, int]:
    """Return the seconds that one call takes, and the bytes that it adds at its peak.

    Parameters
    ----------
    maker : "module:function"
        Called with ``arguments`` and ``device``, it returns the step to be measured, its inputs made and its
        libraries warmed up on something small.
    interval : float
        Seconds between looks at a process's memory. Looks take time: a call whose seconds are wanted should be long
        beside the interval, and the interval beside the tenth of a millisecond that a look takes.
    """
    command = [sys.executable, "-m", "benchmarks.memory", maker, json.dumps(arguments), device, str(threads)]
    command.append(str(interval))
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"measuring {maker} failed: {done.stderr.strip()[-2000:]}")
    seconds, added = done.stdout.split()[-2:]
    return float(seconds), int(added)


def on_processor(step: Callable[[], object], interval: float = INTERVAL) -> int:
    """Return by how many bytes this process grew at most during ``step()``."""
    before = peak = resident()
    finished = threading.Event()

    def look() -> None:
        nonlocal peak
        while not finished.wait(interval):
            peak = max(peak, resident())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    step()
    finished.set()
    watcher.join()
    return max(peak, resident()) - before


def on_gpu(step: Callable[[], object]) -> int:
    """Return by how many bytes PyTorch's tensors on the GPU grew at most during ``step()``."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def resident() -> int:
    """Return the bytes of anonymous memory of this process that are resident."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def main(maker: str, arguments: str, device: str, threads: str, interval: str) -> None:
    """Measure in this process, and print the seconds and the bytes."""
    torch.set_num_threads(int(threads))
    module, _, function = maker.partition(":")
    step = getattr(importlib.import_module(module), function)(**json.loads(arguments), device=device)
    watch = Stopwatch(device)

    def timed() -> None:
        watch.start()
        step()
        watch.stop()

    added = on_gpu(timed) if device.startswith("cuda") else on_processor(timed, float(interval))
    print(watch.seconds, added)


if __name__ == "__main__":
    main(*sys.argv[1:])
