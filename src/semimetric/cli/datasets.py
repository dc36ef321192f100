"""``semimetric datasets``: what can be loaded by name, and what is at hand."""

from dataclasses import asdict

from semimetric.cli import options as o

EXAMPLES = """
**Example**

    semimetric datasets --data-dir ~/data
"""


def datasets(data_dir: o.DataDir = None, as_json: o.Json = False) -> None:
    """List the datasets that load by name, and whether a local copy is there; nothing is downloaded."""
    from semimetric.data import list_datasets

    rows = list_datasets(data_dir)
    if as_json:
        from semimetric.cli.show import print_json

        print_json({"datasets": [asdict(row) for row in rows]})
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for column, justify in (
        ("name", "left"),
        ("what", "left"),
        ("shape", "right"),
        ("classes", "right"),
        ("at hand", "left"),
    ):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        shape = "×".join(map(str, row.shape))
        table.add_row(row.name, row.description, shape, str(row.classes), row.local or "[dim]download[/dim]")
    Console().print(table)
