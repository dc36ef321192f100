"""The README's code runs as it is printed."""

import re
import shlex
from pathlib import Path

import pytest
import typer

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_there_is_something_to_run():
    assert len(blocks("python")) >= 2
    assert len(blocks("sh")) >= 3


def test_the_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    accuracy = re.search(r"(0\.\d\d) right with 50 labels", capsys.readouterr().out)
    assert accuracy is not None
    assert float(accuracy[1]) > 0.8


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("semimetric ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_exist_and_their_options_do(line):
    from semimetric.cli.app import app

    program = typer.main.get_command(app)
    _, name, *arguments = shlex.split(line)
    command = program.get_command(None, name)
    with command.make_context(name, arguments, resilient_parsing=False) as context:
        assert context.params


def test_the_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
