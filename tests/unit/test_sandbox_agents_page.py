"""How the agents' page draws HSL, and its forms without a script."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.sandbox import Sandbox
from tests.support.webhook import client_of, hand_over

ASHA = "/?user_name=asha&business_id=1201"
HOSTILE = "<script>alert('x')</script>"


async def drawn(body: dict[str, Any]) -> str:
    """The page's HTML of one message of the bot."""
    sandbox = Sandbox()
    message = sandbox.say("deepak", 1201, body, sender="bot")
    async with client_of(sandbox) as client:
        answer = await client.get("/", params={"user_name": "deepak", "business_id": 1201})
    assert answer.status_code == 200
    start = answer.text.index(f'<li class="message bot" data-key="{message.id}">')
    return answer.text[start : answer.text.index('<p class="meta">', start)]


def words(html: str) -> list[str]:
    """What can be read, piece by piece."""
    return [unescape(piece).strip() for piece in re.split(r"<[^>]*>", html) if piece.strip()]


def tap(label: str, **members: Any) -> dict[str, Any]:
    return {"actionable_text": label, "type": "TEXT_ONLY", "uri": "", "is_default": 0, "payload": {}, **members}


def link(label: str, **payload: Any) -> dict[str, Any]:
    return tap(label, type="APP_ACTION", uri="LINK", payload=payload)


DRAWN: list[tuple[dict[str, Any], list[str]]] = [
    ({"text": "Hi", "type": "TEXT", "data": {"quick_replies": []}}, ["Hi"]),
    ({"text": "Hi{a: b}{task}", "type": "TEXT", "data": {}}, ["Hi"]),
    ({"text": "{}", "type": "TEXT", "data": {}}, ["Nothing to show"]),
    ({"text": "Size?", "type": "TEXT", "data": {"quick_replies": [tap("S"), tap("L{task}")]}}, ["Size?", "S", "L"]),
    (
        {"text": "Help?", "type": "BUTTON", "data": {"items": [tap("Track"), link("Site", url="example.org")]}},
        ["Help?", "Track", "Site", "opens a link"],
    ),
    (
        {"text": "", "type": "BUTTON", "data": {"items": [tap("Form", type="FORM_SHOW", payload={"id": 12})]}},
        ["Form", "opens a form"],
    ),
    (
        {
            "type": "CAROUSEL",
            "data": {
                "items": [
                    {
                        "thumbnail": {"image": "https://example.org/a.png?b=1&amp;c=2"},
                        "title": "Kurta",
                        "sub_title": "Cotton",
                        "meta": 4.5,
                        "actionables": [tap("Buy")],
                        "mini_actionable": tap("Share", type="SHARE"),
                    },
                    {"title": "Plain"},
                ]
            },
        },
        ["Image:", "https://example.org/a.png?b=1&c=2", "Kurta", "Cotton", "4.5", "Buy", "Share", "shares", "Plain"],
    ),
    (
        {
            "title": "Visit",
            "subtitle": "Two questions",
            "type": "FORM",
            "data": {
                "fields": [
                    {"key": "Date", "type": "date", "order": 1, "hint": "DD-MM-YYYY", "options": []},
                    {"key": "City", "type": "picker", "order": 0, "options": "Pune, Delhi"},
                    {"key": "Name", "type": "text", "order": 2},
                ]
            },
        },
        ["Visit", "Two questions", "City", "Pune · Delhi", "Date", "DD-MM-YYYY", "Name", "text"],
    ),
    ({"text": "Priya joined", "type": "SYSTEM", "data": {}}, ["Priya joined"]),
]


@pytest.mark.parametrize(
    ("body", "read"), DRAWN, ids=lambda value: value.get("type") if isinstance(value, dict) else ""
)
async def test_an_element_is_drawn_as_an_agent_reads_it(body: dict[str, Any], read: list[str]) -> None:
    assert words(await drawn(body)) == read


@pytest.mark.parametrize("kind", ["RECEIPT", "SILENT", "something new", ""])
async def test_an_element_that_is_not_known_is_shown_as_its_text_and_as_json(kind: str) -> None:
    read = words(await drawn({"text": "Ride summary", "type": kind, "data": {"amount": "₹240"}}))
    assert read[:3] == [kind or "no type", "Ride summary", "JSON"]
    assert '"amount": "₹240"' in read[3]


@pytest.mark.parametrize(
    ("payload", "address"),
    [
        ({"url": "https://example.org/a?b=c"}, "https://example.org/a?b=c"),
        ({"url": "", "link": "www.example.org"}, "https://www.example.org"),
        ({"url": "javascript:alert(1)"}, None),
        ({"url": "data:text/html,x"}, None),
        ({"url": '" onclick="x'}, None),
        ({"url": 7}, None),
        ({}, None),
    ],
)
async def test_only_web_addresses_become_links(payload: dict[str, Any], address: str | None) -> None:
    html = await drawn({"text": "Look", "type": "BUTTON", "data": {"items": [link("There", **payload)]}})
    assert re.findall(r'<a href="([^"]*)" target="_blank" rel="noopener noreferrer">There</a>', html) == (
        [address] if address else []
    )
    assert "javascript:" not in html
    assert "onclick" not in html


