"""The scores of the model beside those of its baselines, as a table."""

import math
from collections.abc import Mapping
from html import escape
from itertools import groupby

from semimetric.evaluation.protocol import FEW_LABELS
from semimetric.evaluation.tables import CALIBRATION, FEW, LIKELIHOOD, OTHER, ScoreRow, score_table
from semimetric.report.likelihood import amount, table
from semimetric.report.scores_plot import number, picture
from semimetric.report.section import Section, absent
from semimetric.report.verdict import baseline_name, cautions, no_scores
from semimetric.report.view import View

NAME, TITLE = "scores", "Scores beside the baselines"


def section(view: View) -> Section:
    """Return the tables and the picture, or why there is none."""
    metrics, baselines = view.record.metrics, view.record.baselines
    every = score_table(_numbers(metrics), {name: _numbers(scores) for name, scores in baselines.items()})
    every = [row for row in every if any(number(value) is not None for value in row.values.values())]
    rows = [row for row in every if row.group != LIKELIHOOD]
    names = {name: baseline_name(name, view.Z.shape[1]) for name in baselines}
    columns = {"model": "this model", **names}
    likelihoods = table([row for row in every if row.group == LIKELIHOOD], columns)
    if not rows:
        without = absent(NAME, TITLE, no_scores(view))
        return Section(NAME, TITLE, without.body + likelihoods)
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in columns.values())
    bodies = "".join(_group(name, list(group)) for name, group in groupby(rows, lambda row: row.group))
    beside = (
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of scores"><table class="scores">'
        f'<thead><tr><th scope="col">metric</th>{head}<th scope="col">0 to 1</th></tr></thead>'
        f"{bodies}</table></div>"
    )
    drawn = [row for row in rows if row.ranked]  # the rest may be of any size
    png = picture(drawn, columns) if drawn else None
    return Section(NAME, TITLE, _introduction(view, rows) + beside + likelihoods, png)


def _numbers(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return the scores without what is none, such as a text that somebody added to the file."""
    return {key: value for key, value in scores.items() if value is None or isinstance(value, int | float)}


def _introduction(view: View, rows: list[ScoreRow]) -> str:
    unranked = [group for group in (CALIBRATION, OTHER) if any(row.group == group for row in rows)]
    but = f", except under {' and '.join(f'“{group}”' for group in unranked)}" if unranked else ""
    text = [f"Higher is better{but}; the best of each row is in bold."]
    text += cautions(view.n_scored, view.unseen)
    if len(view.record.baselines) == 0:
        text.append("This run has no baselines to compare with.")
    few = next((row for row in rows if row.key == "few_label_accuracy"), None)
    raw = number(few.values.get("raw")) if few else None
    if raw is not None:
        neighbours = "1-NN" if view.n_labelled <= FEW_LABELS else "kNN"
        text.append(
            f"{neighbours} from the same labels alone, on the raw input and with nothing learned, "
            f"is right for {100 * raw:.1f} % of the rows."
        )
    if any(row.group == FEW for row in rows):
        text.append("Probes trained on test labels score the shape of the space, not what your labels suffice for.")
    return f"<p>{escape(' '.join(text))}</p>"


def _group(name: str, rows: list[ScoreRow]) -> str:
    """Return a group of rows; what their explanations have in common is said once, beside its name."""
    parts = [row.explanation.split("; ") for row in rows]
    shared = [part for part in parts[0] if len(rows) > 1 and part and all(part in each for each in parts)]
    about = f"<small>{escape('; '.join(shared))}</small>" if shared else ""
    width = len(rows[0].values) + 2
    lines = [f'<tr><th class="group" scope="colgroup" colspan="{width}">{escape(name)}{about}</th></tr>']
    said = set(shared)
    for row, explanation in zip(rows, parts, strict=True):
        lines.append(_row(row, "; ".join(part for part in explanation if part not in said)))
        said.update(explanation)
    return f"<tbody>{''.join(lines)}</tbody>"


def _row(row: ScoreRow, explanation: str) -> str:
    best = _best(row)
    cells = "".join(_cell(value, best, row) for value in row.values.values())
    about = f"<small>{escape(explanation)}</small>" if explanation else ""
    strip = f'<td class="strip">{_strip(row)}</td>'
    return f'<tr><th scope="row">{escape(row.label)}{about}</th>{cells}{strip}</tr>'


def _cell(value: float | None, best: float | None, row: ScoreRow) -> str:
    if value is None:
        return '<td class="none"><span title="not computed">–</span></td>'
    if math.isnan(value):
        return '<td class="none"><span title="undefined on this data">n/a</span></td>'
    if best is not None and round(value, 3) == round(best, 3):
        return f'<td class="best">{value:.3f}<span class="unseen"> best</span></td>'
    return f"<td>{amount(value) if row.group == OTHER else f'{value:.3f}'}</td>"


def _strip(row: ScoreRow) -> str:
    """Return the row as a small drawing: a line from 0 to 1, a ring per baseline, a dot for the model."""
    if not row.ranked:
        return ""
    marks = []
    for name, value in reversed(row.values.items()):
        score = number(value)
        if score is not None:
            x = 6 + 108 * min(max(score, 0.0), 1.0)
            kind, radius = ("model", 5) if name == "model" else ("baseline", 3.5)
            marks.append(f'<circle class="{kind}" cx="{x:.1f}" cy="8" r="{radius}"/>')
    line = '<path d="M6 8H114M6 5V11M60 6V10M114 5V11"/>'
    return f'<svg viewBox="0 0 120 16" width="120" height="16" aria-hidden="true">{line}{"".join(marks)}</svg>'


def _best(row: ScoreRow) -> float | None:
    numbers = [found for value in row.values.values() if (found := number(value)) is not None]
    return max(numbers) if len(numbers) > 1 and row.ranked else None
