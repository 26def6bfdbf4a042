"""Which renderer serves which channel, by the name that the channel has in Rasa."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from haptik_actions.errors import ConversionLoss
from haptik_actions.hsl import Element
from haptik_actions.render._channels.botframework import BotFramework
from haptik_actions.render._channels.facebook import Facebook
from haptik_actions.render._channels.hangouts import Hangouts
from haptik_actions.render._channels.haptik import Haptik
from haptik_actions.render._channels.instagram import Instagram
from haptik_actions.render._channels.line import Line
from haptik_actions.render._channels.mattermost import Mattermost
from haptik_actions.render._channels.rcs import Rcs
from haptik_actions.render._channels.rest import Rest
from haptik_actions.render._channels.rocketchat import RocketChat
from haptik_actions.render._channels.slack import Slack
from haptik_actions.render._channels.socketio import SocketIO
from haptik_actions.render._channels.telegram import Telegram
from haptik_actions.render._channels.twilio import Twilio
from haptik_actions.render._channels.viber import Viber
from haptik_actions.render._channels.voice import Voice
from haptik_actions.render._channels.webexteams import WebexTeams
from haptik_actions.render._channels.whatsapp import WhatsApp
from haptik_actions.render._conversion import LOSSES, Conversion, Copy
from haptik_actions.render._limits import Channel
from haptik_actions.render._renderer import PlainText, Renderer

_PLAIN = PlainText()
_BY_NAME: dict[str, Renderer] = {
    renderer.channel.name: renderer
    for renderer in (
        Haptik(),
        Facebook(),
        Instagram(),
        WhatsApp(),
        Twilio(),
        Telegram(),
        Slack(),
        BotFramework(),
        SocketIO(),
        Rest(),
        Mattermost(),
        RocketChat(),
        WebexTeams(),
        Hangouts(),
        Line(),
        Viber(),
        Rcs(),
        Voice(),
        _PLAIN,
    )
}
_ALIASES: Mapping[str, tuple[str, str]] = {
    "callback": ("rest", "as rest, posted to your own address"),
    "cmdline": ("rest", "as rest, printed by `rasa shell`"),
    "rasa": ("rest", "as rest"),
    "gbm": ("rcs", "Google Business Messages was retired on 31 July 2024; what is sent is that of RCS"),
    "voice": ("twilio_voice", "any other channel that speaks"),
}


def _aliased(alias: str, name: str, remark: str) -> Channel:
    return msgspec.structs.replace(_BY_NAME[name].channel, name=alias, title=alias, remark=remark)


CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {renderer.channel.name: renderer.channel for renderer in _BY_NAME.values()}
    | {alias: _aliased(alias, name, remark) for alias, (name, remark) in _ALIASES.items()}
)
"""Every channel by its name in Rasa. Second names of a channel come last."""

ALIASES: Mapping[str, str] = MappingProxyType({alias: name for alias, (name, _) in _ALIASES.items()})
"""Second name of a channel -> its first name."""

_RENDERERS: Mapping[str, Renderer] = MappingProxyType(
    _BY_NAME | {alias: _BY_NAME[name] for alias, (name, _) in _ALIASES.items()}
)


def channel_of(name: str | None) -> Channel:
    """The record of a channel. For an unknown channel and for None it is that of plain text."""
    return CHANNELS.get(name or "", _PLAIN.channel)


def render(
    element: Element,
    channel: str | None = None,
    *,
    strict: bool = False,
    copy: Copy | None = None,
    resolves: bool = False,
) -> Conversion:
    """The best form that the channel has for an element.

    Args:
        element: What to say.
        channel: The channel's name in Rasa, as `tracker.get_latest_input_channel()` gives it. A channel that is not
            known here, and None, gets plain text.
        strict: Raise instead of losing anything.
        copy: The words that a conversion adds, such as "More"; None: those of the package, in English.
        resolves: Whether the caller keeps the conversion's `replies` and resolves by them what comes back. Only then
            are there pages with "More", short ids for long payloads and the line "Reply with a number".

    Returns:
        Messages for `dispatcher.utter_message(**message)`, notes on what they change, and what can be answered.

    Raises:
        ConversionLoss: with `strict`, where a note tells of a loss.
    """
    conversion = _RENDERERS.get(channel or "", _PLAIN).render(element, copy or Copy.default(), resolves)
    if strict:
        lost = [note for note in conversion.notes if note.code in LOSSES]
        if lost:
            raise ConversionLoss(channel_of(channel).title, [f"{n.code} {n.path}: {n.detail}" for n in lost])
    return conversion
