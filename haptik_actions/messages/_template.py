"""Placeholders: plain names in braces, as in Rasa's responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Template"]

# A name and nothing else: `{a.b}`, `{a[0]}`, `{0}` and `{}` are text, so copy can never reach into a value.
_PLACEHOLDER = re.compile(r"\{([^\W\d][\w-]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text and the names of its placeholders."""

    text: str
    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Find the placeholders of `text`; every text is a valid template."""
        return cls(text, frozenset(_PLACEHOLDER.findall(text)))

    def missing(self, values: Mapping[str, Any]) -> set[str]:
        """Return the names for which `values` has nothing, or None."""
        return {name for name in self.names if values.get(name) is None}

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the text with its values; a name without a value stays as it is. Values are never filled again."""

        def value(match: re.Match[str]) -> str:
            found = values.get(match[1])
            return match[0] if found is None else str(found)

        return _PLACEHOLDER.sub(value, self.text) if self.names else self.text
