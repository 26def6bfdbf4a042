"""What the user of the demo has on their phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from haptik_actions.hsl import Element
from haptik_actions.render import render

__all__ = ["CHANNEL", "Bubble", "Phone", "Tap"]

CHANNEL = "callback"
"""The channel of Rasa that the demo's user writes on: it posts the bot's messages to an address of one's own."""

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A button: what it says, and what a tap sends."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message as the user sees it; `name` is the agent's."""

    who: Literal["user", "bot", "agent"]
    text: str
    name: str = ""
    taps: tuple[Tap, ...] = ()


class Phone:
    """The messages of one conversation, the oldest first."""

    def __init__(self) -> None:
        self.bubbles: list[Bubble] = []

    def wrote(self, text: str) -> None:
        """The user has written this, or has tapped the button that sends it."""
        self._add(Bubble(who="user", text=self._title(text)))

    def read(self, message: Mapping[str, Any], *, agent: str | None = None) -> None:
        """A message as Rasa's channel sends it has arrived: `text`, perhaps with `buttons`."""
        buttons = message.get("buttons") or message.get("quick_replies") or ()
        taps = tuple(Tap(title=str(b.get("title", "")), payload=str(b.get("payload", ""))) for b in buttons)
        text = str(message.get("text") or message.get("image") or message.get("attachment") or "")
        if text or taps:
            self._add(Bubble(who="agent" if agent else "bot", text=text, name=agent or "", taps=taps))

    def shown(self, element: Element, *, agent: str | None = None) -> None:
        """An element has arrived, in the form that the channel has for it."""
        for message in render(element, CHANNEL).messages:
            self.read(message, agent=agent)

    def texts(self, *who: str) -> Sequence[str]:
        """Return what was said by `user`, `bot` or `agent`, in order."""
        return [bubble.text for bubble in self.bubbles if bubble.who in who]

    def _title(self, text: str) -> str:
        taps = self.bubbles[-1].taps if self.bubbles else ()
        return next((tap.title for tap in taps if tap.payload == text), text)

    def _add(self, bubble: Bubble) -> None:
        self.bubbles.append(bubble)
        del self.bubbles[:-_MOST]
