"""The way back to a user: Rasa's own output channel of their conversation.

What a message came with is kept while the process lives, for some channels know from it where the user is: Slack the
channel and the thread, Bot Framework the conversation. After a restart it is built anew from the link's return address
and the channel's own settings.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, OutputChannel
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger
from haptik_actions.channel._patches import is_in_room
from haptik_actions.relay import HAPTIK_CHANNEL, Link, Reach, UserAway

__all__ = ["Outputs"]

logger = get_logger(__name__)

_MOST_KEPT = 10_000
_SOCKETIO = "socketio"
# They answer the request that a message came with, and have no other way to the user.
_ANSWERING = frozenset({"hangouts"})


class Outputs:
    """Output channels by conversation, of one worker. `app` is Sanic's application of Rasa."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[str, str], OutputChannel] = OrderedDict()
        self._mute: set[str] = set()

    def keep(self, channel: str, sender_id: str, output: OutputChannel | None) -> None:
        """Remember what the user's latest message came with."""
        # What collects an answer is of no use later.
        if output is None or isinstance(output, CollectingOutputChannel) or channel in _ANSWERING:
            return
        self._kept[channel, sender_id] = output
        self._kept.move_to_end((channel, sender_id))
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def reach(self, channel: str, sender_id: str) -> Reach:
        """Tell how the user can be reached from this process; see `Host.reach`."""
        if channel == HAPTIK_CHANNEL:
            return "push"
        inputs = self._inputs().get(channel)
        if channel == _SOCKETIO:
            return "push" if is_in_room(inputs, sender_id) else "away"
        if (channel, sender_id) in self._kept or (inputs is not None and self._makes_output(inputs)):
            return "push"
        return "pull"

    def is_pull(self, channel: str) -> bool:
        """Tell whether the answers of the channel are all that can be brought to its users."""
        return channel != HAPTIK_CHANNEL and channel != _SOCKETIO and self.reach(channel, "") == "pull"

    def address(self, channel: str, sender_id: str) -> JsonObject:
        """Return what is needed to reach the user after a restart; empty where the channel's settings are enough."""
        output = self._kept.get((channel, sender_id))
        read = _ADDRESSES.get(channel)
        return {} if output is None or read is None else read(output)

    def to(self, link: Link, tracker: DialogueStateTracker) -> OutputChannel:
        """Return the output channel of the user.

        Raises:
            UserAway: there is none in this process.
        """
        kept = self._kept.get((link.channel, link.sender_id))
        output = kept if kept is not None else self._made(link, tracker)
        if output is None:
            if link.channel not in _BUILDERS:
                self._mute.add(link.channel)
            raise UserAway(f"the channel {link.channel} has no way to a user who is not writing just now")
        self.keep(link.channel, link.sender_id, output)
        return output

    def _inputs(self) -> Mapping[str, InputChannel]:
        return {channel.name(): channel for channel in getattr(self._app.ctx, "input_channels", ())}

    def _makes_output(self, channel: InputChannel) -> bool:
        if channel.name() in _BUILDERS:
            # One user whose place is not known says nothing about the others: their words wait until they write.
            return True
        # Asked for nothing yet: making it may log in somewhere.
        overridden = type(channel).get_output_channel is not InputChannel.get_output_channel
        return overridden and channel.name() not in self._mute

    def _made(self, link: Link, tracker: DialogueStateTracker) -> OutputChannel | None:
        channel = self._inputs().get(link.channel)
        if channel is None:
            return None
        build = _BUILDERS.get(link.channel)
        if build is not None:
            return build(channel, {**_last_metadata(tracker), **link.return_address})
        return channel.get_output_channel()


def _last_metadata(tracker: DialogueStateTracker) -> Mapping[str, Any]:
    events = (event for event in reversed(tracker.events) if isinstance(event, UserUttered) and event.metadata)
    event = next(events, None)
    return {} if event is None else event.metadata


def _slack(channel: Any, address: Mapping[str, Any]) -> OutputChannel | None:
    thread = address.get("thread_id") if channel.use_threads else None
    output: OutputChannel = channel.get_output_channel(address.get("out_channel"), thread)
    return output


def _telegram(channel: Any, _: Mapping[str, Any]) -> OutputChannel | None:
    from rasa.core.channels.telegram import TelegramOutput

    # Its `get_output_channel` starts an event loop of its own, which fails inside a running one.
    output: OutputChannel = TelegramOutput(channel.access_token)
    return output


def _botframework(channel: Any, address: Mapping[str, Any]) -> OutputChannel | None:
    from rasa.core.channels.botframework import BotFramework

    if not all(name in address for name in ("conversation", "bot", "service_url")):
        return None
    place = (address["conversation"], address["bot"], address["service_url"])
    output: OutputChannel = BotFramework(channel.app_id, channel.app_password, *place)
    return output


def _mattermost(channel: Any, address: Mapping[str, Any]) -> OutputChannel | None:
    from rasa.core.channels.mattermost import MattermostBot

    if "bot_channel" not in address:
        return None
    output: OutputChannel = MattermostBot(channel.url, channel.token, address["bot_channel"], channel.webhook_url)
    return output


_BUILDERS: Mapping[str, Callable[[Any, Mapping[str, Any]], OutputChannel | None]] = {
    "slack": _slack,
    "telegram": _telegram,
    "botframework": _botframework,
    "mattermost": _mattermost,
}
"""Channels of Rasa whose `get_output_channel` is missing, fails in a running loop, or loses the place in the chat."""


def _bot_framework_address(output: Any) -> JsonObject:
    url = str(output.global_uri)
    return {"conversation": output.conversation, "bot": output.bot, "service_url": url.removesuffix("v3/")}


_ADDRESSES: Mapping[str, Callable[[Any], JsonObject]] = {
    "slack": lambda output: {"out_channel": output.slack_channel, "thread_id": output.thread_id},
    "botframework": _bot_framework_address,
    "mattermost": lambda output: {"bot_channel": output.bot_channel},
}
