"""The sandbox's "Get Chat Transcripts", v1.0 and v2.0: the documented error tables, and what is assumed around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox

V1 = "/integration/external/v1.0/get_chat_history/"
V2 = "/integration/external/v2.0/get_chat_history/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client", "Content-Type": "application/json"}
QUERY = {"user_name": "asha", "business_id": "1201", "conversation_no": "7"}
PXUT = {"pxut": "pxut-of-asha", "conversation_no": "7"}
START = datetime(2020, 6, 22, 7, 24, 45, tzinfo=timezone.utc)
MISSING = object()

STATE: dict[str, Any] = {
    "partners": [{"client_id": "demo-client", "token": "demo-token"}],
    "businesses": [{"id": 1201, "name": "Shop"}, {"id": 1202, "name": "Old shop", "active": False}],
    "users": [
        {
            "user_name": "asha",
            "businesses": [1201, 1202],
            "conversation_no": 7,
            "pxut": "pxut-of-asha",
            "messages": [
                {"sender": "user", "text": "Search places to visit{task}"},
                {"sender": "bot", "text": "Before", "conversation_no": 6},
                {"sender": "bot", "hsl": {"text": "TEXT", "type": "TEXT", "data": {"quick_replies": []}}},
                {"sender": "agent", "agent_name": "Priya", "text": "Hello"},
                {"sender": "bot", "hsl": {"type": "FORM", "data": {}}, "business_id": 1202},
            ],
        },
        {"user_name": "esha", "pxut": "pxut-of-esha"},
    ],
}

NO_PAIR = "Either the user has not sent a message yet, or the provided user_name-business_id pair is invalid."
NO_PXUT = "Unable to decode pxut-client_id pair"
NO_GROUP = "Argument group validation: no valid group."
INVALID_GROUP = "Argument group validation: invalid group found."


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox.from_mapping(STATE, clock=lambda: 50.0, start=START)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=sandbox.transport(), base_url="http://sandbox")


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**base, **changes}.items() if value is not MISSING}


async def history(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params=query, headers=HEADERS)
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


V1_DOCUMENTED = [
    ({"client-id": "someone"}, {}, 401, "invalid client_id"),
    ({"Authorization": "Bearer wrong"}, {}, 401, "invalid token"),
    ({}, {"user_name": MISSING}, 400, "user_name missing"),
    ({}, {"business_id": MISSING}, 400, "business_id missing"),
    ({}, {"conversation_no": MISSING}, 400, "conversation_no missing"),
    ({}, {"user_name": "nobody"}, 400, "invalid user_name"),
    ({}, {"user_name": "esha"}, 400, "user has not sent a message"),
]
V1_ASSUMED = [
    ({"client-id": MISSING}, {}, 401, "invalid client_id"),
    ({"Authorization": MISSING}, {}, 401, "invalid token"),
    ({"Authorization": "demo-token"}, {}, 401, "invalid token"),
    ({}, {"user_name": ""}, 400, "user_name missing"),
    ({}, {"business_id": "9"}, 400, "user has not sent a message"),
    ({}, {"business_id": "shop"}, 400, "user has not sent a message"),
    ({}, {"conversation_no": "first"}, 400, "invalid conversation_no"),
    ({}, {"conversation_no": "7.0"}, 400, "invalid conversation_no"),
    ({}, {"limit": "0"}, 400, "invalid limit"),
    ({}, {"limit": "-1"}, 400, "invalid limit"),
    ({}, {"limit": "9" * 5_000}, 400, "invalid limit"),
    ({}, {"respose_type": "xml"}, 400, "invalid response_type"),
    ({}, {"response_type": "JSON"}, 400, "invalid response_type"),
]
V2_DOCUMENTED = [
    ({}, QUERY, {"business_id": "shop"}, 400, "Invalid business_id"),
    ({"Authorization": "Bearer wrong"}, QUERY, {}, 401, "Invalid token"),
    ({}, QUERY, {"user_name": "esha"}, 400, NO_PAIR),
    ({}, QUERY, {"user_name": "nobody"}, 400, NO_PAIR),
    ({}, QUERY, {"business_id": "9"}, 400, NO_PAIR),
    ({}, PXUT, {"pxut": "someone"}, 400, NO_PXUT),
    ({"client-id": "someone"}, PXUT, {}, 401, NO_PXUT),
    ({}, QUERY, {"user_name": MISSING}, 400, NO_GROUP),
    ({}, QUERY, {"business_id": MISSING}, 400, NO_GROUP),
    ({}, QUERY, {"conversation_no": MISSING}, 400, NO_GROUP),
    ({}, PXUT, {"conversation_no": MISSING}, 400, NO_GROUP),
    ({}, {}, {}, 400, NO_GROUP),
    ({}, QUERY, {"conversation_no": "first"}, 400, INVALID_GROUP),
    ({}, PXUT, {"conversation_no": "first"}, 400, INVALID_GROUP),
]
V2_ASSUMED = [
    ({"client-id": "someone"}, QUERY, {}, 401, "Invalid token"),
    ({"client-id": MISSING}, QUERY, {}, 401, "Invalid token"),
    ({"client-id": MISSING}, PXUT, {}, 401, NO_PXUT),
    ({"Authorization": MISSING}, PXUT, {}, 401, "Invalid token"),
    ({}, PXUT, {"pxut": "pxut-of-esha"}, 400, NO_PAIR),
    ({}, QUERY, {"user_name": ""}, 400, NO_GROUP),
    ({}, QUERY, {"limit": "many"}, 400, INVALID_GROUP),
    ({}, QUERY, {"response_type": "xml"}, 400, INVALID_GROUP),
]
NOT_GIVEN = ["business_id", "conversation_no"]
REFUSED = [(V1, headers, QUERY, change, *rest) for headers, change, *rest in V1_DOCUMENTED + V1_ASSUMED] + [
    (V2, *row) for row in V2_DOCUMENTED + V2_ASSUMED
]


@pytest.mark.parametrize(("path", "headers", "query", "changes", "status", "message"), REFUSED)
async def test_a_refused_call_names_its_reason(
    client: httpx.AsyncClient,
    path: str,
    headers: dict[str, Any],
    query: dict[str, Any],
    changes: dict[str, Any],
    status: int,
    message: str,
) -> None:
    answer = await client.get(path, params=changed(query, changes), headers=changed(HEADERS, headers))
    assert (answer.status_code, answer.json()["error_message"]) == (status, message)


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ({"pxut": "x", "user_name": "asha"}, {"missing": {"group 1": NOT_GIVEN, "group 2": ["conversation_no"]}}),
        ({**QUERY, "conversation_no": "x"}, {"invalid": ["conversation_no"]}),
        ({**QUERY, "limit": "x"}, {"invalid": ["limit"]}),
    ],
)
async def test_v2_explains_a_wrong_group_beside_the_message(
    client: httpx.AsyncClient, query: dict[str, str], data: dict[str, Any]
) -> None:
    assert (await client.get(V2, params=query, headers=HEADERS)).json()["data"] == data


@pytest.mark.parametrize(
    ("path", "query", "agent"), [(V1, QUERY, "agent(Priya)"), (V2, QUERY, "Priya"), (V2, PXUT, "Priya")]
)
async def test_the_documented_json(client: httpx.AsyncClient, path: str, query: dict[str, str], agent: str) -> None:
    def row(number: int, sender: str, text: str, timestamp: str) -> dict[str, Any]:
        return {"text": text, "sender": sender, "message_id": number, "timestamp": timestamp}

    assert await history(client, path, **query) == {
        "chat_json": [
            row(1, "user", "Search places to visit{task}", "06/22/20 07:23:05 AM UTC"),
            row(3, "bot", "TEXT", "06/22/20 07:23:45 AM UTC"),
            row(4, agent, "Hello", "06/22/20 07:24:05 AM UTC"),
        ]
    }


@pytest.mark.parametrize(
    ("path", "query", "agent"),
    [
        (V1, {"respose_type": "text"}, "agent(Priya)"),
        (V1, {"response_type": "text"}, "agent(Priya)"),
        (V1, {"respose_type": "text", "response_type": "json"}, "agent(Priya)"),
        (V2, {"response_type": "text"}, "Priya"),
    ],
)
async def test_the_documented_text(client: httpx.AsyncClient, path: str, query: dict[str, str], agent: str) -> None:
    text = f"user: Search places to visit{{task}}\nbot: TEXT\n{agent}: Hello\n"
    assert await history(client, path, **QUERY, **query) == {"chat_text": text}


async def test_v2_knows_only_its_own_spelling(client: httpx.AsyncClient) -> None:
    assert "chat_json" in await history(client, V2, **QUERY, respose_type="text")


@pytest.mark.parametrize("path", [V1, V2])
@pytest.mark.parametrize(("limit", "ids"), [("1", [4]), ("2", [3, 4]), ("99", [1, 3, 4]), ("", [1, 3, 4])])
async def test_the_limit_keeps_the_last(client: httpx.AsyncClient, path: str, limit: str, ids: list[int]) -> None:
    rows = (await history(client, path, **QUERY, limit=limit))["chat_json"]
    assert [row["message_id"] for row in rows] == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({**QUERY, "conversation_no": "6"}, [2]),
        ({**QUERY, "business_id": "1202"}, [5]),
        ({**QUERY, "conversation_no": "99"}, []),
        ({**QUERY, **PXUT, "business_id": "1202"}, [5]),
        ({**QUERY, "pxut": "someone"}, [1, 3, 4]),
        ({**PXUT, "user_name": "nobody"}, [1, 3, 4]),
    ],
)
async def test_which_conversation_it_is(client: httpx.AsyncClient, query: dict[str, str], ids: list[int]) -> None:
    assert [row["message_id"] for row in (await history(client, V2, **query))["chat_json"]] == ids


async def test_an_element_without_text_has_none(client: httpx.AsyncClient) -> None:
    [row] = (await history(client, V1, **{**QUERY, "business_id": "1202"}))["chat_json"]
    assert row["text"] == ""


@pytest.mark.parametrize(
    ("seconds", "timestamp"),
    [
        (0, "06/22/20 07:24:45 AM UTC"),
        (5 * 3_600, "06/22/20 12:24:45 PM UTC"),
        (17 * 3_600, "06/23/20 12:24:45 AM UTC"),
    ],
)
async def test_what_is_said_now_is_stamped_with_the_moved_clock(
    sandbox: Sandbox, client: httpx.AsyncClient, seconds: float, timestamp: str
) -> None:
    sandbox.advance(seconds)
    message = sandbox.say("asha", 1201, "Still there?")
    assert message.at == START + timedelta(seconds=seconds)
    [row] = (await history(client, V1, **QUERY, limit="1"))["chat_json"]
    assert row == {"text": "Still there?", "sender": "user", "message_id": 6, "timestamp": timestamp}


async def test_reset_forgets_what_was_said(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    before = await history(client, V1, **QUERY)
    sandbox.say("asha", 1201, {"text": "Yes", "type": "TEXT", "data": {}}, sender="bot")
    assert len((await history(client, V1, **QUERY))["chat_json"]) == 4
    sandbox.reset()
    assert await history(client, V1, **QUERY) == before


async def test_a_body_is_not_read(client: httpx.AsyncClient) -> None:
    answer = await client.request("GET", V1, json=QUERY, headers=HEADERS)
    assert answer.json() == {"error_message": "user_name missing"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", V1, 405), ("DELETE", V2, 405), ("GET", V2.rstrip("/"), 404), ("GET", V2.replace("v2", "v3"), 404)],
)
async def test_other_methods_and_paths(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    assert (await client.request(method, path, params=QUERY, headers=HEADERS)).status_code == status


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="time zone"):
        Sandbox(start=datetime(2020, 6, 22))


VALUES = st.text(max_size=6) | st.sampled_from(["asha", "1201", "7", "pxut-of-asha", "text", "json", "1"])
NAMES = ["user_name", "business_id", "conversation_no", "pxut", "limit", "response_type", "respose_type"]


@given(path=st.sampled_from([V1, V2]), query=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)))
async def test_any_query_is_answered_with_the_documented_json(path: str, query: dict[str, str]) -> None:
    async with client_of(Sandbox.from_mapping(STATE)) as client:
        answer = await client.get(path, params=query, headers=HEADERS)
    keys = set(answer.json())
    if answer.status_code == 200:
        assert keys in ({"chat_json"}, {"chat_text"})
    else:
        assert answer.status_code == 400
        assert "error_message" in keys
        assert keys <= {"error_message", "data"}
