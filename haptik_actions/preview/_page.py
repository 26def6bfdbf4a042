"""The fragment of one channel, and the page of all.

A channel shows Rasa's keys of a message and the payload of the channel itself. What was lost stands beside it, in words
for people who do not program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from haptik_actions.hsl import Element, Unknown, parse
from haptik_actions.preview import _own_client, _phone_chats, _work_chats
from haptik_actions.preview._marks import Marker, marker, plain
from haptik_actions.preview._parts import Bubble, Chips, Part, mapping, mappings, tap, text, unseen
from haptik_actions.render import ALIASES, CHANNELS, LOSSES, Channel, Copy, Message, Note, NoteCode, channel_of, render

__all__ = ["PREVIEWED", "Content", "preview_channel", "preview_page"]

Reader: TypeAlias = Callable[[Mapping[str, object], Marker], Iterator[Part]]

_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "botframework": _work_chats.teams,
        "facebook": _phone_chats.messenger,
        "hangouts": _work_chats.google_chat,
        "instagram": _phone_chats.messenger,
        "line": _phone_chats.line,
        "rcs": _phone_chats.rcs,
        "gbm": _phone_chats.rcs,
        "rocketchat": _work_chats.rocket_chat,
        "slack": _work_chats.slack,
        "socketio": _phone_chats.web_chat,
        "telegram": _phone_chats.telegram,
        "twilio": _phone_chats.twilio,
        "viber": _phone_chats.viber,
        "whatsapp": _phone_chats.whatsapp,
    }
)
# On these channels Rasa's `buttons` vanish after a tap, as quick replies do.
_PASSING = frozenset({"callback", "cmdline", "rasa", "rest", "socketio"})
# These channels show marks only with `parse_mode` or on a card. Any other text is shown as it stands.
_UNMARKED = frozenset({"hangouts", "telegram"})


def parts(message: Message, channel: Channel) -> Iterator[Part]:
    """What the user sees of one message, from top to bottom."""
    mark = marker(channel.markup)
    if channel.name == "haptik":
        yield from _own_client.haptik(text(message.get("text")) or mapping(message.get("json_message")), mark)
        return
    yield from _keys(message, channel, mark)
    payload = message.get("json_message")
    if payload is not None:
        reader = _READERS.get(channel.name)
        yield from reader(mapping(payload), mark) if reader else [unseen(payload)]


def _keys(message: Message, channel: Channel, mark: Marker) -> Iterator[Part]:
    """Rasa's own keys, in the order in which it sends them."""
    buttons = _phone_chats.buttons(message.get("buttons"))
    chips = tuple(tap(reply.get("title")) for reply in mappings(message.get("quick_replies")))
    if channel.name in _PASSING:
        buttons, chips = (), (*chips, *buttons)
    shown = plain if channel.name in _UNMARKED else mark
    bubble = Bubble(text=shown(text(message.get("text"))), taps=buttons)
    if not bubble.empty:
        yield bubble
    if message.get("image"):
        yield Bubble(image=text(message["image"]))
    for element in mappings(message.get("elements")):
        yield _work_chats.attached(element, mark)
    if chips:
        yield Chips(taps=chips)


_WORDS: Mapping[NoteCode, str] = MappingProxyType(
    {
        "coerced": "Adjusted",
        "dropped": "Not shown here",
        "insecure_url": "Not encrypted; some phones do not load it",
        "numbered": "Options are numbered lines of the text",
        "paginated": "Some options are behind “More”",
        "replaced": "In another form",
        "shortened_payload": "A long answer is sent in short",
        "split": "In more than one piece",
        "truncated": "Cut short",
        "unsupported": "This kind of message does not exist here",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One sentence about a conversion, how often it applies, and whether it tells of a loss."""

    words: str
    detail: str
    path: str
    times: int
    is_loss: bool


def remarks(notes: Sequence[Note]) -> Iterator[Remark]:
    """The notes as sentences, each one once, losses first."""
    counted = Counter((note.code, note.detail) for note in notes)
    first = {(note.code, note.detail): note.path for note in reversed(notes)}
    for code, detail in sorted(counted, key=lambda key: key[0] not in LOSSES):
        yield Remark(
            words=_WORDS[code],
            detail=detail,
            path=first[code, detail],
            times=counted[code, detail],
            is_loss=code in LOSSES,
        )


Content: TypeAlias = Element | Mapping[str, object] | str | Sequence[Element | Mapping[str, object] | str]
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

    Its head says on how many channels something is lost, leads there, and can hide all the others.

    Args:
        content: What is said.
        channels: Names of channels in Rasa, in the order to show.
        title: The title of the page.

    Raises:
        InvalidElement: the content is not an element.
    """
    names = tuple(channels)
    rows: list[dict[str, Any]] = [
        {
            "kind": element.type if isinstance(element, Unknown) else str(element.to_hsl()["type"]),
            "text": element.text,
            "panels": [{**_panel([element], name, None), "id": f"{name}-{number}"} for name in names],
        }
        for number, element in enumerate(_elements(content), start=1)
    ]
    lossy = [panel for row in rows for panel in row["panels"] if panel["is_lossy"]]
    losing = {panel["channel"].name for panel in lossy}
    style = Markup((files("haptik_actions.preview") / "static" / "preview.css").read_text(encoding="utf-8"))
    page = _environment().get_template("page.html")
    counts = {"losing": len(losing), "channels": len(names)}
    return page.render(title=title, rows=rows, style=style, locale=None, lossy=lossy, **counts)


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
    said = list(remarks(notes))
    return {"channel": channel, "parts": shown, "remarks": said, "is_lossy": any(remark.is_loss for remark in said)}
