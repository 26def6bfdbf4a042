"""What single platforms are particular about: numbers, equal labels, ids, schemes, the size of a whole answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from haptik_actions.errors import ConversionLoss, HaptikError
from haptik_actions.hsl import Actionable, Button, Card, Carousel, Image, Text
from haptik_actions.render import CHANNELS, Copy, Message, channel_of, render

reply = Actionable.reply


def only(element: Text | Button | Carousel | Image, channel: str) -> Any:
    [message] = render(element, channel).messages
    return message.get("json_message", message)


@pytest.mark.parametrize(
    ("number", "native"),
    [("+91 11 4000-1234", True), ("tel:+911140001234", True), ("011 4000 1234", False), ("1800-300-500", False)],
)
@pytest.mark.parametrize("channel", ["facebook", "rcs"])
def test_a_button_that_calls_has_a_country_code(channel: str, number: str, native: bool) -> None:
    sent = json.dumps(render(Button("Well?", [Actionable.call("Call us", number)]), channel).messages)

    assert ("+911140001234" in sent) == native
    assert ("Call us: " in sent) != native


@pytest.mark.parametrize(
    ("uri", "payload", "line"),
    [
        ("EMAIL", {"url": "mailto:care@example.org?subject=Hi"}, "Write: care@example.org"),
        ("SMS", {"url": "sms:+911140001234?body=Hi"}, "Write: +911140001234"),
        ("CALL", {"number": "1800 300 500"}, "Write: 1800300500"),
    ],
)
def test_whom_to_write_to_is_a_line_of_text(uri: Any, payload: dict[str, str], line: str) -> None:
    element = Button("Well?", [Actionable(actionable_text="Write", type="APP_ACTION", uri=uri, payload=payload)])

    assert only(element, "twilio") == {"text": f"Well?\n{line}"}


@pytest.mark.parametrize(("label", "shown"), [(":share: Share", "Share"), ("Share :share:", "Share"), (":share:", "↗")])
def test_the_shortcode_for_sharing_is_left_out(label: str, shown: str) -> None:
    [offer] = render(Button("Well?", [reply(label, "/share")]), "slack").replies

    assert (offer.label, offer.shown) == (shown, shown)


def test_ids_differ_within_a_message_of_whatsapp_and_are_payloads_wherever_they_can() -> None:
    same = [reply("Yes", "/yes"), reply("Yes, please", "/yes"), reply("No", "/no")]
    buttons = only(Text("Sure?", same), "whatsapp")["interactive"]["action"]["buttons"]

    assert [button["reply"]["id"] for button in buttons] == ["/yes", "Yes, please", "/no"]
    cards = render(Carousel([Card(title=title, actionables=same[:1]) for title in "AB"]), "whatsapp").messages
    assert [ids(message) for message in cards] == [["/yes"], ["/yes"]]


def ids(message: Message) -> list[str]:
    return [button["reply"]["id"] for button in message["json_message"]["interactive"]["action"]["buttons"]]


def test_a_label_too_long_for_a_row_of_whatsapp_stands_below_it() -> None:
    element = Text("Which?", [reply("Talk to somebody who knows about it", "/talk"), reply("No")])
    conversion = render(element, "whatsapp", strict=True)

    [section] = conversion.messages[0]["json_message"]["interactive"]["action"]["sections"]
    assert section["rows"] == [
        {"id": "/talk", "title": "Talk to somebody who kn…", "description": "Talk to somebody who knows about it"},
        {"id": "No", "title": "No"},
    ]


def test_equal_labels_are_counted_where_a_tap_sends_the_label() -> None:
    element = Text("Sure?", [reply("Yes", "Yes"), reply("Yes", "Yes")])
    message = only(element, "telegram")

    assert message["text"] == "Sure?\n1. Yes\n2. Yes"
    assert message["reply_markup"]["keyboard"] == [[{"text": "1. Yes"}], [{"text": "2. Yes"}]]
    assert [(offer.number, offer.sent) for offer in render(element, "telegram").replies] == [
        (1, "1. Yes"),
        (2, "2. Yes"),
    ]


def test_a_payload_too_long_for_telegram_is_never_cut() -> None:
    long = "/order{" + "न" * 30 + "}"
    element = Button("Which?", [reply("One", long + "1"), reply("Two", long + "2"), reply("Two", long + "3")])
    conversion = render(element, "telegram")

    assert [offer.sent for offer in conversion.replies][:2] == ["One", "Two"]
    third = conversion.replies[2].sent
    assert third is not None
    assert third.startswith("~")
    assert len(third) == 17
    assert [note.code for note in conversion.notes] == ["shortened_payload"] * 3
    assert render(element, "telegram") == conversion


def test_line_shows_no_picture_without_https() -> None:
    conversion = render(Image.of("http://example.org/a.png"), "line")

    assert conversion.messages[0]["json_message"]["originalContentUrl"] == "https://example.org/a.png"
    assert [note.code for note in conversion.notes] == ["insecure_url", "coerced"]


@pytest.mark.parametrize(("count", "messages"), [(5, 5), (6, 1), (12, 1), (60, 5)])
def test_a_reply_of_line_holds_five_messages_however_many_pictures(count: int, messages: int) -> None:
    element = Image.of(*[f"https://example.org/{number}.png" for number in range(count)])
    conversion = render(element, "line", strict=True)

    assert len(conversion.messages) == messages
    sent = json.dumps(conversion.messages)
    assert all(f"/{number}.png" in sent for number in range(count))
    assert not any("push" in note.detail for note in conversion.notes)


@pytest.mark.parametrize(("length", "told"), [(25_000, False), (25_001, True)])
def test_an_answer_of_more_than_one_reply_of_line_is_told_of(length: int, told: bool) -> None:
    notes = [note.detail for note in render(Text("x" * length), "line").notes]

    assert ("6 messages where a reply takes 5: push the others" in notes) == told


def test_an_answer_of_google_chat_is_one_message() -> None:
    cards = [Card(title=f"Card {n}", description="ß" * 2000, actionables=[reply(f"Buy {n}")]) for n in range(12)]
    conversion = render(Carousel(cards), "hangouts")

    size = sum(len(json.dumps(message["json_message"], ensure_ascii=False).encode()) for message in conversion.messages)
    assert 16_000 < size <= 32_000
    assert conversion.notes[-1].code == "dropped"
    assert len(conversion.replies) == 12


def test_speech_has_no_character_that_xml_has_not() -> None:
    assert only(Button("One\x08 moment\ufffe", [reply("Y\x0ces")]), "voice") == {
        "text": "One moment\nYou can say: Y es."
    }


def test_voice_text_is_spoken_in_place_of_the_text() -> None:
    element = Text(
        "See the *list*", [reply(f"Day {n}") for n in range(1, 7)], voice_text="<speak>Hear <break/>this</speak>"
    )

    assert only(element, "twilio_voice") == {
        "text": "Hear this\nYou can say: Day 1, Day 2, Day 3, Day 4, Day 5.\nThere are more options."
    }


def test_a_card_of_messenger_goes_on_where_it_has_too_many_buttons_or_words() -> None:
    card = Card(title="Kurta", description="x" * 100, actionables=[reply(f"Size {n}") for n in range(5)])
    first, second = render(Carousel([card]), "facebook").messages

    elements = first["json_message"]["attachment"]["payload"]["elements"]
    assert [element["title"] for element in elements] == ["Kurta", "Kurta (2/2)"]
    assert [len(element["buttons"]) for element in elements] == [3, 2]
    assert second == {"text": "Kurta\n" + "x" * 100}


def test_the_words_of_the_caller_are_used() -> None:
    words = Copy.of({"haptik_hsl_more": "और", "haptik_hsl_reply_with_number": "संख्या भेजें"})
    element = Text("कौन?", [reply(f"दिन {n}") for n in range(1, 15)])

    [message] = render(element, "facebook", copy=words, resolves=True).messages
    assert message["json_message"]["quick_replies"][-1]["title"] == "और"
    assert render(element, None, copy=words, resolves=True).messages[0]["text"].endswith("\nसंख्या भेजें")


def test_strict_names_the_channel_and_each_loss() -> None:
    element = Text("Sure?", [reply("A label of more than twenty characters", "/a")])

    with pytest.raises(ConversionLoss, match="Messenger cannot show it whole: truncated data") as raised:
        render(element, "facebook", strict=True)
    assert isinstance(raised.value, HaptikError)
    assert raised.value.channel == "Facebook Messenger"
    assert len(raised.value.losses) == 1


def test_a_channel_that_is_not_known_is_plain_text() -> None:
    assert channel_of("my-own") is channel_of(None) is CHANNELS["text"]
    assert channel_of("gbm").name == "gbm"
    assert "retired" in channel_of("gbm").remark
