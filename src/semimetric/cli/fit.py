"""``semimetric fit``: one run, from data to report."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Examples**

    semimetric fit mnist --labels 60 --preset dml-autoencoder --latent-dim 10 --out runs/mnist-60

    semimetric fit spectra.npz --epochs 30 --out runs/spectra
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
        typer.Option(
            "--preset",
            help="dml, dml-autoencoder, dml-unit-prior, dml-gmm-prior, metric-vae, joint-mvae or tvae; without "
            "labels, autoencoder, vae or vamp-vae.",
            show_default="dml-autoencoder",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    latent_dim: Annotated[
        int | None,
        typer.Option(
            "--latent-dim",
            help="Dimensions of the space.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            "--alpha",
            help="Weight of all else against the metric loss, in (0, 1]; in tvae, of the KL.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(
            "--beta",
            help="Weight of the KL; in tvae, of the reconstruction.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    gamma: Annotated[
        float | None,
        typer.Option(
            "--gamma",
            help="Weight of the metric loss in joint-mvae and tvae.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            "--loss",
            help="triplet, random-triplet, contrastive, center, softmax, n-pair or supervised-contrastive.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin",
            help="Of the triplet and contrastive losses.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    distance: Annotated[
        str | None,
        typer.Option(
            "--distance",
            help="euclidean, squared_euclidean, manhattan or cosine.",
            show_default="euclidean",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    metric_on: Annotated[
        str | None,
        typer.Option(
            "--metric-on",
            help="Whether the metric loss sees a sample of the posterior or its mean.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "--prior",
            help="unit, hypercube, simplex, mixture, classes, vamp or fitted.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    n_components: Annotated[
        int | None,
        typer.Option(
            "--n-components",
            help="Of a mixture prior, or pseudo-inputs of vamp.",
            show_default="the prior's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    log_variance: Annotated[
        float | None,
        typer.Option(
            "--log-variance",
            help="Of a mixture prior's components.",
            show_default="the prior's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    kl_estimator: Annotated[
        str | None,
        typer.Option(
            "--kl-estimator",
            help="auto, closed-form, monte-carlo, quadrature; faulty: as-printed, sign-mended.",
            show_default="auto",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    kl_samples: Annotated[
        int | None,
        typer.Option(
            "--kl-samples",
            help="Of a Monte Carlo estimate of the KL.",
            show_default="1",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    free_bits: Annotated[
        float | None,
        typer.Option(
            "--free-bits",
            help="Nats of KL that cost nothing.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    warm_up: Annotated[
        float | None,
        typer.Option(
            "--warm-up",
            help="Share of the training over which the weight of the KL rises from 0.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    likelihood: Annotated[
        str | None,
        typer.Option(
            "--likelihood",
            help="gaussian or bernoulli.",
            show_default="gaussian",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    reconstruction: Annotated[
        str | None,
        typer.Option(
            "--reconstruction",
            help="mean or sum over the elements of an input.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            help="auto, convolutional, dense or two-layer.",
            show_default="the preset's",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    routine: Annotated[
        str | None,
        typer.Option(
            "--routine",
            help="joint, alternate-epochs, alternate-batches or staged.",
            show_default="joint",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    separate_optimisers: Annotated[
        bool | None,
        typer.Option(
            "--separate-optimisers/--one-optimiser",
            help="An optimiser for each phase of a routine that has phases.",
            show_default="False",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    balance: Annotated[
        str | None,
        typer.Option(
            "--balance",
            help="fixed weights of the loss terms, or uncertainty: learned from there on.",
            show_default="fixed",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            "--augment",
            help="auto (deform images), deform or none.",
            show_default="auto",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    epochs: Annotated[
        str | None,
        typer.Option(
            "--epochs",
            help="A number, or auto: about 7,500 steps.",
            show_default="auto",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", help="Rows per step of all rows.", show_default="128", rich_help_panel=o.TRAINING),
    ] = None,
    labelled_batch_size: Annotated[
        int | None,
        typer.Option(
            "--labelled-batch-size",
            help="Rows per step of the labelled ones.",
            show_default="64",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", help="Of Adam.", show_default="0.001", rich_help_panel=o.TRAINING),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option("--weight-decay", help="Of Adam.", show_default="0.0", rich_help_panel=o.TRAINING),
    ] = None,
    validation_share: Annotated[
        float | None,
        typer.Option(
            "--validation-share",
            help="Share of the rows held out for early stopping.",
            show_default="0.05",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--patience",
            help="Epochs without improvement before stopping.",
            show_default="10",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    n_neighbors: Annotated[
        int | None,
        typer.Option(
            "--n-neighbors",
            help="Labelled neighbours that vote on a prediction.",
            show_default="1 for up to 100 labels, else 5",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option("--precision", help="auto, float32 or bfloat16.", show_default="auto", rich_help_panel=o.TRAINING),
    ] = None,
    device: o.Device = None,
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
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Learn a space, score it on test rows, and write a run directory with a report to look at."""
    if epochs is not None and epochs != "auto" and not epochs.lstrip("-").isdigit():
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
        validation_share=validation_share,
        patience=patience,
        n_neighbors=n_neighbors,
        precision=precision,
        device=device,
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
    run_and_report(config, run, resume=resume, overwrite=overwrite, as_json=as_json, quiet=quiet)


def run_and_report(config: o.Any, run: o.Any, *, resume: bool, overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Execute the run, write its report, print its scores; leave with 1 if the fit was interrupted."""
    from semimetric.cli.show import print_json, print_run, run_as_json, tell, working
    from semimetric.report import write_report
    from semimetric.runs import execute

    command = shlex.join(["semimetric", *sys.argv[1:]])
    try:
        record = execute(config, run, resume=resume, overwrite=overwrite, show_progress=not quiet, command=command)
        with working("writing the report", not quiet):
            write_report(run.path)
    except KeyboardInterrupt:  # before the fit began, or after it ended; in the fit it keeps the best model so far
        advice = f": go on with it by --resume --out {run.path}" if run.path.exists() else ""
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
