"""``semimetric embed``: a fitted model's embeddings of new data."""

from pathlib import Path
from typing import Annotated

import typer

from semimetric.cli import options as o

EXAMPLES = """
**Example**

    semimetric embed runs/mnist-60 mnist --split test --out z.npy
"""


def embed(
    run: o.RunArgument,
    data: o.DataArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File to write: a .npy of embeddings, (rows, latent_dim) float32.",
            rich_help_panel=o.OUTPUT,
        ),
    ],
    split: o.Split = None,
    device: o.Device = None,
    data_dir: o.DataDir = None,
    label_column: o.LabelColumn = None,
    image_size: o.ImageSize = None,
    binarise: o.Binarise = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Embed DATA with the model in RUN, in the rows' order; a .npy is read and written a part at a time."""
    if out.suffix != ".npy":
        raise typer.BadParameter(f"must end in .npy, got {str(out)!r}", param_hint="--out")
    from semimetric.cli.show import print_json
    from semimetric.runs.directory import write_array
    from semimetric.runs.fitted import check_out, load_fitted, load_rows

    check_out(out, run, data)
    embedder = load_fitted(run, device=device, show_progress=not quiet)
    loading = o.given(
        data_dir=data_dir,
        label_column=label_column,
        image_size=image_size,
        binarise=binarise,
    )
    found = load_rows(embedder, run, data, split, show_progress=not quiet, **loading)
    rows, latent_dim = len(found.X), embedder.settings_["latent_dim"]
    write_array(out, (rows, latent_dim), lambda Z: embedder.transform(found.X, out=Z))
    if as_json:
        print_json({"rows": rows, "latent_dim": latent_dim, "split": found.split, "out": str(out)})
    else:
        print(f"{rows:,} rows ({found.split}) in {latent_dim} dimensions: {out}")
