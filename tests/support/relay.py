"""A relay for tests: a host that remembers, events as the platform signs them, and a platform that logs messages."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from typing import Any

import httpx

from haptik_actions._redis import connect
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from haptik_actions.hsl import Text
from haptik_actions.messages import MessageStore
from haptik_actions.relay import Ending, FromUser, LedgerRow, Link, Reach, Relay, RelayStore, Saying
from tests.support.patience import SECONDS

SECRET = "s3cr3t-of-the-webhook"
BUSINESS = 343


def words_of(saying: Saying | None) -> str:
    """What a saying says, as text."""
    if saying is None:
        return ""
    return str(getattr(saying.element, "text", "")) or type(saying.element).__name__


class Host:
    """Remembers all that it is asked for, in order. `reaches` and `fails` may be changed by a test."""

    def __init__(self, reach: Reach = "push") -> None:
        self.log: list[tuple[str, str, Any]] = []
        self.of: dict[str, list[str]] = defaultdict(list)
        self.reaches: dict[str, Reach] = defaultdict(lambda: reach)
        self.fails: Callable[[str, Link, Any], Exception | None] = lambda *_: None
        self.sayings: list[Saying] = []
        self._changed = asyncio.Condition()

    def reach(self, link: Link) -> Reach:
        return self.reaches[link.id]

    async def say(self, link: Link, saying: Saying) -> None:
        self.sayings.append(saying)
        await self._note("say", link, words_of(saying))

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        await self._note("assigned", link, words_of(saying))

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        await self._note("ended", link, (ending.kind, words_of(saying)))

    async def hear(self, link: Link, words: FromUser) -> None:
        await self._note("hear", link, words.text)

    async def _note(self, what: str, link: Link, value: Any) -> None:
        failure = self.fails(what, link, value)
        if failure is not None:
            raise failure
        self.log.append((what, link.id, value))
        self.of[link.id].append(value if what == "say" else f"{what}: {value}")
        async with self._changed:
            self._changed.notify_all()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; asked after each call."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(is_so), SECONDS)

    async def until_said(self, count: int) -> None:
        """Wait until so many calls were made."""
        await self.until(lambda: len(self.log) >= count)


def event(link: Link, name: str = "message", **members: Any) -> dict[str, Any]:
    """An event of the platform about the chat of a link, in the documented form."""
    given: dict[str, Any] = {
        "version": "1.0",
        "timestamp": stamp(members.pop("at", None)),
        "business_id": link.business_id,
        "business_name": "Shop",
        "event_name": name,
        "user": {"auth_id": link.id, "user_name": f"u-{link.id[:8]}", "device_platform": 13},
        "agent": agent("Priya"),
    }
    return given | members


def stamp(at: float | None) -> str:
    """A time as the platform writes it."""
    moment = datetime.now(timezone.utc) if at is None else datetime.fromtimestamp(at, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def agent(name: str, *, automated: bool = False) -> dict[str, Any]:
    return {"id": 7, "name": name, "profile_image": "", "is_automated": automated, "email": None}


def message(link: Link, id_: int, text: str, **members: Any) -> dict[str, Any]:
    """An agent's message."""
    body = {"text": text, "type": "TEXT", "data": {"quick_replies": []}}
    return event(link, "message", message={"id": id_, "body": body}, **members)


def pinned(link: Link, id_: int, name: str = "Priya") -> dict[str, Any]:
    """An agent has the chat."""
    body = {"text": "", "type": "SYSTEM", "data": {"event_name": "chat_pinned", "payload": {"agent_name": name}}}
    return event(link, "chat_pinned", agent=agent(name), message={"id": id_, "body": body})


def completed(link: Link, **data: Any) -> dict[str, Any]:
    """The chat is complete."""
    whole = {"conversation_no": 1, "completion_type": "agent", "completion_by": "Priya"} | data
    at = whole.pop("at", None)
    return event(link, "webhook_conversation_complete", at=at, agent=agent("gogo", automated=True), data=whole)


