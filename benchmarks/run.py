"""Measure this library beside its peers, and fill docs/benchmarks.md.

    pip install -c constraints.txt -e '.[bench]'
    python benchmarks/run.py
    python benchmarks/run.py --only triplet training --threads 2 --data-dir data

Figures that are not measured again keep their place in the results and on the page.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)

FIGURES = (
    "triplet",
    "triplet-grid",
    "triplet-scaling",
    "other-losses",
    "training",
    "inference",
    "rows",
    "few-labels-speed",
)
ONCE = ("rows", "few-labels-speed")  # one run takes minutes


def figures() -> dict[str, Callable[[Any], list[Any]]]:
    """Return name → the function that measures it."""
    from benchmarks import few_labels, inference, losses, training

    return {
        "triplet": losses.triplet,
        "triplet-grid": losses.triplet_grid,
        "triplet-scaling": losses.triplet_scaling,
        "other-losses": losses.other_losses,
        "training": training.training,
        "inference": inference.inference,
        "rows": few_labels.rows,
        "few-labels-speed": few_labels.few_labels_speed,
    }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=FIGURES, metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument(
        "--repeats", type=int, default=9, help=f"runs of each contestant (9); of {' and '.join(ONCE)} always one"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, on the processor (1)")
    parser.add_argument(
        "--rows",
        type=int,
        help="training images (cpu: 10,240, forty batches; cuda: 60,000), in rows the fewest (60,000), in "
        "few-labels-speed 60,000",
    )
    parser.add_argument("--data-dir", type=Path, help="a folder with mnist/; without it, random images of its shape")
    parser.add_argument("--out", type=Path, default=Path("benchmarks-results.json"))
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args(arguments)
    for name in ("repeats", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return options


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the results after every figure, and fill the page; return 1 if a figure failed."""
    options = parse(arguments)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # before NumPy and PyTorch are loaded
    import torch
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from benchmarks import machine, page
    from benchmarks.measure import Setting

    if options.device == "cuda" and not torch.cuda.is_available():
        print("--device cuda was asked for, but PyTorch finds no CUDA device", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    results = json.loads(options.out.read_text()) if options.out.exists() else {}
    about = machine.describe(options.device, options.threads)  # before our own load is part of it
    measured_by = figures()
    gc.collect()
    gc.freeze()  # what is imported by now need not be looked through before every run
    failed = []
    # Drawn between runs only: a bar that redraws itself would take its time from what is measured.
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.__stderr__), auto_refresh=False) as bar:
        task = bar.add_task("")

        def tick(what: str) -> None:
            bar.update(task, description=what, refresh=True)

        setting = Setting(options.device, options.threads, options.repeats, options.rows, options.data_dir, tick)
        for name in options.only:
            began = time.perf_counter()
            try:
                rows = [row.to_json() for row in measured_by[name](setting)]
            except Exception as error:  # a figure that fails must not cost those already measured
                failed.append(name)
                bar.console.print(f"{name} failed: {type(error).__name__}: {error}", markup=False, soft_wrap=True)
                continue
            took = round(time.perf_counter() - began, 1)
            repeats = 1 if name in ONCE else options.repeats
            measured = {"machine": about, "repeats": repeats, "took_seconds": took, "rows": rows}
            results.setdefault(options.device, {})[name] = measured
            options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False))
            bar.console.print(
                f"\n{name} ({took:.0f} s)\n{page.figure_table(name, measured)}", markup=False, soft_wrap=True
            )
    if options.page.exists():
        page.write(options.page, results)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
