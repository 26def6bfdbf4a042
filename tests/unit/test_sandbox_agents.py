"""The sandbox's agents: claiming, answering and completing chats, in Python and over the control plane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Agent, Chat, Sandbox

SEND = "/integration/external/v1.0/send_chat_to_agent/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
ASHA = {"user_name": "asha", "business_id": 1201}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(clock=lambda: 100.0)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=sandbox.transport(), base_url="http://127.0.0.1:8123", headers=HEADERS
    ) as client:
        yield client


async def hand_over(client: httpx.AsyncClient, user_name: str = "asha", team_name: str = "orders") -> None:
    body = {"user_name": user_name, "business_id": 1201, "team_name": team_name}
    assert (await client.post(SEND, json=body)).json() == {"success": True}


def chat_of(sandbox: Sandbox, user_name: str) -> Chat:
    return next(chat for chat in sandbox.chats() if (chat.user_name, chat.business_id) == (user_name, 1201))


async def test_a_chat_goes_from_the_bot_to_an_agent_and_is_completed(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    states = [chat_of(sandbox, "asha").state]
    await hand_over(client)
    states.append(chat_of(sandbox, "asha").state)
    sandbox.advance(10)
    states.append(chat_of(sandbox, "asha").state)
    sandbox.advance(20)
    claimed = sandbox.claim("asha", 1201, agent="Priya")
    sandbox.advance(60)
    assert claimed == chat_of(sandbox, "asha")
    assert (claimed.state, claimed.agent, claimed.team, claimed.seconds_waiting) == ("assigned", "Priya", "orders", 20)
    said = sandbox.answer("asha", 1201, "It will be there today.")
    assert (said.sender, said.agent_name, said.body["text"]) == ("agent", "Priya", "It will be there today.")
    assert sandbox.messages("asha", 1201, 7)[-1] == said
    done = sandbox.complete("asha", 1201, reason="late delivery")
    assert done == Chat(user_name="asha", business_id=1201, conversation_no=7, state="complete")
    assert states == ["bot", "counting_down", "pending"]


async def test_only_unclaimed_chats_are_in_the_queue(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await hand_over(client, "ben", "support")
    await hand_over(client, "asha", "orders")
    sandbox.advance(10)
    assert [chat.user_name for chat in sandbox.queue()] == ["ben", "asha"]
    sandbox.claim("ben", 1201, agent="Meera")
    assert [chat.user_name for chat in sandbox.queue()] == ["asha"]


async def test_a_message_after_completion_opens_the_next_conversation(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await hand_over(client)
    sandbox.advance(10)
    sandbox.claim("asha", 1201, agent="Priya")
    sandbox.complete("asha", 1201)
    said = sandbox.say("asha", 1201, "One more thing")
    chat = chat_of(sandbox, "asha")
    assert (chat.state, chat.conversation_no, chat.team, chat.agent) == ("bot", 8, None, None)
    assert sandbox.messages("asha", 1201, 8) == [said]
    assert len(sandbox.messages("asha", 1201, 7)) == 5


async def test_what_the_bot_says_after_completion_opens_nothing(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await bring_to(sandbox, client, "complete")
    said = sandbox.say("asha", 1201, "Was this helpful?", sender="bot")
    assert (chat_of(sandbox, "asha").state, sandbox.messages("asha", 1201, 7)[-1]) == ("complete", said)


async def test_a_hand_over_after_completion_is_of_the_next_conversation(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await hand_over(client)
    sandbox.advance(10)
    sandbox.claim("asha", 1201, agent="Priya")
    sandbox.complete("asha", 1201)
    await hand_over(client, team_name="support")
    chat = chat_of(sandbox, "asha")
    assert (chat.state, chat.conversation_no, chat.team) == ("counting_down", 8, "support")


async def test_a_claimed_chat_that_is_handed_over_again_stays_as_it_is(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await hand_over(client)
    sandbox.advance(10)
    claimed = sandbox.claim("asha", 1201, agent="Priya")
    await hand_over(client, team_name="support")
    assert chat_of(sandbox, "asha") == claimed


def test_agents_come_and_go(sandbox: Sandbox) -> None:
    assert sandbox.agents() == [
        Agent(name="Priya", teams=("support", "orders")),
        Agent(name="Meera", teams=("support",)),
        Agent(name="Ravi", teams=("orders", "night"), online=False),
    ]
    assert sandbox.set_online("Ravi", True) == Agent(name="Ravi", teams=("orders", "night"))
    assert [agent.online for agent in sandbox.agents()] == [True, True, True]


async def test_who_goes_offline_keeps_their_chats(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await hand_over(client)
    sandbox.advance(10)
    sandbox.claim("asha", 1201, agent="Priya")
    sandbox.set_online("Priya", False)
    assert sandbox.answer("asha", 1201, "Still here").agent_name == "Priya"
    assert sandbox.complete("asha", 1201).state == "complete"


async def test_reset_gives_chats_back_and_lets_agents_be_as_at_the_start(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    before = sandbox.chats(), sandbox.agents()
    await hand_over(client)
    sandbox.advance(10)
    sandbox.claim("asha", 1201, agent="Priya")
    sandbox.complete("asha", 1201)
    sandbox.say("asha", 1201, "Hello again")
    sandbox.set_online("Priya", False)
    sandbox.reset()
    assert (sandbox.chats(), sandbox.agents()) == before


CLAIM = {**ASHA, "agent": "Priya"}
ANSWER = {**ASHA, "text": "Hello"}

REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    # where the chat is, the step, its body, the status, what is said
    ("bot", "claim", CLAIM, 409, "claim: the chat of asha on 1201 is with the bot."),
    ("bot", "answer", ANSWER, 409, "answer: the chat of asha on 1201 is with the bot."),
    ("bot", "complete", ASHA, 409, "complete: the chat of asha on 1201 is with the bot."),
    ("counting_down", "claim", CLAIM, 409, "still counts down"),
    ("counting_down", "answer", ANSWER, 409, "still counts down"),
    ("pending", "answer", ANSWER, 409, "waits in the queue of orders. Claim it first"),
    ("pending", "complete", ASHA, 409, "waits in the queue of orders. Claim it first"),
    ("pending", "claim", {**ASHA, "agent": "Ravi"}, 409, "claim: Ravi is offline"),
    ("pending", "claim", {**ASHA, "agent": "Meera"}, 409, "not in the team orders. Online there: Priya"),
    ("pending", "claim", {**ASHA, "agent": "Nobody"}, 404, "no agent has the name 'Nobody'"),
    ("assigned", "claim", CLAIM, 409, "is assigned to Priya already"),
    ("assigned", "answer", {**ASHA, "text": " \n"}, 409, "answer: says nothing"),
    ("complete", "claim", CLAIM, 409, "is complete"),
    ("complete", "answer", ANSWER, 409, "is complete"),
    ("complete", "complete", ASHA, 409, "is complete"),
    ("bot", "claim", {**CLAIM, "user_name": "esha"}, 404, "'esha' has no chat on the business 1201"),
    ("bot", "answer", {**ANSWER, "business_id": 9}, 404, "'asha' has no chat on the business 9"),
]


async def bring_to(sandbox: Sandbox, client: httpx.AsyncClient, state: str) -> None:
    if state != "bot":
        await hand_over(client)
    if state not in {"bot", "counting_down"}:
        sandbox.advance(10)
    if state in {"assigned", "complete"}:
        sandbox.claim("asha", 1201, agent="Priya")
    if state == "complete":
        sandbox.complete("asha", 1201)
    assert chat_of(sandbox, "asha").state == state


@pytest.mark.parametrize(("state", "step", "body", "status", "said"), REFUSED)
async def test_a_step_that_is_not_allowed_is_explained_and_changes_nothing(
    sandbox: Sandbox,
    client: httpx.AsyncClient,
    state: str,
    step: str,
    body: dict[str, Any],
    status: int,
    said: str,
) -> None:
    await bring_to(sandbox, client, state)
    before = sandbox.chats(), sandbox.events(), sandbox.messages("asha", 1201, 7)
    answer = await client.post(f"/_sandbox/{step}", json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
    with pytest.raises(ConfigurationError) as caught:
        getattr(sandbox, step)(**body)
    assert str(caught.value) == answer.json()["error"]
    assert (sandbox.chats(), sandbox.events(), sandbox.messages("asha", 1201, 7)) == before


def test_an_agent_that_is_unknown_cannot_come_online(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match=r"'Nobody'\. .* use one of: Priya, Meera, Ravi"):
        sandbox.set_online("Nobody", True)


async def test_the_whole_run_over_the_control_plane(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await hand_over(client)
    sandbox.advance(10)
    claimed = (await client.post("/_sandbox/claim", json=CLAIM)).json()
    assert claimed == {
        **ASHA,
        "conversation_no": 7,
        "state": "assigned",
        "team": "orders",
        "agent": "Priya",
        "countdown": 10,
        "seconds_left": 0.0,
        "seconds_waiting": 0.0,
    }
    answered = (await client.post("/_sandbox/answer", json=ANSWER)).json()
    assert (answered["sender"], answered["agent_name"], answered["body"]["text"]) == ("agent", "Priya", "Hello")
    done = (await client.post("/_sandbox/complete", json={**ASHA, "reason": "late", "comment": "sorry"})).json()
    assert (done["state"], done["agent"], done["team"]) == ("complete", None, None)
    said = (await client.post("/_sandbox/say", json={**ASHA, "content": "Thanks"})).json()
    assert (said["sender"], chat_of(sandbox, "asha").conversation_no) == ("user", 8)


async def test_agents_over_the_control_plane(client: httpx.AsyncClient) -> None:
    ravi = {"name": "Ravi", "teams": ["orders", "night"], "online": True, "email": None}
    assert (await client.post("/_sandbox/agents", json={"agent": "Ravi", "online": True})).json() == ravi
    assert (await client.get("/_sandbox/agents")).json()[2] == ravi
    assert (await client.get("/_sandbox/state")).json()["agents"][2] == ravi
    assert (await client.post("/_sandbox/agents", json={"agent": "Nobody", "online": True})).status_code == 404


@pytest.mark.parametrize(
    ("path", "content", "what"),
    [
        ("claim", b"", "missing required field `user_name`"),
        ("claim", b'{"user_name": "asha", "business_id": "1201", "agent": "Priya"}', "$.business_id"),
        ("answer", b'{"user_name": "asha", "business_id": 1201, "text": null}', "$.text"),
        ("complete", b'{"user_name": "asha", "business_id": 1201, "why": ""}', "unknown field `why`"),
        ("agents", b'{"agent": "Priya", "online": "yes"}', "$.online"),
        ("say", b'{"user_name": "asha", "business_id": 1201, "content": 1}', "$.content"),
        ("say", b'{"user_name": "asha", "business_id": 1201, "content": "a", "sender": "me"}', "$.sender"),
    ],
)
async def test_a_body_that_does_not_fit_is_explained(
    client: httpx.AsyncClient, path: str, content: bytes, what: str
) -> None:
    answer = await client.post(f"/_sandbox/{path}", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert what in answer.json()["error"]


ORDERS = ["reset", "outage", "clock", "claim", "answer", "complete", "say", "agents", "webhook", "webhook/enable"]
FORMS = [f"page/{name}" for name in ("claim", "answer", "complete", "online", "outage")]


@pytest.mark.parametrize("path", ORDERS)
async def test_what_is_not_json_is_no_order(client: httpx.AsyncClient, path: str) -> None:
    # What a form of another site can send without asking first.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]:
        answer = await client.post(f"/_sandbox/{path}", content=b"{}", headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]) == (415, "content-type: has to be application/json")


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Origin": "http://localhost:8123"},
    {"Origin": "http://evil.example:8123", "Host": "evil.example:8123"},
    {"Origin": "http://127.0.0.1:99999999"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
async def test_another_sites_page_gives_no_orders(
    sandbox: Sandbox, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for path in ORDERS + FORMS:
        answer = await client.post(f"/_sandbox/{path}", headers=headers, json={})
        assert answer.status_code == 403, path
    assert (await client.delete("/_sandbox/webhook", headers=headers)).status_code == 403
    assert (await client.get("/_sandbox/state", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8123", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8123", "Host": "localhost:8123"},
        {"Origin": "http://[::1]:8123", "Host": "[::1]:8123"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_programs_and_the_sandboxs_own_page_give_orders(
    sandbox: Sandbox, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post("/_sandbox/outage", headers=headers, json={"active": True})).status_code == 200
    assert sandbox.outage


PARTNERS = [{"client_id": "shop", "token": "a-token"}]


@pytest.mark.parametrize(
    ("state", "path", "remedy"),
    [
        ({"agents": [{"name": "Priya", "teams": ["orders"]}]}, "agents[0].teams[0]", "no team has the name 'orders'"),
        ({"agents": [{"name": "Priya"}, {"name": "Priya"}]}, "agents[1].name", "'Priya' stands twice"),
        ({"agents": [{"nam": "Priya"}]}, "agents[0]", "Did you mean 'name'?"),
        ({"agents": [{"name": ""}]}, "agents[0].name", "- {name: Priya"),
        ({"agents": [{"name": "Priya", "online": "no"}]}, "agents[0].online", "Expected `bool`"),
        (
            {"teams": [{"name": "a"}], "agents": [{"name": "Priya", "teams": ["a", "a"]}]},
            "agents[0].teams[1]",
            "'a' stands twice",
        ),
    ],
)
def test_agents_that_do_not_fit_are_explained(state: dict[str, Any], path: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sandbox.from_mapping({"partners": PARTNERS, **state})
    assert str(caught.value).startswith(f"state: {path}: ")
    assert remedy in str(caught.value)
