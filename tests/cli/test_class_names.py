"""Classes named in words are known by their names, not by their places in one file's alphabet."""

import numpy as np
import pytest

from semimetric import MetricEmbedder


def clusters(words, rows=40, seed=0):
    centres = {"ant": (0, 0, 9), "cat": (9, 0, 0), "dog": (0, 9, 0)}
    y = np.array([words[i % len(words)] for i in range(rows)])
    rng = np.random.default_rng(seed)
    return np.array([centres[word] for word in y]) + rng.normal(scale=0.3, size=(rows, 3)), y


@pytest.mark.slow
def test_a_second_file_may_lack_a_class(semimetric, tmp_path):
    X, y = clusters(["ant", "cat", "dog"], rows=120)
    np.savez(tmp_path / "first.npz", X=X, y=y)
    X, y = clusters(["cat", "dog"], seed=1)
    np.savez(tmp_path / "second.npz", X=X, y=y)
    run = tmp_path / "run"
    options = ["--preset", "dml", "--epochs", "20", "-q"]
    assert semimetric("fit", tmp_path / "first.npz", "--out", run, *options).code == 0
    assert MetricEmbedder.load(run / "model").predict(X[:2]).tolist() == ["cat", "dog"]
    done = semimetric("evaluate", run, tmp_path / "second.npz", "-q", "--json")
    assert done.code == 0
    assert done.json["few_label_accuracy"] == 1.0


def test_words_and_numbers_are_not_compared(semimetric, tmp_path):
    X, y = clusters(["ant", "cat", "dog"], rows=120)
    np.savez(tmp_path / "words.npz", X=X, y=y)
    np.savez(tmp_path / "numbers.npz", X=X, y=np.unique(y, return_inverse=True)[1])
    run = tmp_path / "run"
    assert semimetric("fit", tmp_path / "words.npz", "--out", run, "--epochs", "1", "-q").code == 0
    done = semimetric("evaluate", run, tmp_path / "numbers.npz", "-q")
    assert done.code == 2
    told = "the model's classes are words (ant, cat, dog) and these labels are numbers (0, 1, 2): name them alike"
    assert done.err == f"error: {told}\n"
