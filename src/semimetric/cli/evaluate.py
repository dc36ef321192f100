"""``semimetric evaluate``: a fitted model's scores on data with labels."""

from pathlib import Path
from typing import Annotated

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Example**

    semimetric evaluate runs/mnist-60 mnist --json
"""


def evaluate(
    run: o.RunArgument,
    data: o.DataArgument,
    split: o.Split = None,
    device: o.Device = None,
    seed: o.Seed = 0,
    data_dir: o.DataDir = None,
    labels_file: o.LabelsFile = None,
    label_column: o.LabelColumn = None,
    image_size: o.ImageSize = None,
    binarise: o.Binarise = None,
    likelihood_samples: Annotated[
        int,
        typer.Option(
            "--likelihood-samples",
            help="For a preset with a prior and a decoder: samples of the importance-sampled log-likelihood; "
            "some hundreds for a tight one.",
            show_default="0: leave it out",
            min=0,
            rich_help_panel=o.OUTPUT,
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write the scores to this .json file.", rich_help_panel=o.OUTPUT),
    ] = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Score the model in RUN on the labelled rows of DATA: probes, retrieval, clustering, the few-label protocol."""

    from semimetric.cli.show import print_json, print_scores, tell, working
    from semimetric.data.arrays import labelled_rows
    from semimetric.runs import score
    from semimetric.runs.directory import json_text, write_whole
    from semimetric.runs.fitted import check_out, load_fitted, load_rows, was_fitted_on, where_labels_lie
    from semimetric.runs.scores import classes_without_label

    if out is not None:
        check_out(out, run, data, labels_file)
    embedder = load_fitted(run, device=device, show_progress=False)
    loading = o.given(
        data_dir=data_dir,
        labels_file=labels_file,
        label_column=label_column,
        image_size=image_size,
        binarise=binarise,
    )
    rows = load_rows(embedder, run, data, split, show_progress=not quiet, **loading)
    X, y, chosen = rows.X, rows.y, rows.split
    if y is None or not labelled_rows(y).any():
        raise ValueError(f"{data} ({chosen}) has no labels to score against: {where_labels_lie(data)}")
    if chosen in ("train", "all") and was_fitted_on(run, data):
        tell("warning: the model was fitted on these rows, or on some of them: its scores flatter it")
    with working("evaluating", not quiet):
        _, metrics = score(embedder, X, y, seed=seed, likelihood_samples=likelihood_samples)
    if out is not None:
        write_whole(out, json_text(metrics))
    if as_json:
        print_json({**metrics, "split": chosen, "rows": len(X)})
    else:
        print_scores(
            f"{run} on {data} ({chosen}, {len(X):,} rows)",
            metrics,
            n_scored=int(labelled_rows(y).sum()),
            unseen=classes_without_label(embedder.classes_, y),
            latent_dim=embedder.settings_["latent_dim"],
        )
