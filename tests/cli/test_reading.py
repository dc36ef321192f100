"""What is done with a run reads data as its fit did: the column of labels, the size of images."""

import numpy as np
import pytest
from PIL import Image

from semimetric import MetricEmbedder
from semimetric.data import load_dataset

NAMES = np.array(["a", "b", "c"])


@pytest.fixture(scope="module")
def table_run(semimetric, tmp_path_factory, vectors):
    """A table with a column of labels, and a run on it; without the column it has six."""
    pa, pq, csv = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet", "pyarrow.csv"))
    folder = tmp_path_factory.mktemp("table")
    columns = {f"x{i}": vectors[0][:, i] for i in range(6)}
    pq.write_table(pa.table({"kind": NAMES[vectors[1]], **columns}), folder / "named.parquet")
    pq.write_table(pa.table({"other": vectors[1], **columns}), folder / "other.parquet")
    pq.write_table(pa.table(columns), folder / "new.parquet")
    for file in ("named", "new"):
        csv.write_csv(pq.read_table(folder / f"{file}.parquet"), folder / f"{file}.csv")
    options = ["--label-column", "kind", "--epochs", 1, "--latent-dim", 2, "--out", folder / "run", "-q"]
    done = semimetric("fit", folder / "named.parquet", *options)
    assert done.code == 0, done.err
    return folder


def test_the_column_of_labels_is_that_of_the_fit_where_there_is_one(semimetric, table_run, vectors, tmp_path):
    embedder = MetricEmbedder.load(table_run / "run" / "model")
    for file in ("named.parquet", "new.parquet", "named.csv", "new.csv"):
        out = tmp_path / f"{file}.npy"
        done = semimetric("embed", table_run / "run", table_run / file, "--out", out, "-q")
        assert (done.code, done.err) == (0, "")
        assert np.array_equal(np.load(out), embedder.transform(vectors[0]))
    scores = semimetric("evaluate", table_run / "run", table_run / "named.parquet", "--json", "-q").json
    assert scores["rows"] == 90
    assert scores["accuracy"] == embedder.score(vectors[0], NAMES[vectors[1]])


def test_another_column_of_labels_is_asked_for_by_its_option(semimetric, table_run, tmp_path):
    run, other, out = table_run / "run", table_run / "other.parquet", tmp_path / "classes.csv"
    for place in (run, run / "model"):
        done = semimetric("predict", place, other, "--out", out, "-q")
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"error: {other} has 7 columns of features but the model was fitted on 6; all columns are features but "
            "that of the labels, label_column (--label-column)\n"
        )
    assert semimetric("predict", run, other, "--label-column", "other", "--out", out, "-q").code == 0
    assert semimetric("predict", run / "model", table_run / "new.parquet", "--out", out, "-q").code == 0
    done = semimetric("evaluate", run, table_run / "named.parquet", "--label-column", "x0", "-q")
    assert "named.parquet: not numeric: kind; " in done.err  # what is given is heeded


def folder_of_images(folder, size, y):
    for i, label in enumerate(y[:12]):
        (folder / NAMES[label]).mkdir(parents=True, exist_ok=True)
        pixels = np.add.outer(np.arange(size), 60 * label + 5 * np.arange(size + 1)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / NAMES[label] / f"{i:02}.png")
    return folder


def test_images_are_resized_as_in_the_fit(semimetric, tmp_path, vectors, no_report):
    fitted, new = (folder_of_images(tmp_path / name, size, vectors[1]) for name, size in (("fitted", 12), ("new", 20)))
    run, out = tmp_path / "run", tmp_path / "z.npy"
    options = ["--image-size", 9, "--epochs", 1, "--latent-dim", 2, "--test-share", 0, "--out", run, "-q"]
    assert semimetric("fit", fitted, *options).code == 0
    embedder = MetricEmbedder.load(run / "model")
    resized = load_dataset(new, image_size=9, test_share=0).X_train
    for place, more in ((run, []), (run, ["--image-size", 9]), (run / "model", ["--image-size", 9])):
        done = semimetric("embed", place, new, *more, "--out", out, "-q")
        assert (done.code, done.err) == (0, "")
        assert np.array_equal(np.load(out), embedder.transform(resized))
    np.save(tmp_path / "resized.npy", resized)  # to which the size of the fit does not apply
    assert semimetric("embed", run, tmp_path / "resized.npy", "--out", out, "-q").code == 0
    for place, more, found in ((run, ["--image-size", 10], "10 × 10"), (run / "model", [], "20 × 21")):
        done = semimetric("embed", place, new, *more, "--out", out, "-q")
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"error: {new} has images of {found} pixels but the model was fitted on 9 × 9; let image_size "
            "(--image-size) crop and resize them\n"
        )
