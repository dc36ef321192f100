"""The scores that are no share of anything: log-likelihoods, KL and errors, in a table without a best or a scale."""

import math
from collections.abc import Mapping
from html import escape

from semimetric.evaluation.tables import ScoreRow
from semimetric.report.scores_plot import number

BETTER = {"log_likelihood": "higher", "elbo": "higher", "vae_loss": "lower", "reconstruction_error": "lower"}
"""Of the KL neither: less of it is a simpler code, more a richer one."""


def table(rows: list[ScoreRow], columns: Mapping[str, str]) -> str:
    """Return the table as HTML, nothing where there is no row; a column without any of these scores is left out.

    ``columns``: what to call the model and each baseline.
    """
    if not rows:
        return ""
    shown = [name for name in columns if any(number(row.values.get(name)) is not None for row in rows)]
    head = "".join(f'<th scope="col">{escape(columns[name])}</th>' for name in shown)
    return (
        f"<h3>{escape(rows[0].group)}</h3>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Table of likelihoods and errors">'
        f'<table class="likelihood"><thead><tr><th scope="col">mean over rows</th>{head}</tr></thead>'
        f"<tbody>{''.join(_row(row, shown) for row in rows)}</tbody></table></div>"
        '<p class="note">All depend on how inputs are normalised and on the kind of decoder: compare only models '
        "that share both.</p>"
    )


def amount(value: float) -> str:
    """Return a number of any size, legibly.

    >>> amount(-104.6612), amount(0.0123), amount(12345.678), amount(120000), amount(1e40), amount(-3.5)
    ('−104.66', '0.0123', '12,345.7', '120,000', '1e+40', '−3.500')
    """
    size = abs(value)
    if not math.isfinite(value) or size >= 1e9 or 0 < size < 0.1:
        text = f"{value:.3g}"
    else:
        whole = size >= 1_000 and value == round(value)
        text = f"{value:,.{0 if whole else 3 if size < 10 else 2 if size < 10_000 else 1}f}"
    return text if "e" in text else text.replace("-", "−")


def _row(row: ScoreRow, shown: list[str]) -> str:
    better = f"{BETTER[row.key]} is better" if row.key in BETTER else ""
    about = "; ".join(filter(None, (row.explanation, better)))
    scores = [number(row.values.get(name)) for name in shown]
    cells = "".join('<td class="none">–</td>' if score is None else f"<td>{amount(score)}</td>" for score in scores)
    return f'<tr><th scope="row">{escape(row.label)} <small>{escape(about)}</small></th>{cells}</tr>'
