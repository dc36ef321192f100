"""From a study's name or file to a `Study` in which everything that can be known beforehand is right."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from semimetric.errors import StudyError, nearest_names
from semimetric.studies.mistakes import mistakes, spelled
from semimetric.studies.specification import Study
from semimetric.studies.yaml_lines import Lines, read_yaml

FULL = "full"
MERGED = "base"


def read_study(name_or_path: str, budget: str | None = None, *, check: bool = True) -> Study:
    """Read a study that comes with the library, or one's own file.

    Parameters
    ----------
    name_or_path : str
        A name of `built_in_studies`, or a path of a YAML file.
    budget : str, optional
        Which of the study's budgets; by default "full" if it has one, else the study as its file says.
    check : bool
        Whether to look at arguments, metrics and datasets too, and not at the file's form alone.

    Raises
    ------
    StudyError
        If there is no such study or budget, or the file has a mistake: an unknown key, argument, preset or metric, a
        value that cannot be. The message names the line and the nearest right name.

    Examples
    --------
    >>> read_study("digits-presets", "smoke").budget
    'smoke'
    """
    text, source = _find(name_or_path)
    content, where = read_yaml(text, source)
    study = _validated(content, where)
    for other in study.budgets:  # a typo in a budget is one today, whichever is run
        _of_budget(content, where, other)
    if budget is not None and budget not in study.budgets:
        known = nearest_names(budget, study.budgets) if study.budgets else "it has none"
        raise StudyError(f"{source}: unknown budget {budget!r}: {known}")
    chosen = budget or (FULL if FULL in study.budgets else None)
    if chosen is not None:
        study, where = _of_budget(content, where, chosen)
    if check:
        from semimetric.studies.checks import check_study  # PyTorch and the estimator come with it

        check_study(study, where)
    return study


def built_in_studies() -> dict[str, Study]:
    """Return the studies that come with the library, by name, as their files say.

    >>> built_in_studies()["digits-presets"].seeds
    [0, 1, 2]
    """
    files = resources.files("semimetric.studies") / "builtin"
    found = {}
    for file in sorted(files.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            content, where = read_yaml(file.read_text(encoding="utf-8"), file.name)
            found[file.name.removesuffix(".yaml")] = _validated(content, where)
    return found


def _find(name_or_path: str) -> tuple[str, str]:
    """Return a study's text, and how messages name it."""
    path = Path(name_or_path).expanduser()
    looks_like_a_path = path.suffix in (".yaml", ".yml") or len(path.parts) > 1
    if not looks_like_a_path:
        folder = resources.files("semimetric.studies") / "builtin"
        file = folder / f"{name_or_path}.yaml"
        if file.is_file():
            return file.read_text(encoding="utf-8"), f"{name_or_path}.yaml"
        names = [each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml")]
        raise StudyError(
            f"unknown study {name_or_path!r}: {nearest_names(name_or_path, names)}; or give a path that ends in .yaml"
        )
    try:
        return path.read_text(encoding="utf-8"), str(name_or_path)
    except UnicodeDecodeError as error:
        raise StudyError(f"{name_or_path} is not a study: it is not UTF-8 text") from error
    except OSError as error:
        raise StudyError(f"{name_or_path} cannot be read: {error.strerror}") from error


def _validated(content: Mapping[str, Any], where: Lines) -> Study:
    try:
        return Study.model_validate(dict(content))
    except ValidationError as error:
        raise mistakes(error, Study, content, where) from None


def _of_budget(content: Mapping[str, Any], where: Lines, budget: str) -> tuple[Study, Lines]:
    own = content["budgets"][budget]
    if not isinstance(own, dict):
        raise StudyError(f"{where(('budgets', budget))}: budgets.{budget} must be a mapping of keys to values")
    for key in own:
        if key not in Study.model_fields or key in ("budgets", "name"):
            known = nearest_names(key, set(Study.model_fields) - {"budgets", "name"})
            path = ("budgets", budget)
            raise StudyError(f"{where((*path, key))}: unknown key {key!r} in {spelled(path)}: {known}")
    merged = {**content, **own}
    if isinstance(own.get(MERGED), dict) and isinstance(content.get(MERGED), dict):
        merged[MERGED] = {**content[MERGED], **own[MERGED]}
    if "labels" in own or "percent" in own:  # the one takes the other's place
        merged.pop("percent" if "labels" in own else "labels", None)
    within = Lines(where.source, where.lines, preferred=("budgets", budget))
    return _validated(merged, within).with_budget_named(budget), within
