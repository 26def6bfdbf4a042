"""Users on the chat platforms that Rasa has channels for: what their platform sends to Rasa, and what it brings them.

Each class is one channel, in the formats of the platform's own documentation, as Rasa 3.6.21 reads them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import time
import uuid
import xml.etree.ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

import httpx

from .platforms import CREDENTIALS, Platforms
from .relay_users import PATIENCE_SECONDS, User


class Seen(NamedTuple):
    """What a user sees of a message: its text, and the buttons with what a tap on each of them sends."""

    text: str
    buttons: list[tuple[str, str]]


def _digits() -> str:
    return str(random.randrange(10**9, 10**10))


def _name() -> str:
    return uuid.uuid4().hex


@dataclass(kw_only=True)
class PlatformUser(User):
    """Somebody on a platform; `inbox` has the text and the buttons of each message that arrived.

    Attributes:
        host: Where the platform takes the bot's messages.
    """

    platforms: Platforms
    host: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self.platforms.users[self.host, self.sender] = self

    def is_for_them(self, path: str, body: Any) -> bool:
        """Tell whether a request of the bot is a message for this user, at the place where they are."""
        raise NotImplementedError

    def seen(self, body: Any) -> Seen:
        raise NotImplementedError

    async def tap(self, message: Mapping[str, Any]) -> None:
        """Answer with the first button; where a channel has none, with the number in front of its label."""
        await self.say("1")

    def take(self, body: Any) -> None:
        """Take a message of the bot."""
        self.inbox.append(self.seen(body)._asdict())

    async def send(self, body: Any, *, is_form: bool = False) -> httpx.Response:
        """Let the platform call the bot's webhook."""
        content = urlencode(body) if is_form else json.dumps(body)
        kind = "application/x-www-form-urlencoded" if is_form else "application/json"
        headers = {"content-type": kind, **self.signed(content.encode())}
        url = f"{self.rasa}/webhooks/{self.channel}/webhook"
        async with httpx.AsyncClient(timeout=2 * PATIENCE_SECONDS) as http:
            return (await http.post(url, content=content, headers=headers)).raise_for_status()

    def signed(self, content: bytes) -> dict[str, str]:
        """The headers by which the bot knows that the platform calls."""
        return {}


