"""The fragment of one channel, and the page of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from haptik_actions.hsl import Element, Unknown, parse
from haptik_actions.preview._messages import parts
from haptik_actions.preview._notes import remarks
from haptik_actions.preview._parts import Part
from haptik_actions.render import ALIASES, CHANNELS, Copy, Note, channel_of, render

Content: TypeAlias = Element | Mapping[str, Any] | str | Sequence[Element | Mapping[str, Any] | str]
"""An element, its JSON, a text, or several of these."""

PREVIEWED: tuple[str, ...] = tuple(name for name in CHANNELS if name not in ALIASES)
"""The channels that a page shows by default: all, each under its first name."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("haptik_actions.preview"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def preview_channel(content: Content, channel: str, *, copy: Copy | None = None, locale: str | None = None) -> str:
    """What the user sees on a channel, as a fragment of HTML: one element of the class `hsl-preview`.

    Args:
        content: What is said.
        channel: A channel's name in Rasa; an unknown one shows plain text.
        copy: The words that the channel's form adds, in the user's language; English where it is not given.
        locale: The language tag of the content, for fonts and screen readers.

    Returns:
        Markup for a page that has `STYLESHEET`.

    Raises:
        InvalidElement: the content is not an element.
    """
    panel = _environment().get_template("channel.html")
    return Markup(panel.render(**_panel(_elements(content), channel, copy), locale=locale))


def preview_page(content: Content, channels: Iterable[str] = PREVIEWED, *, title: str = "Preview") -> str:
    """A page of its own, with its style sheet inside: every element, and below it every channel side by side.

    Args:
        content: What is said.
        channels: Names of channels in Rasa, in the order to show.
        title: The title of the page.

    Raises:
        InvalidElement: the content is not an element.
    """
    names = tuple(channels)
    rows = [
        {
            "kind": element.type if isinstance(element, Unknown) else str(element.to_hsl()["type"]),
            "text": element.text,
            "panels": [_panel([element], name, None) for name in names],
        }
        for element in _elements(content)
    ]
    style = Markup((files("haptik_actions.preview") / "static" / "preview.css").read_text(encoding="utf-8"))
    return _environment().get_template("page.html").render(title=title, rows=rows, style=style, locale=None)


def _elements(content: Content) -> list[Element]:
    if isinstance(content, (str, Mapping)):
        return [parse(content)]
    return [one for part in content for one in _elements(part)] if isinstance(content, Sequence) else [content]


def _panel(elements: Sequence[Element], name: str, copy: Copy | None) -> dict[str, Any]:
    channel = channel_of(name)
    shown: list[Part] = []
    notes: list[Note] = []
    for element in elements:
        conversion = render(element, name, copy=copy)
        shown += [part for message in conversion.messages for part in parts(message, channel)]
        notes += conversion.notes
    return {"channel": channel, "parts": shown, "remarks": list(remarks(notes))}