def signed(body: dict[str, Any] | bytes, secret: str = SECRET) -> tuple[bytes, str]:
    """A body as it is posted, and its signature."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return raw, "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest()


class Platform(httpx.AsyncBaseTransport):
    """Takes users and their messages, as the Bot API does. `answer` may be changed by a test.

    `answer(path, body)` returns a reply, an error to raise before anything was noted, or None for what is usual.
    """

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.logged: list[tuple[str, str]] = []
        self.moves: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.answer: Callable[[str, Any], httpx.Response | Exception | None] = lambda *_: None
        self.lost: Callable[[str, Any], Exception | None] = lambda *_: None
        self._number = 5000
        self._changed = asyncio.Condition()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        path = request.url.path
        body = json.loads(content) if content[:1] == b"{" else {"raw": content}
        self.calls.append(path)
        answer = self.answer(path, body)
        if answer is None:
            answer = self._usual(path, body)
        if isinstance(answer, httpx.Response):
            answer = self.lost(path, body) or answer
        async with self._changed:
            self._changed.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _usual(self, path: str, body: Any) -> httpx.Response:
        if path == "/v1.0/user/":
            self.users.add(body["auth_id"])
            return httpx.Response(200, json=body)
        if path == "/v1.0/log_message_from_user/":
            return self._log(body["user"]["auth_id"], body["message_body"])
        if path == "/v1.0/log_file_from_user/":
            return self._log("file", body["raw"].decode("latin-1"))
        if "send_chat_to_agent" in path:
            self.moves.append(body)
            return httpx.Response(200, json={"success": True})
        return httpx.Response(404, json={"error_message": "no such path"})

    def _log(self, auth_id: str, text: str) -> httpx.Response:
        if auth_id != "file" and auth_id not in self.users:
            return httpx.Response(403, json={"error_message": "user is not registered"})
        self._number += 1
        self.logged.append((auth_id, text))
        body = {"message_id": self._number, "message_body": text, "created_at": stamp(None), "message_type": 0}
        return httpx.Response(200, json=body)

    def texts(self, id_: str) -> list[str]:
        """What the agent read of one user."""
        return [text for auth_id, text in self.logged if auth_id == id_]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; asked after each call."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(is_so), SECONDS)


def client_on(transport: httpx.AsyncBaseTransport, **options: Any) -> HaptikClient:
    """A client of such a platform."""
    server = PlatformServer("https://platform.example")
    credentials = StaticCredentials(client_id="client", token="s3cr3t-token")
    return HaptikClient(server, credentials, transport=transport, messenger=server, **{"retries": 0, **options})


class Bench:
    """One process: a relay with its host, its platform and its store."""

    def __init__(self, url: str, **options: Any) -> None:
        self.store: RelayStore = options.pop("store", None) or RelayStore(
            connect(url, seconds=SECONDS), patience=options.pop("patience", SECONDS)
        )
        self.host: Host = options.pop("host", None) or Host()
        self.platform: Platform = options.pop("platform", None) or Platform()
        self.told: list[LedgerRow] = []
        self.client = client_on(self.platform)
        self.messages = MessageStore()
        self.relay = Relay(
            *(self.store, options.pop("client", self.client), self.messages, self.host),
            **{"secret": SECRET, "hold_back": 0.05, "poll": 0.1, "on_told": self._told, **options},
        )

    def _told(self, _id: str, row: LedgerRow) -> None:
        self.told.append(row)

    async def opened(self, sender: str = "asha", *, channel: str = "callback", **members: Any) -> Link:
        """A conversation that was handed over and waits for an agent."""
        link = Link.of(channel, sender, BUSINESS, **{"auth_id": None, "receipt": f"receipt-{sender}", **members})
        if members.get("auth_id", "ours") == "ours":
            link = Link.of(channel, sender, BUSINESS, **{"receipt": f"receipt-{sender}", **members, "auth_id": link.id})
        self.platform.users.add(link.id)
        await self.store.prepare(link)
        asked = await self.store.asked(link.id, link.receipt, paused=True)
        assert asked is not None
        return asked

    async def take(self, *bodies: dict[str, Any]) -> list[int]:
        """Bring events to the webhook, one after the other."""
        return [await self.relay.take(*signed(body)) for body in bodies]

    async def write(self, link: Link, *texts: str) -> list[str]:
        """Write as the user."""
        return [await self.relay.write(link, FromUser(text=text)) for text in texts]

    async def ledger(self, link: Link) -> list[tuple[str, str]]:
        """What became of what."""
        return [(row.what, row.how) for row in await self.store.ledger(link.id)]

    async def state(self, link: Link) -> str:
        now = await self.store.link(link.id)
        assert now is not None
        return now.state

    async def aclose(self) -> None:
        await self.relay.aclose()
        await self.client.aclose()
        await self.store.aclose()


@asynccontextmanager
async def bench(url: str, *, start: bool = True, **options: Any) -> AsyncIterator[Bench]:
    """A running relay."""
    made = Bench(url, **options)
    if start:
        made.relay.start()
    try:
        yield made
    finally:
        await made.aclose()


def say_text(text: str) -> Text:
    return Text(text)
