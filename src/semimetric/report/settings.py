"""What was run: the settings a reader looks for first, then all of them."""

import json
from html import escape
from typing import Any

from semimetric.report.section import Section, counted
from semimetric.report.view import View

LONGEST_LIST = 12
ENDINGS = {
    "finished": "after its last epoch",
    "early": "early, as the held-out cost fell no more",
    "interrupted": "when it was interrupted",
    "diverged": "when the cost was no longer finite",
}


def section(view: View) -> Section:
    """Return the table of settings."""
    config = view.config
    rows = {
        "Preset": config.get("preset"),
        "Dataset": config.get("dataset"),
        "Rows": _rows(view),
        "Classes": _classes(view),
        "Latent dimensions": str(view.Z.shape[1]) if len(view.Z) else None,
        "Epochs": _epochs(view),
        "The fit ended": ENDINGS.get(str(config.get("stopped"))),
        "Time to fit": duration(config.get("seconds_fit")),
        "Seed": config.get("seed"),
        "Scores and pictures from": _split(config.get("evaluated_on")),
        "Versions": _versions(config.get("versions")),
    }
    cells = [
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in rows.items()
        if value not in (None, "")
    ]
    table = f"<dl>{''.join(cells)}</dl>" if cells else "<p>The run says nothing about itself.</p>"
    command = config.get("command")
    if isinstance(command, list):
        command = " ".join(map(str, command))
    if command:
        table += f'<p class="command-label">Command</p><pre class="command">{escape(str(command))}</pre>'
    everything = json.dumps(_abridged(config), indent=2, ensure_ascii=False)
    table += f"<details><summary>All settings</summary><pre>{escape(everything)}</pre></details>"
    return Section("settings", "What was run", table)


def duration(seconds: Any) -> str | None:
    """Return a duration in words.

    >>> duration(7.25), duration(192), duration(7500)
    ('7.2 s', '3 min 12 s', '2 h 5 min')
    """
    if not isinstance(seconds, int | float):
        return None
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _rows(view: View) -> str:
    parts = []
    if isinstance(view.config.get("n_train"), int):
        parts.append(f"{view.config['n_train']:,} training")
    parts.append(f"{view.n_labelled:,} of them labelled" if parts else f"{view.n_labelled:,} labelled")
    if view.on_training_rows:
        parts.append("no test rows")
    elif isinstance(view.config.get("n_test"), int):
        parts.append(f"{view.config['n_test']:,} test")
    elif len(view.Z):
        parts.append(f"{len(view.Z):,} embedded for this page")
    return ", ".join(parts)


def _split(name: Any) -> str | None:
    return f"the {name} split" if name else None


def _classes(view: View) -> str | None:
    if not view.names:
        return None
    if len(view.names) <= LONGEST_LIST:
        return f"{len(view.names)}: {', '.join(view.names)}"
    return f"{len(view.names)}: {', '.join(view.names[:8])}, … {view.names[-1]}"


def _epochs(view: View) -> str | None:
    done, best = view.config.get("epochs"), view.config.get("best_epoch")
    if done is None:
        return None
    text = counted(done, "epoch") if isinstance(done, int) else str(done)
    if best is None:
        return text
    return f"{text}; the model is that of epoch {best}{', the best on held-out rows' if view.held_out else ''}"


def _versions(versions: Any) -> str | None:
    if not isinstance(versions, dict):
        return None if versions is None else str(versions)
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _abridged(value: Any) -> Any:
    """Return the settings with long lists (the labelled rows) cut short, as nobody reads 60,000 numbers."""
    if isinstance(value, dict):
        return {key: _abridged(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        rest = f"… {len(value) - LONGEST_LIST:,} more in config.json"
        return [*(_abridged(item) for item in value[:LONGEST_LIST]), rest]
    if isinstance(value, list):
        return [_abridged(item) for item in value]
    return value
