"""``semimetric fit``: one run, from data to report."""

import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Examples**

    semimetric fit mnist --labels 60 --preset dml-autoencoder --latent-dim 10 --out runs/mnist-60

    semimetric fit spectra.npz --epochs 30 --out runs/spectra

    semimetric fit digits --labels 100 --preset metric-vae --prior classes --loss softmax --out runs/digits-vae
"""
UNFINISHED = 1


def fit(
    data: o.DataArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Run directory to write.",
            show_default="runs/DATA-PRESET-LABELS-SEED",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    labels: Annotated[
        int | None,
        typer.Option(
            "--labels",
            help="Keep so many labels and hide the rest.",
            show_default="all there are",
            rich_help_panel=o.LABELS,
        ),
    ] = None,
    percent: Annotated[
        float | None,
        typer.Option("--percent", help="Or keep this percentage of the rows labelled.", rich_help_panel=o.LABELS),
    ] = None,
    balanced: Annotated[
        bool,
        typer.Option(
            "--balanced/--unbalanced",
            help="Spread the kept labels evenly over the classes, or draw them blindly.",
            rich_help_panel=o.LABELS,
        ),
    ] = True,
    preset: Annotated[
        str | None,
        o.option(
            "--preset",
            "best (for few labels), best-fast, dml, dml-autoencoder, dml-unit-prior, dml-gmm-prior, metric-vae, "
            "joint-mvae or tvae; without labels, autoencoder, vae or vamp-vae.",
            "dml-autoencoder",
            o.MODEL,
        ),
    ] = None,
    latent_dim: Annotated[
        int | None, o.option("--latent-dim", "Dimensions of the space.", "the preset's", o.MODEL)
    ] = None,
    alpha: Annotated[
        float | None,
        o.option(
            "--alpha",
            "Weight of all else against the metric loss, in (0, 1]; in tvae, of the KL.",
            "the preset's",
            o.TRAINING,
        ),
    ] = None,
    beta: Annotated[
        float | None, o.option("--beta", "Weight of the KL; in tvae, of the reconstruction.", "the preset's", o.PRIOR)
    ] = None,
    gamma: Annotated[
        float | None,
        o.option(
            "--gamma",
            "Weight of the metric loss in joint-mvae and tvae; in best under another routine.",
            "the preset's",
            o.TRAINING,
        ),
    ] = None,
    loss: Annotated[
        str | None,
        o.option(
            "--loss",
            "triplet, random-triplet, contrastive, center, softmax, normalised-softmax, n-pair, nt-xent or "
            "supervised-contrastive.",
            "the preset's",
            o.MODEL,
        ),
    ] = None,
    margin: Annotated[
        float | None, o.option("--margin", "Of the triplet and contrastive losses.", "the preset's", o.MODEL)
    ] = None,
    distance: Annotated[
        str | None, o.option("--distance", "euclidean, squared_euclidean, manhattan or cosine.", "euclidean", o.MODEL)
    ] = None,
    metric_on: Annotated[
        str | None,
        o.option(
            "--metric-on",
            "Whether the metric loss sees a sample of the posterior or its mean.",
            "the preset's",
            o.MODEL,
        ),
    ] = None,
    prior: Annotated[
        str | None,
        o.option("--prior", "unit, hypercube, simplex, mixture, classes, vamp or fitted.", "the preset's", o.PRIOR),
    ] = None,
    n_components: Annotated[
        int | None, o.option("--n-components", "Of a mixture prior, or pseudo-inputs of vamp.", "the prior's", o.PRIOR)
    ] = None,
    log_variance: Annotated[
        float | None, o.option("--log-variance", "Of a mixture prior's components.", "the prior's", o.PRIOR)
    ] = None,
    kl_estimator: Annotated[
        str | None,
        o.option(
            "--kl-estimator",
            "auto, closed-form, monte-carlo, quadrature; faulty: as-printed, sign-mended.",
            "auto",
            o.PRIOR,
        ),
    ] = None,
    kl_samples: Annotated[
        int | None, o.option("--kl-samples", "Of a Monte Carlo estimate of the KL.", "1", o.PRIOR)
    ] = None,
    free_bits: Annotated[
        float | None, o.option("--free-bits", "Nats of KL that cost nothing.", "the preset's", o.PRIOR)
    ] = None,
    warm_up: Annotated[
        float | None,
        o.option(
            "--warm-up", "Share of the training over which the weight of the KL rises from 0.", "the preset's", o.PRIOR
        ),
    ] = None,
    likelihood: Annotated[str | None, o.option("--likelihood", "gaussian or bernoulli.", "gaussian", o.MODEL)] = None,
    reconstruction: Annotated[
        str | None, o.option("--reconstruction", "mean or sum over the elements of an input.", "the preset's", o.MODEL)
    ] = None,
    network: Annotated[
        str | None, o.option("--network", "auto, pooled, convolutional, dense or two-layer.", "the preset's", o.MODEL)
    ] = None,
    routine: Annotated[
        str | None,
        o.option(
            "--routine",
            "joint, alternate-epochs, alternate-batches, staged or self-training.",
            "joint; in best self-training",
            o.TRAINING,
        ),
    ] = None,
    separate_optimisers: Annotated[
        bool | None,
        o.option(
            "--separate-optimisers/--one-optimiser",
            "An optimiser for each phase of a routine that has phases.",
            "False",
            o.TRAINING,
        ),
    ] = None,
    balance: Annotated[
        str | None,
        o.option(
            "--balance", "fixed weights of the loss terms, or uncertainty: learned from there on.", "fixed", o.TRAINING
        ),
    ] = None,
    augment: Annotated[
        str | None,
        o.option(
            "--augment",
            "auto (deform images), deform, flip (and mirror), natural (crop, flip, colour), corrupt (vectors) or none.",
            "auto",
            o.TRAINING,
        ),
    ] = None,
    epochs: Annotated[
        str | None,
        o.option("--epochs", "A number, or auto: about 7,500 steps, in best fewer of small data.", "auto", o.TRAINING),
    ] = None,
    batch_size: Annotated[int | None, o.option("--batch-size", "Rows per step of all rows.", "128", o.TRAINING)] = None,
    labelled_batch_size: Annotated[
        int | None, o.option("--labelled-batch-size", "Rows per step of the labelled ones.", "64", o.TRAINING)
    ] = None,
    learning_rate: Annotated[float | None, o.option("--learning-rate", "Of Adam.", "0.001", o.TRAINING)] = None,
    weight_decay: Annotated[float | None, o.option("--weight-decay", "Of Adam.", "0.0", o.TRAINING)] = None,
    averaging: Annotated[
        float | None,
        o.option("--averaging", "Decay of a running average of the model, then used; 0: none.", "0.0", o.TRAINING),
    ] = None,
    validation_share: Annotated[
        float | None,
        o.option("--validation-share", "Share of the rows held out for early stopping.", "0.05; in best 0", o.TRAINING),
    ] = None,
    patience: Annotated[
        int | None, o.option("--patience", "Epochs without improvement before stopping.", "10", o.TRAINING)
    ] = None,
    n_neighbors: Annotated[
        int | None,
        o.option(
            "--n-neighbors",
            "Neighbours that vote on a prediction: labelled rows; after self-training, any.",
            "1 for up to 100 labels, else 5; after self-training 20 to 80",
            o.MODEL,
        ),
    ] = None,
    precision: Annotated[str | None, o.option("--precision", "auto, float32 or bfloat16.", "auto", o.TRAINING)] = None,
    chunk_size: Annotated[
        int | None,
        o.option(
            "--chunk-size", "Rows that networks compute at a time, to save memory.", "the whole batch", o.TRAINING
        ),
    ] = None,
    device: o.Device = None,
    devices: Annotated[
        int | None, o.option("--devices", "How many to train on, a process each.", "1", o.TRAINING)
    ] = None,
    seed: o.Seed = 0,
    data_dir: o.DataDir = None,
    labels_file: o.LabelsFile = None,
    label_column: o.LabelColumn = None,
    image_size: o.ImageSize = None,
    binarise: o.Binarise = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            "--test-share",
            help="Share of the labelled rows to hold out for evaluation, for data without a test split.",
            show_default="0.2 if all rows are labelled, else 0",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the unfinished run in --out, if there is one.", rich_help_panel=o.OUTPUT
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run in --out.", rich_help_panel=o.OUTPUT)
    ] = False,
    track: o.Track = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Learn a space, score it on test rows, and write a run directory with a report to look at."""
    if epochs is not None and epochs != "auto" and not re.fullmatch(r"-?[0-9]+", epochs):
        raise typer.BadParameter(f"must be a whole number or 'auto', got {epochs!r}", param_hint="--epochs")
    if labels is not None and percent is not None:
        raise typer.BadParameter("give one of them", param_hint="--labels and --percent")
    if resume and overwrite:
        raise typer.BadParameter("give one of them", param_hint="--resume and --overwrite")
    estimator = o.given(
        preset=preset,
        latent_dim=latent_dim,
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        loss=loss,
        margin=margin,
        distance=distance,
        metric_on=metric_on,
        prior=prior,
        n_components=n_components,
        log_variance=log_variance,
        kl_estimator=kl_estimator,
        kl_samples=kl_samples,
        free_bits=free_bits,
        warm_up=warm_up,
        likelihood=likelihood,
        reconstruction=reconstruction,
        network=network,
        routine=routine,
        separate_optimisers=separate_optimisers,
        balance=balance,
        augment=augment,
        epochs=int(epochs) if epochs not in (None, "auto") else epochs,
        batch_size=batch_size,
        labelled_batch_size=labelled_batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        averaging=averaging,
        validation_share=validation_share,
        patience=patience,
        n_neighbors=n_neighbors,
        precision=precision,
        chunk_size=chunk_size,
        device=device,
        devices=devices,
    )
    loading = o.given(
        data_dir=data_dir,
        labels_file=labels_file,
        label_column=label_column,
        image_size=image_size,
        binarise=binarise,
        test_share=test_share,
    )
    from semimetric.runs import RunConfig, RunDirectory

    config = RunConfig(data, labels, percent, balanced, seed, estimator, loading)
    run = RunDirectory(out if out is not None else _directory(config))
    run_and_report(
        config,
        run,
        shlex.join(["semimetric", *sys.argv[1:]]),
        resume=resume,
        overwrite=overwrite,
        track=track or (),
        as_json=as_json,
        quiet=quiet,
    )


