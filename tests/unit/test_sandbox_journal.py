"""The journal's assertions: what they find, and what a miss shows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Fault, Sandbox

SEND = "/integration/external/v1.0/send_chat_to_agent/"
HISTORY = "/integration/external/v2.0/get_chat_history/"
CREATE = "/mogambo_api/nodes/faq/create/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url="http://sandbox", headers=HEADERS) as client:
        yield client


async def send(client: httpx.AsyncClient, user_name: str, team_name: str) -> None:
    await client.post(SEND, json={"user_name": user_name, "business_id": 1201, "team_name": team_name})


def miss_of(sandbox: Sandbox, *args: object, **fields: object) -> str:
    with pytest.raises(AssertionError) as caught:
        sandbox.assert_called(*args, **fields)  # type: ignore[arg-type]
    return str(caught.value)


async def test_what_was_called_is_found_by_any_of_its_fields(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client, "asha", "orders")
    await send(client, "ben", "orders")
    await send(client, "ben", "support")
    [entry] = sandbox.assert_called("send_chat_to_agent", times=1, user_name="ben", team_name="orders")
    assert entry.body == {"user_name": "ben", "business_id": 1201, "team_name": "orders"}
    assert len(sandbox.assert_called("send_chat_to_agent", user_name="ben")) == 2
    assert len(sandbox.assert_called("send_chat_to_agent", business_id=1201)) == 3
    assert len(sandbox.assert_called("send_chat_to_agent", times=3)) == 3
    sandbox.assert_not_called("get_chat_history")
    sandbox.assert_not_called("send_chat_to_agent", user_name="chitra")


async def test_parameters_of_an_address_match_as_text_and_as_numbers(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await client.get(HISTORY, params={"user_name": "asha", "business_id": 1201, "conversation_no": 7, "limit": ""})
    sandbox.assert_called("get_chat_history", times=1, business_id=1201, conversation_no="7", limit="")
    sandbox.assert_not_called("get_chat_history", business_id=1202)


@pytest.mark.parametrize("rows", [1, 1_000])
async def test_a_form_is_found_by_its_fields_and_files(sandbox: Sandbox, client: httpx.AsyncClient, rows: int) -> None:
    csv = "node_name,question,answer\r\n" + "hours,When?,Now\r\n" * rows
    await client.post(CREATE, data={"domain_name": "demo_faq"}, files={"csv_file": ("faq.csv", csv)})
    sandbox.assert_called("create_faq_nodes", times=1, domain_name="demo_faq", csv_file=csv)
    assert len(sandbox.journal[0].fields["csv_file"]) <= 4_000


async def test_a_secret_matches_and_is_not_shown(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await client.get(HISTORY, params={"pxut": "demo-pxut-chitra", "conversation_no": 1})
    [entry] = sandbox.assert_called("get_chat_history", pxut="demo-pxut-chitra")
    assert entry.query == {"pxut": "[hidden]", "conversation_no": "1"}
    assert "demo-pxut" not in miss_of(sandbox, "get_chat_history", pxut="demo-pxut-chitra", limit=1)


async def test_a_miss_shows_the_nearest_request_and_the_difference(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client, "asha", "support")
    await client.get(HISTORY)
    await send(client, "ben", "support")
    await send(client, "chitra", "support")
    assert miss_of(sandbox, "send_chat_to_agent", times=1, user_name="ben", team_name="orders", countdown=5) == (
        "Expected 1 request to send_chat_to_agent(user_name='ben', team_name='orders', countdown=5); there were 0.\n"
        "  The nearest of 3 is request 3: "
        "send_chat_to_agent(user_name='ben', business_id=1201, team_name='support'), answered 200\n"
        "    team_name: expected 'orders', was 'support'\n"
        "    countdown: expected 5, was not sent"
    )


async def test_of_equally_near_ones_the_last_is_shown(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.fail(Fault.status(503, times=1))
    await send(client, "ben", "support")
    assert "answered 503, fault status" in miss_of(sandbox, "send_chat_to_agent", team_name="orders")
    await send(client, "ben", "kitchen")
    assert "request 2: " in miss_of(sandbox, "send_chat_to_agent", team_name="orders")


async def test_too_many_are_listed(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client, "ben", "orders")
    await send(client, "ben", "orders")
    line = "send_chat_to_agent(user_name='ben', business_id=1201, team_name='orders'), answered 200"
    rest = f"  request 1: {line}\n  request 2: {line}"
    assert miss_of(sandbox, "send_chat_to_agent", times=1, user_name="ben") == (
        f"Expected 1 request to send_chat_to_agent(user_name='ben'); there were 2.\n{rest}"
    )
    with pytest.raises(AssertionError) as caught:
        sandbox.assert_not_called("send_chat_to_agent")
    assert str(caught.value) == f"Expected 0 requests to send_chat_to_agent(); there were 2.\n{rest}"


async def test_too_few_are_listed_with_the_nearest(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await send(client, "ben", "orders")
    await send(client, "ben", "support")
    assert miss_of(sandbox, "send_chat_to_agent", times=2, team_name="orders").splitlines()[1:] == [
        "  request 1: send_chat_to_agent(user_name='ben', business_id=1201, team_name='orders'), answered 200",
        "  The nearest of 1 is request 2: "
        "send_chat_to_agent(user_name='ben', business_id=1201, team_name='support'), answered 200",
        "    team_name: expected 'orders', was 'support'",
    ]


async def test_without_any_request_to_the_api_the_others_are_counted(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    title = "Expected at least one request to send_chat_to_agent(); there were 0."
    assert miss_of(sandbox, "send_chat_to_agent") == f"{title}\n  No request reached the sandbox."
    await client.get(HISTORY)
    await client.get(HISTORY)
    await client.get("/nothing/")
    others = "What was called: get_chat_history (2), /nothing/ (1)."
    assert miss_of(sandbox, "send_chat_to_agent") == f"{title}\n  {others}"


def test_an_api_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'send_chat_to_agent'"):
        sandbox.assert_called("send_chat_to_agents")  # type: ignore[arg-type]
