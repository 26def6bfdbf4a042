"""YAML from files of others, read within bounds: what is broken, too deep or grows without end is refused by its line.

    load_bounded("en: {utter_greet: Hello}")

YAML's aliases let 500 bytes stand for gigabytes, and let a list hold itself; ruamel.yaml builds both. Here they are
counted while the document is composed, before anything is built.
"""

from __future__ import annotations

from typing import Any

from haptik_actions.errors import ConfigurationError

__all__ = ["MOST_CHARACTERS", "MOST_DEPTH", "YamlProblem", "load_bounded"]

MOST_DEPTH = 100
"""Lists and objects inside each other. Nothing that this library reads has more than ten."""
MOST_CHARACTERS = 32_000_000
# Values that aliases stand for, all together: a domain that uses them a lot comes to some thousands.
_MOST_REPEATED = 100_000
_SYNTAX = "this is not valid YAML in UTF-8. Check quotes, colons and indentation there"

_VALUES = "this is not valid YAML in UTF-8. Put dates, and what is no plain key, into quotes"


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

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._depth = self._values = self._repeated = 0
            self._sizes: dict[int, int] = {}
            self._keys: dict[int, dict[tuple[str, str], int]] = {}

        def compose_node(self, parent: Any, index: Any) -> Any:
            node = self._composed(parent, index)
            if index is None and isinstance(parent, MappingNode):
                # Here and not behind the last key: of what is refused no more is read.
                _refuse_repetition(node, self._keys.setdefault(id(parent), {}))
            return node

        def _composed(self, parent: Any, index: Any) -> Any:
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

        def _repeat(self, node: Any, event: Any) -> Any:
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
