"""HSL elements: the documented JSON, and mistakes refused with their path."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.errors import HaptikError, InvalidElement
from haptik_actions.hsl import (
    Actionable,
    Button,
    Card,
    Carousel,
    Element,
    Form,
    FormField,
    Image,
    NativeAction,
    Receipt,
    ReceiptFact,
    ReceiptItem,
    Silent,
    SilentAction,
    System,
    Tab,
    TabItem,
    TabList,
    Text,
    Unknown,
    strip_braces,
)
from haptik_actions.render import render

SAMPLES = Path(__file__).parents[1] / "fixtures" / "hsl"
METADATA = "{reminder_list: 170, user_id: 202308, task_name: Motivational Quote, offset: 0, api_name: exotel }{task}"

reply = Actionable.reply
link = Actionable.link


def actionable(**members: Any) -> Actionable:
    return Actionable(**{"actionable_text": "Go", "type": "APP_ACTION", **members})


@pytest.mark.parametrize(
    ("element", "sample"),
    [
        (Text("simple text message"), "docs-text-1"),
        (
            Text(
                "Hi ! There, this is a quick text message with some quick replies.",
                [
                    reply("Show another quote", "Show another quote{task}"),
                    reply("Thanks"),
                    reply("❌ Stop updates", f"❌ Stop updates{METADATA}"),
                ],
            ),
            "docs-text-2",
        ),
        (
            Button(
                "Click on the below button to be redirected",
                [
                    link(
                        "Google",
                        "https://google.com",
                        "message that will be sent as a chat message on behalf of the user",
                    )
                ],
            ),
            "docs-button-1",
        ),
    ],
)
def test_builds_the_documented_json(element: Element, sample: str) -> None:
    assert element.to_hsl() == json.loads((SAMPLES / f"{sample}.json").read_text(encoding="utf-8"))


def test_a_button_of_replies_has_all_six_members() -> None:
    element = Button("Size?", (reply("Small", "size s", "/size", is_default=True),), voice_text="Which size?")

    assert element.to_hsl() == {
        "text": "Size?",
        "type": "BUTTON",
        "voice_text": "Which size?",
        "data": {
            "items": [
                {
                    "actionable_text": "Small",
                    "type": "TEXT_ONLY",
                    "uri": "",
                    "is_default": 1,
                    "location_required": False,
                    "payload": {"message": "size s", "gogo_message": "/size"},
                }
            ]
        },
    }


def test_other_kinds_carry_their_payload_through() -> None:
    payload = {
        "location": [{"lat_key": "lat", "lng_key": "lng", "index": 0}],
        "message": "I am at %s",
        "gogo_message": None,
    }

    place = actionable(uri="SEND_LOCATION", location_required=True, payload=payload)

    assert place.to_hsl() == {
        "actionable_text": "Go",
        "type": "APP_ACTION",
        "uri": "SEND_LOCATION",
        "is_default": 0,
        "location_required": True,
        "payload": payload,
    }


@pytest.mark.parametrize(
    ("build", "path"),
    [
        (lambda: Text(""), "text"),
        (lambda: Text(" \n"), "text"),
        (lambda: Text(None), "text"),  # type: ignore[arg-type]
        (lambda: Text("a", voice_text=1), "voice_text"),  # type: ignore[arg-type]
        (lambda: Text("a", [reply("b"), link("c", "example.org")]), "data.quick_replies[1].type"),
        (lambda: Text("a", [actionable(type="TEXT", payload={"message": "m"})]), "data.quick_replies[0].type"),
        (lambda: Text("a", [actionable(type="TEXT_ONLY", uri="CALL")]), "data.quick_replies[0].uri"),
        (
            lambda: Text("a", [actionable(type="TEXT_ONLY", location_required=True)]),
            "data.quick_replies[0].location_required",
        ),
        (lambda: Text("a", [reply("b"), reply("c", " ")]), "data.quick_replies[1].payload.message"),
        (lambda: Text("a", [actionable(type="TEXT_ONLY")]), "data.quick_replies[0].payload.message"),
        (lambda: Text("a", ["Yes"]), "data.quick_replies[0]"),  # type: ignore[list-item]
        (lambda: Text("a", None), "data.quick_replies"),  # type: ignore[arg-type]
        (lambda: Button("", [reply("b")]), "text"),
        (lambda: Button("a", []), "data.items"),
        (lambda: Button("a", [reply("b"), {"actionable_text": "c"}]), "data.items[1]"),  # type: ignore[list-item]
        (lambda: reply(""), "actionable_text"),
        (lambda: reply(" \t"), "actionable_text"),
        (lambda: reply("{task}"), "actionable_text"),
        (lambda: reply(7), "actionable_text"),  # type: ignore[arg-type]
        (lambda: reply("a", 7), "payload.message"),  # type: ignore[arg-type]
        (lambda: reply("a", None, 7), "payload.gogo_message"),  # type: ignore[arg-type]
        (lambda: actionable(type="BUTTON"), "type"),
        (lambda: actionable(type=["TEXT"]), "type"),
        (lambda: actionable(type=None), "type"),
        (lambda: actionable(uri="link"), "uri"),
        (lambda: actionable(uri=None), "uri"),
        (lambda: actionable(uri=[]), "uri"),
        (lambda: actionable(payload=None), "payload"),
        (lambda: actionable(uri="LINK", payload=None), "payload"),
        (lambda: actionable(payload={1: "a"}), "payload"),
        (lambda: actionable(emoji=None), "emoji"),
        (lambda: actionable(expired_text=7), "expired_text"),
        (lambda: actionable(extra=None), "extra"),
        (lambda: actionable(extra={"uri": "LINK"}), "uri"),
        (lambda: actionable(extra={"url": "javascript:x"}), "url"),
        (lambda: reply("a", is_default=None), "is_default"),  # type: ignore[arg-type]
        (lambda: link("a", "example.org", 7), "payload.message"),  # type: ignore[arg-type]
        (lambda: link("a", "example.org", None, 7), "payload.gogo_message"),  # type: ignore[arg-type]
        (lambda: actionable(uri="CALL", payload={"url": "mailto:a@example.org"}), "payload.url"),
        (lambda: actionable(uri="EMAIL", payload={"url": "tel:+911140001234"}), "payload.url"),
        (lambda: actionable(payload={"images": ["https://example.org", "data:,x"]}), "payload.images[1]"),
        (lambda: Card(), "title"),
        (lambda: Card(title=None), "title"),  # type: ignore[arg-type]
        (lambda: Card(title="a", image="javascript:x"), "thumbnail.image"),
        (lambda: Card(title="a", image=None), "thumbnail.image"),  # type: ignore[arg-type]
        (lambda: Card(title="a", actionables=[reply("b"), "c"]), "actionables[1]"),  # type: ignore[list-item]
        (lambda: Card(title="a", mini_actionable="b"), "mini_actionable"),  # type: ignore[arg-type]
        (lambda: Card(title="a", meta=True), "meta"),
        (lambda: Carousel([]), "data.items"),
        (lambda: Carousel([Card(title="a"), reply("b")]), "data.items[1]"),  # type: ignore[list-item]
        (lambda: Carousel([Card(image="example.org/a.png")]), "data.items"),
        (lambda: Carousel([Card(title="a")], image_aspect_ratio=0), "data.image_aspect_ratio"),
        (lambda: Carousel([Card(title="a")], image_aspect_ratio=float("nan")), "data.image_aspect_ratio"),
        (lambda: Carousel([Card(title="a")], width="WIDE"), "data.width"),  # type: ignore[arg-type]
        (lambda: Image([Card(image="example.org/a.png"), Card(title="a")]), "data.items[1]"),
        (lambda: Image.of("example.org/a.png", "nowhere"), "data.items[1].thumbnail.image"),
        (lambda: Form("", [FormField("a")]), "title"),
        (lambda: Form("a", []), "data.fields"),
        (lambda: Form("a", [FormField("b"), FormField("b")]), "data.fields[1].key"),
        (lambda: FormField(" "), "key"),
        (lambda: FormField("a", "colour"), "type"),  # type: ignore[arg-type]
        (lambda: FormField("a", order=True), "order"),
        (lambda: FormField("a", "picker"), "options"),
        (lambda: FormField("a", "picker", options=["b", ""]), "options[1]"),
        (lambda: FormField("a", "picker", options=["b", "b"]), "options[1]"),
        (lambda: FormField("a", "search"), "search_source"),
        (lambda: FormField("a", search_source="file:///a"), "search_source"),
        (lambda: System("a", "chat_paused"), "data.event_name"),  # type: ignore[arg-type]
        (lambda: System("a", payload={"profile_image": "data:,x"}), "data.payload.profile_image"),
        (lambda: Silent([]), "data.silent_actions"),
        (lambda: SilentAction(""), "type"),
        (lambda: NativeAction(" "), "data.method"),
        (lambda: Tab("a", []), "tab_items"),
        (lambda: TabItem(" "), "title"),
        (lambda: TabList("a", [], reply("b")), "data.tabs"),
        (lambda: TabList("a", [Tab("b", [TabItem("c")])], reply("d")), "data.actionables[0].type"),
        (lambda: Receipt("a", []), "data.order_items"),
        (lambda: Receipt("a", [ReceiptItem(title="b")], subheader=[ReceiptFact("c")] * 3), "data.subheader"),
        (lambda: ReceiptItem(), "title"),
        (lambda: Unknown({"type": "text"}), "type"),
        (lambda: Unknown({"text": "a"}), "type"),
        (lambda: Text("a", is_new="yes"), "isNew"),  # type: ignore[arg-type]
        (lambda: Text("a", extra={"text": "b"}), "text"),
        (lambda: Text("a", extra={"data": {"quick_replies": []}}), "data.quick_replies"),
        (lambda: actionable(is_default="0"), "is_default"),
        (lambda: actionable(location_required="false"), "location_required"),
        (lambda: actionable(payload="buy"), "payload"),
        (lambda: actionable(payload={"when": object()}), "payload.when"),
        (lambda: actionable(uri="LINK"), "payload.url"),
        (lambda: actionable(uri="SELF_SERVE_WEB", payload={"url": "", "link": ""}), "payload.url"),
        (lambda: actionable(payload={"url": "javascript:alert(1)"}), "payload.url"),
        (lambda: actionable(payload={"link": "javascript:alert(1)"}), "payload.link"),
        (lambda: actionable(payload={"callback_link": "javascript:alert(1)"}), "payload.callback_link"),
        (lambda: actionable(payload={"movie_image": "data:,x"}), "payload.movie_image"),
        (lambda: actionable(payload={"movie_trailer_url": "vbscript:x"}), "payload.movie_trailer_url"),
        (lambda: actionable(payload={"options_url": "file:///a"}), "payload.options_url"),
        (lambda: actionable(payload={"far": [1, {"off": float("nan")}]}), "payload.far[1].off"),
        (lambda: actionable(payload={"many": 10**5000}), "payload.many"),
        (lambda: Text("a", extra={"b": -float("inf")}), "b"),
        (lambda: System("a", payload={"b": float("inf")}), "data.payload.b"),
        (lambda: Unknown({"type": "OTHER", "b": float("nan")}), "b"),
        (lambda: Card(title="a", meta=float("nan")), "meta"),
        (lambda: Card(title="a", meta=-(10**400)), "meta"),
        (lambda: Carousel([Card(title="a")], image_aspect_ratio=10**400), "data.image_aspect_ratio"),
        (
            lambda: actionable(
                uri="CAROUSEL_DETAIL", payload={"actionables": [{"payload": {}}, {"payload": {"url": "data:,x"}}]}
            ),
            "payload.actionables[1].payload.url",
        ),
    ],
)
def test_refuses_a_mistake_where_it_is_made(build: Callable[[], object], path: str) -> None:
    with pytest.raises(InvalidElement) as caught:
        build()

    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    inner: Any = 1
    for _ in range(levels):
        inner = wrap(inner)
    return inner


@pytest.mark.parametrize("wrap", [lambda inner: {"a": inner}, lambda inner: [inner]], ids=["objects", "lists"])
@pytest.mark.parametrize(
    "build",
    [
        lambda json: actionable(payload={"a": json}),
        lambda json: Text("a", extra={"a": json}),
        lambda json: System("a", payload={"a": json}),
        lambda json: SilentAction("a", {"a": json}),
        lambda json: Unknown({"type": "OTHER", "a": json}),
    ],
    ids=["payload", "extra", "system", "silent", "unknown"],
)
def test_json_is_carried_to_a_certain_depth(build: Callable[[Any], Any], wrap: Callable[[Any], Any]) -> None:
    deep = nested(60, wrap)
    assert json.dumps(deep) in json.dumps(build(deep).to_hsl())
    for levels in (70, 100_000):
        with pytest.raises(InvalidElement, match="nested more deeply"):
            build(nested(levels, wrap))


def test_json_that_holds_itself_is_refused() -> None:
    payload: dict[str, Any] = {}
    payload["a"] = [payload]

    with pytest.raises(InvalidElement, match="nested more deeply"):
        actionable(payload=payload)


def test_many_options_are_told_apart_at_once() -> None:
    options = [str(number) for number in range(200_000)]

    assert len(FormField("a", "picker", options=options).options) == 200_000
    with pytest.raises(InvalidElement) as caught:
        FormField("a", "picker", options=[*options, "7"])
    assert caught.value.path == "options[200000]"


def test_the_error_is_one_of_the_library_s_and_a_value_error() -> None:
    error = InvalidElement("data.items", "is empty")

    assert isinstance(error, HaptikError)
    assert isinstance(error, ValueError)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.path, copy.problem) == (InvalidElement, str(error), "data.items", "is empty")


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://Example.org/a?b=c#d", "HTTPS://Example.org/a?b=c#d"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("www.example.org", "https://www.example.org"),
        ("example.org:8443/a", "https://example.org:8443/a"),
        ("example.org?next=https://example.com", "https://example.org?next=https://example.com"),
        ("bücher.example/ä", "https://bücher.example/ä"),
    ],
)
def test_a_link_opens_the_absolute_address_and_keeps_the_one_given(url: str, absolute: str) -> None:
    built = link("Open", url)

    assert built.url == absolute
    assert built.to_hsl()["payload"]["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "javascript:1/alert(1)",
        "javascript://example.org/%0aalert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.org",
        "mailto:a@example.org",
        "tel:123",
        "intent://example.org",
        "https:example.org",
        "https://",
        "https:///path",
        "https://?a",
        "https:\\\\example.org",
        "https://example.org/a b",
        "https://example.org/\n",
        "//example.org",
        "/path",
        "localhost",
        "",
        7,
        None,
    ],
)
def test_refuses_an_address_that_is_not_safe_to_open(url: Any) -> None:
    with pytest.raises(InvalidElement) as caught:
        link("Open", url)

    assert caught.value.path == "payload.url"


@settings(deadline=None)
@given(
    st.one_of(
        st.text(),
        st.from_regex(r"[ \t\n]?(https?|javascript|data|[a-z.]+)(:|://|:/)?[a-z0-9./:?#@\\%-]*", fullmatch=True),
    )
)
def test_an_accepted_address_leads_to_a_host_over_http(url: str) -> None:
    try:
        opened = link("Open", url).url
    except InvalidElement:
        return

    assert opened is not None
    assert re.fullmatch(r"https?://[^\s/?#\\\x00-\x1f][^\s\x00-\x1f]*", opened, re.IGNORECASE)
    assert urlsplit(opened).scheme in {"http", "https"}


def test_addresses_are_checked_however_many_came_before() -> None:
    for number in range(5000):
        assert link("Go", f"https://example.org/{number}").payload["url"] == f"https://example.org/{number}"
    for _ in range(2):
        with pytest.raises(InvalidElement):
            link("Go", "https://example.org/4999 onclick=")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Thanks", "Thanks"),
        ("Know more{api_name: plan, plan_id: 42}", "Know more"),
        (f"❌ Stop updates{METADATA}", "❌ Stop updates"),
        ("{a}Yes{b: {c}}", "Yes"),
        ("a {b} c", "a  c"),
        ("{task}", ""),
        ("{}", ""),
        ("half { open", "half { open"),
        ("half } closed", "half } closed"),
        ("{ a {b} c", "{ a  c"),
    ],
)
def test_brace_groups_are_not_shown(message: str, shown: str) -> None:
    assert strip_braces(message) == shown


@settings(deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from("{{}} ab"), st.characters())))
def test_no_brace_group_survives(message: str) -> None:
    shown = strip_braces(message)

    assert not re.search(r"\{[^{}]*\}", shown)
    assert strip_braces(shown) == shown
    remaining = iter(message)
    assert all(character in remaining for character in shown), "characters were added or moved"


def test_a_reply_sends_its_label_where_it_has_no_message() -> None:
    assert reply("Yes").message == "Yes"
    assert reply("Yes", " ").message == "Yes"
    assert reply("Yes", "/affirm").message == "/affirm"
    assert reply("Yes{task}\n please").label == "Yes please"


ADDRESSES = {
    *("callback_link", "image", "image_url", "images", "link", "menu_url", "movie_image", "movie_trailer_url"),
    *("options_url", "profile_image", "search_source", "url"),
}
keys = st.text().filter(lambda key: key not in ADDRESSES)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
    max_leaves=8,
)
payloads = st.dictionaries(keys.filter(lambda key: key not in {"message", "gogo_message"}), json_values, max_size=4)


@settings(deadline=None)
@given(payloads)
def test_a_payload_is_neither_shared_nor_changed(payload: dict[str, Any]) -> None:
    before = json.dumps(payload)
    built = actionable(payload=MappingProxyType(payload))

    json.loads(json.dumps(built.to_hsl()))["payload"].clear()
    given_out = built.to_hsl()["payload"]
    assert given_out == payload
    for value in given_out.values():
        if isinstance(value, (list, dict)):
            value.clear()
    given_out["message"] = "changed"

    assert json.dumps(built.to_hsl()["payload"]) == json.dumps(payload) == before


def test_elements_are_frozen_values() -> None:
    element = Button("a", [reply("b"), link("c", "example.org")])

    with pytest.raises(AttributeError):
        element.text = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        element.items[0].payload = {}  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(element)) == element
    assert element == Button("a", list(element.items))
    assert hash(Text("a")) == hash(Text("a", []))


words = st.text(max_size=12) | st.sampled_from(["", " ", "{task}", "a{b}", "/a{", "\u2003"])


def outcome(build: Callable[[], Actionable]) -> Any:
    try:
        return build()
    except InvalidElement as mistake:
        return str(mistake)


@settings(deadline=None)
@given(words, st.none() | words, st.none() | words, st.booleans())
def test_a_reply_is_what_its_members_make(label: str, message: str | None, gogo: str | None, default: bool) -> None:
    payload = {"message": label if message is None else message, "gogo_message": gogo or ""}
    made = outcome(
        lambda: Actionable(
            actionable_text=label, type="TEXT_ONLY", is_default=default, payload=MappingProxyType(payload)
        )
    )

    assert outcome(lambda: reply(label, message, gogo, is_default=default)) == made
    if isinstance(made, Actionable):
        assert reply(label, message, gogo, is_default=default).to_hsl() == made.to_hsl()


@settings(deadline=None)
@given(
    words, words | st.sampled_from(["example.org", "https://a.example/b c", "https://a.example/b"]), st.none() | words
)
def test_a_link_is_what_its_members_make(label: str, url: str, message: str | None) -> None:
    said = {} if message is None else {"message": message}
    payload = {**said, "url": url, "gogo_message": ""}
    made = outcome(
        lambda: Actionable(actionable_text=label, type="APP_ACTION", uri="LINK", payload=MappingProxyType(payload))
    )

    assert outcome(lambda: link(label, url, message)) == made
    if isinstance(made, Actionable):
        assert link(label, url, message).to_hsl() == made.to_hsl()


def test_what_a_value_has_not_cannot_be_filled() -> None:
    extra: Any = reply("a").extra
    for fill in (extra.update, extra.setdefault, extra.__setitem__):
        with pytest.raises(TypeError):
            fill(*("b", 1)[: 0 if fill == extra.update else 2])
    assert reply("a").extra == {}
    assert "extra" not in repr(reply("a"))


def test_the_pieces_of_cards_and_images() -> None:
    card = Card(title="Kurta", image="example.org/a.png", actionables=[reply("Buy")], meta=4.5, tool_name="us")

    assert card.to_hsl() == {
        "thumbnail": {"image": "example.org/a.png"},
        "title": "Kurta",
        "actionables": [reply("Buy").to_hsl()],
        "meta": 4.5,
        "tool_name": "us",
    }
    assert (card.image_url, Card(title="a").image_url) == ("https://example.org/a.png", None)
    assert not Carousel([card], image_aspect_ratio=1000.1).shows_images
    assert Image.of("example.org/a.png").to_hsl()["data"]["items"] == [
        {"thumbnail": {"image": "example.org/a.png"}, "actionables": []}
    ]


@pytest.mark.parametrize(
    "card",
    [
        Card(title=" ", image="https://example.org/a.png"),
        Card(sub_title=" ", image="https://example.org/a.png"),
        Card(description=" ", image="https://example.org/a.png"),
    ],
    ids=["title", "sub_title", "description"],
)
def test_a_card_of_a_picture_and_a_blank_line_shows_the_picture(card: Card) -> None:
    (message,) = render(Carousel([card, Card(title="B")]), "facebook").messages
    assert card.image in json.dumps(message)
