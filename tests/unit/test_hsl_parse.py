"""Reading HSL: every sample comes back as it was, quirks are read, mistakes are refused with their path."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haptik_actions.errors import InvalidElement
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
    Silent,
    System,
    TabList,
    Text,
    Unknown,
    parse,
    parse_actionable,
)
from tests.support.elements import elements

SAMPLES = sorted((Path(__file__).parents[1] / "fixtures" / "hsl").glob("*.json"))

examples = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def exactly(value: Any) -> str:
    """JSON in which `0`, `0.0`, `false` and `"0"` differ, and the order of members does not matter."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def a_button(**members: Any) -> dict[str, Any]:
    return {"text": "How?", "type": "BUTTON", "data": {"items": [members]}}


def cards(*items: Any) -> dict[str, Any]:
    return {"type": "CAROUSEL", "data": {"items": list(items)}}


def fields(*items: Any) -> dict[str, Any]:
    return {"type": "FORM", "title": "Book", "data": {"fields": list(items)}}


def the_item(**members: Any) -> Actionable:
    element = parse(a_button(**members))
    assert isinstance(element, Button)
    return element.items[0]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_comes_back_as_it_was(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    read = json.loads(text)

    assert exactly(parse(read).to_hsl()) == exactly(json.loads(text))
    assert exactly(read) == exactly(json.loads(text)), "the argument was changed"
    assert parse(text) == parse(read)


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("builder-form", Form),
        ("builder-native-action", NativeAction),
        ("builder-silent", Silent),
        ("builder-system-complete", System),
        ("docs-button-1", Button),
        ("docs-carousel-2", Carousel),
        ("docs-image-1", Image),
        ("docs2018-image-1", Image),
        ("docs-text-2", Text),
        ("docs-index-1", Unknown),
    ],
)
def test_a_sample_is_the_element_that_it_documents(sample: str, kind: type) -> None:
    path = next(path for path in SAMPLES if path.stem == sample)
    assert isinstance(parse(json.loads(path.read_text(encoding="utf-8"))), kind)


@examples
@given(elements)
def test_what_is_built_is_read_back(element: Element) -> None:
    read = parse(element.to_hsl())

    assert read == element
    assert hash(read) == hash(element)
    assert parse(json.dumps(element.to_hsl())) == element
    assert exactly(read.to_hsl()) == exactly(element.to_hsl())


def damaged(value: Any, draw: Any) -> Any:
    """The same JSON as somebody else might have written it: other keys, other types, missing members."""
    if isinstance(value, dict):
        kept = {key: damaged(member, draw) for key, member in value.items() if draw(st.integers(0, 9)) > 0}
        return {
            **kept,
            **draw(st.dictionaries(st.sampled_from(["x", "data", "payload", "text", "meta"]), LEAVES, max_size=1)),
        }
    if isinstance(value, list):
        return [damaged(item, draw) for item in value]
    return draw(st.sampled_from([value, value, value, value, str(value), None, [value], {"a": value}, 0, True, 1.5]))


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)


@examples
@given(elements, st.data())
def test_damaged_json_is_read_as_it_is_or_refused_with_a_path(element: Element, data: st.DataObject) -> None:
    written = damaged(element.to_hsl(), data.draw)
    before = copy.deepcopy(written)

    try:
        read = parse(written)
    except InvalidElement:
        assert exactly(written) == exactly(before)
        return

    assert exactly(written) == exactly(before)
    assert exactly(read.to_hsl()) == exactly(before)
    assert parse(read.to_hsl()) == read


JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "data", "items", "quick_replies", "payload", "url", "title", "fields", "tabs"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TYPES = ("TEXT", "BUTTON", "CAROUSEL", "FORM", "SYSTEM", "SILENT", "NATIVE_ACTION", "TAB_LIST", "RECEIPT", "OTHER")


@examples
@given(st.sampled_from(TYPES), JSON, JSON)
def test_whatever_is_read_is_an_element_or_refused(kind: str, text: Any, data: Any) -> None:
    written = {"type": kind, "text": text, "data": data}
    try:
        read = parse(written)
    except InvalidElement:
        return
    assert exactly(read.to_hsl()) == exactly(written)


@pytest.mark.parametrize(
    ("value", "element"),
    [
        ("Hello", Text("Hello")),
        ("[sic]", Text("[sic]")),
        ("{}", Text("{}")),
        ('{"a": 1}', Text('{"a": 1}')),
        ("{not json}", Text("{not json}")),
        ('{"type": "TEXT", "text": "Hi", "data": {"quick_replies": []}}', Text("Hi")),
        ('[{"type": "TEXT", "text": "Hi"}]', Text('[{"type": "TEXT", "text": "Hi"}]')),
        ('"Hi"', Text('"Hi"')),
    ],
)
def test_a_string_is_an_element_or_a_text_of_itself(value: str, element: Element) -> None:
    assert parse(value) == element


