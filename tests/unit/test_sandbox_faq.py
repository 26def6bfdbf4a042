"""The sandbox's "FAQ Node Creation APIs for KMS": refusals, the documented upsert, and tasks that stop at a bad row."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import FaqNode, Sandbox

CREATE = "/mogambo_api/nodes/faq/create/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
HEADER = "node_name,question,answer\n"
CSV = HEADER + "hours,When?|opening hours,9 to 18\nreturns,Can I return it?,Yes<m>Within 30 days\n"
SUCCESS = "all nodes has been created successfully"
ROW = 0.05

STATE: dict[str, Any] = {
    "partners": [{"client_id": "demo-client", "token": "demo-token"}, {"client_id": "other", "token": "other-token"}],
    "domains": [
        {
            "name": "shop",
            "nodes": [
                {"node_name": "hours", "user_says": ["old"], "bot_says": ["old"]},
                {"node_name": "delivery", "user_says": ["Where?"], "bot_says": ["Here", {"type": "TEXT", "text": "x"}]},
            ],
        },
        {"name": "private", "client_ids": ["other"]},
    ],
}
HOURS = FaqNode(node_name="hours", user_says=("When?", "opening hours"), bot_says=("9 to 18",))
RETURNS = FaqNode(node_name="returns", user_says=("Can I return it?",), bot_says=("Yes", "Within 30 days"))


class FakeClock:
    now = 1_000.1

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox.from_mapping(STATE, clock=clock)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sandbox) as client:
        yield client


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=sandbox.transport(), base_url="http://sandbox", headers=HEADERS)


async def upload(client: httpx.AsyncClient, csv: str | bytes = CSV, domain_name: str = "shop") -> str:
    answer = await client.post(CREATE, data={"domain_name": domain_name}, files={"csv_file": ("faq.csv", csv)})
    content = answer.json()
    task_id: str = content["body"].pop("task_id")
    assert (answer.status_code, content) == (200, {"success": True, "body": {}, "error": "", "meta": {}})
    return task_id


async def status(client: httpx.AsyncClient, task_id: str) -> str:
    answer = await client.get(f"{CREATE}status/{task_id}/")
    content = answer.json()
    words: str = content["body"].pop("status")
    assert (answer.status_code, content) == (200, {"success": True, "body": {}, "error": "", "meta": {}})
    return words


def active(sandbox: Sandbox, domain_name: str = "shop") -> dict[str, bool]:
    return {node.node_name: node.active for node in sandbox.faq_nodes(domain_name)}


FILE = {"csv_file": ("faq.csv", CSV)}
UNAUTHORIZED, BAD = "Unauthorized Access or invalid token", "Invalid or bad request body"

DOCUMENTED: list[Any] = [
    ({"Authorization": "Bearer wrong"}, {"domain_name": "shop"}, FILE, 401, UNAUTHORIZED),
    ({}, {}, FILE, 400, BAD),
    ({}, {"domain_name": "shop"}, {"other": ("faq.csv", CSV)}, 400, BAD),
    ({}, {"domain_name": "private"}, FILE, 403, "Access Forbidden"),
    ({}, {"domain_name": "kitchen"}, FILE, 400, "invalid doman"),
]
ASSUMED: list[Any] = [
    ({"client-id": "someone"}, {"domain_name": "shop"}, FILE, 401, UNAUTHORIZED),
    ({"client-id": ""}, {"domain_name": "shop"}, FILE, 401, UNAUTHORIZED),
    ({"Authorization": ""}, {"domain_name": "shop"}, FILE, 401, UNAUTHORIZED),
    ({}, {"domain_name": ""}, FILE, 400, "invalid doman"),
    ({}, {"domain_name": "Shop"}, FILE, 400, "invalid doman"),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", b"")}, 400, BAD),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", b"node_name,question\n")}, 400, BAD),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", "node_name;question;answer\n")}, 400, BAD),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", "node_name,question,answer,tags\n")}, 400, BAD),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", "node_name,question,answer,answer\n")}, 400, BAD),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", "Node_name,question,answer\n")}, 400, BAD),
    ({}, {"domain_name": "shop"}, {"csv_file": ("faq.csv", CSV.encode("utf-16"))}, 400, BAD),
    ({}, {"domain_name": "shop", "csv_file": CSV}, {"other": ("faq.csv", CSV)}, 400, BAD),
]


@pytest.mark.parametrize(("headers", "data", "files", "code", "message"), DOCUMENTED + ASSUMED)
async def test_a_refused_upload_names_its_reason_and_changes_nothing(
    sandbox: Sandbox,
    client: httpx.AsyncClient,
    headers: dict[str, str],
    data: dict[str, str],
    files: dict[str, Any],
    code: int,
    message: str,
) -> None:
    answer = await client.post(CREATE, data=data, files=files, headers=headers)
    assert (answer.status_code, answer.json()) == (code, {"error_message": message})
    assert active(sandbox) == {"hours": True, "delivery": True}


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data"}, {"Content-Type": ""}]
)
@pytest.mark.parametrize("content", [b"", b'{"domain_name": "shop"}', b"--x\r\n"])
async def test_what_is_no_form_is_refused(client: httpx.AsyncClient, headers: dict[str, str], content: bytes) -> None:
    answer = await client.post(CREATE, content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error_message": BAD})


async def test_a_form_that_is_cut_short_is_refused(client: httpx.AsyncClient) -> None:
    whole = client.build_request("POST", CREATE, data={"domain_name": "shop"}, files=FILE)
    answer = await client.post(
        CREATE, content=whole.read()[:-60], headers={"Content-Type": whole.headers["content-type"]}
    )
    assert (answer.status_code, answer.json()) == (400, {"error_message": BAD})


async def test_the_upsert(sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock) -> None:
    task_id = await upload(client)
    assert await status(client, task_id) == "In Progress"
    assert active(sandbox) == {"hours": False, "delivery": False}
    clock.now += ROW
    assert await status(client, task_id) == "In Progress"
    assert active(sandbox) == {"hours": True, "delivery": False}
    clock.now += ROW
    assert await status(client, task_id) == SUCCESS
    delivery = FaqNode(
        node_name="delivery",
        user_says=("Where?",),
        bot_says=("Here", {"type": "TEXT", "text": "x"}),
        active=False,
    )
    assert sandbox.faq_nodes("shop") == [HOURS, delivery, RETURNS]


async def test_a_later_upload_takes_nodes_up_again(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await upload(client)
    sandbox.advance(60)
    await upload(client, HEADER + "delivery,Where?,There\n")
    sandbox.advance(60)
    assert active(sandbox) == {"hours": False, "delivery": True, "returns": False}
    assert sandbox.faq_nodes("private") == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",When?,Now", "node_name is empty"),
        (" ,When?,Now", "node_name is empty"),
        ("when,,Now", "question is empty"),
        ("when,When?,", "answer is empty"),
        ("when,When?||,Now", "question has an empty part beside '|'"),
        ("when,When?,Now<m>", "answer has an empty part beside '<m>'"),
        ("hours,When?,Now", "node_name 'hours' stands twice"),
        ("when,When?", "2 cells, the header has 3"),
        ("when,When?,Now,", "4 cells, the header has 3"),
        ('when,When?,{"text": "x"', "answer begins like an HSL object and is no JSON"),
        ('when,When?,"{""text"": ""x""}"', "answer is a JSON object without a type, and so no HSL object"),
        ('when,When?,"Now', "unexpected end of data"),
    ],
)
async def test_a_bad_row_stops_the_task_there(
    sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock, row: str, why: str
) -> None:
    task_id = await upload(client, f"{HEADER}hours,When?,9 to 18\n{row}\nlast,Last?,Never\n")
    clock.now += ROW / 2
    assert await status(client, task_id) == "In Progress"
    clock.now += 60
    assert await status(client, task_id) == f"Error in row 2: {why}"
    assert active(sandbox) == {"hours": True, "delivery": False}


async def test_one_task_after_the_other(sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock) -> None:
    first, second = await upload(client), await upload(client, HEADER + "last,Last?,Now\n")
    clock.now += 2 * ROW
    assert [await status(client, first), await status(client, second)] == [SUCCESS, "In Progress"]
    assert active(sandbox) == {"hours": False, "delivery": False, "returns": False}
    clock.now += ROW
    assert await status(client, second) == SUCCESS
    assert active(sandbox) == {"hours": False, "delivery": False, "returns": False, "last": True}


async def test_rows_can_hold_elements_line_breaks_and_the_optional_columns(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    element = {"text": "Which?", "type": "TEXT", "data": {"quick_replies": []}}
    quoted = json.dumps(element).replace('"', '""')
    header = "\ufeffanswer,node_name,question,quick_replies,link_text,link_button,link_url\r\n"
    row = f'"{quoted}<m>Line one\nLine two",hours,When?,Yes|No,,,\r\n'
    await upload(client, header + row + "\r\n")
    sandbox.advance(60)
    [hours, _] = sandbox.faq_nodes("shop")
    bot_says = (element, "Line one\nLine two")
    assert hours == FaqNode(
        node_name="hours", user_says=("When?",), bot_says=bot_says, extras={"quick_replies": "Yes|No"}
    )


async def test_a_file_without_rows_leaves_no_active_node(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    assert await status(client, await upload(client, HEADER)) == SUCCESS
    assert active(sandbox) == {"hours": False, "delivery": False}


@pytest.mark.parametrize(
    ("headers", "code", "message"),
    [({}, 404, "invalid task_id"), ({"Authorization": "Bearer wrong"}, 401, UNAUTHORIZED)],
)
async def test_a_task_that_cannot_be_shown(
    client: httpx.AsyncClient, headers: dict[str, str], code: int, message: str
) -> None:
    answer = await client.get(f"{CREATE}status/fe139ce5-f4c3-4383-bacb-64a546cb0b6c/", headers=headers)
    assert (answer.status_code, answer.json()) == (code, {"error_message": message})


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", CREATE, 405), ("POST", CREATE + "status/x/", 405), ("POST", CREATE[:-1], 404)],
)
async def test_other_methods_and_paths(client: httpx.AsyncClient, method: str, path: str, code: int) -> None:
    assert (await client.request(method, path)).status_code == code


async def test_the_control_plane_shows_nodes_and_tasks(client: httpx.AsyncClient, clock: FakeClock) -> None:
    task_id = await upload(client)
    clock.now += ROW
    content = (await client.get("/_sandbox/faq")).json()
    task = {"task_id": task_id, "domain_name": "shop", "rows": 2, "rows_done": 1, "status": "In Progress"}
    assert content["tasks"] == [task]
    assert content["nodes"]["private"] == []
    assert content["nodes"]["shop"][0] == {
        "node_name": "hours",
        "user_says": ["When?", "opening hours"],
        "bot_says": ["9 to 18"],
        "extras": {},
        "active": True,
    }


async def test_reset_brings_the_seeded_nodes_back(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    task_id = await upload(client)
    sandbox.advance(60)
    sandbox.reset()
    assert active(sandbox) == {"hours": True, "delivery": True}
    assert (await client.get(f"{CREATE}status/{task_id}/")).status_code == 404


def test_an_unknown_domain_is_named_with_those_there_are(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match=r"'kitchen'\. The state has: shop, private"):
        sandbox.faq_nodes("kitchen")


PIECES = [
    b"--x",
    b"--",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Disposition: form-data; ",
    b'name="csv_file"',
    b'; filename="a"',
    b":",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=12).map(b"".join))
async def test_any_form_is_refused_or_taken(content: bytes) -> None:
    async with client_of(Sandbox.from_mapping(STATE)) as client:
        answer = await client.post(CREATE, content=content, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()) == (400, {"error_message": BAD})


@given(st.binary() | st.text().map(lambda text: (HEADER + text).encode("utf-8", "replace")))
async def test_any_file_is_refused_or_ends_in_a_state(csv: bytes) -> None:
    sandbox = Sandbox.from_mapping(STATE)
    async with client_of(sandbox) as client:
        answer = await client.post(CREATE, data={"domain_name": "shop"}, files={"csv_file": ("faq.csv", csv)})
        if answer.status_code == 200:
            sandbox.advance(60)
            words = await status(client, answer.json()["body"]["task_id"])
            assert words == SUCCESS or words.startswith("Error in row ")
            assert not [node for node in sandbox.faq_nodes("shop") if node.active and not all(node.bot_says)]
        else:
            assert (answer.status_code, answer.json()) == (400, {"error_message": BAD})


async def test_a_node_that_is_refused_stops_the_task_with_the_words_given(
    sandbox: Sandbox, client: httpx.AsyncClient, clock: FakeClock
) -> None:
    sandbox.refuse_node("returns", "node 'returns' is reserved")
    task_id = await upload(client)
    clock.now += 10
    assert await status(client, task_id) == "node 'returns' is reserved"
    assert active(sandbox) == {"hours": True, "delivery": False}
    sandbox.reset()
    task_id = await upload(client)
    clock.now += 10
    assert await status(client, task_id) == SUCCESS
