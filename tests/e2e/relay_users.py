"""Users on three kinds of channel, and the agent who talks with them through the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import socketio

PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.02

BUSINESS = 1201


async def until(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something, and return it. What `look` returns may have to be awaited."""
    give_up = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not (found := await got if inspect.isawaitable(got := look()) else got):
        assert asyncio.get_running_loop().time() < give_up, f"waited in vain: {what}"
        await asyncio.sleep(_LOOK_SECONDS)
    return found


@dataclass(kw_only=True)
class User:
    """Somebody who writes on a channel of Rasa; `inbox` is what they have got, `read` how much of it they have read."""

    rasa: str
    sender: str = field(default_factory=lambda: uuid.uuid4().hex)
    inbox: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    channel = ""

    async def say(self, text: str) -> None:
        raise NotImplementedError

    async def reads(self, *texts: str) -> None:
        """Read what comes next: exactly these texts, in this order."""
        assert [(await self.next())["text"] for _ in texts] == list(texts)

    async def next(self) -> dict[str, Any]:
        """Read the next message, as it arrives on the channel."""
        found: dict[str, Any] = (await until(f"message {self.read + 1} for the user", self._unread))[0]
        self.read += 1
        return found

    def reads_no_more(self) -> None:
        assert self._unread() == []

    def _unread(self) -> list[dict[str, Any]]:
        return self.inbox[self.read :]

    async def tracker(self) -> dict[str, Any]:
        """The conversation as Rasa stores it."""
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            url = f"{self.rasa}/conversations/{self.sender}/tracker"
            return dict((await http.get(url)).raise_for_status().json())

    async def said(self) -> list[tuple[str, str]]:
        """What both sides have said by the tracker: who, and the words."""
        told = []
        for event in (await self.tracker())["events"]:
            if event["event"] == "user" and event["text"]:
                told.append(("user", event["text"]))
            elif event["event"] == "bot":
                author = event["metadata"].get("haptik", {}).get("author", "bot")
                told.append((author, event["text"]))
        return told

    async def post(self, path: str, body: Any) -> Any:
        async with httpx.AsyncClient(timeout=2 * PATIENCE_SECONDS) as http:
            return (await http.post(f"{self.rasa}{path}", json=body)).raise_for_status()


@dataclass(kw_only=True)
class RestUser(User):
    """Gets messages with the answers to their own."""

    metadata: dict[str, Any] = field(default_factory=dict)
    channel = "rest"

    async def say(self, text: str) -> None:
        body = {"sender": self.sender, "message": text, "metadata": self.metadata}
        self.inbox += (await self.post("/webhooks/rest/webhook", body)).json()


@dataclass(kw_only=True)
class CallbackUser(User):
    """Gets messages at an address of their own; while `is_slow` it takes them, and does not answer."""

    is_slow: bool = False
    channel = "callback"

    async def say(self, text: str) -> None:
        await self.post("/webhooks/callback/webhook", {"sender": self.sender, "message": text})


@dataclass(kw_only=True)
class SocketUser(User):
    """Gets messages through a socket; another socket is another user."""

    client: Any = None
    channel = "socketio"

    async def say(self, text: str, metadata: dict[str, Any] | None = None) -> None:
        words = {"message": text, "session_id": self.sender, "metadata": metadata or {}}
        await self.client.emit("user_uttered", words)


@contextlib.asynccontextmanager
async def socket_user(rasa: str) -> AsyncIterator[SocketUser]:
    client = socketio.AsyncClient()
    user = SocketUser(rasa=rasa, client=client)
    client.on("bot_uttered", user.inbox.append)
    await client.connect(rasa, transports=["websocket"])
    user.sender = client.get_sid()
    try:
        yield user
    finally:
        await client.disconnect()


class Callbacks:
    """The address to which Rasa's callback channel posts: it gives each user what is theirs."""

    def __init__(self) -> None:
        self.users: dict[str, CallbackUser] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (part := await receive()).get("more_body"):
            body += part["body"]
        message = json.loads(body + part.get("body", b"") or b"{}")
        user = self.users.get(message.get("recipient_id", ""))
        if user is not None:
            user.inbox.append(message)
            await until("the user's server is fast again", lambda: not user.is_slow)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    def user(self, rasa: str) -> CallbackUser:
        user = CallbackUser(rasa=rasa)
        self.users[user.sender] = user
        return user


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An agent at the sandbox: what they read, and what they do."""

    sandbox: str
    agent: str = "Priya"

    async def user_name(self, auth_id: str) -> str:
        """Haptik's name for the user that was registered under `auth_id`."""
        users = await self._get("users")
        return str(next(user["user_name"] for user in users if user["auth_id"] == auth_id))

    async def chats(self, user_name: str) -> list[dict[str, Any]]:
        return [chat for chat in (await self._get("state"))["chats"] if chat["user_name"] == user_name]

    async def claim(self, user_name: str) -> None:
        await self._order("claim", user_name, agent=self.agent)

    async def write(self, user_name: str, content: Any) -> None:
        await self._order("say", user_name, content=content, sender="agent", agent_name=self.agent)

    async def answer(self, user_name: str, text: str) -> None:
        await self._order("answer", user_name, text=text)

    async def complete(self, user_name: str) -> None:
        await self._order("complete", user_name, reason="solved")

    async def has_read(self, auth_id: str) -> list[str]:
        """What the user has written, in the order in which Haptik has taken it."""
        calls = [call for call in await self._get("journal") if call["path"] == "/v1.0/log_message_from_user/"]
        return [
            call["body"]["message_body"]
            for call in calls
            if call["status"] == 200 and call["body"]["user"]["auth_id"] == auth_id
        ]

    async def files(self, auth_id: str) -> list[tuple[str, bytes]]:
        """The files that the user has sent: the name of each, and its content."""
        calls = [call for call in await self._get("journal") if call["path"] == "/v1.0/log_file_from_user/"]
        urls = [call["answer"]["file_url"] for call in calls if call["body"]["auth_id"] == auth_id]
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            return [(url.rpartition("/")[2], (await http.get(url)).raise_for_status().content) for url in urls]

    async def untold(self, user_name: str) -> list[dict[str, Any]]:
        """The events of the user's chats that the webhook has not taken yet."""
        events = await self._get("events")
        return [event for event in events if event["user_name"] == user_name and event["state"] == "waiting"]

    async def repeat(self, user_name: str) -> None:
        """Let so much of the platform's time pass that it repeats what the webhook has not taken, until it has."""
        while untold := await self.untold(user_name):
            missing = max(event["next_try_at"] for event in untold) - (await self._get("state"))["clock"]
            await self.advance(max(missing, 0.0))
            await asyncio.sleep(_LOOK_SECONDS)

    async def advance(self, seconds: float) -> None:
        await self._post("clock", {"advance": seconds})

    async def _order(self, what: str, user_name: str, **members: Any) -> None:
        await self._post(what, {"user_name": user_name, "business_id": BUSINESS, **members})

    async def _get(self, what: str) -> Any:
        async with httpx.AsyncClient(base_url=self.sandbox, timeout=PATIENCE_SECONDS) as http:
            return (await http.get(f"/_sandbox/{what}")).raise_for_status().json()

    async def _post(self, what: str, body: Any) -> Any:
        async with httpx.AsyncClient(base_url=self.sandbox, timeout=PATIENCE_SECONDS) as http:
            answer = await http.post(f"/_sandbox/{what}", json=body)
            assert answer.status_code < 300, answer.text
            return answer.json()
