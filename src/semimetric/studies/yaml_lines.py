"""YAML with line numbers: what a file says, and in which line it says it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from semimetric.errors import StudyError

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Lines:
    """Where in a file the value of each path of keys and list positions begins.

    Parameters
    ----------
    source : str
        How messages name the file.
    lines : mapping
        Path, e.g. ``("rows", 1, "alpha")``, to its line, counted from 1.
    preferred : path
        Under which a path is looked for first: that of the chosen budget.
    """

    source: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    preferred: Path = ()

    def __call__(self, path: Path) -> str:
        """Return "file, line N" of the path, or of what is nearest above it.

        >>> Lines("s.yaml", {("base",): 3})(("base", "alpha"))
        's.yaml, line 3'
        """
        found, under = self._nearest(path), self._nearest((*self.preferred, *path))
        best = under if len(under) > len(self.preferred) and len(under) - len(self.preferred) >= len(found) else found
        return f"{self.source}, line {self.lines[best]}" if best in self.lines else self.source

    def _nearest(self, path: Path) -> Path:
        while path and path not in self.lines:
            path = path[:-1]
        return path


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars: ``1e-4`` is a number, and ``no`` and ``1:30`` are words."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - what its base class wants


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read_yaml(text: str, source: str) -> tuple[dict[str, Any], Lines]:
    """Return the mapping that a YAML text holds, and the lines of all its values.

    Raises
    ------
    StudyError
        If the text is not YAML, not a mapping, or names a key twice; the message names the line.

    >>> content, where = read_yaml("name: mine\\nbase:\\n  learning_rate: 1e-4\\n", "mine.yaml")
    >>> content["base"], where(("base", "learning_rate"))
    ({'learning_rate': 0.0001}, 'mine.yaml, line 3')
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        if node is not None:
            _note(node, (), lines, source)
        content = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise StudyError(f"{source}{line}: this is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise StudyError(f"{source}: this is not YAML: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()
    if not isinstance(content, dict):
        raise StudyError(f"{source}: a study is a mapping of keys (name, dataset, rows …) to values")
    return content, Lines(source, lines)


def _note(node: yaml.Node, path: Path, lines: dict[Path, int], source: str) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: dict[Any, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise StudyError(
                    f"{source}, line {line}: the key {key.value!r} is there already, in line {seen[key.value]}: "
                    "keep one of them"
                )
            if not isinstance(key, yaml.ScalarNode):
                raise StudyError(f"{source}, line {line}: a key must be a word")
            seen[key.value] = line
            _note(value, (*path, key.value), lines, source)
            lines[(*path, key.value)] = line
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            _note(value, (*path, number), lines, source)


def present(content: Any, path: Sequence[str | int]) -> Path:
    """Return the parts of ``path`` that lead somewhere in ``content``; the others are names of types.

    >>> present({"a": [1]}, ("a", "list", 0, "int"))
    ('a', 0)
    """
    found: list[str | int] = []
    for part in path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(part)
    return tuple(found)
