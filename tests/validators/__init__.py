"""A second reading of every platform, written from its documentation alone; it shares nothing with the renderers.

    platform("facebook").check(messages)

A validator takes the messages of one answer, as keyword arguments of `dispatcher.utter_message`, does what Rasa's
connector would do with them, and checks what arrives at the platform against the platform's limits.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.validators._place import Place
from tests.validators._platform import Message, Platform
from tests.validators.botframework import BotFramework
from tests.validators.facebook import Facebook, Instagram
from tests.validators.haptik import Haptik
from tests.validators.line import Line
from tests.validators.rcs import Rcs
from tests.validators.slack import Slack
from tests.validators.spoken import Twilio, Voice
from tests.validators.teamchat import GoogleChat, Mattermost, RocketChat, Webex
from tests.validators.telegram import Telegram
from tests.validators.viber import Viber
from tests.validators.webchat import Rest, SocketIO
from tests.validators.whatsapp import WhatsApp

__all__ = ["PLATFORMS", "Message", "Place", "Platform", "platform"]

_ALL = (
    Haptik, Facebook, Instagram, WhatsApp, Twilio, Telegram, Slack, BotFramework, SocketIO, Rest, Mattermost,
    RocketChat, Webex, GoogleChat, Line, Viber, Rcs, Voice, Platform,
)  # fmt: skip

PLATFORMS: Mapping[str, Platform] = {kind.name: kind() for kind in _ALL}
"""A validator for each platform, by the channel's name in Rasa; `text` is every channel that nobody knows."""

_ALIASES = {"callback": "rest", "rasa": "rest", "cmdline": "rest", "voice": "twilio_voice", "gbm": "rcs"}


def platform(channel: str | None) -> Platform:
    """The validator for a channel; one of text alone for a name that nobody knows."""
    return PLATFORMS[_ALIASES.get(channel or "text", channel or "text")]
