"""When a variation is taken, as rows of a form: a slot of the bot, and what it has to be.

Each row carries the JSON that it was read from, and changes nothing in it but the name and the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import msgspec

__all__ = ["CONDITION_KINDS", "ConditionKind", "ConditionRow"]

ConditionKind: TypeAlias = Literal["text", "number", "yes", "no", "unset", "json"]
"""What the slot is compared with; `json` is what only an expert writes: a list, an object, a text of several lines."""

CONDITION_KINDS: Mapping[ConditionKind, str] = {
    "text": "the text",
    "number": "the number",
    "yes": "yes (true)",
    "no": "no (false)",
    "unset": "empty",
    "json": "what this JSON says",
}

_FIXED: Mapping[str, Any] = {"yes": True, "no": False, "unset": None}
# A field of one line has no place for them; in JSON they are written out.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")
_LOOKS_OTHERWISE = re.compile(r"[-+]?\d+([.,]\d+)?|true|false|yes|no", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    """`value` is as it is typed; `origin` the condition behind it."""

    name: str = ""
    kind: ConditionKind = "text"
    value: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, condition: Any) -> ConditionRow | None:
        """Read a condition; None for what a row cannot show."""
        name = condition.get("name") if isinstance(condition, Mapping) else None
        if not isinstance(name, str) or not _fits(name) or "value" not in condition:
            return None
        kind, value = _shown(condition["value"])
        return cls(name=name, kind=kind, value=value, origin=condition)

    @property
    def type(self) -> str:
        """What the name is one of: a slot, as far as Rasa goes."""
        return str(self.origin.get("type", "slot"))

    @property
    def problem(self) -> str:
        """What keeps the row from being a condition, and what to do; empty where nothing does."""
        try:
            self.to_condition()
        except ValueError as error:
            return str(error)
        return ""

    @property
    def hint(self) -> str:
        """What is probably not meant."""
        if self.kind == "text" and _LOOKS_OTHERWISE.fullmatch(self.value):
            return "Compared as a text. If the slot holds a number, or yes and no, choose that instead."
        return ""

    def to_condition(self) -> dict[str, Any]:
        """Return the condition that the row stands for; raises `ValueError` where it is none yet."""
        if not self.name:
            raise ValueError("Name the slot, or remove this condition.")
        value = self._wanted()
        if not self.origin:
            return {"type": "slot", "name": self.name, "value": value}
        # `1.0` stays `1.0`, and whatever else reads the same in the form.
        is_same = "value" in self.origin and (self.kind, self.value) == _shown(self.origin["value"])
        return {**self.origin, "name": self.name, "value": self.origin["value"] if is_same else value}

    def _wanted(self) -> Any:
        if self.kind in _FIXED:
            return _FIXED[self.kind]
        if self.kind == "text":
            if not self.value:
                raise ValueError("Write the text that the slot has to be, or choose “empty”.")
            return self.value
        try:
            kind: Any = int | float if self.kind == "number" else Any
            return msgspec.json.decode(self.value.encode("utf-8", "replace"), type=kind)
        except msgspec.DecodeError as error:
            if self.kind == "number":
                raise ValueError("Write a number, such as 3 or 2.5.") from error
            raise ValueError("This is not JSON. A text in it stands in double quotes.") from error


def _shown(value: Any) -> tuple[ConditionKind, str]:
    fixed = next((kind for kind in get_args(ConditionKind) if kind in _FIXED and _FIXED[kind] is value), None)
    if fixed:
        return fixed, ""
    if isinstance(value, str) and _fits(value):
        return "text", value
    return "number" if isinstance(value, int | float) else "json", msgspec.json.encode(value).decode()


def _fits(text: str) -> bool:
    """Whether a field of one line gives a text back as it is."""
    return text == text.strip() != "" and not _UNSEEN.search(text)
