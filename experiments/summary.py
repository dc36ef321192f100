"""Tables and pictures of `why_priors_collapse.py`: from its runs to docs/why-priors-collapse.md.

    python experiments/summary.py --runs runs/why-priors-collapse --page docs/why-priors-collapse.md

Replaces what stands between the page's ``<!-- NAME -->`` and ``<!-- end NAME -->`` marks, and the pictures beside it.
"""

import argparse
import csv
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import why_priors_collapse as experiment

Cell = dict[str, Any]
ROUTINES = {
    "alternate-epochs": "epochs in turn",
    "alternate-epochs, unsupervised last": "the same, unsupervised last",
    "alternate-batches": "batches in turn",
    "joint": "joint",
}
PRIORS = {
    "unit": "unit",
    "hypercube, log-variance 1": "hypercube 1",
    "hypercube, log-variance 0": "hypercube 0",
    "hypercube, log-variance -2": "hypercube −2",
}


def read(folder: Path, group: str) -> list[Cell]:
    """Return the finished runs of a group, settings and outcome in one dict; a collapse to non-finite has kNN None."""
    cells = []
    for run in experiment.GROUPS[group]():
        file = folder / f"{experiment.name_of(run)}.json"
        if file.exists():
            cells.append({**run, **json.loads(file.read_text())["outcome"], "file": file})
    return cells


def pick(cells: Iterable[Cell], **wanted: Any) -> list[Cell]:
    """Return the cells with these settings, by seed."""
    return sorted((c for c in cells if all(c.get(k) == v for k, v in wanted.items())), key=lambda c: c["seed"])


def score(cells: list[Cell]) -> str:
    """Return mean ± sd of the kNN accuracy, and how many runs left the finite numbers."""
    values = [c["knn_accuracy"] for c in cells if c["knn_accuracy"] is not None]
    lost = len(cells) - len(values)
    if not cells:
        return ""
    if not values:
        return "non-finite"
    told = f"{statistics.mean(values):.3f}".lstrip("0")
    if len(values) > 1:
        told += f" ± {statistics.stdev(values):.3f}".replace("± 0", "± ")
    return told + (f" ({lost} of {len(cells)} non-finite)" if lost else "")


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def grid_table(folder: Path) -> str:
    """Return kNN accuracy by prior, estimator and routine, at alpha 0.33 and 0.66."""
    cells = read(folder, "grid")
    settings = [(d, labels) for d in (2, 4) for labels in (60, 6000)]
    header = ["prior", "KL", "routine", *(f"d = {d}, {labels:,} labels" for d, labels in settings)]
    plain = [score(pick(cells, prior="none", d=d, labels=labels)) for d, labels in settings]
    rows = [["none", "–", "joint (plain DML)", *plain]]
    for prior, name in PRIORS.items():
        for estimator in experiment.ESTIMATORS:
            for routine, told in ROUTINES.items():
                found = []
                for d, labels in settings:
                    same = {"prior": prior, "estimator": estimator, "routine": routine, "d": d, "labels": labels}
                    found.append(
                        " / ".join(filter(None, (score(pick(cells, alpha=alpha, **same)) for alpha in (0.33, 0.66))))
                    )
                if any(found):
                    rows.append([name, estimator, told, *found])
    return table(header, rows)


def published(paper: Path | None, **wanted: Any) -> str:
    """Return the paper's kNN accuracy of a row of Table 3."""
    if paper is None:
        return ""
    for row in csv.DictReader(paper.open()):
        if row["table"] == "3" and all(row[k] == v for k, v in wanted.items()):
            return f"{float(row['accuracy']):.3f}".lstrip("0")
    return "?"


def rows_table(folder: Path, paper: Path | None) -> str:
    """Return the rows of Table 3: the paper's, as printed, and the one setting beside plain DML, paired by seed."""
    cells, printed = read(folder, "rows"), read(folder, "printed")
    percent = {6: "0.01", 60: "0.1", 6000: "10"}
    header = ["labels", "d", "prior", "α", "paper: DML", "paper: prior", "as printed", "ours: DML", "ours: prior"]
    header += ["difference", "KL, nats"]
    rows = []
    for labels in (6, 60, 6000):
        for d in (2, 4):
            theirs = {"labelled_percent": percent[labels], "latent_dim": str(d)}
            plain = pick(cells, prior="none", labels=labels, d=d)
            for prior in experiment.PAPER_PRIORS:
                for alpha in (0.33, 0.66):
                    mine = pick(cells, prior=prior, labels=labels, d=d, alpha=alpha)
                    named = {"model": "dml-prior", "prior": "unit" if prior == "unit" else "gmm-hypercube"}
                    pairs = [
                        a["knn_accuracy"] - b["knn_accuracy"]
                        for a in mine
                        for b in plain
                        if a["seed"] == b["seed"] and None not in (a["knn_accuracy"], b["knn_accuracy"])
                    ]
                    spread = f" ± {statistics.stdev(pairs):.3f}" if len(pairs) > 1 else ""
                    rows.append(
                        [
                            f"{labels:,}",
                            str(d),
                            PRIORS[prior],
                            f"{alpha}",
                            published(paper, model="dml", **theirs),
                            published(paper, alpha=str(alpha), **named, **theirs),
                            score(pick(printed, prior=prior, labels=labels, d=d, alpha=alpha)),
                            score(plain),
                            score(mine),
                            f"{statistics.mean(pairs):+.3f}{spread}" if pairs else "",
                            f"{statistics.mean(c['kl'] for c in mine if c['finite']):.1f}" if pairs else "",
                        ]
                    )
    return table(header, rows)


