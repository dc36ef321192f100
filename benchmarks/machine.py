"""What the figures were measured on."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("semimetric", "torch", "numpy", "pytorch-metric-learning", "pythae", "umap-learn")


def describe(device: str, threads: int) -> dict[str, Any]:
    """Return processor, cores, threads, memory, GPU, system, versions, and how busy the machine is (its load)."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": threads,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpu": torch.cuda.get_device_name(device) if device.startswith("cuda") else None,
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in PACKAGES},
        "load": round(os.getloadavg()[0], 2),
    }
    if device.startswith("cuda"):
        found["versions"]["CUDA"] = torch.version.cuda
    return found


def version(package: str) -> str | None:
    """Return the package's version, or None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    of_x86 = {name.strip(): value.strip() for name, value in found.items()}
    if "model name" not in of_x86:
        return platform.processor() or platform.machine()
    bfloat16 = "avx512_bf16" in of_x86.get("flags", "") or "amx_bf16" in of_x86.get("flags", "")
    return of_x86["model name"] + (" (with bfloat16 units)" if bfloat16 else " (without bfloat16 units)")
