"""Sends messages through the connectors of a real Rasa 3.6.21 and prints what arrives at the platform.

    python -m tests.e2e.connectors < cases.jsonl > arrived.jsonl

Runs in the interpreter that has Rasa. A line of input is `{"channel": …, "messages": [arguments of utter_message]}`, a
line of output `{"channel": …, "arrived": [payload], "errors": [str]}`: errors are what a connector raised, logged or
warned of. Nothing of the connectors is replaced: their addresses are those of a server on this machine.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import sys
import warnings
import xml.etree.ElementTree
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import socketio
from aiogram.bot.api import TelegramAPIServer
from aiohttp import web
from fbmessenger import MessengerClient
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.botframework import BotFramework
from rasa.core.channels.callback import CallbackOutput
from rasa.core.channels.channel import CollectingOutputChannel, OutputChannel
from rasa.core.channels.facebook import MessengerBot
from rasa.core.channels.hangouts import HangoutsOutput
from rasa.core.channels.mattermost import MattermostBot
from rasa.core.channels.rocketchat import RocketChatBot
from rasa.core.channels.slack import SlackBot
from rasa.core.channels.socketio import SocketIOOutput
from rasa.core.channels.telegram import TelegramOutput
from rasa.core.channels.twilio import TwilioOutput
from rasa.core.channels.twilio_voice import TwilioVoiceCollectingOutputChannel, TwilioVoiceInput
from rasa.core.channels.webexteams import WebexTeamsBot
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import CollectingDispatcher
from webexteamssdk import WebexTeamsAPI

from tests.e2e.recording_server import Recording, recording_server

USER = "u1"
# Rasa says of every emoji that it is no good in speech; it is sent all the same.
_HARMLESS = ("Text contains an emoji",)


async def main() -> None:
    """Answer each line of the input."""
    with recording_server() as recording:
        async with _webchat() as webchat:
            channels = Channels(recording, webchat)
            for line in sys.stdin:
                case = json.loads(line)
                print(json.dumps(await _tried(channels, case["channel"], case["messages"])), flush=True)
            await channels.close()


class Channels:
    """A real connector for each channel, and what has arrived through it."""

    def __init__(self, recording: Recording, webchat: Webchat) -> None:
        self._recording = recording
        self._webchat = webchat
        url = recording.url
        messenger = MessengerClient("token")
        messenger.graph_url = f"{url}/facebook"
        telegram = TelegramOutput("1:token")
        telegram.server = TelegramAPIServer.from_base(f"{url}/telegram")
        slack = SlackBot("xoxb-token", "C1")
        slack.client.base_url = f"{url}/slack/"
        twilio = TwilioOutput("AC1", "token", "+15550100")
        twilio.api.base_url = f"{url}/twilio"
        webex = WebexTeamsBot("token", None)
        webex.api = WebexTeamsAPI("token", base_url=f"{url}/webex/")
        # As after the first message: with a token that is still valid.
        BotFramework.headers = {"content-type": "application/json", "Authorization": "Bearer token"}
        BotFramework.token_expiration_date = datetime.datetime.now() + datetime.timedelta(days=1)
        self._telegram = telegram
        self._connected: dict[str, OutputChannel] = {
            "facebook": MessengerBot(messenger),
            "telegram": telegram,
            "slack": slack,
            "twilio": twilio,
            "webexteams": webex,
            "botframework": BotFramework("app", "password", {"id": "c1"}, "bot", f"{url}/teams"),
            "mattermost": MattermostBot(f"{url}/mattermost", "token", "c1", "https://bot.example/webhooks/mattermost"),
            "rocketchat": RocketChatBot("bot", "password", f"{url}/rocketchat"),
            "socketio": SocketIOOutput(webchat.server, "bot_uttered"),
            "callback": CallbackOutput(EndpointConfig(f"{url}/callback")),
        }

    async def send(self, channel: str, messages: list[dict[str, Any]]) -> list[Any]:
        """Send one answer and give what the platform got."""
        connector, arrived = self._opened(channel)
        for message in messages:
            for utterance in await _uttered(connector, message):
                await connector.send_response(self._webchat.user if channel == "socketio" else USER, utterance)
        return await arrived()

    def _opened(self, channel: str) -> tuple[OutputChannel, Callable[[], Awaitable[list[Any]]]]:
        if channel == "rest":
            rest = CollectingOutputChannel()
            return rest, _later(lambda: rest.messages)
        if channel == "hangouts":
            hangouts = HangoutsOutput()
            return hangouts, _later(lambda: [hangouts.messages] if hangouts.messages else [])
        if channel == "twilio_voice":
            voice = TwilioVoiceCollectingOutputChannel()
            return voice, _later(lambda: _spoken(voice.messages))
        if channel == "socketio":
            return self._connected[channel], self._webchat.take
        return self._connected[channel], _later(lambda: [request["body"] for request in self._recording.take()])

    async def close(self) -> None:
        """Close what keeps connections."""
        await self._telegram.session.close()


def _later(get: Callable[[], list[Any]]) -> Callable[[], Awaitable[list[Any]]]:
    async def got() -> list[Any]:
        return get()

    return got


async def _uttered(connector: OutputChannel, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What Rasa hands to a connector for one `utter_message`: through rasa-sdk, JSON and Rasa's own reading of it."""
    dispatcher = CollectingDispatcher()
    dispatcher.utter_message(**message)
    responses = json.loads(json.dumps(dispatcher.messages))
    return [event.message() for event in await RemoteAction._utter_responses(responses, connector, None, None)]


