"""The command line. Heavy libraries are imported by the commands that need them, so that ``--help`` is quick."""

from semimetric.cli.app import main

__all__ = ["main"]
