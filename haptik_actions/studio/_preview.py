"""What users would see of a message on some channels, by the renderers that the bot uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from markupsafe import Markup

from haptik_actions.errors import InvalidElement, InvalidMessage
from haptik_actions.hsl import Element, Image
from haptik_actions.messages import MOST_CHARACTERS, Message, Template, Variation, element_of
from haptik_actions.preview import preview_channel
from haptik_actions.render import CHANNELS, Copy

__all__ = ["DEFAULT_CHANNELS", "Previews", "Screen"]

DEFAULT_CHANNELS = ("socketio", "facebook", "whatsapp", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What one channel shows; `problem` stands where there is nothing to show."""

    title: str
    html: Markup | None = None
    problem: str = ""


class Previews:
    """Shows messages on `shown`, names of channels in Rasa."""

    def __init__(self, shown: Sequence[str] = DEFAULT_CHANNELS) -> None:
        self._shown = tuple(shown)

    @property
    def channels(self) -> Mapping[str, str]:
        """Every channel's name in Rasa and what people call it."""
        return {name: channel.title for name, channel in CHANNELS.items() if name == channel.name}

    def of(self, value: str, locale: str, samples: Mapping[str, str], copy: Copy) -> list[list[Screen]]:
        """Return the screens of each variation of a message.

        `copy` is what channels add to it. `samples` has a value for each placeholder that the bot fills, empty where
        its name will do; others stay as they are written. A variation for one channel is shown on that one alone.
        """
        if len(value) > MOST_CHARACTERS:
            return []
        try:
            message = Message.parse(value)
        except InvalidMessage:
            # What is wrong stands among the checks.
            return []
        return [self._screens(variation, locale, samples, copy) for variation in message.variations]

    def _screens(self, variation: Variation, locale: str, samples: Mapping[str, str], copy: Copy) -> list[Screen]:
        shown = self._shown if variation.channel is None else (variation.channel,)
        try:
            elements = list(_elements(variation, locale, samples))
        except InvalidElement as error:
            return [Screen(title=_title(name), problem=str(error)) for name in shown]
        if not elements:
            said = "This is sent to the channel as it stands, and has no preview."
            return [Screen(title=_title(name), problem=said) for name in shown]
        panels = {name: preview_channel(elements, name, copy=copy, locale=locale) for name in shown}
        return [Screen(title=_title(name), html=Markup(panel)) for name, panel in panels.items()]


def _elements(variation: Variation, locale: str, samples: Mapping[str, str]) -> Iterator[Element]:
    element = _element(variation, locale, samples)
    if element is not None:
        yield element
    # Rasa sends the image of a response after its text.
    if variation.extra.get("image"):
        yield Image.of(variation.extra["image"])


def _element(variation: Variation, locale: str, samples: Mapping[str, str]) -> Element | None:
    def fill(text: str, values: Mapping[str, Any]) -> str:
        template = Template.parse(text)
        kinds = {name: kind for group in template.groups for name, kind in group.kinds.items()}
        known = {name: _sample(name, kinds.get(name, ""), values[name]) for name in template.names & values.keys()}
        return template.fill(known, locale)

    return element_of(variation, fill, samples)


def _sample(name: str, kind: str, given: str) -> Any:
    if given:
        return given
    if kind in ("date", "time"):
        return datetime.now(timezone.utc)
    return {"": f"‹{name.replace('_', ' ')}›", "select": "other"}.get(kind, "3")


def _title(name: str) -> str:
    channel = CHANNELS.get(name)
    return channel.title if channel else name
