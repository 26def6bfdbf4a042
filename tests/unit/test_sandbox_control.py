"""The sandbox's control plane, its page, and what importing it brings along."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from haptik_actions.sandbox import Sandbox

PATH = "/integration/external/v1.0/send_chat_to_agent/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
JSON = {"Content-Type": "application/json"}
HOSTILE = "<script>alert('x')</script>"
STILL = {"team": None, "agent": None, "countdown": 0.0, "seconds_left": 0.0, "seconds_waiting": 0.0}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(clock=lambda: 100.0)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox", headers=HEADERS)


async def move(client: httpx.AsyncClient, user_name: str = "asha", team_name: str = "orders") -> None:
    body = {"user_name": user_name, "business_id": 1201, "team_name": team_name}
    assert (await client.post(PATH, json=body)).json() == {"success": True}


async def test_state_shows_everything_but_tokens() -> None:
    mapping = {
        "partners": [{"client_id": "shop", "token": "a-token"}],
        "businesses": [{"id": 5, "name": "Shop"}],
        "teams": [{"name": "orders", "active": False}],
        "users": [{"user_name": "asha", "businesses": [5]}],
    }
    async with client_of(Sandbox.from_mapping(mapping, clock=lambda: 100.0)) as client:
        state = (await client.get("/_sandbox/state")).json()
    assert state == {
        "outage": False,
        "clock": 100.0,
        "partners": [{"client_id": "shop"}],
        "businesses": [{"id": 5, "name": "Shop", "active": True}],
        "teams": [{"name": "orders", "active": False}],
        "users": [{"user_name": "asha", "businesses": [5], "conversation_no": 1}],
        "agents": [],
        "webhook": None,
        "chats": [{"user_name": "asha", "business_id": 5, "conversation_no": 1, "state": "bot", **STILL}],
    }


async def test_queue_and_clock(client: httpx.AsyncClient) -> None:
    await move(client)
    who = {"user_name": "asha", "business_id": 1201, "conversation_no": 7}
    chat = {**who, "team": "orders", "agent": None, "countdown": 10}
    queue = (await client.get("/_sandbox/queue")).json()
    assert queue == [{**chat, "state": "counting_down", "seconds_left": 10.0, "seconds_waiting": 0.0}]
    moved = await client.post("/_sandbox/clock", json={"advance": 12.5})
    assert (moved.status_code, moved.json()["clock"]) == (200, 112.5)
    queue = (await client.get("/_sandbox/queue")).json()
    assert queue == [{**chat, "state": "pending", "seconds_left": 0.0, "seconds_waiting": 2.5}]


async def test_outage_can_be_turned_on_and_off(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    assert (await client.post("/_sandbox/outage", json={"active": True})).json()["outage"] is True
    assert sandbox.outage
    assert (await client.post(PATH)).status_code == 503
    assert (await client.post("/_sandbox/outage", json={"active": False})).json()["outage"] is False
    assert (await client.post(PATH)).status_code == 400


async def test_journal_is_json(client: httpx.AsyncClient) -> None:
    await move(client)
    body = {"user_name": "asha", "business_id": 1201, "team_name": "orders"}
    call = {"at": 100.0, "method": "POST", "path": PATH, "endpoint": "send_chat_to_agent", "query": {}, "body": body}
    entry = {**call, "status": 200, "answer": {"success": True}, "fault": None}
    assert (await client.get("/_sandbox/journal")).json() == [entry]


@pytest.mark.parametrize("content", [b"", b"{}"])
async def test_reset(sandbox: Sandbox, client: httpx.AsyncClient, content: bytes) -> None:
    await move(client)
    await client.post("/_sandbox/outage", json={"active": True})
    await client.post("/_sandbox/clock", json={"advance": 60})
    state = (await client.post("/_sandbox/reset", content=content, headers=JSON)).json()
    assert (state["outage"], state["clock"], sandbox.queue(), sandbox.journal) == (False, 100.0, [], [])


@pytest.mark.parametrize(
    ("path", "content", "what"),
    [
        ("reset", b'{"all": true}', "unknown field `all`"),
        ("reset", b"nope", "malformed"),
        ("outage", b"", "missing required field `active`"),
        ("outage", b'{"active": 1}', "Expected `bool`, got `int` - at `$.active`"),
        ("outage", b'{"active": true, "for": 3}', "unknown field `for`"),
        ("outage", b"[true]", "Expected `object`"),
        ("outage", b"\xff", "malformed"),
        ("clock", b"{}", "missing required field `advance`"),
        ("clock", b'{"advance": "5"}', "Expected `float`, got `str`"),
        ("clock", b'{"advance": -1}', ">= 0"),
        ("clock", b'{"advance": true}', "Expected `float`"),
        ("clock", b'{"advance": 1e300}', "<="),
        ("clock", b'{"advance": NaN}', "malformed"),
        ("faults", b'{"code": 503}', "missing required field `kind`"),
        ("faults", b'{"kind": "status"}', "code: None is not an HTTP status"),
        ("faults", b'{"kind": "hang", "time": 1}', "unknown field `time`"),
        ("faults", b'{"kind": "hang", "endpoint": "faq"}', "$.endpoint"),
    ],
)
async def test_a_body_that_does_not_fit_is_explained_and_changes_nothing(
    client: httpx.AsyncClient, path: str, content: bytes, what: str
) -> None:
    before = (await client.get("/_sandbox/state")).json()
    answer = await client.post(f"/_sandbox/{path}", content=content, headers=JSON)
    assert answer.status_code == 400
    assert what in answer.json()["error"]
    assert (await client.get("/_sandbox/state")).json() == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "reset", 405), ("POST", "queue", 405), ("GET", "nothing", 404), ("GET", "static/../_page.py", 404)],
)
async def test_what_the_control_plane_does_not_have(
    sandbox: Sandbox, client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert (await client.request(method, f"/_sandbox/{path}")).status_code == status
    assert sandbox.journal == []


@pytest.mark.parametrize("path", ["/", "/_sandbox/live"])
async def test_the_page_shows_teams_chats_and_requests(sandbox: Sandbox, client: httpx.AsyncClient, path: str) -> None:
    await move(client, "asha", "orders")
    sandbox.advance(75)
    await move(client, "ben", "support")
    page = (await client.get(path)).text
    for text in [
        "asha",
        "waiting for 1 min",
        "ben",
        "counting down, 10 s left",
        "night",
        "inactive",
        PATH,
        "Haptik is up",
    ]:
        assert text in page
    assert "Team orders: 1 waiting, 0 counting down." in page
    assert "Team support: 0 waiting, 1 counting down." in page


async def test_the_page_says_that_haptik_is_down(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.outage = True
    page = (await client.get("/")).text
    assert "Haptik is down" in page
    assert 'aria-checked="false"' in page


@pytest.mark.parametrize("path", ["/", "/_sandbox/live"])
async def test_the_page_escapes_what_comes_from_outside(path: str) -> None:
    mapping: dict[str, Any] = {
        "partners": [{"client_id": "demo-client", "token": "demo-token"}],
        "businesses": [{"id": 1201, "name": HOSTILE}],
        "teams": [{"name": HOSTILE}, {"name": '" onclick="x'}],
        "users": [{"user_name": HOSTILE, "businesses": [1201]}],
    }
    async with client_of(Sandbox.from_mapping(mapping)) as client:
        await move(client, HOSTILE, HOSTILE)
        await client.post(f"/{HOSTILE}/", json={"user_name": HOSTILE, "team_name": {HOSTILE: 1}})
        page = await client.get(path)
    assert "<script>alert" not in page.text
    assert 'onclick="x' not in page.text
    assert page.text.count("&lt;script&gt;alert") >= 5


async def test_the_page_loads_only_what_the_package_brings(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert " style=" not in page.text
    for name, kind in [
        ("page.css", "text/css"),
        ("chat.css", "text/css"),
        ("page.js", "javascript"),
        ("icon.svg", "image/svg+xml"),
    ]:
        assert f"/_sandbox/static/{name}" in page.text
        assert kind in (await client.get(f"/_sandbox/static/{name}")).headers["content-type"]
    assert (await client.get("/favicon.ico")).status_code == 200


async def test_a_page_without_teams_says_so() -> None:
    async with client_of(Sandbox.from_mapping({"partners": [{"client_id": "a", "token": "b"}]})) as client:
        assert "no teams" in (await client.get("/")).text


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_sandbox_shares_nothing_with_the_client() -> None:
    loaded = run_python("import sys, haptik_actions.sandbox; print(*sorted(sys.modules))").split()
    assert "haptik_actions.sandbox" in loaded
    ours = {name.split(".")[1] for name in loaded if name.startswith("haptik_actions.") and not name.count("._")}
    assert ours <= {"sandbox", "errors", "hsl"}
    assert {"rasa_sdk", "redis", "httpx", "aiohttp"}.isdisjoint(loaded)


@pytest.mark.parametrize("package", ["jinja2", "python_multipart", "starlette", "uvicorn"])
def test_a_missing_extra_is_named_with_the_command_that_brings_it(package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from haptik_actions.errors import ConfigurationError
try:
    import haptik_actions.sandbox
except ConfigurationError as error:
    print(error)
"""
    name = package.replace("_", "-")
    assert run_python(code) == f'The sandbox needs the package {name}: pip install "haptik-actions[sandbox]"'
