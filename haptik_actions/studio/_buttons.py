"""A button or a quick reply as a row of a form: a label, what a tap does, and with what.

Each row carries the JSON that it was read from, and changes nothing in it but what the row shows: what the form does
not know (a location, a callback's data) survives every edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["ButtonRow", "Kind"]

Kind: TypeAlias = Literal["reply", "link", "other"]
"""What a tap does: it says something for the user, opens an address, or does what only an expert's JSON tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonRow:
    """`value` is what is sent (empty: the label) or the address; `origin` the JSON behind it, HSL's or Rasa's."""

    label: str = ""
    kind: Kind = "reply"
    value: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_hsl(cls, actionable: Mapping[str, Any]) -> ButtonRow:
        """Read an actionable of HSL."""
        payload = _mapping(actionable.get("payload"))
        label = _text(actionable.get("actionable_text"))
        kind = _hsl_kind(actionable)
        value = _text(payload.get("url") or payload.get("link") if kind == "link" else payload.get("message"))
        return cls(label=label, kind=kind, value="" if value == label else value, origin=actionable)

    @classmethod
    def of_rasa(cls, button: Mapping[str, Any]) -> ButtonRow:
        """Read a button of a Rasa response."""
        is_link = button.get("type") == "web_url"
        kind: Kind = "link" if is_link else "reply" if "payload" in button else "other"
        label, value = _text(button.get("title")), _text(button.get("url" if is_link else "payload"))
        return cls(label=label, kind=kind, value="" if value == label else value, origin=button)

    def to_hsl(self) -> dict[str, Any]:
        """Return the actionable that the row stands for."""
        actionable = {**_EMPTY_ACTIONABLE, **(self.origin if "actionable_text" in self.origin else {})}
        payload = dict(_mapping(actionable["payload"]))
        if self.kind == "link":
            actionable |= {"type": "APP_ACTION", "uri": "LINK"}
            payload = {key: value for key, value in payload.items() if key != "link"} | {"url": self.value}
            payload.pop("message", None)
        elif self.kind == "reply":
            if _hsl_kind(actionable) != "reply":
                actionable |= {"type": "TEXT_ONLY", "uri": ""}
                payload = {key: value for key, value in payload.items() if key not in ("url", "link")}
            payload["message"] = self.value or self.label
        return actionable | {"actionable_text": self.label, "payload": {"gogo_message": "", **payload}}

    def to_rasa(self) -> dict[str, Any]:
        """Return the button of a Rasa response that the row stands for."""
        button = {**(self.origin if "title" in self.origin else {}), "title": self.label}
        if self.kind == "link":
            button.pop("payload", None)
            return button | {"type": "web_url", "url": self.value}
        if self.kind == "reply":
            if button.get("type") == "web_url":
                del button["type"]
            button.pop("url", None)
            button["payload"] = self.value or self.label
        return button


_EMPTY_ACTIONABLE: Mapping[str, Any] = {
    "actionable_text": "",
    "type": "TEXT_ONLY",
    "uri": "",
    "is_default": 0,
    "location_required": False,
    "payload": {},
}


def _hsl_kind(actionable: Mapping[str, Any]) -> Kind:
    kind, uri = actionable.get("type"), actionable.get("uri") or ""
    if kind == "APP_ACTION" and uri == "LINK":
        return "link"
    return "reply" if kind in ("TEXT_ONLY", "TEXT") and not uri else "other"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
