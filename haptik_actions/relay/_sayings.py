"""From an entry of the queue to what the user reads, and from what the user writes to what they want of the relay.

Whatever the body of an agent's message holds, the user reads something of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Actionable, Element, System, Text, Unknown, parse, strip_braces
from haptik_actions.messages import MessageStore
from haptik_actions.relay._host import Ending, Queued, Saying
from haptik_actions.relay._link import Link

__all__ = ["Sayings", "Wish", "element_of", "ending_of", "read_saying", "shown_text", "text_element", "write_saying"]

Wish = Literal["back", "wait"]

_HERE, _SOMEBODY_HERE = "haptik_relay_agent_here", "haptik_relay_somebody_here"
_ENDED: Mapping[str, str] = {
    "completed": "haptik_relay_ended",
    "nobody_came": "haptik_relay_nobody_came",
    "user_left": "haptik_relay_went_back",
}
_NOT_HERE = "haptik_hsl_not_here"
_UNSEEN = ("SILENT", "NATIVE_ACTION")
_OFFLINE = "team offline flag"
_MOST_TEXT = 8000
_LONGEST_PIECE = 4000
_DEEPEST = 200
# Control characters but tabs and line breaks, and what is no character in Unicode.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
# What people read, in the order in which it is shown. Everything else that has a name is for machines.
_WORDS = (
    *("text", "title", "header", "subtitle", "sub_title", "subheader", "description", "caption", "body", "label"),
    *("actionable_text", "key", "hint", "options", "name", "price", "amount", "meta", "offer_text", "message"),
    *("answer", "question", "option_unselected_text", "expired_text", "value"),
)
_LINKS = ("url", "link", "image", "image_url", "images", "file_url", "number", "movie_trailer_url", "callback_link")
_FOR_MACHINES = frozenset(
    {
        *("type", "uri", "event_name", "id", "gogo_message", "voice_text", "isNew", "is_default", "mic_auto_open"),
        *("width", "image_aspect_ratio", "keyboard_type", "order", "icon", "emoji", "autofill", "tool_name", "extra"),
    }
)


class Sayings:
    """Finds the words for the relay's entries in `messages`, in the language of each conversation."""

    def __init__(self, messages: MessageStore) -> None:
        self._messages = messages

    async def of(self, link: Link, queued: Queued, *, again: bool = False, plain: bool = False) -> Saying | None:
        """Return what a `message` or one of the relay's `own` says; None for what the user is not meant to see.

        With `plain` it is text alone, for a channel that could not take the element.
        """
        if queued.what == "message":
            return await self._message(link, queued, again=again, plain=plain)
        assert queued.key is not None
        element = await self.element(link, queued.key)
        if queued.choice and isinstance(element, Text) and not element.quick_replies:
            element = Text(element.text, await self._choice(link))
        return Saying(element=element, key=queued.key, again=again)

    async def assigned(self, link: Link, queued: Queued, *, again: bool) -> Saying:
        """Return the sentence that an agent has the chat."""
        key = _HERE if queued.name else _SOMEBODY_HERE
        element = await self.element(link, key, agent=queued.name or "")
        return Saying(element=element, key=key, name=queued.name, again=again)

    async def ended(self, link: Link, ending: Ending) -> Saying:
        """Return the sentence that the bot has the conversation again."""
        key = _ENDED[ending.kind]
        return Saying(element=await self.element(link, key, agent=link.agent or ""), key=key, again=ending.again)

    async def element(self, link: Link, key: str, **values: str) -> Element:
        """Return a message of the store for the user of a link."""
        return await self._messages.element(key, link.locale, channel=link.channel, **values)

    async def text(self, key: str, locale: str | None = None) -> str:
        """Return the text of a message of the store."""
        return await self._messages.text(key, locale)

    async def wish(self, link: Link, text: str) -> Wish | None:
        """Return what a message of the user asks of the relay, None where it is for the agent."""
        said = _folded(text)
        if not said:
            return None
        back = [await self.text(key, link.locale) for key in ("haptik_relay_back", "haptik_relay_back_words")]
        if said in _words(back[0]) | _words(back[1]):
            return "back"
        wait = await self.text("haptik_relay_wait", link.locale)
        return "wait" if link.state == "asked" and said == _folded(wait) else None

    async def _choice(self, link: Link) -> list[Actionable]:
        labels = [await self.text(key, link.locale) for key in ("haptik_relay_wait", "haptik_relay_back")]
        return [Actionable.reply(label) for label in labels]

    async def _message(self, link: Link, queued: Queued, *, again: bool, plain: bool) -> Saying | None:
        element = text_element(queued.body) if plain else element_of(queued.body)
        if element is None:
            if _type_of(queued.body) in _UNSEEN:
                return None
            element = await self.element(link, _NOT_HERE)
        author: Literal["agent", "platform"] = "platform" if queued.automated else "agent"
        return Saying(id=queued.id, author=author, name=queued.name, element=element, again=again)


