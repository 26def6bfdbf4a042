"""The sandbox's "Move a chat to pending": the documented error table, what is assumed around it, and the countdown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox

PATH = "/integration/external/v1.0/send_chat_to_agent/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client", "Content-Type": "application/json"}
BODY = {"user_name": "asha", "business_id": 1201, "team_name": "orders"}

MISSING = object()


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_000.1

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(clock=clock)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox")


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**base, **changes}.items() if value is not MISSING}


async def send(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post(PATH, json=changed(BODY, changes), headers=HEADERS)


async def refusal(client: httpx.AsyncClient, headers: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
    content = json.dumps(changed(BODY, body))
    answer = await client.post(PATH, content=content, headers=changed(HEADERS, headers))
    return answer.status_code, answer.json()


DOCUMENTED = [
    ({"client-id": MISSING}, {}, 401, "client_id missing in headers"),
    ({"client-id": "someone"}, {}, 401, "invalid client_id in headers"),
    ({"Authorization": "demo-token"}, {}, 401, "invalid authorization in headers"),
    ({"Authorization": MISSING}, {}, 401, "token missing in headers"),
    ({"Authorization": "Bearer wrong"}, {}, 401, "invalid token provided"),
    ({}, {"user_name": MISSING}, 400, "user_name missing in the request"),
    ({}, {"business_id": MISSING}, 400, "business_id missing in the request"),
    ({}, {"team_name": MISSING}, 400, "team_name missing in the request"),
    ({}, {"user_name": "nobody"}, 400, "invalid user_name"),
    ({}, {"business_id": 1}, 400, "invalid business_id provided"),
    ({}, {"business_id": 1202}, 400, 'business "1202" is inactive'),
    ({}, {"team_name": "kitchen"}, 400, "invalid team_name provided"),
    ({}, {"team_name": "night"}, 400, 'team "night" is inactive'),
    ({}, {"user_name": "esha"}, 400, "user has not sent a message"),
]

ASSUMED = [
    ({"client-id": ""}, {}, 401, "client_id missing in headers"),
    ({"client-id": "Demo-Client"}, {}, 401, "invalid client_id in headers"),
    ({"Authorization": ""}, {}, 401, "token missing in headers"),
    ({"Authorization": "Bearer"}, {}, 401, "token missing in headers"),
    ({"Authorization": "Bearer "}, {}, 401, "token missing in headers"),
    ({"Authorization": "bearer demo-token"}, {}, 401, "invalid authorization in headers"),
    ({"Authorization": "Basic demo-token"}, {}, 401, "invalid authorization in headers"),
    ({"Authorization": "Bearer demo-token more"}, {}, 401, "invalid authorization in headers"),
    ({"Authorization": "Bearer Demo-Token"}, {}, 401, "invalid token provided"),
    ({"Authorization": "Bearer démo".encode()}, {}, 401, "invalid token provided"),
    ({"Content-Type": "text/plain"}, {}, 400, "invalid content-type in headers"),
    ({"Content-Type": MISSING}, {}, 400, "invalid content-type in headers"),
    ({}, {"user_name": ""}, 400, "user_name missing in the request"),
    ({}, {"user_name": None}, 400, "user_name missing in the request"),
    ({}, {"business_id": None}, 400, "business_id missing in the request"),
    ({}, {"team_name": ""}, 400, "team_name missing in the request"),
    ({}, {"user_name": 7}, 400, "invalid user_name"),
    ({}, {"user_name": ["asha"]}, 400, "invalid user_name"),
    ({}, {"business_id": "1201"}, 400, "invalid business_id provided"),
    ({}, {"business_id": True}, 400, "invalid business_id provided"),
    ({}, {"business_id": [1201]}, 400, "invalid business_id provided"),
    ({}, {"business_id": 1201.5}, 400, "invalid business_id provided"),
    ({}, {"business_id": 0}, 400, "invalid business_id provided"),
    ({}, {"team_name": {"name": "orders"}}, 400, "invalid team_name provided"),
    ({}, {"team_name": "Orders"}, 400, "invalid team_name provided"),
    ({}, {"countdown": 4}, 400, "invalid countdown provided"),
    ({}, {"countdown": 4.99}, 400, "invalid countdown provided"),
    ({}, {"countdown": 11}, 400, "invalid countdown provided"),
    ({}, {"countdown": "7"}, 400, "invalid countdown provided"),
    ({}, {"countdown": True}, 400, "invalid countdown provided"),
]

ORDER_OF_CHECKS = [
    ({"client-id": MISSING, "Authorization": MISSING}, {}, 401, "client_id missing in headers"),
    ({"Authorization": MISSING, "Content-Type": "text/plain"}, {}, 401, "token missing in headers"),
    ({"Authorization": "Bearer wrong"}, {"user_name": MISSING}, 401, "invalid token provided"),
    ({}, {"user_name": "nobody", "team_name": MISSING}, 400, "team_name missing in the request"),
    ({}, {"user_name": MISSING, "business_id": MISSING}, 400, "user_name missing in the request"),
    ({}, {"user_name": "nobody", "business_id": 1}, 400, "invalid user_name"),
    ({}, {"business_id": 1202, "team_name": "kitchen"}, 400, 'business "1202" is inactive'),
    ({}, {"user_name": "esha", "team_name": "night"}, 400, 'team "night" is inactive'),
    ({}, {"user_name": "esha", "countdown": 99}, 400, "user has not sent a message"),
]


@pytest.mark.parametrize(("headers", "body", "status", "message"), DOCUMENTED + ASSUMED + ORDER_OF_CHECKS)
async def test_a_refused_call_names_its_reason_and_moves_no_chat(
    sandbox: Sandbox,
    client: httpx.AsyncClient,
    headers: dict[str, Any],
    body: dict[str, Any],
    status: int,
    message: str,
) -> None:
    assert await refusal(client, headers, body) == (status, {"error_message": message})
    assert sandbox.queue() == []


@pytest.mark.parametrize("content", [b"", b"nope", b"[]", b"1", b"null", b"\xff", b'{"a": NaN}', b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post(PATH, content=content, headers=HEADERS)
    assert (answer.status_code, answer.json()) == (400, {"error_message": "request body is not a JSON object"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PATH, 405), ("PUT", PATH, 405), ("POST", PATH.rstrip("/"), 404), ("POST", "/integration/other/", 404)],
)
async def test_other_methods_and_paths(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path, headers=HEADERS, json=BODY)
    assert answer.status_code == status
    assert "location" not in answer.headers


async def test_success_is_the_documented_json(client: httpx.AsyncClient) -> None:
    answer = await send(client)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("changes", "countdown"),
    [({}, 10), ({"countdown": None}, 10), ({"countdown": 5}, 5), ({"countdown": 7.5}, 7.5), ({"countdown": 10}, 10)],
)
async def test_a_chat_counts_down_and_then_waits_in_its_team(
    sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock, changes: dict[str, Any], countdown: float
) -> None:
    who = {"user_name": "asha", "business_id": 1201, "conversation_no": 7}
    chat = {**who, "team": "orders", "agent": None, "countdown": countdown}
    await send(client, **changes)
    clock.now += countdown - 1
    [counting] = sandbox.queue()
    assert asdict(counting) == {**chat, "state": "counting_down", "seconds_left": 1.0, "seconds_waiting": 0.0}
    clock.now += 1
    [pending] = sandbox.queue()
    assert asdict(pending) == {**chat, "state": "pending", "seconds_left": 0.0, "seconds_waiting": 0.0}
    clock.now += 30
    assert sandbox.queue()[0].seconds_waiting == 30.0


async def test_the_queue_is_in_the_order_in_which_chats_queue(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client, user_name="asha", countdown=10)
    await send(client, user_name="ben", countdown=5)
    await send(client, user_name="chitra", countdown=10)
    assert [chat.user_name for chat in sandbox.queue()] == ["ben", "asha", "chitra"]


@pytest.mark.parametrize("later", [0, 3, 60])
async def test_a_repeated_call_succeeds_and_changes_nothing(
    sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock, later: float
) -> None:
    await send(client, countdown=5)
    clock.now += later
    before = sandbox.queue()
    again = await send(client, team_name="support", countdown=10)
    assert (again.status_code, again.json()) == (200, {"success": True})
    assert sandbox.queue() == before


async def test_chats_holds_also_those_with_the_bot(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client)
    assert [(chat.user_name, chat.business_id, chat.state, chat.team) for chat in sandbox.chats()] == [
        ("asha", 1201, "counting_down", "orders"),
        ("ben", 1201, "bot", None),
        ("chitra", 1201, "bot", None),
        ("deepak", 1201, "bot", None),
        ("deepak", 1202, "bot", None),
    ]


async def test_equal_numbers_name_the_same_business(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=json.dumps(BODY).replace("1201", "1201.0"), headers=HEADERS)
    assert answer.status_code == 200
    assert str(sandbox.queue()[0].business_id) == "1201"


async def test_what_the_documentation_does_not_know_is_ignored(client: httpx.AsyncClient) -> None:
    assert (await send(client, priority="high")).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_content_types_that_mean_json(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post(PATH, content=json.dumps(BODY), headers={**HEADERS, "Content-Type": content_type})
    assert answer.status_code == 200


async def test_a_partner_needs_its_own_token() -> None:
    sandbox = Sandbox.from_mapping(
        {
            "partners": [{"client_id": "one", "token": "token-1"}, {"client_id": "two", "token": "token-2"}],
            "businesses": [{"id": 1201, "name": "Shop"}],
            "teams": [{"name": "orders"}],
            "users": [{"user_name": "asha", "businesses": [1201]}],
        }
    )
    async with client_of(sandbox) as client:
        crossed = await refusal(client, {"client-id": "one", "Authorization": "Bearer token-2"}, {})
        own = await refusal(client, {"client-id": "two", "Authorization": "Bearer token-2"}, {})
    assert crossed == (401, {"error_message": "invalid token provided"})
    assert own == (200, {"success": True})


async def test_true_is_not_the_number_one() -> None:
    sandbox = Sandbox.from_mapping(
        {
            "partners": [{"client_id": "demo-client", "token": "demo-token"}],
            "businesses": [{"id": 1, "name": "Shop"}],
            "teams": [{"name": "orders"}],
            "users": [{"user_name": "asha", "businesses": [1]}],
        }
    )
    async with client_of(sandbox) as client:
        assert (await send(client, business_id=True)).json() == {"error_message": "invalid business_id provided"}
        assert (await send(client, business_id=1)).json() == {"success": True}


async def test_in_an_outage_every_platform_path_answers_a_gateways_page(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    sandbox.outage = True
    for answer in [await send(client), await client.get(PATH), await client.post("/integration/other/")]:
        assert answer.status_code == 503
        assert answer.headers["content-type"].startswith("text/html")
    assert sandbox.queue() == []
    assert (await client.get("/")).status_code == 200
    sandbox.outage = False
    assert (await send(client)).status_code == 200


async def test_the_journal_holds_every_request_to_the_platform(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await client.get("/")
    await client.get("/_sandbox/queue")
    await send(client)
    await send(client, team_name="kitchen")
    await client.post(PATH, content=b"n\xc3\xb6", headers=HEADERS)
    await client.get("/integration/other/")
    sandbox.outage = True
    await send(client)
    success, unknown_team = {"success": True}, {"error_message": "invalid team_name provided"}
    not_json = {"error_message": "request body is not a JSON object"}
    entries = [(entry.method, entry.path, entry.status, entry.body, entry.answer) for entry in sandbox.journal]
    assert entries[:4] == [
        ("POST", PATH, 200, BODY, success),
        ("POST", PATH, 400, {**BODY, "team_name": "kitchen"}, unknown_team),
        ("POST", PATH, 400, "nö", not_json),
        ("GET", "/integration/other/", 404, None, "Not Found"),
    ]
    assert entries[4][:4] == ("POST", PATH, 503, BODY)


async def test_no_token_reaches_journal_page_or_control_plane() -> None:
    sandbox = Sandbox.from_mapping(
        {
            "partners": [{"client_id": "shop", "token": "key-of-the-shop"}],
            "businesses": [{"id": 1201, "name": "Shop"}],
            "users": [{"user_name": "asha", "businesses": [1201], "pxut": "key-of-asha"}],
        }
    )
    async with client_of(sandbox) as client:
        more = [{"note": "Bearer key-of-the-shop"}, "key-of-asha"]
        await send(client, user_name="key-of-the-shop", token="another-key-of", more=more)
        await client.post("/key-of-the-shop/", content=b"key-of-the-shop, not JSON", headers=HEADERS)
        await client.get("/integration/external/v2.0/get_chat_history/", params={"pxut": "key-of-asha"})
        texts = [str(sandbox.journal)]
        for path in ("/", "/_sandbox/live", "/_sandbox/state", "/_sandbox/queue", "/_sandbox/journal"):
            texts.append((await client.get(path)).text)
    assert len(sandbox.journal) == 3
    assert [text for text in texts if "key-of" in text] == []


@pytest.mark.parametrize(("depth", "kind"), [(40, dict), (60, str), (900, str)])
async def test_a_deeply_nested_body_is_kept_in_a_form_that_can_be_shown(
    sandbox: Sandbox, client: httpx.AsyncClient, depth: int, kind: type
) -> None:
    await client.post(PATH, content='{"user_name":' * depth + "1" + "}" * depth, headers=HEADERS)
    assert isinstance(sandbox.journal[0].body, kind)
    assert (await client.get("/_sandbox/journal")).status_code == 200
    assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_the_clock_moves_forward_only(sandbox: Sandbox, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="0 or more"):
        sandbox.advance(seconds)


async def test_reset_returns_to_the_start(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client)
    sandbox.outage = True
    sandbox.advance(100)
    sandbox.reset()
    assert (sandbox.queue(), sandbox.journal, sandbox.outage) == ([], [], False)
    await send(client)
    assert sandbox.queue()[0].state == "counting_down"


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
OFTEN_VALID = {
    "user_name": st.just("asha") | JSON,
    "business_id": st.just(1201) | JSON,
    "team_name": st.just("orders") | JSON,
    "countdown": st.sampled_from([5, 10]) | JSON,
}


def bodies() -> st.SearchStrategy[bytes]:
    objects = st.fixed_dictionaries({}, optional=OFTEN_VALID).map(lambda value: json.dumps(value).encode())
    return objects | JSON.map(lambda value: json.dumps(value).encode()) | st.binary()


@settings(deadline=None)
@given(body=bodies())
async def test_any_body_is_answered_with_the_documented_json(body: bytes) -> None:
    sandbox = Sandbox()
    async with client_of(sandbox) as client:
        answer = await client.post(PATH, content=body, headers=HEADERS)
        page = await client.get("/")
        journal = await client.get("/_sandbox/journal")
    if answer.status_code == 200:
        assert answer.json() == {"success": True}
        assert len(sandbox.queue()) == 1
    else:
        assert answer.status_code == 400
        assert list(answer.json()) == ["error_message"]
        assert sandbox.queue() == []
    assert (page.status_code, journal.status_code) == (200, 200)
