"""What has come of a study so far, read from its directory; nothing is run, and nothing that could run is loaded."""

import os

from semimetric.runs.code import code_version
from semimetric.studies.directory import StudyDirectory
from semimetric.studies.grid import expand
from semimetric.studies.specification import Study
from semimetric.studies.task import Result, Task


def collect(study: Study, folder: str | os.PathLike[str]) -> list[Result]:
    """Return a study's results as they lie in its directory, one for each task, in their order; nothing is run."""
    directory = StudyDirectory(folder)
    tasks = tasks_so_far(study, directory)
    rows = directory.results(task.key for task in tasks)
    failures = directory.failures()
    results = []
    for task in tasks:
        if task.key in rows:
            row = rows[task.key]
            results.append(Result(task.place, "done", row["metrics"], row["seconds"]))
        elif task.key in failures:
            results.append(Result(task.place, "failed", error=failures[task.key].error))
        else:
            results.append(Result(task.place, "missing"))
    return results


def tasks_so_far(study: Study, directory: StudyDirectory) -> list[Task]:
    """Return the tasks of a study; of a search, those of the trials that there are."""
    if study.search is None:
        return expand(study)
    if not directory.journal.exists():
        return []
    from semimetric.studies.search import Trials

    return Trials(study, directory).tasks()


def other_code(study: Study, folder: str | os.PathLike[str]) -> str:
    """Return a warning if the directory holds runs of this study by other code than this; else ""."""
    directory = StudyDirectory(folder)
    rows = directory.results(task.key for task in tasks_so_far(study, directory))
    now = code_version()
    others = [row for row in rows.values() if row.get("code") != now]
    before = directory.described().get("code", now)
    if not others and before == now:
        return ""
    versions = ", ".join(sorted({str(row.get("code") or "unknown") for row in others} | ({before} - {now})))
    what = f"{len(others)} of its {len(rows)} runs were made" if others else "it was begun"
    return (
        f"{folder}: {what} by other code ({versions}) than this ({now}), and may not be comparable: "
        "to make runs anew, remove their directories, or choose another --out"
    )