def test_a_list_is_a_list_of_elements() -> None:
    hello = Text("Hello").to_hsl()

    assert parse(["Hi", hello, json.dumps(hello)]) == [Text("Hi"), Text("Hello"), Text("Hello")]
    assert parse([]) == []


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"actionable_text": "Go"}, {"type": "TEXT_ONLY", "uri": ""}),
        ({"actionable_text": "Go", "uri": "LINK", "payload": {"url": "example.org"}}, {"type": "APP_ACTION"}),
        (
            {"actionable_text": "Go", "type": "app_action", "uri": "link", "payload": {"link": "example.org"}},
            {"uri": "LINK", "type": "APP_ACTION", "url": "https://example.org"},
        ),
        ({"actionable_text": "Go", "uri": "WEBVIEW", "payload": {"url": "example.org"}}, {"uri": "SELF_SERVE_WEB"}),
        ({"actionable_text": "Go", "uri": "SOMETHING", "payload": {"url": "example.org"}}, {"uri": "LINK"}),
        ({"actionable_text": "Go", "uri": "SOMETHING", "type": "OTHER"}, {"uri": "", "type": "TEXT_ONLY"}),
        (
            {"actionable_text": "Go", "is_default": "1", "location_required": "false"},
            {"is_default": True, "location_required": False},
        ),
        (
            {"actionable_text": "Go", "is_default": True, "location_required": "True"},
            {"is_default": True, "location_required": True},
        ),
        ({"actionable_text": "Go", "payload": None}, {"payload": {}}),
        (
            {"actionable_text": "Go", "payload": {"image": "https://example.org/?a=1&amp;b=2"}},
            {"payload": {"image": "https://example.org/?a=1&b=2"}},
        ),
        ({"actionable_text": "", "payload": {"message": "buy"}}, {"actionable_text": "buy"}),
        ({"actionable_text": None, "emoji": "cart"}, {"actionable_text": "cart", "emoji": "cart"}),
        ({"actionable_text": 5}, {"actionable_text": "5"}),
        ({"actionable_text": "Call", "uri": "CALL", "payload": {"url": "tel:+911140001234"}}, {"uri": "CALL"}),
        (
            {"actionable_text": "Mail", "uri": "EMAIL", "payload": {"url": "mailto:a@example.org?subject=x"}},
            {"uri": "EMAIL"},
        ),
        ({"actionable_text": "Text", "uri": "SMS", "payload": {"url": "sms:+911140001234"}}, {"uri": "SMS"}),
    ],
)
def test_quirks_of_an_actionable_are_read(members: dict[str, Any], expected: dict[str, Any]) -> None:
    item = the_item(**members)

    assert {name: getattr(item, name) for name in expected} == expected
    assert exactly(parse(a_button(**members)).to_hsl()) == exactly(a_button(**members))


CARD: dict[str, Any] = {"title": "A", "actionables": []}


@pytest.mark.parametrize(
    ("written", "element"),
    [
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        ({"type": "TEXT", "text": 7, "data": None}, Text("7")),
        (
            {"type": "TEXT", "text": "Hi", "data": {"quick_replies": {"actionable_text": "Yes"}}},
            Text("Hi", [Actionable(actionable_text="Yes", type="TEXT_ONLY", payload={"message": "Yes"})]),
        ),
        (
            {"type": "TEXT", "text": "Hi", "data": {"quick_replies": [{"actionable_text": "Yes", "type": "TEXT"}, {}]}},
            Text("Hi", [Actionable(actionable_text="Yes", type="TEXT_ONLY", payload={"message": "Yes"})]),
        ),
        (
            {"type": "BUTTON", "text": "Hi", "data": {"actionables": [{"actionable_text": "Yes"}]}},
            Button("Hi", [Actionable(actionable_text="Yes", type="TEXT_ONLY")]),
        ),
        ({"type": "CAROUSEL", "data": {"items": CARD}}, Carousel([Card(title="A")])),
        (
            {"type": "CAROUSEL", "data": {"items": [CARD], "image_aspect_ratio": "1000.1", "width": "small"}},
            Carousel([Card(title="A")], image_aspect_ratio=1000.1, width="THIN"),
        ),
        ({"type": "CAROUSEL", "data": {"items": [CARD], "image_aspect_ratio": -1}}, Carousel([Card(title="A")])),
        ({"type": "CAROUSEL", "data": {"items": [CARD], "image_aspect_ratio": "wide"}}, Carousel([Card(title="A")])),
        (
            {"type": "CAROUSEL", "data": {"items": [{"title": "A", "actionable": [{"actionable_text": "Go"}]}]}},
            Carousel([Card(title="A", actionables=[Actionable(actionable_text="Go", type="TEXT_ONLY")])]),
        ),
        (
            {"type": "CAROUSEL", "data": {"items": [{"thumbnail": {"image": "http://example.org/?a=1&amp;b=2"}}]}},
            Image([Card(image="http://example.org/?a=1&b=2")]),
        ),
        (
            {
                "type": "FORM",
                "text": "Book",
                "data": {"fields": [{"key": "City", "type": "Picker", "options": "A, B,"}]},
            },
            Form("Book", [FormField("City", "picker", options=["A", "B"])]),
        ),
        (
            fields({"key": "b", "type": "text", "order": "1"}, {"key": "a", "type": "date"}),
            Form("Book", [FormField("b", order=1), FormField("a", "date", order=1)]),
        ),
        ({"type": "SYSTEM", "text": "Bye", "data": {}}, System("Bye")),
        ({"type": "SYSTEM", "text": "Bye", "data": {"event_name": "other"}}, System("Bye")),
    ],
)
def test_quirks_of_elements_are_read_and_written_again(written: dict[str, Any], element: Element) -> None:
    read = parse(written)

    assert msgspec.structs.replace(without_traces(read)) == without_traces(element)
    assert exactly(read.to_hsl()) == exactly(written)


