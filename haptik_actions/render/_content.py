"""An element, read once for all channels: its text, and what can be tapped, each as a reply or as a link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from haptik_actions.hsl import Actionable, Button, Element, Text, strip_braces
from haptik_actions.render._conversion import Note

# Rasa's connectors cut a text at each "\n\n": three line feeds would send an empty bubble, which Messenger refuses.
_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_MESSAGING_TYPES = ("TEXT", "TEXT_ONLY")


class Reply(msgspec.Struct, frozen=True):
    """A control whose tap sends `payload` to the bot."""

    label: str
    payload: str
    path: str


class Link(msgspec.Struct, frozen=True):
    """A control whose tap opens `url`."""

    label: str
    url: str
    path: str


Control: TypeAlias = Reply | Link


class Content(msgspec.Struct, frozen=True):
    """What an element says.

    `path` is where its controls are in the JSON; `persistent` is true where they stay on the screen after a tap;
    `notes` is what the reading itself changed.
    """

    text: str
    controls: tuple[Control, ...]
    path: str
    persistent: bool
    notes: tuple[Note, ...]

    @property
    def replies(self) -> list[Reply]:
        """The replies, in their order."""
        return [control for control in self.controls if isinstance(control, Reply)]

    @property
    def links(self) -> list[Link]:
        """The links, in their order."""
        return [control for control in self.controls if isinstance(control, Link)]


def read(element: Element) -> Content:
    """Read an element; text comes out without space around it and with paragraphs one blank line apart."""
    persistent = isinstance(element, Button)
    actionables, path = _actionables(element)
    notes: list[Note] = []
    controls = tuple(_control(item, f"{path}[{index}]", notes) for index, item in enumerate(actionables))
    text = _BLANK_LINES.sub("\n\n", element.text.replace("\r\n", "\n").strip())
    return Content(text, controls, path, persistent, tuple(notes))


def _actionables(element: Element) -> tuple[Sequence[Actionable], str]:
    if isinstance(element, Button):
        return element.items, "data.items"
    return (element.quick_replies if isinstance(element, Text) else ()), "data.quick_replies"


def _control(actionable: Actionable, path: str, notes: list[Note]) -> Control:
    url = actionable.url
    if url is None:
        return _reply(actionable, path, notes)
    if url not in actionable.payload.values():
        notes.append(Note("coerced", f"{path}.payload.url", url))
    return Link(actionable.label, url, path)


def _reply(actionable: Actionable, path: str, notes: list[Note]) -> Reply:
    if actionable.uri or actionable.type not in _MESSAGING_TYPES:
        notes.append(Note("replaced", path, f"{actionable.uri or actionable.type} by a reply"))
    sent = _sent(actionable).strip()
    # Rasa reads `/intent{"order": 1}` itself: these braces are JSON, not metadata of HSL.
    payload = sent if sent.startswith("/") else strip_braces(sent) or actionable.label
    if payload != sent:
        notes.append(Note("dropped", f"{path}.payload", "metadata in braces"))
    return Reply(actionable.label, payload, path)


def _sent(actionable: Actionable) -> str:
    """What the backend gets: `gogo_message`, unless that is empty or only metadata to append to the message.

    Two editions of the platform's documentation disagree on whether `gogo_message` replaces or is appended; both hold
    with this rule.
    """
    behind: str = actionable.payload.get("gogo_message") or ""
    return behind if strip_braces(behind) else actionable.message
