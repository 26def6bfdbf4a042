"""The studio's pages without a browser: roles, drafts, publishing, conflicts, history, files, hostile texts."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.messages import Catalogue
from haptik_actions.studio import Studio
from tests.support.forms import fields_of
from tests.support.studio import Visitor, add_users, studio_on

DEFAULTS = {
    "en": {"greeting": "Hello {name}, order {order_id} is on its way.", "goodbye": "Good bye."},
    "hi": {"goodbye": "अलविदा।"},
}
HOSTILE = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)> {{1234*4321}} {a.__class__} </textarea>"


@pytest.fixture
def studio(redis_client: redis.asyncio.Redis) -> Studio:
    return studio_on(redis_client, defaults=DEFAULTS)


@pytest.fixture
async def visitor(studio: Studio) -> AsyncIterator[Visitor]:
    async with Visitor(studio) as visitor:
        yield visitor


@pytest.fixture
async def stored(redis_client: redis.asyncio.Redis) -> Catalogue:
    return Catalogue(redis_client, defaults=DEFAULTS)


READS = ["/", "/languages", "/message?key=goodbye", "/message/history?key=goodbye", "/transfer", "/transfer/export"]
ACTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "save": ("editor", {"do": "save", "text": "Bye."}),
    "compare": ("editor", {"do": "compare", "text": "Bye."}),
    "discard": ("editor", {"do": "discard"}),
    "publish": ("publisher", {"do": "publish", "text": "Bye."}),
    "default": ("publisher", {"do": "default"}),
}
RANK = ["viewer", "editor", "publisher"]


@pytest.mark.parametrize("role", ["", *RANK])
async def test_every_role_reads_and_nobody_else(redis_client: redis.asyncio.Redis, studio: Studio, role: str) -> None:
    await add_users(redis_client)
    async with Visitor(studio) as visitor:
        if role:
            await visitor.sign_in(role)
        answers = {path: (await visitor.get(path)).status_code for path in READS}
    assert answers == dict.fromkeys(READS, 200 if role else 303)


@pytest.mark.parametrize("role", RANK)
@pytest.mark.parametrize("action", list(ACTIONS))
async def test_a_role_does_what_it_may_and_nothing_else(
    redis_client: redis.asyncio.Redis, studio: Studio, stored: Catalogue, role: str, action: str
) -> None:
    await add_users(redis_client)
    needed, form = ACTIONS[action]
    async with Visitor(studio) as visitor:
        await visitor.sign_in(role)
        page = (await visitor.get("/message?key=goodbye")).text
        answer = await visitor.press({**dict(fields_of(page, "/message")), "v0.text": "Good bye."}, **form)
    may = RANK.index(role) >= RANK.index(needed)
    assert answer.status_code == (303 if may else 403)
    entry = await stored.get("goodbye", "en")
    assert (entry.draft is not None) == (may and action in ("save", "compare"))
    assert entry.value == ("Bye." if may and action == "publish" else "Good bye.")
    assert (f'value="{form["do"]}"' in page) is may or action in ("discard", "default")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 403), ("publisher", 303)])
async def test_only_a_publisher_rolls_back(
    redis_client: redis.asyncio.Redis, studio: Studio, stored: Catalogue, role: str, status: int
) -> None:
    await add_users(redis_client)
    first = await stored.publish(
        "goodbye", "en", "One.", author="x", expected=(await stored.get("goodbye", "en")).revision
    )
    second = await stored.publish("goodbye", "en", "Two.", author="x", expected=first.revision)
    async with Visitor(studio) as visitor:
        await visitor.sign_in(role)
        form = {"key": "goodbye", "locale": "en", "expected": second.revision, "number": str(first.number)}
        answer = await visitor.submit("/message/history", page="/account", **form)
    assert answer.status_code == status
    assert (await stored.get("goodbye", "en")).value == ("One." if status == 303 else "Two.")


async def test_forms_without_a_token_change_nothing(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("goodbye")
    assert (await visitor.press({**form, "csrf": ""}, "publish", text="Bye.")).status_code == 403
    assert (await stored.get("goodbye", "en")).origin == "default"


async def test_a_message_is_found_by_its_words_and_by_its_key(visitor: Visitor) -> None:
    for words, found in [("ORDER way", "greeting"), ("goodb", "goodbye")]:
        page = (await visitor.get("/", params={"q": words})).text
        assert f"key={found}&amp;" in page
        assert page.count('<li>\n      <a href="/message') == 1
    assert "Nothing says “zebra”" in (await visitor.get("/", params={"q": "zebra"})).text


async def test_what_is_missing_is_shown(visitor: Visitor) -> None:
    page = (await visitor.get("/", params={"locale": "hi", "only": "missing"})).text
    assert "key=greeting&amp;locale=hi" in page
    assert "key=goodbye&amp;" not in page
    page = (await visitor.get("/message?key=greeting&locale=en")).text
    assert "not written yet" in page
    assert 'data-language="hi"' in page


async def test_a_draft_is_not_what_users_read_and_publishing_makes_it_so(visitor: Visitor, stored: Catalogue) -> None:
    saved = await visitor.edit("goodbye", do="save", text="See you.", why="warmer")
    assert "said=saved" in saved.headers["location"]
    entry = await stored.get("goodbye", "en")
    assert entry.origin == "default"
    assert entry.draft is not None
    assert (entry.draft.value, entry.draft.author, entry.draft.why) == ("See you.", "local", "warmer")
    page = (await visitor.get("/message/compare?key=goodbye&locale=en")).text
    assert "<del>" in page
    assert "See you" in page
    published = await visitor.press(dict(fields_of(page, "/message")), "publish")
    assert "said=published" in published.headers["location"]
    entry = await stored.get("goodbye", "en")
    assert (entry.value, entry.draft, entry.author, entry.why) == ("See you.", None, "local", "warmer")


async def test_compare_saves_and_leads_to_the_comparison(visitor: Visitor) -> None:
    answer = await visitor.edit("goodbye", do="compare", text="See you.")
    assert answer.headers["location"] == "/message/compare?key=goodbye&locale=en"


async def test_a_draft_can_be_discarded(visitor: Visitor, stored: Catalogue) -> None:
    await visitor.edit("goodbye", do="save", text="See you.")
    await visitor.edit("goodbye", do="discard")
    assert (await stored.get("goodbye", "en")).draft is None


async def test_a_broken_placeholder_is_flagged_and_not_published(visitor: Visitor, stored: Catalogue) -> None:
    answer = await visitor.edit("greeting", do="publish", text="Hello {nmae}, order {order_id} is on its way.")
    assert answer.status_code == 422
    assert "Stops publishing" in answer.text
    assert "nmae" in answer.text
    assert (await stored.get("greeting", "en")).origin == "default"
    # What was written is still in the form.
    assert dict(fields_of(answer.text, "/message"))["v0.text"].startswith("Hello {nmae}")
    # A draft may be unfinished.
    assert (await visitor.press(dict(fields_of(answer.text, "/message")), "save")).status_code == 303


async def test_a_blank_message_is_not_published(visitor: Visitor, stored: Catalogue) -> None:
    assert (await visitor.edit("goodbye", do="publish", text="  ")).status_code == 422
    assert (await stored.get("goodbye", "en")).origin == "default"


@pytest.mark.parametrize("do", ["publish", "save"])
async def test_two_editors_are_told_and_not_overwritten(visitor: Visitor, stored: Catalogue, do: str) -> None:
    mine, theirs = await visitor.opened("goodbye"), await visitor.opened("goodbye")
    await visitor.press(theirs, do, text="Theirs.")
    answer = await visitor.press(mine, do, text="Mine.")
    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert "Mine" in answer.text
    entry = await stored.get("goodbye", "en")
    assert (entry.draft.value if entry.draft else entry.value) == "Theirs."
    # Then they choose.
    chosen = await visitor.press(dict(fields_of(answer.text, "/message")), do)
    assert chosen.status_code == 303
    entry = await stored.get("goodbye", "en")
    assert (entry.draft.value if entry.draft else entry.value) == "Mine."
    if do == "publish":
        assert [version.value for version in await stored.history("goodbye", "en")] == ["Mine.", "Theirs."]


async def test_going_on_editing_after_a_conflict_keeps_what_was_written(visitor: Visitor, stored: Catalogue) -> None:
    mine, theirs = await visitor.opened("goodbye"), await visitor.opened("goodbye")
    await visitor.press(theirs, "publish", text="Theirs.")
    conflict = await visitor.press(mine, "publish", text="Mine.")
    page = await visitor.press(dict(fields_of(conflict.text, "/message")), "edit")
    form = dict(fields_of(page.text, "/message"))
    assert form["v0.text"] == "Mine."
    assert (await visitor.press(form, "publish", text="Both.")).status_code == 303
    assert (await stored.get("goodbye", "en")).value == "Both."


async def test_publishing_does_not_sweep_away_a_draft_that_was_not_on_the_screen(
    visitor: Visitor, stored: Catalogue
) -> None:
    mine = await visitor.opened("goodbye")
    await visitor.edit("goodbye", do="save", text="A colleague's draft.")
    assert (await visitor.press(mine, "publish", text="Mine.")).status_code == 409
    entry = await stored.get("goodbye", "en")
    assert entry.draft is not None
    assert entry.draft.value == "A colleague's draft."


async def test_an_edit_by_redis_cli_is_a_conflict_too(
    visitor: Visitor, redis_client: redis.asyncio.Redis, stored: Catalogue
) -> None:
    mine = await visitor.opened("goodbye")
    await redis_client.set("haptik:messages:en:goodbye", "By hand.")
    assert (await visitor.press(mine, "publish", text="Mine.")).status_code == 409
    assert (await stored.get("goodbye", "en")).value == "By hand."


async def test_a_page_that_is_open_is_told_of_others(visitor: Visitor) -> None:
    page = (await visitor.get("/message?key=goodbye")).text
    state = page.split('data-state="')[1].split('"')[0].replace("&amp;", "&")
    assert "notice" not in (await visitor.get(state)).text
    await visitor.edit("goodbye", do="publish", text="Theirs.")
    assert "local changed this message" in (await visitor.get(state)).text


async def test_history_shows_who_when_and_why_and_rolls_back(visitor: Visitor, stored: Catalogue) -> None:
    await visitor.edit("goodbye", do="publish", text="One.", why="first try")
    await visitor.edit("goodbye", do="publish", text="Two.")
    page = (await visitor.get("/message/history?key=goodbye&locale=en")).text
    assert "published by local" in page
    assert "first try" in page
    rolled = await visitor.post("/message/history", data={**dict(fields_of(page, "/message/history")), "number": "1"})
    assert "said=rolled-back" in rolled.headers["location"]
    assert [version.value for version in await stored.history("goodbye", "en")] == ["One.", "Two.", "One."]
    stale = await visitor.post("/message/history", data={**dict(fields_of(page, "/message/history")), "number": "2"})
    assert stale.status_code == 409


async def test_back_to_the_default(visitor: Visitor, stored: Catalogue) -> None:
    await visitor.edit("goodbye", do="publish", text="Bye.")
    await visitor.edit("goodbye", do="default")
    assert (await stored.get("goodbye", "en")).origin == "default"


VALUES: dict[str, Any] = {
    "text": "Good bye.",
    "lines": "\nOne\n\n  two  \n",
    "braces": '{ not json } {"',
    "replies": {
        "type": "TEXT",
        "text": "Anything else?",
        "data": {
            "quick_replies": [
                {
                    "actionable_text": "Yes",
                    "type": "TEXT_ONLY",
                    "is_default": 1,
                    "payload": {"message": "Yes please", "gogo_message": "/affirm", "own": [1]},
                }
            ]
        },
    },
    "links": {
        "type": "BUTTON",
        "text": "See",
        "data": {
            "items": [
                {
                    "actionable_text": "Site",
                    "type": "APP_ACTION",
                    "uri": "LINK",
                    "is_default": 0,
                    "location_required": False,
                    "payload": {"url": "https://example.org/?a=1&b=2", "gogo_message": ""},
                },
                {"actionable_text": "Call", "type": "APP_ACTION", "uri": "CALL", "payload": {"url": "tel:+911"}},
            ]
        },
    },
    "rasa": {
        "text": "Which?",
        "buttons": [
            {"title": "Order", "payload": '/order{"a": "b"}'},
            {"title": "W", "type": "web_url", "url": "https://e.x"},
        ],
        "image": "https://example.org/a.png",
        "channel": "facebook",
        "condition": [{"type": "slot", "name": "tier", "value": "gold"}],
    },
    "conditions": {
        "text": "Hi",
        "condition": [
            {"type": "slot", "name": "tier", "value": value}
            for value in ("5", 5, 5.0, True, False, None, ["a"], " x\n")
        ],
    },
    "conditions that no row shows": {"text": "Hi", "condition": [{"type": "slot", "name": "two\nlines", "value": "a"}]},
    "conditions of an element": {
        "hsl": {"type": "CAROUSEL", "text": "", "data": {"items": [{"title": "A"}]}},
        "condition": [{"type": "own", "name": "tier", "value": "gold", "own": 1}],
    },
    "custom": {"custom": {"any": ["thing", 1, None]}},
    "carousel": {
        "type": "CAROUSEL",
        "text": "",
        "data": {"items": [{"title": "A", "thumbnail": {"image": "https://e.x/a.png"}}]},
    },
    "variations": [
        "Hello!",
        {"text": "Hey", "channel": "slack"},
        {"type": "TEXT", "text": "Hi", "data": {"quick_replies": []}},
    ],
    "more ways than the form shows": [f"Hello {number}" for number in range(120)],
    "as much as the form shows": [
        {
            "text": f"Which, {number}?",
            "buttons": [{"title": f"Button {number}", "payload": "/a"} for number in range(13)],
            "condition": [{"type": "slot", "name": "tier", "value": "gold"}] * 10,
        }
        for number in range(50)
    ],
    "more buttons than the form shows": {
        "text": "Which?",
        "buttons": [{"title": f"Button {number}", "payload": "/a"} for number in range(60)],
    },
}


@pytest.mark.parametrize("name", list(VALUES))
async def test_a_form_that_nobody_changed_changes_nothing(
    visitor: Visitor, redis_client: redis.asyncio.Redis, stored: Catalogue, name: str
) -> None:
    value = VALUES[name]
    await redis_client.set("haptik:messages:en:x", value if isinstance(value, str) else json.dumps(value))
    answer = await visitor.edit("x", do="save")
    assert answer.status_code == 303, answer.text
    draft = (await stored.get("x", "en")).draft
    assert draft is not None
    if isinstance(value, str):
        assert draft.value == value
    else:
        assert _plain(json.loads(draft.value)) == _plain(value)


def _plain(value: Any) -> Any:
    """An actionable of HSL with what the platform takes for granted written out."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _plain(item) for name, item in value.items()}
    if "actionable_text" in plain:
        plain = {"uri": "", "is_default": 0, "location_required": False, **plain}
        plain["payload"] = {"gogo_message": "", **plain["payload"]}
    if plain.get("type") == "TEXT" and plain.get("data") == {"quick_replies": []}:
        return plain["text"]
    return plain


