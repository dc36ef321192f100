"""Folders of images: classes, splits, sizes, colours, and files that are no images."""

import numpy as np
import pytest
from PIL import Image

from semimetric.data import load_dataset
from semimetric.errors import DataError


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def grey(value, shape=(10, 12)):
    return np.full(shape, value, dtype=np.uint8)


def test_classes_unlabelled_folders_and_loose_images(tmp_path):
    save(tmp_path / "dog" / "1.png", grey(1))
    save(tmp_path / "dog" / "deeper" / "2.PNG", grey(2))
    save(tmp_path / "cat" / "3.bmp", grey(3))
    save(tmp_path / "unlabelled" / "4.tif", grey(4))
    save(tmp_path / "5.png", grey(5))
    save(tmp_path / "cat" / "._3.png", grey(9))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("not an image")
    d = load_dataset(tmp_path)
    assert d.class_names == ("cat", "dog")
    assert d.X_train.shape == (5, 10, 12)
    assert d.X_train.dtype == np.uint8
    label = {int(x[0, 0]): int(y) for x, y in zip(d.X_train, d.y_train, strict=True)}
    assert label == {1: 1, 2: 1, 3: 0, 4: -1, 5: -1}
    places = dict(zip(d.X_train[:, 0, 0].tolist(), d.files_train.tolist(), strict=True))
    assert places == {1: "dog/1.png", 2: "dog/deeper/2.PNG", 3: "cat/3.bmp", 4: "unlabelled/4.tif", 5: "5.png"}
    assert d.X_test is None
    assert d.name == tmp_path.name


def test_a_folder_without_classes_is_all_unlabelled(tmp_path):
    save(tmp_path / "1.png", grey(1))
    d = load_dataset(str(tmp_path))
    assert d.y_train.tolist() == [-1]
    assert d.class_names is None


def test_split_folders(tmp_path):
    for split, values in {"train": (1, 2), "val": (3,), "test": (4, 5, 6)}.items():
        for value in values:
            save(tmp_path / split / ("odd" if value % 2 else "even") / f"{value}.png", grey(value))
    save(tmp_path / "unlabelled" / "7.png", grey(7))
    save(tmp_path / "8.png", grey(8))
    d = load_dataset(tmp_path)
    assert d.class_names == ("even", "odd")
    assert d.y_train.tolist() == [0, 1, -1, -1]
    assert d.X_train[:, 0, 0].tolist() == [2, 1, 7, 8]
    assert d.y_val.tolist() == [1]
    assert d.files_val.tolist() == ["val/odd/3.png"]
    assert d.files_test.tolist() == ["test/even/4.png", "test/even/6.png", "test/odd/5.png"]
    assert d.y_test.tolist() == [0, 0, 1]
    save(tmp_path / "stray" / "9.png", grey(9))
    with pytest.raises(DataError, match="has train/ and also stray/; put every class inside train/"):
        load_dataset(tmp_path)


def test_all_labelled_holds_out_a_fifth(tmp_path):
    for value in range(20):
        save(tmp_path / f"class {value % 2}" / f"{value}.png", grey(value))
    d = load_dataset(tmp_path, seed=1)
    assert (len(d.X_train), len(d.X_test)) == (16, 4)
    assert all(x[0, 0] % 2 == y for x, y in zip(d.X_test, d.y_test, strict=True))
    for X, files in ((d.X_train, d.files_train), (d.X_test, d.files_test)):
        assert files.tolist() == [f"class {x[0, 0] % 2}/{x[0, 0]}.png" for x in X]


def test_one_colour_image_makes_all_rgb(tmp_path):
    save(tmp_path / "a" / "1.png", grey(7))
    save(tmp_path / "a" / "2.png", np.full((10, 12, 3), (1, 2, 3), np.uint8))
    save(tmp_path / "a" / "3.png", np.full((10, 12, 4), (4, 5, 6, 0), np.uint8))
    d = load_dataset(tmp_path, test_share=0)
    assert d.X_train[:, 0, 0].tolist() == [[7, 7, 7], [1, 2, 3], [4, 5, 6]]
    assert d.X_train.shape == (3, 10, 12, 3)