@dataclass(kw_only=True)
class SlackUser(PlatformUser):
    """Writes to the bot in a direct message; with `thread` in that thread of the channel C1."""

    thread: str = ""
    host = "slack.com"
    channel = "slack"

    @property
    def place(self) -> str:
        return "C1" if self.thread else f"D{self.sender}"

    def is_for_them(self, path: str, body: Any) -> bool:
        is_here = path == "api/chat.postMessage" and body["channel"] == self.place
        return is_here and (not self.thread or body["thread_ts"] == self.thread)

    def seen(self, body: Any) -> Seen:
        actions = [block for block in body.get("blocks", ()) if block["type"] == "actions"]
        buttons = [button for block in actions for button in block["elements"]]
        return Seen(body["text"], [(button["text"]["text"], button["value"]) for button in buttons])

    async def say(self, text: str) -> None:
        now = f"{time.time():.6f}"
        event = {"user": self.sender, "channel": self.place, "ts": now}
        if self.thread:
            event |= {"type": "app_mention", "text": f"<@UBOT> {text}", "thread_ts": self.thread}
        else:
            event |= {"type": "message", "text": text, "channel_type": "im"}
        await self.send({"type": "event_callback", "authed_users": ["UBOT"], "event": event})

    async def tap(self, message: Mapping[str, Any]) -> None:
        payload = {
            "type": "block_actions",
            "user": {"id": self.sender},
            "channel": {"id": self.place},
            "message": {"ts": "2.0", "thread_ts": self.thread or "1.0"},
            "actions": [{"type": "button", "value": message["buttons"][0][1]}],
        }
        await self.send({"payload": json.dumps(payload)}, is_form=True)

    def signed(self, content: bytes) -> dict[str, str]:
        now = str(int(time.time()))
        secret = CREDENTIALS["slack"]["slack_signing_secret"].encode()
        signature = hmac.new(secret, f"v0:{now}:".encode() + content, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={signature}"}


@dataclass(kw_only=True)
class TelegramUser(PlatformUser):
    sender: str = field(default_factory=_digits)
    host = "api.telegram.org"
    channel = "telegram"

    def is_for_them(self, path: str, body: Any) -> bool:
        return path.lower() == "bot1:token/sendmessage" and body["chat_id"] == self.sender

    def seen(self, body: Any) -> Seen:
        rows = json.loads(body.get("reply_markup", "{}")).get("inline_keyboard", ())
        return Seen(body["text"], [(button["text"], button["callback_data"]) for row in rows for button in row])

    async def say(self, text: str) -> None:
        await self.send({"update_id": 1, "message": {**self._message(), "text": text}})

    async def tap(self, message: Mapping[str, Any]) -> None:
        someone = {"id": int(self.sender), "is_bot": False, "first_name": "Asha"}
        query = {"id": "1", "from": someone, "chat_instance": "1", "data": message["buttons"][0][1]}
        await self.send({"update_id": 2, "callback_query": {**query, "message": self._message()}})

    def _message(self) -> dict[str, Any]:
        return {"message_id": 1, "date": int(time.time()), "chat": {"id": int(self.sender), "type": "private"}}


@dataclass(kw_only=True)
class BotFrameworkUser(PlatformUser):
    conversation: str = field(default_factory=_name)
    host = "smba.example"
    channel = "botframework"

    def is_for_them(self, path: str, body: Any) -> bool:
        is_here = path == f"teams/v3/conversations/{self.conversation}/activities"
        return is_here and body["recipient"]["id"] == self.sender and body["from"] == {"id": "bot"}

    def seen(self, body: Any) -> Seen:
        if not body.get("attachments"):
            return Seen(body["text"], [])
        card = body["attachments"][0]["content"]
        return Seen(card["text"], [(button["title"], button["text"]) for button in card["buttons"]])

    async def say(self, text: str) -> None:
        await self.send(
            {
                "type": "message",
                "text": text,
                "from": {"id": self.sender},
                "recipient": {"id": "bot"},
                "conversation": {"id": self.conversation},
                "serviceUrl": "https://smba.example/teams/",
            }
        )

    async def tap(self, message: Mapping[str, Any]) -> None:
        await self.say(message["buttons"][0][1])

    def signed(self, content: bytes) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.platforms.token}"}


@dataclass(kw_only=True)
class MattermostUser(PlatformUser):
    place: str = field(default_factory=_name)
    host = "mattermost.example"
    channel = "mattermost"

    def is_for_them(self, path: str, body: Any) -> bool:
        return path == "api/v4/posts" and body["channel_id"] == self.place

    def seen(self, body: Any) -> Seen:
        attachments = body.get("props", {}).get("attachments", ())
        actions = [action for attachment in attachments for action in attachment["actions"]]
        buttons = [(action["name"], action["integration"]["context"]["action"]) for action in actions]
        return Seen(body["message"], buttons)

    async def say(self, text: str) -> None:
        await self._act(text=f"@bot {text}", trigger_word="@bot")

    async def tap(self, message: Mapping[str, Any]) -> None:
        await self._act(context={"action": message["buttons"][0][1]})

    async def _act(self, **members: Any) -> None:
        await self.send({"user_id": self.sender, "channel_id": self.place, **members})


@dataclass(kw_only=True)
class FacebookUser(PlatformUser):
    host = "graph.facebook.com"
    channel = "facebook"

    def is_for_them(self, path: str, body: Any) -> bool:
        return path.endswith("/me/messages") and body["recipient"]["id"] == self.sender and "message" in body

    def seen(self, body: Any) -> Seen:
        replies = body["message"].get("quick_replies", ())
        return Seen(body["message"]["text"], [(reply["title"], reply["payload"]) for reply in replies])

    async def say(self, text: str) -> None:
        await self._write({"text": text})

    async def tap(self, message: Mapping[str, Any]) -> None:
        label, payload = message["buttons"][0]
        await self._write({"text": label, "quick_reply": {"payload": payload}})

    async def _write(self, message: Mapping[str, Any]) -> None:
        messaging = [{"sender": {"id": self.sender}, "message": {"mid": _name(), **message}}]
        await self.send({"object": "page", "entry": [{"messaging": messaging}]})

    def signed(self, content: bytes) -> dict[str, str]:
        digest = hmac.new(CREDENTIALS["facebook"]["secret"].encode(), content, hashlib.sha1).hexdigest()
        return {"X-Hub-Signature": f"sha1={digest}"}


