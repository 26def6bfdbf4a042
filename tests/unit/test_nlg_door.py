"""Who may ask Rasa's endpoint where it has no token, and bodies that are nested without end."""

from __future__ import annotations

import httpx
import pytest

from haptik_actions.messages import MessageStore
from haptik_actions.nlg import nlg_app

CALL = {"response": "utter_greet", "arguments": {}, "tracker": {}, "channel": {"name": "rest"}}


def client(url: str, *, is_local: bool = True) -> httpx.AsyncClient:
    store = MessageStore.from_url(None, defaults={"en": {"utter_greet": "Hello"}})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=nlg_app(store, is_local=is_local)), base_url=url)


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8090", 200), ("127.0.0.1", 200), ("[::1]:5056", 200), ("rebound.example", 403), ("rasa", 403)],
)
async def test_without_a_token_only_this_machines_own_names_are_answered(host: str, status: int) -> None:
    async with client(f"http://{host}") as http:
        for answer in (await http.post("/", json=CALL), await http.get("/")):
            assert answer.status_code == status
            assert ("HAPTIK_NLG_TOKEN" in answer.text) is (status == 403)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_without_a_token_a_proxy_is_not_answered(header: str) -> None:
    async with client("http://localhost") as http:
        assert (await http.post("/", json=CALL, headers={header: "x"})).status_code == 403


async def test_below_another_app_it_leaves_the_door_to_that() -> None:
    async with client("http://bot.example", is_local=False) as http:
        assert (await http.post("/", json=CALL)).json()["text"] == "Hello"


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("place", ["arguments", "tracker", "metadata"])
async def test_json_that_is_nested_too_deep_is_refused(place: str, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    body = {
        "arguments": f'{{"response":"utter_greet","arguments":{deep}}}',
        "tracker": f'{{"response":"utter_greet","tracker":{{"slots":{deep}}}}}',
        "metadata": f'{{"response":"utter_greet","tracker":{{"latest_message":{deep}}}}}',
    }[place]
    async with client("http://localhost") as http:
        answer = await http.post("/", content=body)
    assert answer.status_code == 400
