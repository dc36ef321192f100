"""scikit-learn's own checks of an estimator, and its use inside scikit-learn's tools."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from semimetric import MetricEmbedder
from semimetric.data import hide_labels

MINUS_ONE = "the check uses −1 as an ordinary class; here −1 means unlabelled, as in sklearn.semi_supervised"


def expected_to_fail(estimator):
    return {"check_classifiers_classes": MINUS_ONE}


@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [MetricEmbedder(epochs=10, latent_dim=4, random_state=0)], expected_failed_checks=expected_to_fail
)
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@parametrize_with_checks(
    [MetricEmbedder("best", epochs=4, latent_dim=4, random_state=0)], expected_failed_checks=expected_to_fail
)
def test_scikit_learn_estimator_checks_of_self_training(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def few_digits(digits):
    return digits.X_train[:400], hide_labels(digits.y_train[:400], count=60, seed=0)


def quick(**parameters):
    return MetricEmbedder(**{"epochs": 3, "latent_dim": 4, "random_state": 0} | parameters)


def test_works_in_a_pipeline(few_digits, digits):
    X, y = few_digits
    flatten = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    pipeline = make_pipeline(flatten, PCA(20, random_state=0), quick(epochs=30)).fit(X, y)
    assert pipeline.transform(digits.X_test).shape == (599, 4)
    assert pipeline.score(digits.X_test, digits.y_test) > 0.6


def test_works_in_a_grid_search(few_digits):
    X, y = few_digits
    labelled = y >= 0
    search = GridSearchCV(quick(), {"alpha": [0.5, 1.0], "latent_dim": [2, 4]}, cv=2).fit(X[labelled], y[labelled])
    assert set(search.best_params_) == {"alpha", "latent_dim"}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_clone_has_the_parameters_and_is_not_fitted(few_digits):
    fitted = quick(alpha=0.25).fit(*few_digits)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "model_")


def test_string_labels(few_digits, digits):
    X, y = few_digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    words = np.where(y >= 0, names[y], None)
    by_number, by_word = quick().fit(X, y), quick().fit(X, words)
    assert list(by_word.classes_) == sorted(names)
    # The same labels under other names: only the order of the classes differs, hence the draws, not the task.
    assert set(by_word.predict(digits.X_test)) <= set(names)
    assert np.array_equal(by_word.labelled_rows_, by_number.labelled_rows_)


def test_set_output_gives_named_columns(few_digits):
    pytest.importorskip("pandas")
    X, y = few_digits
    table = quick(latent_dim=2).set_output(transform="pandas").fit(X, y).transform(X[:3])
    assert list(table.columns) == ["metricembedder0", "metricembedder1"]


def test_the_same_seed_gives_the_same_model_and_another_seed_another(few_digits):
    X, y = few_digits
    first, second, other = quick().fit(X, y), quick().fit(X, y), quick(random_state=1).fit(X, y)
    assert first.history_ == second.history_
    assert np.array_equal(first.transform(X), second.transform(X))
    assert not np.array_equal(first.transform(X), other.transform(X))


def test_fitting_leaves_global_random_states_and_parameters_alone(few_digits):
    import torch

    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    embedder = quick()
    parameters = embedder.get_params()
    embedder.fit(*few_digits)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert embedder.get_params() == parameters
