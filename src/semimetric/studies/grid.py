"""A study's rows and grid multiplied out into tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from semimetric.runs import RunConfig
from semimetric.studies.specification import Study
from semimetric.studies.task import Scalar, Task
from semimetric.studies.yaml_lines import Path

NAME = "name"


@dataclass(frozen=True)
class Point:
    """One choice of arguments.

    place : the arguments that the study varies, and the row's name as ``row``.
    origin : argument to where the study's file gives it.
    """

    arguments: Mapping[str, Any]
    place: Mapping[str, Scalar]
    origin: Mapping[str, Path]


def points(study: Study) -> Iterator[Point]:
    """Yield every choice of arguments: each row, crossed with its own lists and with the grid.

    An argument that a row names itself is not taken from the grid.
    """
    base: dict[str, Path] = {name: ("base", name) for name in study.base}
    for number, row in enumerate(study.rows or [{}]):
        at: Path = ("rows", number) if study.rows else ()
        own = {name: value if isinstance(value, list) else [value] for name, value in row.items() if name != NAME}
        axes = {**{name: values for name, values in study.grid.items() if name not in own}, **own}
        origin = {name: (*at, name) if name in own else ("grid", name) for name in axes}
        for values in product(*axes.values()):
            chosen = dict(zip(axes, values, strict=True))
            place = {**({"row": str(row[NAME])} if NAME in row else {}), **chosen}
            yield Point({**study.base, **chosen}, place, {**base, **origin})


def expand(study: Study) -> list[Task]:
    """Return the tasks of a study, each once, in the order in which they are run.

    Seeds are outermost but for datasets, so that a table has all its cells early, and gains seeds.

    >>> study = Study(name="s", dataset="digits", labels=[10, 50], seeds=3, rows=[{"alpha": [0.3, 0.6, 0.3]}])
    >>> tasks = expand(study)
    >>> len(tasks), tasks[0].place
    (12, {'dataset': 'digits', 'labels': 10, 'seed': 0, 'alpha': 0.3})
    """
    tasks = [task for point in points(study) for task in tasks_of(study, point.arguments, point.place)]
    order = {draw: number for number, draw in enumerate(study.draws)}
    tasks.sort(key=lambda task: order[task.config.dataset, task.config.seed])
    return list({(task.key, tuple(sorted(task.place.items(), key=str))): task for task in tasks}.values())


def tasks_of(study: Study, arguments: Mapping[str, Any], place: Mapping[str, Scalar]) -> Iterator[Task]:
    """Yield the tasks of one choice of arguments: every dataset, seed and label budget."""
    for dataset, seed in study.draws:
        key, values = study.budgets_of(dataset) or ("", [None])
        for value in values:
            budget = {key: value} if key else {}
            config = RunConfig(
                dataset,
                **budget,
                balanced=study.balanced,
                seed=seed,
                estimator=arguments_for(study, dataset, arguments, place),
                loading=dict(study.loading),
            )
            yield Task(config, {"dataset": dataset, **budget, "seed": seed, **place})


def arguments_for(
    study: Study, dataset: str, arguments: Mapping[str, Any], place: Mapping[str, Scalar]
) -> dict[str, Any]:
    """Return what a choice of arguments is on a dataset: what the study's `per_dataset` says, unless they vary it."""
    own = study.per_dataset.get(dataset, {})
    return {**arguments, **{name: value for name, value in own.items() if name not in place}}
