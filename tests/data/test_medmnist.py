"""MedMNIST archives made by hand, good and damaged, and the real ones."""

from pathlib import Path

import numpy as np
import pytest

from semimetric.data import list_datasets, load_dataset
from semimetric.errors import DataError

REAL = Path(__file__).parents[2].parent / "shared" / "data"
FLAGS = {
    *("pathmnist", "dermamnist", "octmnist", "pneumoniamnist", "retinamnist", "breastmnist"),
    *("bloodmnist", "tissuemnist", "organamnist", "organcmnist", "organsmnist"),
}


def arrays(shape=(28, 28), classes=2):
    sizes = {"train": 12, "val": 4, "test": 6}
    images = {f"{split}_images": np.zeros((n, *shape), np.uint8) for split, n in sizes.items()}
    labels = {f"{split}_labels": (np.arange(n) % classes).astype(np.uint8)[:, None] for split, n in sizes.items()}
    return images | labels


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_every_flag_reads_its_official_splits(tmp_path, flag):
    row = next(row for row in list_datasets() if row.name == flag)
    (tmp_path / "medmnist").mkdir()
    np.savez(tmp_path / "medmnist" / f"{flag}.npz", **arrays(row.shape, row.classes))
    d = load_dataset(flag, tmp_path, download=False)
    assert (d.X_train.shape, d.X_val.shape, d.X_test.shape) == (
        (12, *row.shape),
        (4, *row.shape),
        (6, *row.shape),
    )
    assert d.y_train.shape == (12,)
    assert d.y_train.dtype == np.int64
    assert d.y_test.tolist() == [i % row.classes for i in range(6)]
    assert len(d.class_names) == row.classes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val_labels": None}, "not MedMNIST's breastmnist: .*val_labels"),
        ({"train_labels": np.zeros((11, 1), np.uint8)}, r"train_labels holds uint8 of shape \(11, 1\)"),
        ({"train_labels": np.zeros((12, 14), np.uint8)}, "expected one integer for each of 12 images"),
        ({"test_labels": np.full((6, 1), 2, np.uint8)}, "test_labels runs to 2; expected 0 to 1"),
        ({"val_images": np.zeros((4, 28, 28))}, "val_images holds float64"),
        ({"train_labels": np.array([None] * 12)}, "is damaged or not an .npz file .*Object arrays"),
    ],
)
def test_other_content_is_refused(tmp_path, change, message):
    (tmp_path / "medmnist").mkdir()
    content = {key: array for key, array in (arrays() | change).items() if array is not None}
    np.savez(tmp_path / "medmnist" / "breastmnist.npz", **content)
    with pytest.raises(DataError, match=rf"breastmnist.npz.*{message}"):
        load_dataset("breastmnist", tmp_path)


def test_damaged_archives_are_refused(tmp_path):
    (tmp_path / "medmnist").mkdir()
    path = tmp_path / "medmnist" / "breastmnist.npz"
    np.savez_compressed(path, **arrays())
    whole = path.read_bytes()
    middle = len(whole) // 2
    for content in (b"", b"rubbish", whole[:middle], whole[:60] + bytes(20) + whole[80:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"breastmnist.npz is damaged or not an .npz file"):
            load_dataset("breastmnist", tmp_path)


def test_chestmnist_is_refused_with_its_reason():
    with pytest.raises(DataError, match=r"chestmnist is not supported: .*14 yes-or-no labels"):
        load_dataset("chestmnist")


def test_all_flags_are_listed_with_distinct_checksums():
    from semimetric.data.medmnist import MEDMNIST

    assert {entry.name for entry in MEDMNIST} == FLAGS
    assert len({entry.files[0].md5 for entry in MEDMNIST}) == len(FLAGS)
    assert all(len(entry.files[0].md5) == 32 for entry in MEDMNIST)


@pytest.mark.parametrize("flag", ["pneumoniamnist", "retinamnist"])
def test_the_real_files(flag):
    if not (REAL / "medmnist" / f"{flag}.npz").is_file():
        pytest.skip(f"the real {flag}.npz is not at ../shared/data/medmnist")
    row = next(row for row in list_datasets(REAL) if row.name == flag)
    d = load_dataset(flag, REAL, download=False)
    assert (len(d.X_train), len(d.X_val), len(d.X_test)) == (row.train, row.val, row.test)
    assert d.X_train.shape[1:] == row.shape
    assert set(d.y_train.tolist()) == set(range(row.classes))
    assert row.local == str(REAL / "medmnist")
