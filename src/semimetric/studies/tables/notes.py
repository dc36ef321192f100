"""What is to be said below a table, in sentences."""

from collections.abc import Sequence

from semimetric.studies.tables.leaders import leaders, outdone, verdicts
from semimetric.studies.tables.published_figures import metrics_with_figures
from semimetric.studies.tables.table import RUN, Table
from semimetric.studies.tables.wording import duration, place_in_words

MOST = 12
"""Entries of a list that are told one by one; the rest are counted."""


def notes_of(table: Table) -> list[str]:
    """Return the sentences below a table: how to read it, what failed, what is missing, what it cost."""
    notes = [_reading(table), *verdicts(table), *_baselines(table), *_failures(table), *_missing(table)]
    if table.comparisons:
        notes.append(
            "p is of a two-sided paired t-test over seeds, given from three pairs on; over all blocks, of each seed's "
            f"mean difference. It is not corrected for the number of comparisons ({_tests(table)} here)."
        )
    if table.unmatched:
        notes.append(_unmatched(table))
    notes += table.notes
    cost = f"{_counted(table.runs, 'run')}, {duration(table.seconds)} in all"
    return [*notes, f"{cost}; budget: {table.budget}." if table.budget else f"{cost}."]


def _unmatched(table: Table) -> str:
    if not any(metrics_with_figures(table)):
        count = _counted(len(table.unmatched), "published row")
        return f"{table.citation}: none of its {count} has a block here; the first is {table.unmatched[0]}."
    return f"Published, without a block here: {_listed(table.unmatched)}."


def _reading(table: Table) -> str:
    runs = [line for block in table.blocks for line in block.lines if line.kind == RUN]
    several = any(line.done > 1 for line in runs)
    one = any(line.done == 1 for line in runs)
    text = ""
    if several:
        text = "Mean ± standard deviation over seeds"
        text += ", or a single run where it says “one seed”. " if one else ". "
    elif one:
        text = "One seed: each score is a single run, without a spread. "
    text += "The best run of each block is in bold, ties as shown included; baselines do not compete for it."
    if leaders(table):
        text += f" Published: {table.citation}; difference: ours less published."
    return text


def _baselines(table: Table) -> list[str]:
    above: dict[str, list[str]] = {}
    for name, block in outdone(table):
        above.setdefault(name, []).append(place_in_words(block.place, table.varying) or "the only block")
    label = table.metrics[0].label
    return [f"{name} is above every run by {label} in: {_listed(blocks, '; ')}." for name, blocks in above.items()]


def _failures(table: Table) -> list[str]:
    return [f"Failed: {_listed(failure.where, '; ')}. {_ended(failure.error)}" for failure in table.failures[:MOST]] + (
        [f"And {len(table.failures) - MOST} further kinds of failure."] if len(table.failures) > MOST else []
    )


def _missing(table: Table) -> list[str]:
    missing = sum(line.missing for block in table.blocks for line in block.lines)
    return [f"Missing: {_counted(missing, 'run')} not done yet."] if missing else []


def _tests(table: Table) -> int:
    return sum(c.p is not None and c.metric == table.metrics[0].key for c in table.comparisons)


def _listed(entries: Sequence[str], between: str = "; ") -> str:
    told = between.join(entries[:MOST])
    return told + (f"{between}and {len(entries) - MOST:,} more" if len(entries) > MOST else "")


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
