"""A RECEIPT where a channel has a form for two columns: up to its limits that form, beyond them text, nothing lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.hsl import Actionable, Receipt, ReceiptFact, ReceiptItem
from haptik_actions.render import CHANNELS, render
from tests.validators import PLATFORMS, platform
from tests.validators._shown import bare, read

NATIVE = ("slack", "hangouts", "line", "botframework")
FAMILY = "👩\u200d👩\u200d👧"
NASTY = st.one_of(
    st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=60),
    st.sampled_from(
        ["", " ", "*bold* _it_ ~st~ `un`", "<!channel> & co.", "שלום *עולם*", FAMILY * 20, "x" + "\u0301" * 30, "<b>"]
    ),
    st.builds(lambda words: words * 200, st.sampled_from(["हिन्दी ", "&<> ", '"\\', FAMILY])),
)
SAYING = NASTY.filter(str.strip)


def rows(count: int, words: str = "Fare", body: str = "₹1") -> list[ReceiptItem]:
    return [ReceiptItem(title=words, body=body) for _ in range(count)]


def native(receipt: Receipt, channel: str) -> bool:
    return not any(note.detail == "receipt by a text" for note in render(receipt, channel).notes)


def blocks(receipt: Receipt) -> list[dict[str, Any]]:
    [message] = render(receipt, "slack").messages
    found: list[dict[str, Any]] = message["json_message"]["blocks"]
    return found


def test_slack_gets_a_table_with_the_head_first_and_the_sum_last() -> None:
    receipt = Receipt(
        "*Ride* <1>",
        [ReceiptItem(title="Fare", header="12 km", body="₹240"), ReceiptItem(header="Toll")],
        subheader=[ReceiptFact("Trip")],
        amount="₹300",
    )

    [table] = blocks(receipt)
    assert [[cell["text"] for cell in row] for row in table["rows"]] == [
        ["Ride <1>", " "],
        ["Trip", " "],
        ["Fare — 12 km", "₹240"],
        ["Toll", " "],
        [" ", "Total: ₹300"],
    ]


@pytest.mark.parametrize(("count", "fits"), [(97, True), (98, True), (99, False)])
def test_a_table_of_slack_has_a_hundred_rows(count: int, fits: bool) -> None:
    receipt = Receipt("Ride", rows(count), amount="₹300")

    assert native(receipt, "slack") == fits
    platform("slack").check(render(receipt, "slack").messages)


@pytest.mark.parametrize(("length", "fits"), [(9_992, True), (9_993, True), (9_994, False)])
def test_all_cells_of_slack_together_have_a_limit(length: int, fits: bool) -> None:
    # "Ride", a blank cell, and "₹1" beside the long one.
    receipt = Receipt("Ride", rows(1, "x" * length))

    assert native(receipt, "slack") == fits
    platform("slack").check(render(receipt, "slack").messages)


def test_google_chat_gets_a_pair_for_each_row_and_nothing_for_what_is_not_there() -> None:
    [message] = render(
        Receipt("Ride", [ReceiptItem(title="Fare & toll", body="₹240"), *rows(1, body="")]), "hangouts"
    ).messages

    assert message["json_message"]["cards"] == [
        {
            "header": {"title": "Ride"},
            "sections": [
                {
                    "widgets": [
                        {"keyValue": {"topLabel": "Fare &amp; toll", "content": "₹240", "contentMultiline": True}},
                        {"keyValue": {"content": "Fare", "contentMultiline": True}},
                    ]
                }
            ],
        }
    ]


@pytest.mark.parametrize(("count", "fits"), [(79, True), (80, True), (81, False)])
def test_a_card_of_google_chat_leaves_room_for_what_is_around_its_rows(count: int, fits: bool) -> None:
    receipt = Receipt("Ride", rows(count), "Thanks", amount="₹300", actionables=[Actionable.reply("Again")])

    assert native(receipt, "hangouts") == fits
    platform("hangouts").check(render(receipt, "hangouts").messages)


@pytest.mark.parametrize("channel", ["hangouts", "line"])
@pytest.mark.parametrize(("words", "fits"), [("Fare", True), ("हिन्दी" * 700, False)], ids=["short", "long"])
def test_a_receipt_too_large_for_one_message_is_text(channel: str, words: str, fits: bool) -> None:
    receipt = Receipt("Ride", rows(3, words), actionables=[Actionable.reply("Again")])
    conversion = render(receipt, channel)

    assert native(receipt, channel) == fits
    assert [offer.label for offer in conversion.replies] == ["Again"]
    platform(channel).check(conversion.messages)


def test_line_gets_one_bubble_with_its_buttons_and_asks_for_a_place_below() -> None:
    place = Actionable(actionable_text="Here", type="APP_ACTION", uri="SEND_LOCATION")
    receipt = Receipt(
        "Ride", rows(2), offer_text="₹10 back", actionables=[Actionable.link("Open", "example.org"), place]
    )

    bubble, chip = (message["json_message"] for message in render(receipt, "line").messages)
    assert [button["action"]["label"] for button in bubble["contents"]["footer"]["contents"]] == ["Open"]
    assert [item["action"]["type"] for item in chip["quickReply"]["items"]] == ["location"]
    assert bubble["altText"].startswith("Ride\n• Fare — ₹1")


@pytest.mark.parametrize("channel", ["slack", "hangouts", "line"])
def test_a_picture_of_a_row_is_missed_out_loud(channel: str) -> None:
    receipt = Receipt("Ride", [ReceiptItem(image_url="https://example.org/a.png"), *rows(1)])
    notes = [(note.code, note.path) for note in render(receipt, channel).notes]

    assert notes == [("dropped", "data.order_items[0].image_url")]


@pytest.mark.parametrize("channel", PLATFORMS)
@settings(max_examples=60, deadline=None)
@given(
    header=SAYING,
    said=NASTY,
    offer=NASTY,
    amount=NASTY,
    items=st.lists(st.builds(lambda t, h, b: ReceiptItem(title=t, header=h, body=b), SAYING, NASTY, NASTY), min_size=1),
    labels=st.lists(SAYING.filter(lambda label: len(label) < 100), max_size=12),
)
def test_any_receipt_is_taken_by_the_platform_and_says_it_all(
    channel: str, header: str, said: str, offer: str, amount: str, items: list[ReceiptItem], labels: list[str]
) -> None:
    receipt = Receipt(
        header,
        items,
        said,
        amount=amount,
        offer_text=offer,
        actionables=[Actionable.reply(label) for label in labels],
    )
    conversion = render(receipt, channel)

    sent = conversion.messages

    platform(channel).check(sent)
    assert len(conversion.replies) == len(labels)
    if channel in NATIVE and native(receipt, channel):
        # Google Chat has its marks in the text.
        seen = read(json.loads(re.sub("<(?:/?[bisu]|br)>" if channel == "hangouts" else "$^", "", json.dumps(sent))))
        for item in items:
            assert bare(item.title) in seen
            assert bare(item.body) in seen
        assert bare(offer) in seen


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name not in (*NATIVE, "haptik")])
def test_elsewhere_it_is_text_and_a_note_says_so(channel: str) -> None:
    receipt = Receipt("Ride", rows(1))

    assert not native(receipt, channel)
    assert "Fare — ₹1" in json.dumps(render(receipt, channel).messages, ensure_ascii=False)
