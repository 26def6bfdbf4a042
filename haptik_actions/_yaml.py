"""YAML from files of others, read within bounds: what is broken, too deep or grows without end is refused by its line.

    load_bounded("en: {utter_greet: Hello}")

YAML's aliases let 500 bytes stand for gigabytes, and let a list hold itself; ruamel.yaml builds both. Here they are
counted while the document is composed, before anything is built.

`read_rasa_yaml` reads as Rasa does: JSON's escapes in an ASCII file, and the environment in values without quotes.
Source: `read_yaml` and `replace_environment_variables` in `rasa/shared/utils/io.py` of Rasa 3.6.21. Rasa rewrites the
whole text before it parses it; here each value is, so that an escape cannot change where a value ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haptik_actions._from_outside import without_halves
from haptik_actions.errors import ConfigurationError

__all__ = ["MOST_CHARACTERS", "MOST_DEPTH", "YamlProblem", "load_bounded", "load_yaml", "read_rasa_yaml"]

MOST_DEPTH = 100
"""Lists and objects inside each other. Nothing that this library reads has more than ten."""
MOST_CHARACTERS = 32_000_000
# Values that aliases stand for, all together: a domain that uses them a lot comes to some thousands.
_MOST_REPEATED = 100_000
_SYNTAX = "this is not valid YAML in UTF-8. Check quotes, colons and indentation there"

_VALUES = "this is not valid YAML in UTF-8. Put dates, and what is no plain key, into quotes"
_REFERENCE = re.compile(r"\$\{([^{}]*)\}|\$(\w+)")
_BRACED = re.compile(r"\$\{[^{}]*\}")
_ESCAPE = re.compile(r"\\[uU]")
# The tag that Rasa gives such a value, in every YAML that its own process reads.
_RASAS_TAG = "!env_var"


class YamlProblem(ValueError):
    """Why a text is not read as YAML.

    Attributes:
        words: What is wrong, with none of the text, which may be secret.
        line: Where, from 1; 0 where nobody knows.
        key: The key that stands twice; empty for other problems.
    """

    def __init__(self, words: str, line: int = 0, key: str = "") -> None:
        super().__init__(words)
        self.words, self.line, self.key = words, line, key


def load_bounded(text: str, yaml: Any = None) -> Any:
    """Return what the text holds as plain values; None where it is empty.

    `yaml` is a `ruamel.yaml.YAML` with constructors of its own, for one text.

    Raises:
        YamlProblem: it is not YAML, holds a key twice, refers to itself, or is larger than the bounds.
    """
    # Here, not at the top: only processes that read a file pay for the import.
    from ruamel.yaml import YAML

    if len(text) > MOST_CHARACTERS:
        raise YamlProblem(f"it has more than {MOST_CHARACTERS:,} characters")
    yaml = yaml or YAML(typ="safe", pure=True)
    yaml.Composer, yaml.Scanner = _bounded_composer(), _bounded_scanner()
    try:
        return yaml.load(text)
    except YamlProblem:
        raise
    except ConfigurationError:
        raise
    # The constructors of ruamel.yaml let through whatever Python raises at "!!float abc" or the 99th of a month.
    except Exception as error:  # noqa: BLE001
        problem = _problem(error)
    # Raised here, so that the foreign error, which quotes the text, is not chained.
    raise problem


def _problem(error: Exception) -> YamlProblem:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 0
    if isinstance(error, RecursionError):
        return YamlProblem(f"it is nested more than {MOST_DEPTH} deep", line)
    if type(error).__name__ == "DuplicateKeyError":
        return YamlProblem("a key stands twice", line)
    # What has no mark comes from Python's own types: the syntax is right, and the value is none.
    return YamlProblem(_SYNTAX if mark is not None else _VALUES, line)


def _bounded_composer() -> Any:
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.events import AliasEvent
    from ruamel.yaml.nodes import MappingNode

    class Bounded(Composer):
        """Counts while it composes. Sizes are of anchored nodes: of each how many values stand in it."""

        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)
            self._depth = self._values = self._repeated = 0
            self._sizes: dict[int, int] = {}
            self._keys: dict[int, dict[tuple[str, str], int]] = {}

        def compose_node(self, parent: object, index: object) -> Any:
            node = self._composed(parent, index)
            if index is None and isinstance(parent, MappingNode):
                # Here and not behind the last key: of what is refused no more is read.
                _refuse_repetition(node, self._keys.setdefault(id(parent), {}))
            return node

        def _composed(self, parent: object, index: object) -> Any:
            event = self.parser.peek_event()
            if isinstance(event, AliasEvent):
                return self._repeat(super().compose_node(parent, index), event)
            before = self._values
            self._values += 1
            self._depth += 1
            if self._depth > MOST_DEPTH:
                raise YamlProblem(f"it is nested more than {MOST_DEPTH} deep", _line(event))
            node = super().compose_node(parent, index)
            self._depth -= 1
            self._keys.pop(id(node), None)
            if event.anchor is not None:
                self._sizes[id(node)] = self._values - before
            return node

        def _repeat(self, node: object, event: object) -> Any:
            size = self._sizes.get(id(node))
            if size is None:
                raise YamlProblem("an alias refers to what it stands in", _line(event))
            self._values += size
            self._repeated += size
            if self._repeated > _MOST_REPEATED:
                raise YamlProblem(f"its aliases stand for more than {_MOST_REPEATED:,} values", _line(event))
            return node

    return Bounded


def _bounded_scanner() -> Any:
    from ruamel.yaml.scanner import Scanner

    class Bounded(Scanner):
        """Stops at the depth by itself: it looks a thousand characters ahead of what is composed, at every bracket."""

        def fetch_more_tokens(self) -> Any:
            if self.flow_level > MOST_DEPTH:
                raise YamlProblem(f"it is nested more than {MOST_DEPTH} deep", int(self.reader.line) + 1)
            return super().fetch_more_tokens()

    return Bounded


def _refuse_repetition(key: Any, seen: dict[tuple[str, str], int]) -> None:
    if not isinstance(key.value, str):
        return
    line = int(key.start_mark.line) + 1
    name = str(key.tag), key.value
    if name in seen:
        raise YamlProblem(f"a key stands twice, in line {seen[name]} and here", line, key.value)
    seen[name] = line


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Unset(ConfigurationError):
    """A value names a variable that is not there."""

    def __init__(self, name: str, line: int) -> None:
        super().__init__(name)
        self.name, self.line = name, line


def read_rasa_yaml(path: Path) -> Any:
    """Return the content of one of Rasa's YAML (or JSON) files as plain values; None for an empty file.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or names a variable that the environment does not
            have. The message holds a line number and never the file's text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = f"{path}: {error.strerror or 'the file cannot be read'}. Check that it exists and can be read."
    except UnicodeDecodeError as error:
        reason = f"{path}: this is not UTF-8, beginning with byte {error.start + 1}. Save it as UTF-8."
    else:
        return load_yaml(text, str(path), os.environ)
    raise ConfigurationError(reason)


