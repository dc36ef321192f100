"""The measured figures as Markdown tables, put between a page's ``<!-- DEVICE NAME -->`` marks."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Content = dict[str, Any]


def fill(page: str, results: Content) -> str:
    """Return the page with its tables replaced, of what was measured; figures without marks in it are left out."""
    for device, figures in results.items():
        tables = {name: figure_table(name, figure) for name, figure in figures.items()}
        tables["machine"] = machines(figures)
        for name, made in tables.items():
            mark = f"{device} {name}"
            pattern = re.compile(f"(<!-- {mark} -->\n).*?(<!-- end {mark} -->)", re.DOTALL)
            page = pattern.sub(lambda found, made=made: f"{found[1]}{made}\n{found[2]}", page)
    return page


def write(path: Path, results: Content) -> None:
    """Fill the page that is there."""
    path.write_text(fill(path.read_text(), results))


def figure_table(name: str, figure: Content) -> str:
    """Return one figure's table."""
    return {"triplet-grid": grid, "rows": growth}.get(name, listing)(figure["rows"])


def listing(rows: list[Content]) -> str:
    """Return a row per comparison, or for figures without a second contestant only what they are."""
    beside = any(row["peer"] for row in rows)
    shares = any("outside_kernels" in row["extra"] for row in rows)
    header = ["", "semimetric", *(["beside", "its figure", "ratio"] if beside else []), "bar"]
    header += ["outside kernels"] if shares else []
    lines = []
    for row in rows:
        line = [row["what"], row["note"] or figure(row, "ours", spread=not row["theirs"])]
        if beside:
            line += [row["peer"], figure(row, "theirs"), ratio(row)]
        line.append(bar(row))
        if shares:
            line.append(" / ".join(f"{share:.0%}" for share in row["extra"].get("outside_kernels", [])))
        lines.append(line)
    return table(header, lines)


def grid(rows: list[Content]) -> str:
    """Return the medians over batch sizes and numbers of classes, the smallest in bold."""
    missing = [row["note"] for row in rows if row["note"]]
    if missing:
        return missing[0]
    medians = {(r["extra"]["batch"], r["extra"]["classes"]): r["ratio_quartiles"][1] for r in rows}
    least = min(medians.values())
    batches, classes = (list(dict.fromkeys(key[place] for key in medians)) for place in (0, 1))

    def cell(at: tuple[int, str]) -> str:
        if at not in medians:
            return ""
        return f"**{times(medians[at])}**" if medians[at] == least else times(medians[at])

    lines = [[f"B = {batch}", *(cell((batch, share)) for share in classes)] for batch in batches]
    made = table(["", *(f"C = {share}" for share in classes)], lines)
    met = "met" if all(row["met"] for row in rows) else "**not met**"
    return f"{made}\n\nSmallest: {times(least)}; the bar of 0.9 everywhere is {met}."


def growth(rows: list[Content]) -> str:
    """Return seconds and memory by number of rows, and how many times the smallest's rows and seconds they are."""
    header = ["rows", "seconds", "for 1,000 rows", "times the rows", "times the seconds", "peak added memory"]
    n_of_first, first = rows[0]["extra"]["rows"], rows[0]["ours_quartiles"][1]
    lines = []
    for row in rows:
        n, seconds = row["extra"]["rows"], row["ours_quartiles"][1]
        ratios = [times(n / n_of_first), times(seconds / first)]
        lines.append([f"{n:,}", duration(seconds), duration(1000 * seconds / n), *ratios, size(row["extra"]["bytes"])])
    return table(header, lines)


def figure(row: Content, whose: str, spread: bool = False) -> str:
    """Return a contestant's median in its unit, with its quartiles if wanted."""
    found = row[f"{whose}_quartiles"]
    if found is None:
        return ""
    of: Callable[[float], str] = {
        "seconds": duration,
        "images": lambda seconds: f"{row['count'] / seconds:,.0f} images/s",
        "bytes": size,
        "number": lambda value: f"{value:.2f}",
        "share": lambda value: f"{value:.2%}",
    }[row["unit"]]
    low, median, high = (of(value) for value in found)
    return f"{median} ({low} – {high})" if spread and len(row[whose]) > 1 else median


def ratio(row: Content) -> str:
    """Return the median ratio and its quartiles."""
    if row["ratio_quartiles"] is None:
        return ""
    low, median, high = map(times, row["ratio_quartiles"])
    return median if len(row["ours"]) == 1 else f"{median} ({low} – {high})"


def bar(row: Content) -> str:
    """Return the bar and whether it was met."""
    if not row["bar"]:
        return ""
    sign, value = row["bar"]
    of = {"seconds": duration, "bytes": size}.get("" if row["theirs"] else row["unit"], lambda value: f"{value:g}")
    told = f"{'≥' if sign == '>=' else '≤'} {of(value)}"
    return told if "met" not in row else f"{told}, {'met' if row['met'] else '**not met**'}"


def machines(figures: Content) -> str:
    """Return what was measured on what; a line for each machine."""
    lines: dict[str, list[str]] = {}
    for name, content in figures.items():
        load = content["machine"]["load"]
        runs = "1 run each" if content["repeats"] == 1 else f"{content['repeats']} runs each"
        busy = f", **on a busy machine, load {load:.1f}**" if load >= 1 else ""
        lines.setdefault(machine(content["machine"]), []).append(f"{name} ({runs}{busy})")
    return "\n".join(f"- {told} Figures: {', '.join(names)}." for told, names in lines.items())


def machine(found: Content) -> str:
    """Return one machine in words."""
    gpu = f"{found['gpu']}, in a machine with " if found["gpu"] else ""
    versions = ", ".join(f"{name} {version or 'not installed'}" for name, version in found["versions"].items())
    threads = f"{found['threads']} thread{'s' if found['threads'] > 1 else ''}"
    return (
        f"{gpu}{found['processor']}, {found['cores']} cores, {threads}, {found['memory_bytes'] / 2**30:.0f} GiB, "
        f"{found['system']}; {versions}."
    )


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def times(value: float) -> str:
    """Return a ratio in three digits.

    >>> times(0.912), times(26.3), times(240.2)
    ('0.91', '26.3', '240')
    """
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Return a duration in three digits, or whole seconds above that.

    >>> duration(1234.5), duration(8.31), duration(0.1), duration(0.00000452)
    ('1,234 s', '8.31 s', '100 ms', '4.52 µs')
    """
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            value = seconds * factor
            return f"{value:.3g} {unit}" if value < 999.5 else f"{value:,.0f} {unit}"
    raise AssertionError


def size(number: float) -> str:
    """Return bytes in three digits.

    >>> size(4.2e9), size(1_500)
    ('4.2 GB', '0.0015 MB')
    """
    return f"{number / 1e9:.3g} GB" if number >= 1e9 else f"{number / 1e6:.3g} MB"