def without_traces(value: Any) -> Any:
    """The value, and all in it, without the form in which they were read."""
    if isinstance(value, tuple):
        return tuple(map(without_traces, value))
    if not isinstance(value, msgspec.Struct):
        return value
    names = [name for name in value.__struct_fields__ if name != "as_read"]
    members = {name: without_traces(getattr(value, name)) for name in names}
    return msgspec.structs.replace(value, **members, as_read=None)


def test_a_member_that_is_replaced_is_written_as_documented() -> None:
    read = parse({"type": "CAROUSEL", "data": {"items": [CARD], "image_aspect_ratio": "1.77"}, "isNew": False})
    assert isinstance(read, Carousel)

    other = msgspec.structs.replace(read, image_aspect_ratio=1.5)

    assert other.to_hsl()["data"]["image_aspect_ratio"] == 1.5
    assert other.to_hsl()["isNew"] is False
    assert "text" not in other.to_hsl(), "what was not touched stays as it was read"


def test_unknown_members_are_kept_at_every_level_and_shown() -> None:
    read = parse(json.loads((SAMPLES[0].parent / "docs2018-text-1.json").read_text(encoding="utf-8")))

    assert isinstance(read, Text)
    assert read.extra == {"test1": "1", "data": {"test1": "2"}}
    assert read.quick_replies[0].extra == {"test3": "3"}
    assert read.quick_replies[0].payload["test4"] == "4"


def test_an_element_is_built_with_members_that_nobody_documents() -> None:
    built = Text("Hi", extra={"test1": "1", "data": {"analytics": {"id": 7}}})

    assert built.to_hsl() == {
        "text": "Hi",
        "type": "TEXT",
        "data": {"quick_replies": [], "analytics": {"id": 7}},
        "test1": "1",
    }
    assert parse(built.to_hsl()) == built


def test_receipt_and_tabs_are_read_in_the_forms_of_2018() -> None:
    receipt = parse(
        {
            "text": "Receipt",
            "type": "RECEIPT",
            "data": {
                "header": "Ride summary",
                "subheader": {"header_one": "Trip", "body_one": "T-19", "header_two": "Day", "body_two": 4},
                "order_items": [{"title": "Fare", "body": "₹240"}],
                "footer": {"amount": 240, "actionables": {"actionable_text": "Share", "type": "SHARE_RECEIPT"}},
            },
        }
    )
    assert isinstance(receipt, Receipt)
    assert [(fact.header, fact.body) for fact in receipt.subheader] == [("Trip", "T-19"), ("Day", "4")]
    assert (receipt.amount, receipt.total_item_count, receipt.actionables[0].label) == ("240", 1, "Share")

    tabs = parse(
        {
            "text": "Flights",
            "type": "TAB_LIST",
            "data": {
                "tabs": [{"title": "DEL-BOM", "tab_items": [{"title": "06:10", "price": 4200}]}],
                "actionables": [{"actionable_text": "Book", "type": "TAB_LIST_TEXT_ONLY"}],
                "expiry": "600",
            },
        }
    )
    assert isinstance(tabs, TabList)
    assert (tabs.expiry, tabs.tabs[0].tab_items[0].price, tabs.actionable.label) == (600, "4200", "Book")