async def test_buttons_are_made_without_json(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("goodbye")
    page = await visitor.post("/message/form", data={**form, "shape": "add-button:0"})
    form = {**form, **_fragment(page.text)}
    page = await visitor.post("/message/form", data={**form, "v0.b0.label": "Yes", "shape": "add-button:0"})
    form = {**form, **_fragment(page.text)}
    assert form["v0.b0.label"] == "Yes"
    changes = {"v0.b1.label": "Site", "v0.b1.kind": "link", "v0.b1.value": "https://example.org"}
    assert (await visitor.press({**form, **changes}, "publish")).status_code == 303
    value = json.loads((await stored.get("goodbye", "en")).value or "")
    assert value["type"] == "BUTTON"
    assert [item["actionable_text"] for item in value["data"]["items"]] == ["Yes", "Site"]
    assert value["data"]["items"][0]["payload"]["message"] == "Yes"
    assert value["data"]["items"][1]["payload"]["url"] == "https://example.org"
    # The second goes first, then away.
    form = await visitor.opened("goodbye")
    for shape, left in [("raise-button:0:1", ["Site", "Yes"]), ("remove-button:0:0", ["Yes"])]:
        form = {**form, **_fragment((await visitor.post("/message/form", data={**form, "shape": shape})).text)}
        assert [form[f"v0.b{row}.label"] for row in range(int(form["v0.buttons"]))] == left


async def test_conditions_are_made_without_json(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("goodbye")
    for shape in ("add-variation", "add-condition:0", "add-condition:0", "add-condition:0"):
        page = await visitor.post("/message/form", data={**form, "shape": shape})
        form = {**form, **_fragment(page.text)}
    form |= {"v1.text": "Bye.", "v0.c0.name": "tier", "v0.c0.value": "gold", "v0.c1.name": " age "}
    form |= {"v0.c1.kind": "number", "v0.c1.value": "old", "v0.c2.name": "is_new", "v0.c2.kind": "yes"}
    refused = await visitor.press(form, "publish")
    assert refused.status_code == 422
    # At its row, and where the page says what stops publishing.
    at_row = re.findall(r'<div id="(v0-c\d)-problem"[^>]*><span class="bad-words">(.*?)</span>', refused.text)
    assert at_row == [("v0-c1", "Write a number, such as 3 or 2.5.")]
    assert "Variation 1: Condition 2: Write a number, such as 3 or 2.5." in refused.text
    assert dict(fields_of(refused.text, "/message"))["v0.c1.value"] == "old"
    page = await visitor.post("/message/form", data={**form, "v0.c1.value": "18", "shape": "remove-condition:0:0"})
    form = {**form, **_fragment(page.text)}
    assert (await visitor.press(form, "publish")).status_code == 303
    assert json.loads((await stored.get("goodbye", "en")).value or "") == [
        {
            "text": "Good bye.",
            "condition": [
                {"type": "slot", "name": "age", "value": 18},
                {"type": "slot", "name": "is_new", "value": True},
            ],
        },
        "Bye.",
    ]


async def test_an_unfinished_condition_is_not_lost_on_the_way_to_json(visitor: Visitor) -> None:
    form = await visitor.opened("goodbye")
    page = await visitor.post("/message/form", data={**form, "shape": "add-condition:0"})
    form = {**form, **_fragment(page.text), "v0.c0.value": "gold"}
    page = await visitor.post("/message/form", data={**form, "shape": "as-json:0"})
    assert "Name the slot" in page.text
    assert _fragment(page.text)["v0.c0.value"] == "gold"


async def test_a_button_of_rasas_own_response_stays_one(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("utter_ask")
    form |= {"v0.text": "Which?", "v0.buttons": "1", "v0.b0.label": "Order", "v0.b0.value": "/order"}
    assert (await visitor.press(form, "publish")).status_code == 303
    value = json.loads((await stored.get("utter_ask", "en")).value or "")
    assert value == {"text": "Which?", "buttons": [{"title": "Order", "payload": "/order"}]}


async def test_a_link_becomes_a_button_that_every_channel_opens(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("utter_ask")
    form |= {"v0.text": "Look:", "v0.buttons": "1", "v0.b0.label": "Site", "v0.b0.kind": "link"}
    form |= {"v0.b0.value": "https://example.org"}
    page = (await visitor.post("/message/form", data=form)).text
    assert page.count("https://example.org") >= 4
    assert (await visitor.press(form, "publish")).status_code == 303
    assert json.loads((await stored.get("utter_ask", "en")).value or "")["type"] == "BUTTON"
    # Beside an image there is only Rasa's own form.
    form = await visitor.opened("utter_ask") | {"v0.image": "https://example.org/a.png"}
    assert "example.org/a.png" in (await visitor.post("/message/form", data=form)).text
    assert (await visitor.press(form, "publish")).status_code == 303
    value = json.loads((await stored.get("utter_ask", "en")).value or "")
    assert value == {
        "text": "Look:",
        "buttons": [{"title": "Site", "type": "web_url", "url": "https://example.org"}],
        "image": "https://example.org/a.png",
    }


def _fragment(html: str) -> dict[str, str]:
    return dict(fields_of(f'<form method="post" action="/message">{html}</form>', "/message"))


@pytest.mark.parametrize(
    "shape",
    [
        "add-button:9",
        "add-button",
        "remove-button:0:99",
        "raise-button:0:0",
        "add-condition:9",
        "remove-condition:0:9",
        "nonsense",
        "add-variation:1",
        "as-json:-1",
    ],
)
async def test_commands_that_make_no_sense_change_nothing(visitor: Visitor, shape: str) -> None:
    form = await visitor.opened("goodbye")
    answer = await visitor.post("/message/form", data={**form, "shape": shape})
    assert answer.status_code == 200
    assert _fragment(answer.text).items() <= form.items()


async def test_a_message_of_many_ways_is_changed_in_those_that_the_form_shows(
    visitor: Visitor, redis_client: redis.asyncio.Redis, stored: Catalogue
) -> None:
    await redis_client.set("haptik:messages:en:x", json.dumps([f"Hello {number}" for number in range(120)]))
    page = await visitor.get("/message", params={"key": "x", "locale": "en"})
    assert "70 more ways to say it are not shown here, and not changed." in page.text
    assert "Add another way" not in page.text
    form = await visitor.opened("x")
    taken = await visitor.post("/message/form", data={**form, "shape": "remove-variation:0"})
    form = {**form, **_fragment(taken.text), "v0.text": "Changed"}
    assert (await visitor.press(form, "publish")).status_code == 303
    said = json.loads((await stored.get("x", "en")).value or "")
    assert said == ["Changed", *(f"Hello {number}" for number in range(2, 120))]


async def test_variations_are_added_and_taken_away(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("goodbye")
    page = await visitor.post("/message/form", data={**form, "shape": "add-variation"})
    form = {**form, **_fragment(page.text), "v1.text": "See you."}
    assert (await visitor.press(form, "publish")).status_code == 303
    assert json.loads((await stored.get("goodbye", "en")).value or "") == ["Good bye.", "See you."]
    form = await visitor.opened("goodbye")
    page = await visitor.post("/message/form", data={**form, "shape": "remove-variation:0"})
    assert _fragment(page.text)["v0.text"] == "See you."


async def test_experts_write_json_and_mistakes_are_said(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("goodbye")
    page = await visitor.post("/message/form", data={**form, "shape": "as-json:0"})
    form = {**form, **_fragment(page.text)}
    assert json.loads(form["v0.json"]) == {"text": "Good bye."}
    for text, said in [("{", "This is not JSON"), ("[]", "one object"), ('{"texd": "x"}', "texd")]:
        answer = await visitor.press(form, "publish", **{"v0.json": text})
        assert answer.status_code == 422
        assert said in answer.text
    carousel = json.dumps(VALUES["carousel"])
    assert (await visitor.press(form, "publish", **{"v0.json": carousel})).status_code == 303
    assert json.loads((await stored.get("goodbye", "en")).value or "") == VALUES["carousel"]


async def test_a_form_without_the_script_comes_back_as_a_page(visitor: Visitor) -> None:
    form = await visitor.opened("goodbye")
    answer = await visitor.post("/message", data={**form, "v0.text": "Half writ", "shape": "add-button:0"})
    changed = dict(fields_of(answer.text, "/message"))
    assert (changed["v0.text"], changed["v0.buttons"]) == ("Half writ", "1")


PAGES = [
    "/",
    "/?q={hostile}&locale={hostile}&only={hostile}&page={hostile}",
    "/message?key=x&locale=en",
    "/message/compare?key=x&locale=en",
    "/message/history?key=x&locale=en",
]


@pytest.mark.parametrize("page", PAGES)
async def test_what_anybody_typed_is_text(visitor: Visitor, redis_client: redis.asyncio.Redis, page: str) -> None:
    hsl = {
        "type": "BUTTON",
        "text": HOSTILE,
        "data": {"items": [{"actionable_text": HOSTILE, "type": "TEXT_ONLY", "payload": {"message": HOSTILE}}]},
    }
    await redis_client.set("haptik:messages:en:x", json.dumps([hsl, {"text": HOSTILE, "channel": HOSTILE}]))
    await visitor.edit("x", do="save", why=HOSTILE)
    html = (await visitor.get(page.replace("{hostile}", "%3Cscript%3Ealert(1)%3C/script%3E%22%27"))).text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "</textarea> <" not in html
    assert " onerror=alert(2)>" not in html.replace("&gt;", "")
    assert "style=" not in html
    assert str(1234 * 4321) not in html


async def test_csv_and_yaml_go_out_and_come_back(visitor: Visitor, stored: Catalogue) -> None:
    await visitor.edit("goodbye", do="publish", text="Bye.")
    for kind in ("csv", "yaml"):
        out = await visitor.get("/transfer/export", params={"format": kind, "locale": "en"})
        assert out.headers["content-disposition"].startswith('attachment; filename="messages-en-')
        changed = re.sub(rb"Bye[^\n,]*\.", f"Bye by {kind}.".encode(), out.content)
        file = {"file": (f"x.{kind}", changed)}
        plan = await visitor.post("/transfer", data={"csrf": await visitor.csrf("/transfer")}, files=file)
        assert f"Bye by {kind}." in plan.text
        assert "1 changed" in plan.text
        form = dict(fields_of(plan.text, "/transfer/apply"))
        done = await visitor.post("/transfer/apply", data={**form, "do": "publish", "why": "from the sheet"})
        assert done.status_code == 200
        entry = await stored.get("goodbye", "en")
        assert (entry.value, entry.why) == (f"Bye by {kind}.", "from the sheet")
        again = await visitor.post("/transfer/apply", data={**form, "do": "publish"})
        assert again.status_code == 409


@pytest.mark.parametrize(("encoding", "is_doubted"), [("utf-8", False), ("utf-8-sig", False), ("cp1252", True)])
async def test_what_had_to_be_guessed_to_read_a_file_is_said(
    visitor: Visitor, stored: Catalogue, encoding: str, is_doubted: bool
) -> None:
    file = {"file": ("x.csv", "key,locale,value\ngoodbye,en,Bis später.\n".encode(encoding))}
    plan = await visitor.post("/transfer", data={"csrf": await visitor.csrf("/transfer")}, files=file)
    assert "Bis später." in plan.text
    assert ("it was read as Windows-1252" in plan.text) is is_doubted
    assert ('role="alert"' in plan.text) is is_doubted


async def test_an_editor_imports_drafts_and_does_not_publish(
    redis_client: redis.asyncio.Redis, studio: Studio, stored: Catalogue
) -> None:
    await add_users(redis_client)
    async with Visitor(studio) as visitor:
        await visitor.sign_in("editor")
        for do, status in [("publish", 403), ("draft", 200)]:
            file = {"file": ("x.csv", b"key,locale,value\ngoodbye,en,Bye.\n")}
            plan = await visitor.post("/transfer", data={"csrf": await visitor.csrf("/transfer")}, files=file)
            form = dict(fields_of(plan.text, "/transfer/apply"))
            assert (await visitor.post("/transfer/apply", data={**form, "do": do})).status_code == status
    entry = await stored.get("goodbye", "en")
    assert entry.origin == "default"
    assert entry.draft is not None
    assert entry.draft.author == "editor"


@pytest.mark.parametrize(("name", "content"), [("x.yaml", b"{"), ("x.csv", b"\xff\xfe\x00"), ("x.csv", b""), ("", b"")])
async def test_a_file_that_cannot_be_read_is_said(visitor: Visitor, name: str, content: bytes) -> None:
    csrf = {"csrf": await visitor.csrf("/transfer")}
    answer = await visitor.post("/transfer", data=csrf, files={"file": (name, content)})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "path", ["/message?key=no%20such%20key%20%3Cb%3E", "/message?key=x&locale=no_such!", "/message"]
)
async def test_a_key_or_locale_that_cannot_be_is_refused(visitor: Visitor, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 400
    assert "<b>" not in answer.text


MENU = {
    "type": "BUTTON",
    "text": "क्या चाहिए?",
    "data": {
        "items": [
            {"actionable_text": f"विकल्प {number}", "type": "TEXT_ONLY", "payload": {"message": f"o{number}"}}
            for number in range(1, 6)
        ]
    },
}


@pytest.mark.parametrize(
    ("locale", "said"), [("hi", "चुनने के लिए छुएँ"), ("hi-IN", "चुनने के लिए छुएँ"), ("de", "Options"), ("en", "Options")]
)
async def test_the_preview_shows_what_channels_add_as_users_of_the_language_read_it(
    visitor: Visitor, redis_client: redis.asyncio.Redis, stored: Catalogue, locale: str, said: str
) -> None:
    await stored.seed_packaged("hi")
    await redis_client.set("haptik:messages:hi:haptik_hsl_options", "चुनने के लिए छुएँ")
    await redis_client.set(f"haptik:messages:{locale}:menu", json.dumps(MENU))
    page = (await visitor.get("/message", params={"key": "menu", "locale": locale})).text
    [shown] = re.findall(r'<div class="hsl-preview hp-whatsapp">.*?</figure>', page, re.DOTALL)
    assert f'<span class="hp-opener">{said}</span>' in shown
    assert f'<div class="hp-screen" lang="{locale}">' in shown


async def test_the_preview_of_numbers_and_plurals_is_in_the_language(
    visitor: Visitor, redis_client: redis.asyncio.Redis
) -> None:
    text = "{n, plural, one {# सवाल है} other {# सवाल हैं}}: {total, number}"
    await redis_client.set("haptik:messages:hi:counted", text)
    form = await visitor.opened("counted", "hi")
    asked = {**form, "sample.n": "0", "sample.total": "1234567"}
    assert "0 सवाल है: 12,34,567" in (await visitor.post("/message/form", data=asked)).text
    assert "2 सवाल हैं: 12,34,567" in (await visitor.post("/message/form", data={**asked, "sample.n": "2"})).text