def ending_of(link: Link, queued: Queued, *, again: bool) -> Ending:
    """Return how the chat of a link ended, from the entry that says so."""
    return Ending(
        kind="user_left" if queued.left else "nobody_came" if _nobody_came(link, queued) else "completed",
        at=queued.at,
        receipt=link.receipt,
        conversation_no=queued.conversation_no,
        by=queued.completion_by,
        reason=queued.reason,
        again=again,
    )


def _nobody_came(link: Link, queued: Queued) -> bool:
    # The platform's word for it; or it completed by itself, or does not say how, and no agent was seen.
    if (queued.completion_by or "").strip().lower() == _OFFLINE:
        return True
    return link.state != "agent" and (queued.completion_type or "autocomplete") == "autocomplete"


def write_saying(saying: Saying) -> bytes:
    """Return a saying as bytes, for the inbox."""
    members = {name: getattr(saying, name) for name in saying.__struct_fields__ if name != "element"}
    return msgspec.msgpack.encode({**members, "element": saying.element.to_hsl()})


def read_saying(written: bytes) -> Saying:
    """Return the saying of such bytes."""
    members: JsonObject = msgspec.msgpack.decode(written)
    element = element_of(members.pop("element"))
    return Saying(element=element or Text(" "), **members)


def _type_of(body: object) -> str:
    kind = body.get("type") if isinstance(body, Mapping) else None
    return kind.strip().upper() if isinstance(kind, str) else ""


def _words(listed: str) -> set[str]:
    return {_folded(word) for word in re.split("[,;|]", listed)} - {""}


def _folded(text: str) -> str:
    """The words alone: no case, no punctuation, single spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in plain[:200])
    return " ".join(kept.split())


def element_of(body: object) -> Element | None:
    """Return what a body shows: the element, or a `Text` of its words, labels and links where it is no element.

    None only where there is nothing in it at all that could be shown.
    """
    element: Element | None = None
    if isinstance(body, (str, Mapping)):
        try:
            element = parse(body)
        except (InvalidElement, RecursionError, TypeError, ValueError):
            element = None
    if element is None or isinstance(element, Unknown) or _is_blank(element):
        return text_element(body)
    return element


def text_element(body: object) -> Text | None:
    """Return a `Text` of everything that a body shows, None where it shows nothing."""
    words = shown_text(body)
    return Text(words) if words else None


def shown_text(body: object) -> str:
    """Return the words, labels and links of a body, one below the other, each once."""
    pieces = dict.fromkeys(_clean(piece) for piece in _pieces(body, everything=False))
    pieces.pop("", None)
    if not pieces:
        pieces = dict.fromkeys(_clean(piece) for piece in _pieces(body, everything=True))
        pieces.pop("", None)
    return "\n".join(pieces)[:_MOST_TEXT].strip()


def _is_blank(element: Element) -> bool:
    if isinstance(element, Text):
        return not _clean(element.text) and not element.quick_replies
    return isinstance(element, System) and not _clean(element.text)


def _clean(piece: str) -> str:
    # Commands in braces are for the platform, control characters for machines; no channel shows them.
    shown = _INVISIBLE.sub("", strip_braces(piece))
    return shown.strip().encode("utf-8", "replace").decode()[:_LONGEST_PIECE]


def _pieces(body: object, *, everything: bool) -> Iterator[str]:
    # Not by recursion: a body may be nested more deeply than Python goes.
    stack: list[tuple[Any, int]] = [(body, 0)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield str(value)
        elif depth < _DEEPEST:
            below = _members(value, everything=everything) if isinstance(value, Mapping) else value
            if isinstance(below, (list, tuple)):
                stack.extend((item, depth + 1) for item in reversed(below))


def _members(value: Mapping[object, object], *, everything: bool) -> list[Any]:
    """Return the members that show something, words first; with `everything`, all of them."""
    value = _without_what_it_sends(value)
    named = [value[name] for name in (*_WORDS, *_LINKS) if name in value]
    others = [
        member
        for name, member in value.items()
        if name not in _WORDS
        and name not in _LINKS
        and ((everything and name not in _FOR_MACHINES) or isinstance(member, (Mapping, list, tuple)))
    ]
    return [*named, *others]


def _without_what_it_sends(value: Mapping[object, object]) -> Mapping[Any, Any]:
    """An actionable with a label sends a message when it is tapped; the label is what people read."""
    label, payload = value.get("actionable_text"), value.get("payload")
    if not isinstance(label, str) or not label.strip() or not isinstance(payload, Mapping):
        return value
    return {**value, "payload": {name: member for name, member in payload.items() if name != "message"}}
