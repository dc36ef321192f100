"""Embedding a part at a time: memory maps in and out, and what is said of a row that is refused midway."""

import tracemalloc

import numpy as np
import pytest

from semimetric import MetricEmbedder

FEATURES = 200


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(90, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def embedder(X):
    return MetricEmbedder("autoencoder", latent_dim=3, epochs=1, random_state=0).fit(X)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr("semimetric.training.device.EMBEDDED_AT_ONCE_ON_CPU", 7)


def peak_of(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1", ">f4"])
def test_a_memory_map_never_lies_in_memory_whole(embedder, tmp_path, dtype):
    rows = 100_000
    mapped = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", dtype, (rows, FEATURES))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "Z.npy", "w+", "f4", (rows, 3))
    peak = peak_of(lambda: embedder.transform(mapped, out=out))
    assert peak < 4e6  # its finite mask alone would be 20e6 bytes
    expected = embedder.transform(np.zeros((1, FEATURES)))
    np.testing.assert_allclose(out, np.broadcast_to(expected, out.shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1", ">f4"])
def test_parts_do_not_change_the_embeddings(embedder, X, small_parts, dtype):
    given = (X * 10 + 50).astype(dtype)
    whole = embedder.transform(given.astype(np.float32))
    np.testing.assert_allclose(embedder.transform(given), whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embedder.transform(given[::-1]), whole[::-1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embedder.transform(np.asfortranarray(given)), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", [(8, 9), (8, 9, 3), (3, 8, 9)])
@pytest.mark.parametrize("dtype", ["f4", "u1"])
def test_images_in_parts(small_parts, layout, dtype):
    X = np.random.default_rng(0).integers(256, size=(40, *layout)).astype(dtype)
    embedder = MetricEmbedder("autoencoder", latent_dim=2, epochs=1, random_state=0).fit(X)
    alone = np.concatenate([embedder.transform(row[None]) for row in X])
    np.testing.assert_allclose(embedder.transform(X), alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embedder.transform(X[::-1]), alone[::-1], rtol=1e-4, atol=1e-5)
    X.flags.writeable = False
    np.testing.assert_allclose(embedder.transform(X), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_bad_value_is_named_by_its_row_in_the_whole_array(embedder, X, small_parts, value):
    bad = X.copy()
    bad[60, 3] = bad[75, 0] = value
    out = np.full((90, 3), 7, np.float32)
    with pytest.raises(ValueError, match=r"X contains .* in row 60: remove the row or fill the value in"):
        embedder.transform(bad, out=out)
    assert (out[56:] == 7).all()  # the part with the bad row, and all after it
    with pytest.raises(ValueError, match="X contains infinity or a value too large for float32 in row 60"):
        embedder.transform(np.where(np.isfinite(bad), X.astype(float), 1e39))


def test_large_values_are_no_infinite_ones(embedder, X):
    large = np.full((90, FEATURES), np.finfo(np.float32).max / 200)
    with np.errstate(over="ignore"):
        assert np.isinf(large.sum())
    assert np.isfinite(embedder.transform(large)).all()


def test_values_too_large_for_their_embeddings_are_told(embedder, X):
    X = np.copy(X)
    X[60] = np.finfo(np.float32).max
    with pytest.raises(ValueError, match="X is so large in row 60 that its embedding is not finite"):
        embedder.transform(X)


def test_the_result_is_written_to_out(embedder, X, tmp_path):
    expected = embedder.transform(X)
    mapped = np.lib.format.open_memmap(tmp_path / "Z.npy", "w+", np.float32, (90, 3))
    for out in (np.empty((90, 3), np.float32), np.empty((3, 90), np.float32).T, mapped):
        assert embedder.transform(X, out=out) is out
        assert np.array_equal(out, expected)
    mapped.flush()
    assert np.array_equal(np.load(tmp_path / "Z.npy"), expected)


def test_an_out_that_cannot_hold_the_result_is_refused(embedder, X):
    read_only = np.empty((90, 3), np.float32)
    read_only.flags.writeable = False
    wanted = r"out must be a float32 array of shape \(90, 3\) that can be written to, got "
    for out, given in (
        (np.empty((90, 4), np.float32), r"float32 of shape \(90, 4\)"),
        (np.empty((90, 3)), r"float64 of shape \(90, 3\)"),
        (read_only, r"float32 of shape \(90, 3\), read-only"),
    ):
        with pytest.raises(ValueError, match=wanted + given):
            embedder.transform(X, out=out)
    with pytest.raises(TypeError, match=r"out must be a float32 array of shape .*, got list"):
        embedder.transform(X, out=[])


def test_predictions_are_made_in_blocks(monkeypatch, X):
    y = np.arange(90) % 5
    embedder = MetricEmbedder("dml", latent_dim=2, epochs=1, random_state=0).fit(X, y)
    expected = embedder.predict(X)
    monkeypatch.setattr("semimetric.evaluation.probes.CELLS", 35)
    assert np.array_equal(embedder.predict(X), expected)
