"""The addresses below `/webhooks/haptik/` on the Sanic of the newest rasa-sdk: who is let in, and who is not.

What happens behind them needs Rasa, and is shown in tests/e2e.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sanic import Blueprint, Sanic

from haptik_actions.channel._options import ChannelOptions
from haptik_actions.channel._routes import routes
from haptik_actions.config import Settings
from haptik_actions.hsl import Actionable, Text
from haptik_actions.relay import InboxMessage, Link, Saying

SECRET, WEBHOOK_SECRET, TOKEN = "s3cr3t-node", "s3cr3t-webhook", "s3cr3t-token"
BODY = json.dumps({"user": {"user_name": "asha"}, "user_details": {"words": "my card is 4111"}}).encode()
PAGE = "/webhooks/haptik"


class StandIn:
    """The relay's side of the routes: an inbox of one conversation, and an answer to events."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, str | None]] = []
        self.status = 200
        self.link_ = Link.of("rest", "asha", 343, token=TOKEN)

    async def take(self, body: bytes, signature: str | None) -> int:
        self.taken.append((body, signature))
        return self.status

    async def link(self, id_: str) -> Link | None:
        return self.link_ if id_ == self.link_.id else None

    async def collect(self, link: Link, after: int | None) -> list[InboxMessage]:
        saying = Saying(id=9, author="agent", name="Prateek", element=Text("Hello", [Actionable.reply("Hi")]))
        return [InboxMessage(number=number, at=1.5, saying=saying) for number in (1, 2) if number > (after or 0)]


@pytest.fixture
def relay() -> StandIn:
    return StandIn()


@pytest.fixture
def options() -> ChannelOptions:
    return ChannelOptions(secret=SECRET, webhook_secret=WEBHOOK_SECRET, inbox=True)


@pytest.fixture
def server_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # Sanic 21 rewrites its own methods when an app starts; outside of its test mode that works once in a process.
    monkeypatch.setattr(Sanic, "test_mode", True)
    yield "haptik_routes"
    Sanic._app_registry.clear()


@pytest.fixture
async def client(
    server_name: str, options: ChannelOptions, relay: StandIn | None, unused_port: int
) -> AsyncIterator[httpx.AsyncClient]:
    async def on_new_message(_: Any) -> None:
        raise AssertionError("a request that is refused reached the bot")

    app = Sanic(server_name, configure_logging=False)
    blueprint = Blueprint("haptik_webhook")
    parts: Any = SimpleNamespace(options=options, settings=Settings(), relay=relay, store=relay, agent=None)
    routes(blueprint, lambda: parts, on_new_message)
    app.blueprint(blueprint, url_prefix=PAGE)
    server: Any = await app.create_server("127.0.0.1", unused_port, return_asyncio_server=True)
    if hasattr(server, "startup"):
        await server.startup()
    await server.start_serving()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_port}{PAGE}") as found:
        yield found
    server.close()
    await server.wait_closed()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


@pytest.mark.parametrize("path", ["/", "/webhook", "/webhook/343", "/webhook/"])
async def test_haptik_sees_that_the_address_is_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/webhook", 405),
        ("GET", "/events", 405),
        ("POST", "/inbox/x", 405),
        ("POST", "/", 405),
        ("GET", "/nothing", 404),
        ("POST", "/webhook/343/7", 404),
    ],
)
async def test_other_methods_and_addresses(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    assert (await client.request(method, path)).status_code == status


def wrong_signatures() -> list[dict[str, str]]:
    right = signed(BODY)["X-Hub-Signature"]
    changed = [right[:-1] + ("0" if right[-1] != "0" else "1"), right.upper(), right[5:], right + "0", "sha1=", "é"]
    return [
        {},
        signed(BODY, "s3cr3t-other"),
        signed(BODY + b" "),
        *({"X-Hub-Signature": one.encode("utf-8").decode("latin-1")} for one in changed),
        {"X-Hub-Signature-256": right},
    ]


@pytest.mark.parametrize("headers", wrong_signatures())
@pytest.mark.parametrize("path", ["/webhook", "/webhook/343"])
async def test_a_forged_request_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        assert (await client.post(path, content=BODY, headers=raw)).status_code == 401
    assert "4111" not in caplog.text


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"[]", 400, "no JSON object but list"),
        (b"{}", 400, "names no user"),
        (b'{"user": {"user_name": 1.5}}', 400, "names no user"),
        (b'{"a": ' * 40 + b"1" + b"}" * 40, 400, "inside of each other"),
        (b'{"a": ' * 150_000 + b"1" + b"}" * 150_000, 413, "more than 1000000 bytes"),
        (b"[" * 400_000 + b"]" * 400_000, 400, "no JSON"),
        (b'"' + b"a" * 1_000_000 + b'"', 413, "more than 1000000 bytes"),
    ],
)
async def test_a_body_that_is_none(client: httpx.AsyncClient, body: bytes, status: int, problem: str) -> None:
    answer = await client.post("/webhook", content=body, headers=signed(body))
    assert answer.status_code == status
    assert problem in answer.json()["error_message"]


