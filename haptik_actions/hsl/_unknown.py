"""An object whose type is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._json import checked_copy
from haptik_actions.hsl._links import check_harmless

KNOWN_TYPES = frozenset(
    {"BUTTON", "CAROUSEL", "FORM", "NATIVE_ACTION", "RECEIPT", "SILENT", "SYSTEM", "TAB_LIST", "TEXT"}
)


class Unknown(msgspec.Struct, frozen=True):
    """A raw object of an unknown type. It is carried as it is; where it has to be shown, by its text.

    Attributes:
        raw: The object. It is copied; read it, never change it.

    Raises:
        InvalidElement: it has no type or a known one, or holds an unsafe address.
    """

    raw: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.raw, Mapping):
            raise InvalidElement("", f"an object is wanted, not {type(self.raw).__name__}")
        msgspec.structs.force_setattr(self, "raw", checked_copy(self.raw, "", check=check_harmless))
        if not isinstance(self.raw.get("type"), str) or not self.type.strip():
            raise InvalidElement("type", "an element names its type")
        if self.type.upper() in KNOWN_TYPES:
            raise InvalidElement("type", f"{self.type} is known: parse it")

    def __hash__(self) -> int:
        return hash((type(self), self.type, self.text))

    @property
    def type(self) -> str:
        """The type as it is written."""
        return str(self.raw["type"])

    @property
    def text(self) -> str:
        """What it says; empty where it has no text."""
        text = self.raw.get("text")
        return text if isinstance(text, str) else ""

    @property
    def voice_text(self) -> str | None:
        """What is spoken instead of `text`; None where it has no such member."""
        voice_text = self.raw.get("voice_text")
        return voice_text if isinstance(voice_text, str) else None

    def to_hsl(self) -> dict[str, Any]:
        """The object as it was given; a copy."""
        copied: dict[str, Any] = msgspec.to_builtins(self.raw)
        return copied