MEMBERS = ["data", "fields", "image", "items", "order", "payload", "quick_replies", "text", "thumbnail", "type", "url"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([HOSTILE, "LINK"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "type",
                    "data",
                    "items",
                    "quick_replies",
                    "fields",
                    "payload",
                    "uri",
                    "url",
                    "thumbnail",
                    "image",
                    "order",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
TYPES = st.sampled_from(["TEXT", "BUTTON", "CAROUSEL", "FORM", "SYSTEM", "RECEIPT"])
DATA = st.fixed_dictionaries({}, optional={"items": JSON, "quick_replies": JSON, "fields": JSON})


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({"type": TYPES | JSON, "data": DATA | JSON}, optional={"text": JSON, "title": JSON}))
async def test_any_json_can_be_drawn_and_none_of_it_runs(body: dict[str, Any]) -> None:
    html = await drawn(body)
    assert "<script" not in html
    assert not re.search(r"<[^>]*\s(?:on\w+|style|src)=", html)


async def test_images_are_named_and_never_loaded() -> None:
    sandbox = Sandbox()
    async with client_of(sandbox) as client:
        policy = (await client.get(ASHA)).headers["content-security-policy"]
    assert "img-src 'self'" in policy
    assert "unsafe" not in policy
    body = {"type": "CAROUSEL", "data": {"items": [{"thumbnail": {"image": "https://example.org/a.png"}}]}}
    assert "<img" not in await drawn(body)


FORM = {"user_name": "asha", "business_id": "1201"}


async def test_the_forms_work_without_a_script() -> None:
    sandbox = Sandbox()
    await hand_over(sandbox)
    async with client_of(sandbox) as client:
        steps = [
            ("claim", {"agent": "Priya"}, "Answer as Priya"),
            ("answer", {"text": "One\r\nTwo"}, "One\nTwo"),
            ("complete", {"reason": "late"}, "The next message of asha opens conversation 8."),
        ]
        for name, fields, shown in steps:
            answer = await client.post(f"/_sandbox/page/{name}", data={**FORM, **fields})
            assert (answer.status_code, answer.headers["location"]) == (303, ASHA)
            assert shown in (await client.get(ASHA)).text
    assert sandbox.events()[-1].body["data"]["closing_categories"]["reason"] == "late"


async def test_agents_and_the_outage_are_switched_without_a_script() -> None:
    sandbox = Sandbox()
    async with client_of(sandbox) as client:
        answer = await client.post("/_sandbox/page/online", data={"agent": "Ravi", "active": "true"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await client.post("/_sandbox/page/outage", data={**FORM, "active": "true"})).headers["location"] == ASHA
        assert sandbox.outage
        await client.post("/_sandbox/page/outage", data={"active": "false"})
    assert not sandbox.outage
    assert all(agent.online for agent in sandbox.agents())


@pytest.mark.parametrize(
    ("name", "fields", "problem"),
    [
        ("claim", {**FORM, "agent": "Priya"}, "claim: the chat of asha on 1201 is with the bot"),
        ("claim", {"user_name": HOSTILE, "business_id": "1201", "agent": "Priya"}, "has no chat"),
        ("claim", {}, "'' has no chat on the business 0"),
        ("answer", {**FORM, "business_id": "²"}, "has no chat on the business 0"),
        ("online", {"agent": HOSTILE}, "no agent has the name"),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_page(name: str, fields: dict[str, str], problem: str) -> None:
    async with client_of(Sandbox()) as client:
        answer = await client.post(f"/_sandbox/page/{name}", data=fields)
    assert answer.status_code == 409
    said = re.search(r'<p id="problem" class="notice" role="alert">([^<]*)</p>', answer.text)
    assert said is not None
    assert problem in unescape(said[1])
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("bot", "The bot has this chat."),
        ("counting_down", "This chat can be claimed when it has counted down."),
        ("pending", '<option data-key="Priya">Priya</option>'),
        ("nobody", "No agent of orders is online to claim this chat."),
    ],
)
async def test_a_chat_says_what_can_be_done_with_it(state: str, shown: str) -> None:
    sandbox = Sandbox()
    if state == "nobody":
        sandbox.set_online("Priya", False)
    if state != "bot":
        await hand_over(sandbox)
    if state == "counting_down":
        sandbox.reset()
        async with client_of(sandbox) as client:
            body = {**FORM, "business_id": 1201, "team_name": "orders"}
            await client.post("/integration/external/v1.0/send_chat_to_agent/", json=body)
    async with client_of(sandbox) as client:
        page = (await client.get(ASHA)).text
    assert shown in page
    assert page.count("<option") == (1 if state == "pending" else 0)


async def test_a_chat_that_is_not_there_is_said_to_be_missing() -> None:
    async with client_of(Sandbox()) as client:
        for query in [
            "user_name=nobody&business_id=1201",
            f"user_name={quote_plus(HOSTILE)}",
            "user_name=asha&business_id=x",
        ]:
            page = await client.get(f"/?{query}")
            assert page.status_code == 200
            assert "There is no such chat." in page.text
            assert "<script>alert" not in page.text


async def test_halves_of_characters_do_not_break_the_page() -> None:
    assert words(await drawn({"text": "a\ud800b", "type": "TEXT", "data": {}})) == ["a?b"]


async def test_names_with_signs_are_reached_from_the_queue() -> None:
    name = "a/b?c&d=ü"
    mapping = {
        "partners": [{"client_id": "a", "token": "b"}],
        "businesses": [{"id": 5, "name": "Shop"}],
        "users": [{"user_name": name, "businesses": [5]}],
    }
    sandbox = Sandbox.from_mapping(mapping)
    async with client_of(sandbox) as client:
        address = re.search(r'<a href="(/\?user_name=[^"]*)"', (await client.get("/")).text)
        assert address is not None
        assert f'tabindex="-1">{name.replace("&", "&amp;")}</h2>' in (await client.get(unescape(address[1]))).text
