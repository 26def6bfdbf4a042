"""YAML as Rasa reads it: JSON's escapes in an ASCII file, and the environment in values without quotes.

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

from haptik_actions._halves import without_halves
from haptik_actions._yaml import YamlProblem, load_bounded
from haptik_actions.errors import ConfigurationError

__all__ = ["load_yaml", "read_rasa_yaml"]

_REFERENCE = re.compile(r"\$\{([^{}]*)\}|\$(\w+)")
_BRACED = re.compile(r"\$\{[^{}]*\}")
_ESCAPE = re.compile(r"\\[uU]")
# The tag that Rasa gives such a value, in every YAML that its own process reads.
_RASAS_TAG = "!env_var"


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
