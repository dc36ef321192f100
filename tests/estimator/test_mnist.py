"""The claim of the library, on real data at a tenth of the cost: 60 labels and a few thousand unlabelled rows."""

import pytest

from semimetric import MetricEmbedder
from semimetric.data import hide_labels, load_dataset
from semimetric.evaluation import evaluate, evaluate_baselines


@pytest.mark.slow
def test_sixty_labels_are_worth_more_than_pca_makes_of_them(shared_data):
    mnist = load_dataset("mnist", data_dir=shared_data)
    X, X_test, y_test = mnist.X_train[:15_000], mnist.X_test[:3_000], mnist.y_test[:3_000]
    y = hide_labels(mnist.y_train[:15_000], count=60, seed=0)
    embedder = MetricEmbedder("dml-autoencoder", latent_dim=10, epochs=8, random_state=0).fit(X, y)
    options = {"probes": ("knn",), "clusters": False}
    model = evaluate(
        embedder.transform(X_test), y_test, Z_labelled=embedder.transform(X), y_labelled=y, seed=0, **options
    )
    baselines = evaluate_baselines(X, y, X_test, y_test, latent_dim=10)
    best = max(scores["few_label_accuracy"] for scores in baselines.values())
    assert model["few_label_accuracy"] > best + 0.05
    assert model["knn_accuracy"] > baselines["pca"]["knn_accuracy"]
