"""The platform's webhook as the relay reads it: signatures, shapes, and bodies that are no element."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import hsl_builder  # type: ignore[import-untyped]
import pytest
from hsl_builder import elements as parts
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Text, parse, strip_braces
from haptik_actions.relay import Link, PlatformEvent, UnreadableEvent, conversation_id, is_signed, read_event
from haptik_actions.relay._sayings import element_of, shown_text
from haptik_actions.render import CHANNELS, render
from tests.support.relay import SECRET as THE_SECRET
from tests.support.relay import agent, completed, event, message, pinned, signed

LINK = Link.of("rest", "asha", 343)
FIXTURES = Path(__file__).parents[1] / "fixtures"


def read(body: dict[str, Any]) -> PlatformEvent | None:
    return read_event(json.dumps(body).encode())


# Ids


def test_an_id_is_always_the_same_and_alphanumeric() -> None:
    assert conversation_id("rest", "asha").isalnum()
    assert conversation_id("rest", "asha") == conversation_id("rest", "asha")
    assert len(conversation_id("rest", "asha")) == 25


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_no_two_conversations_have_one_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (conversation_id(*one) == conversation_id(*other)) is (one == other)


def test_the_border_between_channel_and_sender_counts() -> None:
    assert conversation_id("ab", "c") != conversation_id("a", "bc")


def test_half_of_a_surrogate_pair_has_an_id() -> None:
    assert conversation_id("rest", "a\ud83d").isalnum()


# Signatures


@pytest.mark.parametrize(
    ("signature", "right"),
    [("right", True), (None, False), ("", False), ("sha1=", False), ("sha1=ü", False), ("sha256=" + "0" * 64, False)],
)
def test_only_the_signature_of_the_body_counts(signature: str | None, right: bool) -> None:
    body, good = signed({"event_name": "message"})
    assert is_signed(THE_SECRET, body, good if signature == "right" else signature) is right
    assert not is_signed("another", body, good)
    assert not is_signed(THE_SECRET, body + b" ", good)


# Documented shapes


def test_the_documented_events_are_read() -> None:
    found = {}
    for path in sorted((FIXTURES / "haptik-events").glob("*.json")):
        read_one = read_event(path.read_bytes())
        if read_one is not None:
            found[read_one.kind] = read_one
    assert set(found) == {"message", "chat_pinned", "chat_complete", "webhook_conversation_complete"}
    assert found["message"].message_id == 1982371
    assert found["message"].automated
    assert found["chat_pinned"].agent == "Prateek"
    assert found["webhook_conversation_complete"].completion_type == "agent"


def test_an_event_of_an_older_page_has_auth_id_alone() -> None:
    found = read(message(LINK, 5, "Hi", user={"auth_id": LINK.id}))
    assert found is not None
    assert (found.auth_id, found.user_name) == (LINK.id, None)


def test_a_list_of_messages_is_one() -> None:
    body = event(LINK, message=[{"id": 7, "body": {"type": "TEXT", "text": "Hi"}}])
    found = read(body)
    assert found is not None
    assert (found.message_id, found.body) == (7, {"type": "TEXT", "text": "Hi"})
    several = read(event(LINK, message=[{"id": 7, "body": "one"}, {"id": 8, "body": "two"}, "?"]))
    assert several is not None
    assert element_of(several.body) == Text("one\ntwo")


@pytest.mark.parametrize(
    "changes",
    [
        {"event_name": "agent_typing"},
        {"event_name": None},
        {"event_name": ["message"]},
        {"user": {}},
        {"user": []},
        {"user": {"auth_id": "", "user_name": "  "}},
        {"business_id": "shop"},
        {"business_id": True},
        {"business_id": None},
        {"business_id": -1},
        {"business_id": 10**30},
        {"business_id": 1.5},
    ],
)
def test_what_concerns_nobody_is_none(changes: dict[str, Any]) -> None:
    assert read(message(LINK, 1, "x") | changes) is None


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"timestamp": None}, {}),
        ({"timestamp": "yesterday"}, {}),
        ({"timestamp": 1764500000}, {"at": 1764500000.0}),
        ({"timestamp": 1764500000123}, {"at": 1764500000.123}),
        ({"timestamp": "2018-10-04T12:41:27"}, {"at": 1538656887.0}),
        ({"business_id": "343"}, {"business_id": 343}),
        ({"business_id": 343.0}, {"business_id": 343}),
        ({"agent": None}, {"agent": None, "automated": True}),
        ({"agent": {"name": 7, "is_automated": False}}, {"agent": "7", "automated": False}),
        ({"agent": {"is_automated": "no"}}, {"automated": True}),
        ({"message": None}, {"message_id": None, "body": None}),
        ({"message": {"id": "77", "body": 5}}, {"message_id": 77, "body": 5}),
        ({"message": {"id": -3}}, {"message_id": None}),
        ({"user": {"auth_id": 12, "user_name": None}}, {"auth_id": "12", "user_name": None}),
        ({"data": [], "unheard": {"of": 1}}, {"conversation_no": None}),
    ],
)
def test_wrong_types_of_what_is_optional_do_no_harm(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = read(message(LINK, 1, "x") | changes)
    assert found is not None
    assert {name: getattr(found, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"event"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000],
    ids=["empty", "null", "list", "string", "cut", "bytes", "deep", "deep object"],
)
def test_what_is_no_object_cannot_be_read(body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        read_event(body)


def test_more_than_a_megabyte_cannot_be_read() -> None:
    with pytest.raises(UnreadableEvent):
        read_event(json.dumps(message(LINK, 1, "x" * 1_000_000)).encode())


@pytest.mark.parametrize("odd", ["\ud83d", "a\udc00b"])
def test_what_pythons_json_writes_is_read(odd: str) -> None:
    raw = json.dumps(message(LINK, 1, f"Hi {odd}", score=float("nan"))).encode()
    found = read_event(raw)
    assert found is not None
    assert found.body["text"] == f"Hi {odd}".encode("utf-8", "replace").decode()


json_values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
_MEMBERS = ("event_name", "user", "business_id", "timestamp", "agent", "message", "data", "version")


@given(st.dictionaries(st.sampled_from(_MEMBERS), json_values), st.sampled_from(["message", "chat_pinned", "end"]))
def test_nothing_of_any_shape_fails(changes: dict[str, Any], kind: str) -> None:
    whole = {"message": message(LINK, 1, "x"), "chat_pinned": pinned(LINK, 1), "end": completed(LINK)}[kind]
    found = read_event(json.dumps(whole | changes).encode())
    if found is not None:
        element_of(found.body)


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_event(body)
    except UnreadableEvent:
        return


# Bodies

_texts = st.text(max_size=12) | st.sampled_from(["Hello", "Buy", "{task}", "https://example.org/a b", "नमस्ते", " "])


@st.composite
def _actionables(draw: Any) -> Any:
    made = parts.Actionable(
        draw(_texts),
        draw(st.sampled_from(list(parts.ActionableType))),
        draw(st.sampled_from(list(parts.URI))),
    )
    made.payload = draw(
        st.dictionaries(st.sampled_from(["url", "message", "link", "api"]), _texts | st.integers(), max_size=2)
    )
    return made


@st.composite
def _built(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["text", "button", "carousel", "form"]))
    if kind == "text":
        made = hsl_builder.Text(draw(_texts))
        made.quick_replies = draw(st.lists(_actionables(), max_size=3))
    elif kind == "button":
        made = hsl_builder.Button(draw(_texts))
        made.actionables = draw(st.lists(_actionables(), max_size=3))
    elif kind == "form":
        made = hsl_builder.Form(draw(_texts), draw(_texts))
        field = parts.FormField(draw(_texts), draw(st.sampled_from(list(parts.FormFieldType))), 0, draw(_texts), "")
        made.fields = draw(st.sampled_from([[], [field]]))
    else:
        made = hsl_builder.Carousel(draw(_texts))
        card = parts.CarouselItem(draw(_texts), draw(_texts))
        card.description, card.thumbnail = draw(_texts), draw(_texts)
        card.actionables = draw(st.lists(_actionables(), max_size=2))
        made.items = draw(st.sampled_from([[], [card]]))
    built: dict[str, Any] = made.to_hsl()
    return built


_READ_BY_PEOPLE = ("text", "title", "sub_title", "subtitle", "description", "actionable_text", "url", "image", "link")


def _readable(body: Any) -> list[str]:
    if isinstance(body, dict):
        own = [str(body[name]) for name in _READ_BY_PEOPLE if isinstance(body.get(name), (str, int))]
        return own + [each for member in body.values() for each in _readable(member)]
    return [each for item in body for each in _readable(item)] if isinstance(body, list) else []


def _bare(text: str) -> str:
    """What can be read of it: no white space, no control characters."""
    return "".join(sign for sign in text if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cn"))


@settings(max_examples=300)
@given(_built())
def test_a_body_that_is_refused_is_shown_by_all_that_it_says(body: dict[str, Any]) -> None:
    try:
        wanted = parse(body)
    except InvalidElement:
        shown = element_of(body)
        # What is written for the platform in braces is not for people.
        readable = [bare for each in _readable(body) if (bare := _bare(strip_braces(each)))]
        if not readable:
            return
        assert isinstance(shown, Text)
        for each in readable:
            assert each in _bare(shown.text)
        for channel in CHANNELS:
            assert render(shown, channel).messages
    else:
        assert element_of(body) in (wanted, Text(shown_text(body)) if shown_text(body) else None)


def test_at_least_a_third_of_random_bodies_is_refused() -> None:
    refused = 0

    @settings(max_examples=200, database=None)
    @given(_built())
    def count(body: dict[str, Any]) -> None:
        nonlocal refused
        try:
            parse(body)
        except InvalidElement:
            refused += 1

    count()
    assert refused > 20


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("Hello", "Hello"),
        ({"type": "TEXT"}, None),
        ({"type": "TEXT", "text": "  "}, None),
        (None, None),
        ([], None),
        ([{"type": "TEXT", "text": "a"}, "b", 7], "a\nb\n7"),
        ({"type": "HOLOGRAM", "text": "Look", "data": {"caption": "a cat", "url": "https://x.example"}},
         "Look\na cat\nhttps://x.example"),
        ({"type": "HOLOGRAM", "secret_words": "Look"}, "Look"),
        ({"text": "No type", "id": 5}, "No type"),
        ({"type": "BUTTON", "text": "Choose", "data": {"items": [{"actionable_text": "Open", "uri": "LINK"}]}},
         "Choose\nOpen"),
        ({"type": "TEXT", "text": "Pick", "data": {"quick_replies": [
            {"actionable_text": "Yes", "type": "APP_ACTION", "uri": "CALL", "payload": {"message": "yes please"}}]}},
         "Pick\nYes"),
    ],
)  # fmt: skip
def test_what_a_body_shows(body: Any, shown: str | None) -> None:
    found = element_of(body)
    assert (None if found is None else found.to_hsl()["text"]) == shown


def test_an_element_is_left_as_it_is() -> None:
    body = {"type": "TEXT", "text": "Pick", "data": {"quick_replies": [{"actionable_text": "Yes"}]}}
    assert element_of(body) == parse(body)


def test_a_body_nested_deeply_is_shown() -> None:
    body: Any = {"text": "deep inside"}
    for _ in range(150):
        body = {"data": [body]}
    assert element_of({"type": "TEXT", "text": "top", "data": {"quick_replies": 5}, "more": body}) is not None


def test_instructions_to_the_application_are_not_read_out() -> None:
    body = {"type": "SILENT", "text": "", "data": {"silent_actions": [{"type": "x", "data": {}}]}}
    assert element_of(body) == parse(body)


def test_the_agent_of_automatic_sentences() -> None:
    found = read(message(LINK, 1, "x", agent=agent("gogo", automated=True)))
    assert found is not None
    assert found.automated