def run_and_report(
    config: o.Any,
    run: o.Any,
    command: str,
    *,
    resume: bool,
    overwrite: bool,
    track: Iterable[str] = (),
    as_json: bool,
    quiet: bool,
) -> None:
    """Execute the run, write its report, print its scores; leave with 1 if the fit was interrupted.

    ``command`` is what ``semimetric fit`` is called with to fit this run.
    """
    from semimetric.cli.show import print_json, print_run, resuming, run_as_json, tell, working
    from semimetric.report import write_report
    from semimetric.runs import execute
    from semimetric.runs.directory import UNFINISHED as RESUMABLE
    from semimetric.runs.tracking import Tracking, plan_tracking

    record = None
    try:
        with Tracking(plan_tracking(track, name=run.path.name), run) as tracking:
            record = execute(
                config,
                run,
                resume=resume,
                overwrite=overwrite,
                show_progress=not quiet,
                command=command,
                tracking=tracking,
            )
        with working("writing the report", not quiet):
            write_report(run.path)
    except KeyboardInterrupt:  # before the fit began, or after it ended; in the fit it keeps the best model so far
        left = run.read_json("config.json") if (run.path / "config.json").exists() else {}
        go_on, advice = resuming(command), ""
        if left.get("stopped") in RESUMABLE and resuming(left.get("command", "")) == go_on:  # not a run before this
            advice = f". To go on: {go_on}"
        elif record is not None:
            advice = f". For the report: {shlex.join(['semimetric', 'report', str(run.path)])}"
        tell(f"interrupted{advice}")
        raise typer.Exit(UNFINISHED) from None
    if as_json:
        print_json(run_as_json(run, record))
    else:
        print_run(run, record)
    if record.config["stopped"] in ("interrupted", "diverged"):
        raise typer.Exit(UNFINISHED)


def _directory(config: o.Any) -> Path:
    budget = config.labels if config.labels is not None else f"{config.percent}pc" if config.percent else "all"
    preset = config.estimator.get("preset", "dml-autoencoder")
    return Path("runs") / f"{Path(config.dataset).resolve().stem}-{preset}-{budget}-seed{config.seed}"