@pytest.mark.parametrize("path", ["/webhook", "/events"])
async def test_a_body_without_a_length_is_read_only_as_far_as_one_may_be_long(
    client: httpx.AsyncClient, path: str
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a" * 20_000

    assert (await client.post(path, content=endless())).status_code == 413


@pytest.mark.parametrize("business", ["x", "-1", "1.5", "9" * 19, "9" * 5000, "%20", "٣"])
async def test_the_address_of_no_business(client: httpx.AsyncClient, business: str) -> None:
    answer = await client.post(f"/webhook/{business}", content=BODY, headers=signed(BODY))
    assert answer.status_code == 404


class TestWithoutSecrets:
    @pytest.fixture
    def options(self) -> ChannelOptions:
        return ChannelOptions()

    @pytest.mark.parametrize("headers", [{}, signed(BODY), signed(BODY, "")])
    async def test_nobody_can_write_to_the_bot(
        self, client: httpx.AsyncClient, headers: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        assert (await client.post("/webhook", content=BODY, headers=headers)).status_code == 401
        assert "`secret`" in caplog.text

    async def test_neither_events_nor_the_inbox_are_served(self, client: httpx.AsyncClient, relay: StandIn) -> None:
        assert (await client.post("/events", content=BODY, headers=signed(BODY, ""))).status_code == 404
        answer = await client.get(f"/inbox/{relay.link_.id}", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 404
        assert relay.taken == []


# Events


@pytest.mark.parametrize("status", [200, 400, 401, 503])
async def test_the_relay_decides_about_an_event(client: httpx.AsyncClient, relay: StandIn, status: int) -> None:
    relay.status = status
    headers = signed(BODY, WEBHOOK_SECRET)
    assert (await client.post("/events", content=BODY, headers=headers)).status_code == status
    assert relay.taken == [(BODY, headers["X-Hub-Signature"])]


class TestWithoutRedis:
    @pytest.fixture
    def relay(self) -> None:
        return None

    @pytest.mark.parametrize(("secret", "status"), [(WEBHOOK_SECRET, 200), (SECRET, 401)])
    async def test_events_do_not_make_the_platform_give_up(
        self, client: httpx.AsyncClient, secret: str, status: int
    ) -> None:
        assert (await client.post("/events", content=BODY, headers=signed(BODY, secret))).status_code == status


# The inbox


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_the_inbox_gives_what_comes_after_the_cursor(client: httpx.AsyncClient, relay: StandIn) -> None:
    page = f"/inbox/{relay.link_.id}"
    both = (await client.get(page, headers=bearer(TOKEN))).json()["messages"]
    assert [message["number"] for message in both] == [1, 2]
    assert both[0] == {
        "number": 1,
        "at": 1.5,
        "id": 9,
        "author": "agent",
        "name": "Prateek",
        "hsl": Text("Hello", [Actionable.reply("Hi")]).to_hsl(),
        "messages": [{"text": "Hello", "buttons": [{"title": "Hi", "payload": "Hi"}]}],
    }
    later = await client.get(page, params={"after": 1}, headers=bearer(TOKEN))
    assert [message["number"] for message in later.json()["messages"]] == [2]
    assert later.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 19])
async def test_a_cursor_is_a_number(client: httpx.AsyncClient, relay: StandIn, after: str) -> None:
    answer = await client.get(f"/inbox/{relay.link_.id}", params={"after": after}, headers=bearer(TOKEN))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    ["", "Bearer", "Bearer s3cr3t-other", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xff\xfe"],
)
async def test_other_peoples_inbox_is_closed(client: httpx.AsyncClient, relay: StandIn, headers: str) -> None:
    raw = [(b"Authorization", headers.encode("latin-1"))] if headers else []
    theirs = await client.get(f"/inbox/{relay.link_.id}", headers=raw)
    nobodys = await client.get("/inbox/r0123", headers=raw)
    assert theirs.status_code == nobodys.status_code == 401
    assert theirs.json() == nobodys.json()


async def test_a_link_without_a_token_is_open_to_nobody(client: httpx.AsyncClient, relay: StandIn) -> None:
    relay.link_ = Link.of("rest", "asha", 343)
    assert (await client.get(f"/inbox/{relay.link_.id}", headers={"Authorization": "Bearer"})).status_code == 401


def test_the_table_of_wrong_signatures_holds_none_that_is_right() -> None:
    check: Callable[[dict[str, str]], bool] = lambda headers: headers == signed(BODY)  # noqa: E731
    assert not any(map(check, wrong_signatures()))
