"""Stands in for the chat platforms: takes what Rasa's output channels send to users, and answers as each would.

`rasa_on_loopback` brings here what is meant for the internet: the first part of a path is the platform's host.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any

import uvicorn

from tests.support.ports import free_port

from .recording_server import decoded

if TYPE_CHECKING:
    from .platform_users import PlatformUser

__all__ = ["CREDENTIALS", "Platforms", "platforms"]

CREDENTIALS: Mapping[str, Mapping[str, Any]] = {
    "slack": {"slack_token": "token", "slack_signing_secret": "slack's", "slack_channel": "C1", "use_threads": True},
    "tests.e2e.telegram_channel.Telegram": {"access_token": "1:token", "verify": "the_bot"},
    "botframework": {"app_id": "app", "app_password": "password"},
    "mattermost": {
        "url": "https://mattermost.example/api/v4",
        "token": "token",
        "webhook_url": "https://bot.example/webhooks/mattermost/webhook",
    },
    "facebook": {"verify": "bot", "secret": "facebook's", "page-access-token": "token"},
    "twilio": {"account_sid": "AC1", "auth_token": "token", "twilio_number": "+15550100"},
    "rocketchat": {"user": "bot", "password": "password", "server_url": "https://rocketchat.example"},
    "webexteams": {"access_token": "token"},
    "hangouts": {},
    "twilio_voice": {"initial_prompt": "hello"},
}
"""What stands in `credentials.yml` for each channel."""


@dataclass(kw_only=True)
class Platforms:
    """All platforms in one ASGI application.

    Attributes:
        key: The key of the Bot Framework, as it is published.
        token: What the Bot Framework shows with each message.
        users: Who reads what arrives, by host and by what the platform calls them (or the place where they are).
        written: What users of Webex wrote: its webhook tells only the number of a message.
    """

    key: Mapping[str, Any]
    token: str
    users: dict[tuple[str, str], PlatformUser] = field(default_factory=dict)
    written: dict[str, Mapping[str, str]] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (part := await receive()).get("more_body"):
            body += part["body"]
        _, host, path = scope["path"].split("/", 2)
        headers = Message()
        for name, value in scope["headers"]:
            headers[name.decode()] = value.decode()
        status, answer = self._answer(host, path, decoded(headers, body + part["body"]) if body or part["body"] else {})
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, host: str, path: str, body: Any) -> tuple[int, Any]:
        special = _ANSWERS.get((host, path))
        if special is not None:
            return 200, special(self)
        if host == "webexapis.com" and path.startswith("v1/messages/"):
            return 200, self.written[path.rpartition("/")[2]]
        for user in list(self.users.values()):
            if user.host == host and user.is_for_them(path, body):
                user.take(body)
        # Twilio answers 201 to what it has created, the others 200.
        return (201 if host == "api.twilio.com" else 200), _TAKEN.get(host, {"id": "1"})


_ANSWERS: Mapping[tuple[str, str], Callable[[Platforms], Any]] = {
    ("api.telegram.org", "bot1:token/getMe"): lambda _: {
        "ok": True,
        "result": {"id": 1, "is_bot": True, "first_name": "Bot", "username": "the_bot"},
    },
    ("login.botframework.com", "v1/.well-known/openidconfiguration"): lambda _: {
        "jwks_uri": "https://login.botframework.com/keys"
    },
    ("login.botframework.com", "keys"): lambda platforms: {"keys": [platforms.key]},
    ("login.microsoftonline.com", "botframework.com/oauth2/v2.0/token"): lambda _: {
        "access_token": "token",
        "expires_in": 3600,
    },
    ("rocketchat.example", "api/v1/login"): lambda _: {
        "status": "success",
        "data": {"authToken": "token", "userId": "bot"},
    },
    ("webexapis.com", "v1/people/me"): lambda _: {"id": "bot"},
}
_TAKEN: Mapping[str, Any] = {
    "slack.com": {"ok": True, "ts": "2.0"},
    "api.telegram.org": {
        "ok": True,
        "result": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}},
    },
    "graph.facebook.com": {"recipient_id": "1", "message_id": "m1"},
    "api.twilio.com": {"sid": "SM1"},
    "rocketchat.example": {"success": True},
}
"""The answer to a message that was sent, by host."""


@contextlib.contextmanager
def platforms(key: Mapping[str, Any], token: str) -> Iterator[tuple[Platforms, str]]:
    """Serve all platforms on a free port of this machine; yield them and the base URL."""
    app, port = Platforms(key=key, token=token), free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