def load_yaml(text: str, name: str, environ: Mapping[str, str] | None) -> Any:
    """Return what a YAML text holds; `name` stands in messages. With None a variable of the environment is refused.

    Raises:
        ConfigurationError: as `read_rasa_yaml`.
    """
    # Here, not at the top: only processes that read a file pay for the import.
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Constructor = _constructor(text.isascii(), environ)
    try:
        if text.lstrip().startswith("{"):
            # Not all JSON is YAML to the ruamel.yaml of Rasa 3.6: a tab is not.
            with contextlib.suppress(ValueError, RecursionError):
                return without_halves(json.loads(text))
        return load_bounded(text, yaml)
    except _Unset as unset:
        reason = f"{name}, line {unset.line}: ${{{unset.name}}} stands for a variable of the environment, "
        reason += "which is not set. Set it." if environ is not None else "and none is read here. Write its value."
        reason += " Text that is meant as it stands goes into quotes."
    except YamlProblem as problem:
        place = f", line {problem.line}" if problem.line else ""
        key = f" ({problem.key[:60]})" if problem.key else ""
        reason = f"{name}{place}: {problem.words}{key}."
    # Raised outside the handler, so that the foreign error, which quotes the file's text, is not chained.
    raise ConfigurationError(reason)


def _constructor(is_ascii: bool, environ: Mapping[str, str] | None) -> type[Any]:
    """A class of our own for each text: constructors are added to classes, and the library's is everybody's."""
    from ruamel.yaml.constructor import SafeConstructor

    class Constructor(SafeConstructor):
        def construct_scalar(self, node: Any) -> Any:
            value = super().construct_scalar(node)
            if not isinstance(value, str):
                return value
            # In double quotes YAML has read the escapes itself.
            if is_ascii and node.style != '"' and _ESCAPE.search(value):
                value = _unescaped(value)
            if not node.style and _BRACED.search(value):
                value = _expanded(value, environ, node.start_mark.line + 1)
            return without_halves(value)

    made: Any = Constructor
    made.add_constructor(_RASAS_TAG, lambda self, node: self.construct_scalar(node))
    return made  # type: ignore[no-any-return]


def _unescaped(value: str) -> str:
    try:
        return value.encode("ascii").decode("raw_unicode_escape")
    except UnicodeError:
        # `\user` is no escape, and Rasa would not read the file.
        return value


def _expanded(value: str, environ: Mapping[str, str] | None, line: int) -> str:
    def of(match: re.Match[str]) -> str:
        name = match[1] if match[1] is not None else match[2]
        if environ is not None and name in environ:
            return environ[name]
        if match[1] is None:
            return match[0]
        raise _Unset(name, line)

    return _REFERENCE.sub(of, value)