def metric_vae_table(folder: Path) -> str:
    """Return `metric-vae` under three routines."""
    cells = read(folder, "metric-vae")
    rows = []
    for labels in (60, 6000):
        for routine in ("alternate-epochs", "joint", "staged"):
            found = pick(cells, labels=labels, routine=routine, finite=True)
            if found:
                kl, error = (statistics.mean(c[k] for c in found) for k in ("kl", "reconstruction_error"))
                rows.append([f"{labels:,}", routine, found[0]["prior"], score(found), f"{kl:.1f}", f"{error:.1f}"])
    return table(["labels", "routine", "prior", "kNN accuracy", "KL, nats", "squared error per image"], rows)


def planes(folder: Path, target: Path) -> None:
    """Draw latent planes with the prior's components: the paper's Figure 5, for every estimator."""
    from matplotlib import pyplot as plt
    from matplotlib.patches import Ellipse

    cells = read(folder, "grid")
    columns = ["as-printed", "sign-mended", "monte-carlo"]
    figure, axes = plt.subplots(len(PRIORS), len(columns), figsize=(8.4, 11), layout="constrained")
    for line, (prior, name) in zip(axes, PRIORS.items(), strict=True):
        for axis, estimator in zip(line, columns, strict=True):
            same = {"prior": prior, "estimator": estimator, "routine": "joint", "alpha": 0.33}
            (cell,) = pick(cells, d=2, labels=6000, **same)[:1] or [None]
            axis.set_title(f"{name}, {estimator}", fontsize=9)
            file = None if cell is None else cell["file"].with_suffix(".npz")
            if file is None or not file.exists():
                axis.text(0.5, 0.5, "non-finite", ha="center", va="center", transform=axis.transAxes)
                axis.set(xticks=[], yticks=[])
                continue
            content = np.load(file)
            axis.scatter(*content["Z"].T, c=content["y"], cmap="tab10", s=2, linewidths=0)
            limits = axis.axis()
            places = [(0, 0)] if prior == "unit" else [(a, b) for a in (-1, 1) for b in (-1, 1)]
            spread = 1.0 if prior == "unit" else float(np.exp(float(prior.split()[-1]) / 2))
            for place in places:
                axis.add_patch(Ellipse(place, 2 * spread, 2 * spread, fill=False, linewidth=1.2))
            if max(map(abs, limits)) < 50:
                axis.autoscale_view()
                axis.set_aspect("equal")
            axis.tick_params(labelsize=7)
    figure.savefig(target, dpi=110)
    plt.close(figure)


def curves(folder: Path, target: Path) -> None:
    """Draw the losses of the published routine under each estimator: the paper's Figure 6."""
    from matplotlib import pyplot as plt

    cells = read(folder, "curves")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for axis, term, label in zip(axes, ("train_kl", "train_metric"), ("KL estimate", "triplet loss"), strict=True):
        for cell in cells:
            points = [(h["epoch"], h[term]) for h in cell.get("history", []) if h.get(term) is not None]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=cell["estimator"])
        axis.set_xlabel("epoch: odd unsupervised, even supervised")
        axis.set_title(label, fontsize=10)
        axis.set_yscale("symlog", linthresh=1.0 if term == "train_kl" else 0.1)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.savefig(target, dpi=110)
    plt.close(figure)


def main() -> None:
    """Write the page's tables and pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/why-priors-collapse"))
    parser.add_argument("--page", type=Path, default=Path("docs/why-priors-collapse.md"))
    parser.add_argument("--published", type=Path, help="a CSV of the paper's tables: table, model, prior, accuracy …")
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    tables: dict[str, Callable[[], str]] = {
        "grid": lambda: grid_table(arguments.runs),
        "rows": lambda: rows_table(arguments.runs, arguments.published),
        "metric-vae": lambda: metric_vae_table(arguments.runs),
    }
    page = arguments.page.read_text()
    for name, make in tables.items():
        pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        made = make().replace("\\", "\\\\")
        page = pattern.sub(rf"\g<1>{made}\n\g<2>", page)
    arguments.page.write_text(page)
    pictures = arguments.page.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    planes(arguments.runs, pictures / "why-priors-collapse-planes.png")
    curves(arguments.runs, pictures / "why-priors-collapse-curves.png")


if __name__ == "__main__":
    main()