ODD_REPLY = {"actionable_text": "b", "payload": {"message": 1.5}}


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ({"text": "Hi"}, "type"),
        ({"type": 1}, "type"),
        (None, ""),
        (7, ""),
        ("  ", "text"),
        ({"type": "TEXT"}, "text"),
        ({"type": "TEXT", "text": {"a": 1}}, "text"),
        ({"type": "TEXT", "text": "a", "data": "b"}, "data"),
        ({"type": "TEXT", "text": "a", "data": {"quick_replies": "b"}}, "data.quick_replies"),
        ({"type": "TEXT", "text": "a", "data": {"quick_replies": ["b"]}}, "data.quick_replies[0]"),
        ({"type": "TEXT", "text": "a", "isNew": "perhaps"}, "isNew"),
        (
            {
                "type": "TEXT",
                "text": "a",
                "data": {"quick_replies": [{"actionable_text": "b", "payload": {"message": 1.5}}]},
            },
            "data.quick_replies[0].payload.message",
        ),
        ({"type": "BUTTON", "text": "a"}, "data.items"),
        (a_button(actionable_text="a", uri="LINK"), "data.items[0].payload.url"),
        (a_button(actionable_text="a", payload="b"), "data.items[0].payload"),
        (a_button(actionable_text="a", is_default="maybe"), "data.items[0].is_default"),
        (a_button(actionable_text="a", payload={"url": "javascript:alert(1)"}), "data.items[0].payload.url"),
        (a_button(actionable_text="a", payload={"url": "tel:123456"}), "data.items[0].payload.url"),
        (a_button(actionable_text="a", uri="CALL", payload={"url": "mailto:a@b.example"}), "data.items[0].payload.url"),
        ({"type": "CAROUSEL", "data": {}}, "data.items"),
        (cards(CARD, {}), "data.items[1].title"),
        (cards({"thumbnail": {"image": "file:///etc/passwd"}}), "data.items[0].thumbnail.image"),
        (
            cards(
                CARD,
                {"title": "B", "actionables": [{"actionable_text": "x", "uri": "LINK", "payload": {"url": "data:,x"}}]},
            ),
            "data.items[1].actionables[0].payload.url",
        ),
        (cards({"title": "A", "mini_actionable": "x"}), "data.items[0].mini_actionable"),
        (fields(), "data.fields"),
        (fields({"key": "b", "type": "colour"}), "data.fields[0].type"),
        (fields({"key": "b", "type": "picker"}), "data.fields[0].options"),
        (fields({"key": "b", "type": "text"}, {"key": "b", "type": "text"}), "data.fields[1].key"),
        ({"type": "SILENT", "data": {}}, "data.silent_actions"),
        ({"type": "NATIVE_ACTION", "data": {}}, "data.method"),
        ({"type": "TAB_LIST", "data": {"tabs": []}}, "data.actionables"),
        ({"type": "RECEIPT", "data": {"header": "a"}}, "data.order_items"),
        ({"type": "OTHER", "data": {"deep": [{"url": "java\nscript:alert(1)"}]}}, "data.deep[0].url"),
        ([{"type": "OTHER"}, {"type": "TEXT"}], "[1].text"),
        ([["a"]], "[0]"),
        ({"type": "TEXT", "text": "a", "extra": {1: 2}}, "extra"),
        ({"type": "TEXT", "text": "a", "extra": {"b": object()}}, "extra.b"),
    ],
)
def test_a_mistake_is_refused_with_its_path(written: Any, path: str) -> None:
    with pytest.raises(InvalidElement) as caught:
        parse(written)

    assert caught.value.path == path


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ('{"type": "TEXT", "text": "a", "n": [NaN]}', "n[0]"),
        ('{"type": "TEXT", "text": "a", "n": -Infinity}', "n"),
        ('{"type": "OTHER", "n": 1e999}', "n"),
        ({"type": "TEXT", "text": 10**5000}, "text"),
        ({"type": "CAROUSEL", "data": {"items": [{"title": "a", "meta": float("nan")}]}}, "data.items[0].meta"),
        ({"type": "CAROUSEL", "data": {"image_aspect_ratio": float("inf")}}, "data.image_aspect_ratio"),
    ],
    ids=["nan", "infinity", "beyond a double", "beyond what is printed", "meta", "ratio"],
)
def test_numbers_that_json_cannot_hold_are_refused(written: Any, path: str) -> None:
    with pytest.raises(InvalidElement, match="no number of JSON") as caught:
        parse(written)

    assert caught.value.path == path


def test_what_is_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {"type": "OTHER"}
    for _ in range(100_000):
        deep = {"data": deep, "type": "OTHER"}
    with pytest.raises(InvalidElement):
        parse(deep)
    with pytest.raises(InvalidElement):
        parse_actionable({"actionable_text": "Go", "payload": deep})


def test_an_actionable_that_stands_alone_is_read() -> None:
    written = {"actionable_text": "Go", "uri": "LINK", "payload": {"url": "example.org"}}

    assert parse_actionable(written).url == "https://example.org"
    assert parse_actionable(written).to_hsl() == written
    with pytest.raises(InvalidElement) as caught:
        parse_actionable({"actionable_text": "Go", "uri": "LINK"})
    assert caught.value.path == "payload.url"
