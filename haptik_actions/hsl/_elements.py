"""The elements: what one message of the bot is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._actionable import Actionable


class Text(msgspec.Struct, frozen=True):
    """A bubble of text, with quick replies that vanish once one of them is tapped.

    Attributes:
        text: What the bubble says; not blank. It is shown as it stands.
        quick_replies: Actionables of type `TEXT_ONLY`, the only one that the platform supports here. A list is
            kept as a tuple.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.quick_replies[1].type`.
    """

    text: str
    quick_replies: Sequence[Actionable] = ()
    voice_text: str | None = None

    def __post_init__(self) -> None:
        _check_text(self.text, self.voice_text)
        replies = _actionables(self.quick_replies, "data.quick_replies")
        for index, reply in enumerate(replies):
            _check_quick_reply(reply, f"data.quick_replies[{index}]")
        msgspec.structs.force_setattr(self, "quick_replies", replies)

    def to_hsl(self) -> dict[str, Any]:
        """The documented JSON; `voice_text` is left out where there is none."""
        return _envelope("TEXT", self, {"quick_replies": _serialised(self.quick_replies, _quick_reply)})


class Button(msgspec.Struct, frozen=True):
    """A bubble of text with buttons that stay on the screen.

    Attributes:
        text: What the bubble says; not blank. It is shown as it stands.
        items: The buttons, at least one, of any type and uri. A list is kept as a tuple.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.items`.
    """

    text: str
    items: Sequence[Actionable]
    voice_text: str | None = None

    def __post_init__(self) -> None:
        _check_text(self.text, self.voice_text)
        items = _actionables(self.items, "data.items")
        if not items:
            raise InvalidElement("data.items", "a BUTTON without buttons; send a TEXT")
        msgspec.structs.force_setattr(self, "items", items)

    def to_hsl(self) -> dict[str, Any]:
        """The documented JSON; `voice_text` is left out where there is none."""
        return _envelope("BUTTON", self, {"items": _serialised(self.items, Actionable.to_hsl)})


Element: TypeAlias = Text | Button
"""Everything that can be sent as one message."""


def _check_text(text: str, voice_text: str | None) -> None:
    if not isinstance(text, str) or not text.strip():
        raise InvalidElement("text", "a bubble that says nothing")
    if voice_text is not None and not isinstance(voice_text, str):
        raise InvalidElement("voice_text", f"a string is wanted, not {type(voice_text).__name__}")


def _actionables(values: Sequence[Actionable], path: str) -> tuple[Actionable, ...]:
    if not isinstance(values, (list, tuple)):
        raise InvalidElement(path, f"a list of Actionables is wanted, not {type(values).__name__}")
    for index, value in enumerate(values):
        if not isinstance(value, Actionable):
            raise InvalidElement(f"{path}[{index}]", f"an Actionable is wanted, not {type(value).__name__}")
    return tuple(values)


def _check_quick_reply(reply: Actionable, path: str) -> None:
    if reply.type != "TEXT_ONLY":
        raise InvalidElement(f"{path}.type", f"a quick reply is TEXT_ONLY, not {reply.type}; a BUTTON takes any type")
    if reply.uri:
        raise InvalidElement(f"{path}.uri", f"a quick reply opens no screen, so not {reply.uri}; a BUTTON does")
    if reply.location_required:
        raise InvalidElement(f"{path}.location_required", "a quick reply sends no location; a BUTTON does")
    if not (reply.payload.get("message") or "").strip():
        raise InvalidElement(f"{path}.payload.message", "a quick reply that sends nothing")


def _envelope(kind: str, element: Text | Button, data: dict[str, Any]) -> dict[str, Any]:
    envelope: dict[str, Any] = {"text": element.text, "type": kind}
    if element.voice_text is not None:
        envelope["voice_text"] = element.voice_text
    envelope["data"] = data
    return envelope


def _serialised(
    actionables: Iterable[Actionable], serialise: Callable[[Actionable], dict[str, Any]]
) -> list[dict[str, Any]]:
    return [serialise(actionable) for actionable in actionables]


def _quick_reply(reply: Actionable) -> dict[str, Any]:
    """The four members that the platform documents for a quick reply."""
    members = reply.to_hsl()
    del members["uri"], members["location_required"]
    return members
