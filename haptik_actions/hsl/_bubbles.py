"""The bubbles: text with quick replies, and text with buttons."""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._actionable import Actionable
from haptik_actions.hsl._value import Envelope, check_says_something, check_voice_text, set_once, several


class Text(Envelope, frozen=True, repr_omit_defaults=True):
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
        replies = several(self.quick_replies, Actionable, "data.quick_replies")
        for index, reply in enumerate(replies):
            _check_quick_reply(reply, f"data.quick_replies[{index}]")
        set_once(self, "quick_replies", replies)
        self._check_envelope()

    def _documented(self) -> JsonObject:
        replies = [reply.as_quick_reply() for reply in self.quick_replies]
        return self._envelope("TEXT", self.text, self.voice_text, {"quick_replies": replies})


class Button(Envelope, frozen=True, repr_omit_defaults=True):
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
        items = several(self.items, Actionable, "data.items")
        if not items:
            raise InvalidElement("data.items", "a BUTTON without buttons; send a TEXT")
        set_once(self, "items", items)
        self._check_envelope()

    def _documented(self) -> JsonObject:
        items = [item.to_hsl() for item in self.items]
        return self._envelope("BUTTON", self.text, self.voice_text, {"items": items})


def _check_text(text: object, voice_text: object) -> None:
    check_says_something(text, "text", "a bubble that says nothing")
    check_voice_text(voice_text)


def _check_quick_reply(reply: Actionable, path: str) -> None:
    if reply.type != "TEXT_ONLY":
        raise InvalidElement(f"{path}.type", f"a quick reply is TEXT_ONLY, not {reply.type}; a BUTTON takes any type")
    if reply.uri:
        raise InvalidElement(f"{path}.uri", f"a quick reply opens no screen, so not {reply.uri}; a BUTTON does")
    if reply.location_required:
        raise InvalidElement(f"{path}.location_required", "a quick reply sends no location; a BUTTON does")
    if not (reply.payload.get("message") or "").strip():
        raise InvalidElement(f"{path}.payload.message", "a quick reply that sends nothing")