@dataclass(kw_only=True)
class TwilioUser(PlatformUser):
    sender: str = field(default_factory=lambda: f"+1{_digits()}")
    host = "api.twilio.com"
    channel = "twilio"

    def is_for_them(self, path: str, body: Any) -> bool:
        return path == "2010-04-01/Accounts/AC1/Messages.json" and body["To"] == self.sender

    def seen(self, body: Any) -> Seen:
        return Seen(body["Body"], [])

    async def say(self, text: str) -> None:
        await self.send({"From": self.sender, "To": "+15550100", "Body": text}, is_form=True)


@dataclass(kw_only=True)
class RocketChatUser(PlatformUser):
    host = "rocketchat.example"
    channel = "rocketchat"

    def is_for_them(self, path: str, body: Any) -> bool:
        return path == "api/v1/chat.postMessage" and body["roomId"] == self.sender

    def seen(self, body: Any) -> Seen:
        actions = [action for attachment in body.get("attachments", ()) for action in attachment["actions"]]
        return Seen(body["text"], [(action["text"], action["msg"]) for action in actions])

    async def say(self, text: str) -> None:
        await self.send({"user_name": "asha", "channel_id": self.sender, "text": text})

    async def tap(self, message: Mapping[str, Any]) -> None:
        # A tap writes the message that belongs to the button.
        await self.say(message["buttons"][0][1])


@dataclass(kw_only=True)
class WebexUser(PlatformUser):
    host = "webexapis.com"
    channel = "webexteams"

    def is_for_them(self, path: str, body: Any) -> bool:
        return path == "v1/messages" and body["roomId"] == self.sender

    def seen(self, body: Any) -> Seen:
        return Seen(body["text"], [])

    async def say(self, text: str) -> None:
        number = _name()
        self.platforms.written[number] = {"id": number, "roomId": self.sender, "personId": "asha", "text": text}
        await self.send({"id": "1", "resource": "messages", "event": "created", "data": {"id": number}})


@dataclass(kw_only=True)
class HangoutsUser(PlatformUser):
    """Reads what the bot answers to their own message: one object for all of it."""

    channel = "hangouts"

    def seen(self, body: Any) -> Seen:
        widgets = [widget for card in body.get("cards", ()) for part in card["sections"] for widget in part["widgets"]]
        texts = [widget["textParagraph"]["text"] for widget in widgets if "textParagraph" in widget]
        buttons = [button["textButton"] for widget in widgets for button in widget.get("buttons", ())]
        taps = [(button["text"], button["onClick"]["action"]["actionMethodName"]) for button in buttons]
        return Seen(body.get("text") or "\n".join(texts), taps)

    async def say(self, text: str) -> None:
        await self._act("MESSAGE", message={"sender": {"displayName": self.sender}, "text": text})

    async def tap(self, message: Mapping[str, Any]) -> None:
        await self._act("CARD_CLICKED", action={"actionMethodName": message["buttons"][0][1]})

    async def _act(self, kind: str, **members: Any) -> None:
        someone = {"user": {"displayName": self.sender}, "space": {"type": "DM"}}
        answer = (await self.send({"type": kind, **someone, **members})).json()
        if answer:
            self.take(answer)


@dataclass(kw_only=True)
class CallingUser(PlatformUser):
    """Hears what the bot answers to their own words."""

    sender: str = field(default_factory=lambda: f"+1{_digits()}")
    channel = "twilio_voice"

    def seen(self, body: Any) -> Seen:
        said = [element.text or "" for element in xml.etree.ElementTree.fromstring(body).iter("Say")]
        return Seen("\n".join(said), [])

    async def say(self, text: str) -> None:
        answer = await self.send({"From": self.sender, "SpeechResult": text, "CallStatus": "in-progress"}, is_form=True)
        if "<Say" in answer.text:
            self.take(answer.text)

    async def tap(self, message: Mapping[str, Any]) -> None:
        await self.say("Small")
