"""Rows and grids multiplied out, counted by hand; and the keys that runs are known by."""

from dataclasses import replace

import pytest

from semimetric.runs import RunConfig
from semimetric.studies import Study, Task, expand
from semimetric.studies.task import key_of

GRID = {"latent_dim": [2, 10]}
ROWS = [{"name": "A", "preset": "dml"}, {"name": "B", "preset": "dml-autoencoder", "alpha": [0.3, 0.6, 0.9]}]


def places(**content):
    return [dict(task.place) for task in expand(Study(name="s", **{"dataset": "digits"} | content))]


@pytest.mark.parametrize(
    ("content", "runs"),
    [
        ({}, 1),
        ({"seeds": 3}, 3),
        ({"seeds": [4, 7]}, 2),
        ({"dataset": ["digits", "mnist"], "labels": [10, None]}, 4),
        ({"percent": [1, 5, 10], "seeds": 2}, 6),
        ({"dataset": ["digits", "mnist"], "labels": {"digits": 10, "mnist": [10, 60, None]}, "seeds": 2}, (1 + 3) * 2),
        ({"dataset": ["digits", "mnist"], "percent": {"digits": 1, "mnist": [1, 5]}}, 3),
        ({"dataset": ["digits", "mnist"], "seeds": {"digits": 5, "mnist": [7]}, "labels": [10, 60]}, (5 + 1) * 2),
        ({"grid": {"latent_dim": [2, 10], "alpha": [0.1, 0.2, 0.3]}}, 6),
        ({"rows": ROWS}, 1 + 3),
        ({"rows": ROWS, "grid": GRID}, (1 + 3) * 2),
        ({"rows": ROWS, "grid": GRID, "seeds": 3, "labels": [10, 20], "dataset": ["digits", "mnist"]}, 8 * 3 * 2 * 2),
        ({"grid": {"latent_dim": [2, 2, 10]}}, 2),
        ({"rows": [{"preset": "dml"}, {"preset": "dml"}]}, 1),
        ({"rows": [{"latent_dim": 5}, {}], "grid": GRID}, 1 + 2),  # a row's own argument is not taken from the grid
        ({"grid": {"latent_dim": 4}}, 1),
    ],
)
def test_the_number_of_runs_is_what_a_person_counts(content, runs):
    assert len(places(**content)) == runs


def test_a_place_has_what_varies_and_nothing_of_the_base():
    (first, *_) = places(labels=[60], base={"epochs": 3}, grid=GRID, rows=ROWS)
    assert first == {"dataset": "digits", "labels": 60, "seed": 0, "row": "A", "latent_dim": 2, "preset": "dml"}
    assert places(percent=0.5)[0] == {"dataset": "digits", "percent": 0.5, "seed": 0}
    assert places()[0] == {"dataset": "digits", "seed": 0}


def test_each_dataset_may_have_label_budgets_of_its_own():
    found = places(dataset=["digits", "mnist"], labels={"mnist": [60, 6000], "digits": 10})
    assert [(place["dataset"], place["labels"]) for place in found] == [("digits", 10), ("mnist", 60), ("mnist", 6000)]


def test_a_configuration_is_the_base_overridden_by_the_row_and_crossed_with_the_grid():
    study = Study(
        name="s", dataset="digits", labels=60, balanced=False, seeds=[5], loading={"binarise": True}, grid=GRID,
        base={"epochs": 3, "alpha": 0.5}, rows=[{"name": "A", "alpha": 0.1}],
    )  # fmt: skip
    wanted = RunConfig("digits", 60, None, False, 5, {"epochs": 3, "alpha": 0.1, "latent_dim": 2}, {"binarise": True})
    assert expand(study)[0].config == wanted


def test_a_dataset_may_have_arguments_of_its_own_instead_of_the_bases():
    study = Study(
        name="s", dataset=["digits", "mnist"], base={"augment": "none", "epochs": 3}, grid={"latent_dim": [4]},
        per_dataset={"digits": {"augment": "flip", "latent_dim": 8}}, rows=[{"name": "A"}, {"augment": "deform"}],
    )  # fmt: skip
    found = [(task.config.dataset, task.config.estimator) for task in expand(study)]
    assert found == [
        ("digits", {"augment": "flip", "epochs": 3, "latent_dim": 4}),
        ("digits", {"augment": "deform", "epochs": 3, "latent_dim": 4}),
        ("mnist", {"augment": "none", "epochs": 3, "latent_dim": 4}),
        ("mnist", {"augment": "deform", "epochs": 3, "latent_dim": 4}),
    ]
    assert expand(study)[0].place == {"dataset": "digits", "seed": 0, "row": "A", "latent_dim": 4}


def test_the_first_seed_of_all_comes_before_the_second_of_any():
    seeds = [place["seed"] for place in places(seeds=[1, 0], labels=[10, 20], rows=ROWS)]
    assert seeds == [1] * 8 + [0] * 8


def test_each_dataset_may_have_seeds_of_its_own_in_the_order_of_the_datasets():
    found = places(dataset=["digits", "mnist"], seeds={"mnist": 1, "digits": [4, 2]}, grid={"latent_dim": [2, 10]})
    assert [(place["dataset"], place["seed"]) for place in found] == [
        *[("digits", 4)] * 2, *[("digits", 2)] * 2, *[("mnist", 0)] * 2,
    ]  # fmt: skip


def test_two_rows_that_are_the_same_run_are_two_places_of_one_key():
    rows = [{"name": "A", "alpha": 1}, {"name": "B", "alpha": 1.0}]
    one, two = expand(Study(name="s", dataset="digits", rows=rows))
    assert one.place["row"] != two.place["row"]
    assert one.key == two.key


CONFIG = RunConfig("digits", 60, estimator={"alpha": 0.5, "preset": "dml"}, loading={"binarise": False})


def test_a_key_is_the_same_in_every_version_process_and_order():
    """Written down: were it another, the runs of all studies would be done again."""
    assert key_of(CONFIG) == "198788d5f469e0ab"
    other = replace(CONFIG, estimator={"preset": "dml", "alpha": 0.5, "device": "cpu"})
    assert key_of(other) == key_of(CONFIG)
    assert Task(CONFIG, {}).key == Task(CONFIG, {"row": "elsewhere"}).key == key_of(CONFIG)


def test_a_key_differs_with_everything_that_makes_another_run():
    others = [
        replace(CONFIG, dataset="mnist"),
        replace(CONFIG, labels=61),
        replace(CONFIG, labels=None),
        replace(CONFIG, labels=None, percent=60),
        replace(CONFIG, balanced=False),
        replace(CONFIG, seed=1),
        replace(CONFIG, estimator={"alpha": 0.51, "preset": "dml"}),
        replace(CONFIG, estimator={"alpha": 0.5, "preset": "dml", "epochs": 3}),
        replace(CONFIG, loading={"binarise": True}),
    ]
    assert len({key_of(config) for config in [CONFIG, *others]}) == 1 + len(others)
