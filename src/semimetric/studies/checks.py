"""All that a study would run, checked before anything is trained: arguments, names, datasets, label budgets."""

import inspect
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from semimetric.data import load_dataset
from semimetric.data.catalog import check_dataset
from semimetric.errors import DataError, StudyError, nearest_names
from semimetric.estimator import MetricEmbedder
from semimetric.estimator.parameters import check_parameters
from semimetric.evaluation.baselines import BASELINES
from semimetric.evaluation.peers import PEERS
from semimetric.evaluation.prediction import PREDICTION_METRICS
from semimetric.evaluation.tables import known_metrics
from semimetric.runs.trackers import TRACKERS
from semimetric.studies.grid import NAME, Point, arguments_for, expand, points
from semimetric.studies.mistakes import spelled
from semimetric.studies.specification import Study
from semimetric.studies.yaml_lines import Lines, Path

OF_THE_RUN = {"checkpoint_dir", "resume", "verbose", "random_state", "encoder", "decoder"}
ARGUMENTS = set(inspect.signature(MetricEmbedder).parameters) - OF_THE_RUN
OF_THE_STUDY = {"name_or_path", "data_dir", "seed", "show_progress"}
LOADING = set(inspect.signature(load_dataset).parameters) - OF_THE_STUDY
NOT_COMPUTED = {"log_likelihood"}
BEYOND_EVALUATE = {*PREDICTION_METRICS, "reconstruction_error", "kl", "vae_loss", "elbo"}


def check_study(study: Study, where: Lines | None = None) -> None:
    """Raise StudyError for the first thing in a study that could not be run.

    Parameters
    ----------
    study : Study
    where : Lines, optional
        Tells the line of a mistake; by default the study's name alone.
    """
    where = where or Lines(f"study {study.name!r}")
    _check_names(study, where)
    _check_table(study, where)
    _check_data(study, where)
    seen = set()
    for point in _on_each_dataset(study, [*points(study), *_corners(study)]):
        identity = json.dumps(dict(point.arguments), sort_keys=True, default=str)
        if identity not in seen:
            seen.add(identity)
            _check_arguments(point, where)


def _check_names(study: Study, where: Lines) -> None:
    for place, arguments in _places(study):
        for name in arguments:
            if name not in ARGUMENTS and not (place[0] == "rows" and name == NAME):
                known = nearest_names(name, ARGUMENTS)
                raise StudyError(f"{where((*place, name))}: unknown argument {name!r} in {spelled(place)}: {known}")
            if place[0] == "rows" and name == NAME and isinstance(arguments[name], list):
                raise StudyError(f"{where((*place, name))}: {spelled(place)}.name must be one name")
    for name in study.loading:
        if name not in LOADING:
            known = nearest_names(name, LOADING)
            raise StudyError(f"{where(('loading', name))}: unknown argument {name!r} in loading: {known}")
    known_names = set(known_metrics()) - NOT_COMPUTED
    for number, metric in enumerate(study.metrics):
        baseline, _, name = metric.rpartition(".")
        beside = (*BASELINES, *PEERS)
        if name not in known_names or (baseline and baseline not in beside):
            near = nearest_names(name, known_names) if name not in known_names else nearest_names(baseline, beside)
            raise StudyError(f"{where(('metrics', number))}: unknown metric {metric!r}: {near}")
    if study.search is not None:
        _check_main_metric(study.metrics[0], study.search.prune, where)
    for number, tracker in enumerate(study.trackers):
        if tracker not in TRACKERS:
            raise StudyError(
                f"{where(('trackers', number))}: unknown tracker {tracker!r}: {nearest_names(tracker, TRACKERS)}"
            )


def _check_table(study: Study, where: Lines) -> None:
    """Of a table's rows and keys: they must be the study's."""
    if study.table is None or study.search is not None:
        return
    places = [task.place for task in expand(study)]
    keys = {key for place in places for key in place}
    words = {value for place in places for value in place.values() if isinstance(value, str)}
    try:
        study.table.check(sorted(words), sorted(keys))
    except ValueError as error:
        raise StudyError(f"{where(('table',))}: {error}") from None


def _check_main_metric(metric: str, prune: bool, where: Lines) -> None:
    """Of a search: it must be the model's own, and one that can be computed while a model is trained, if it prunes."""
    if "." in metric:
        raise StudyError(
            f"{where(('metrics', 0))}: a search's first metric must be one of the model's own, got {metric!r}"
        )
    if prune and metric in BEYOND_EVALUATE:
        raise StudyError(
            f"{where(('search', 'prune'))}: search.prune must be false where the first metric is {metric!r}"
        )


def _places(study: Study) -> list[tuple[Path, Mapping[str, Any]]]:
    rows: list[tuple[Path, Mapping[str, Any]]] = [
        (("rows", number), row) for number, row in enumerate(study.rows or [])
    ]
    space = [(("search", "space"), study.search.space)] if study.search else []
    own: list[tuple[Path, Mapping[str, Any]]] = [
        (("per_dataset", name), arguments) for name, arguments in study.per_dataset.items()
    ]
    return [(("base",), study.base), *own, (("grid",), study.grid), *rows, *space]


def _check_data(study: Study, where: Lines) -> None:
    for number, name in enumerate(study.dataset):
        try:
            sizes = check_dataset(name)
        except DataError as error:
            raise StudyError(f"{where(('dataset', number))}: {error}") from None
        if sizes is None:
            continue  # a file of one's own: it is not read for this
        rows = sizes["train"]
        key, values = study.budgets_of(name) or ("", [])
        for place, value in enumerate(values):
            path: Path = (key, name, place) if isinstance(getattr(study, key), dict) else (key, place)
            if key == "labels" and value is not None and value > rows:
                raise StudyError(
                    f"{where(path)}: labels must be at most the {rows} training rows of {name}, got {value}"
                )
            if key == "percent" and math.floor(value / 100 * rows + 0.5) < 1:
                raise StudyError(
                    f"{where(path)}: percent must be at least {100 / rows:.2g}, one of the "
                    f"{rows} training rows of {name}, got {value}"
                )


def _corners(study: Study) -> list[Point]:
    """Return, of a search, each argument's outermost choices, all others being at their first."""
    if study.search is None:
        return []
    space = study.search.space
    ends = {name: one.choices or [one.low, one.high] for name, one in space.items()}
    first = {name: values[0] for name, values in ends.items()}
    origin: dict[str, Path] = {name: ("base", name) for name in study.base}
    origin |= {name: ("search", "space", name) for name in ends}
    return [
        Point({**study.base, **first, name: value}, first, origin) for name, values in ends.items() for value in values
    ]


def _on_each_dataset(study: Study, chosen: list[Point]) -> Iterator[Point]:
    for point, dataset in product(chosen, study.dataset):
        own = study.per_dataset.get(dataset, {})
        origin: dict[str, Path] = {name: ("per_dataset", dataset, name) for name in own if name not in point.place}
        arguments = arguments_for(study, dataset, point.arguments, point.place)
        yield replace(point, arguments=arguments, origin={**point.origin, **origin})


def _check_arguments(point: Point, where: Lines) -> None:
    arguments = dict(point.arguments)
    try:
        check_parameters(MetricEmbedder(**arguments, random_state=0).get_params(deep=False))
    except (ValueError, TypeError) as error:
        # The argument that the message names first is the one to look at in the file.
        named = re.findall(r"\w+", str(error))
        blamed = next((word for word in named if word in point.origin), None)
        path: Path = point.origin[blamed] if blamed else ()
        raise StudyError(f"{where(path)}: {spelled(path) + ': ' if path else ''}{error}") from None