def test_sixteen_bits_become_floats(tmp_path):
    save(tmp_path / "a" / "1.png", np.full((9, 9), 65535, np.uint16))
    save(tmp_path / "a" / "2.tif", np.full((9, 9), 13107, np.uint16))
    d = load_dataset(tmp_path, test_share=0)
    assert d.X_train.dtype == np.float32
    np.testing.assert_allclose(d.X_train[:, 4, 4], [1, 0.2], rtol=1e-6)
    assert load_dataset(tmp_path, test_share=0, image_size=4).X_train.shape == (2, 4, 4)
    save(tmp_path / "a" / "3.png", grey(1, (9, 9)))
    with pytest.raises(DataError, match=r"1.png has 16 bits per pixel, .*3.png has 8; make them alike"):
        load_dataset(tmp_path)


def test_a_photograph_on_its_side_is_turned(tmp_path):
    pixels = grey(0, (8, 16))
    pixels[:, :8] = 200  # the left half is bright
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter: left becomes top
    Image.fromarray(pixels).save(tmp_path / "1.jpg", exif=exif, quality=95)
    d = load_dataset(tmp_path)
    assert d.X_train.shape == (1, 16, 8)
    assert d.X_train[0, :6].mean() > 150
    assert d.X_train[0, 10:].mean() < 50


def test_sizes_must_agree_or_be_made_to(tmp_path):
    save(tmp_path / "a" / "1.png", grey(1))
    save(tmp_path / "b" / "2.png", grey(2, (30, 20)))
    message = r"a.1.png has 12 × 10 pixels, .*b.2.png has 20 × 30 pixels; make them one size, or let image_size "
    with pytest.raises(DataError, match=message + r"\(--image-size\) crop and resize them"):
        load_dataset(tmp_path)
    d = load_dataset(tmp_path, image_size=16)
    assert d.X_train.shape == (2, 16, 16)
    assert d.X_train[:, 8, 8].tolist() == [1, 2]
    with pytest.raises(ValueError, match="image_size=0 must be a number of pixels, at least 1"):
        load_dataset(tmp_path, image_size=0)


def test_resizing_keeps_the_middle(tmp_path):
    pixels = grey(0, (10, 30))
    pixels[:, 10:20] = 255  # only the middle square is white
    save(tmp_path / "1.png", pixels)
    assert load_dataset(tmp_path, image_size=5).X_train[0, :, 1:4].min() > 200


@pytest.mark.parametrize("how", ["rubbish", "empty", "cut"])
def test_a_damaged_image_is_named(tmp_path, how):
    rng = np.random.default_rng(0)
    save(tmp_path / "a" / "good.png", grey(1, (50, 50)))
    path = tmp_path / "a" / "broken.png"
    save(path, rng.integers(0, 255, (50, 50), dtype=np.uint8))
    whole = path.read_bytes()
    path.write_bytes({"rubbish": b"rubbish", "empty": b"", "cut": whole[: len(whole) // 2]}[how])
    with pytest.raises(DataError, match=r"broken.png is damaged or not an image"):
        load_dataset(tmp_path)


def test_files_that_hold_several_pictures_or_strange_pixels(tmp_path):
    pages = [Image.fromarray(grey(value)) for value in (1, 2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match=r"pages.tif holds several pictures"):
        load_dataset(tmp_path)
    (tmp_path / "pages.tif").unlink()
    save(tmp_path / "float.tif", np.zeros((9, 9), np.float32))
    with pytest.raises(DataError, match=r"float.tif holds F pixels"):
        load_dataset(tmp_path)
    (tmp_path / "float.tif").unlink()
    save(tmp_path / "deep.tif", np.full((9, 9), 70000, np.int32))
    with pytest.raises(DataError, match=r"deep.tif holds values up to 70000"):
        load_dataset(tmp_path)


def test_folders_without_images(tmp_path):
    with pytest.raises(DataError, match=r"holds no images \(.bmp"):
        load_dataset(tmp_path)
    save(tmp_path / "train" / "a" / "1.png", grey(1))
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match=r"test holds no images"):
        load_dataset(tmp_path)
    (tmp_path / "train").rename(tmp_path / "training")
    with pytest.raises(DataError, match="has a folder test/ but none called train/"):
        load_dataset(tmp_path)


def test_progress_is_drawn_when_asked_for(tmp_path, capsys):
    save(tmp_path / "1.png", grey(1))
    load_dataset(tmp_path, show_progress=True)
    assert "reading images" in capsys.readouterr().err