def _spoken(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is said of the TwiML with which the voice channel answers."""
    voice = TwilioVoiceInput("Hello", "Sorry?", "woman", "5", "default", "false")
    root = xml.etree.ElementTree.fromstring(str(voice._build_twilio_voice_response(messages)))
    return [{"text": say.text} for say in root.iter("Say")]


async def _tried(channels: Channels, channel: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    arrived: list[Any] = []
    with _complaints() as errors:
        try:
            arrived = await channels.send(channel, messages)
        except Exception as error:  # noqa: BLE001 - whatever a connector raises is what the test asks for
            errors.append(f"raised {type(error).__name__}: {error}")
    return {"channel": channel, "arrived": arrived, "errors": errors}


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What is logged from WARNING on, and what is warned of."""
    complaints: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(f"logged {record.name}: {record.getMessage()}")

    listener, root = Listener(level=logging.WARNING), logging.getLogger()
    root.addHandler(listener)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield complaints
    root.removeHandler(listener)
    texts = [str(warning.message) for warning in warned if warning.category is UserWarning]
    complaints += [f"warned: {text}" for text in texts if not text.startswith(_HARMLESS)]


class Webchat:
    """A socket.io server as Rasa makes it, and a client that is connected to it.

    Attributes:
        server: What the connector emits through.
        user: The connected client's identifier.
    """

    def __init__(self) -> None:
        self.server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=1)
        self.user = ""
        self._client = socketio.AsyncClient()
        self._arrived: list[Any] = []
        self._marked = asyncio.Event()

    async def connect(self, url: str) -> None:
        """Connect the client, and listen."""
        self._client.on("bot_uttered", self._arrived.append)
        self._client.on("mark", self._mark)
        # The engine.io client of this environment wants a newer aiohttp for websockets.
        await self._client.connect(url, transports=["polling"])
        self.user = self._client.get_sid()

    async def take(self) -> list[Any]:
        """What the client got up to now: a mark that is sent behind it all tells when it is complete."""
        self._marked.clear()
        await self.server.emit("mark", room=self.user)
        await asyncio.wait_for(self._marked.wait(), timeout=10)
        arrived, self._arrived[:] = list(self._arrived), []
        return arrived

    async def close(self) -> None:
        """Disconnect the client, from the server's side: by itself it would first wait for an answer to its poll."""
        await self.server.disconnect(self.user)
        await self._client.disconnect()

    def _mark(self, *_: Any) -> None:
        self._marked.set()


@asynccontextmanager
async def _webchat() -> Any:
    webchat = Webchat()
    application = web.Application()
    webchat.server.attach(application)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    await webchat.connect(f"http://127.0.0.1:{port}")
    try:
        yield webchat
    finally:
        await webchat.close()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
