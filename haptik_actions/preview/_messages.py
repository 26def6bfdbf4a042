"""Draws the messages of a conversion: those in Rasa's own keys, and those in the channel's own payload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from haptik_actions.preview import _messenger, _own_client, _phone_chats, _work_chats
from haptik_actions.preview._fields import mapping, mappings, tap, text, unseen
from haptik_actions.preview._marks import Marker, marker, plain
from haptik_actions.preview._parts import Bubble, Chips, Part
from haptik_actions.render import Channel, Message

Reader: TypeAlias = Callable[[Mapping[str, Any], Marker], Iterator[Part]]

_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "botframework": _work_chats.teams,
        "facebook": _messenger.messenger,
        "hangouts": _work_chats.google_chat,
        "instagram": _messenger.messenger,
        "line": _phone_chats.line,
        "rcs": _phone_chats.rcs,
        "gbm": _phone_chats.rcs,
        "rocketchat": _work_chats.rocket_chat,
        "slack": _work_chats.slack,
        "socketio": _messenger.web_chat,
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
    buttons = _messenger.buttons(message.get("buttons"))
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
