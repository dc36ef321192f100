"""``semimetric report``: the page and the pictures of a finished run, made anew."""

from semimetric.cli import options as o

EXAMPLES = """
**Example**

    semimetric report runs/mnist-60
"""


def report(run: o.RunArgument, as_json: o.Json = False, quiet: o.Quiet = False) -> None:
    """Write RUN/report.html and its pictures from what lies in the run directory."""
    from semimetric.cli.show import print_json, working
    from semimetric.report import write_report

    with working("writing the report", not quiet):
        path = write_report(run)
    if as_json:
        print_json({"report": str(path), "pictures": sorted(str(p) for p in run.glob("*.png"))})
    else:
        print(f"Report: {path}")
