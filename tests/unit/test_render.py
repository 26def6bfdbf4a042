"""Rendering bubbles: what a tap sends, how text and labels are cut, and the forms of Messenger, rest and plain text."""

from __future__ import annotations

from typing import Any

import pytest

from haptik_actions.hsl import Actionable, Button, Carousel, Element, Image, Text, parse
from haptik_actions.render import Message, Note, Offer, render

reply = Actionable.reply
link = Actionable.link

HELP = Button(
    "How can we help?",
    [
        reply("Track order", "Track my order{task}"),
        link("Website", "www.example.org"),
        reply("Cancel", '/cancel{"id": 1}'),
    ],
)
HELP_NOTES = (
    Note("coerced", "data.items[0].payload", "metadata in braces is kept out of the message"),
    Note("coerced", "data.items[1].payload.url", "https://www.example.org"),
)
LINK_NOTE = Note("replaced", "data.items[1]", "url by a line of text")
HELP_BUTTONS = [
    {"title": "Track order", "payload": "Track my order"},
    {"title": "Cancel", "payload": '/cancel{"id": 1}'},
]


def replies(count: int, length: int = 1) -> list[Actionable]:
    return [reply(f"{number:02d}".ljust(length, "x"), f"/size{{{number}}}") for number in range(count)]


def chips(count: int) -> list[dict[str, str]]:
    return [{"content_type": "text", "title": f"{n:02d}", "payload": f"/size{{{n}}}"} for n in range(count)]


def converted(element: Element, channel: str | None) -> tuple[tuple[Message, ...], tuple[Note, ...]]:
    conversion = render(element, channel)
    return conversion.messages, conversion.notes


@pytest.mark.parametrize("channel", ["twilio", "webexteams", "text", "unheard of", "", None])
def test_plain_text_numbers_the_replies_and_spells_out_the_links(channel: str | None) -> None:
    conversion = render(HELP, channel)

    text = "How can we help?\n1. Track order\n2. Cancel\nWebsite: https://www.example.org"
    assert conversion.messages == ({"text": text},)
    assert conversion.notes == (*HELP_NOTES, Note("numbered", "data.items", "2 lines"), LINK_NOTE)
    assert conversion.replies == (
        Offer("reply", "Track order", "Track my order", "data.items[0]", "Track order", 1, meta={"task": True}),
        Offer("reply", "Cancel", '/cancel{"id": 1}', "data.items[2]", "Cancel", 2),
    )


@pytest.mark.parametrize("channel", ["rest", "callback", "rasa", "cmdline", "socketio"])
def test_json_channels_get_buttons(channel: str) -> None:
    conversion = render(HELP, channel)

    text = "How can we help?\nWebsite: https://www.example.org"
    assert conversion.messages == ({"text": text, "buttons": HELP_BUTTONS},)
    assert conversion.notes == (*HELP_NOTES, LINK_NOTE)
    assert [(offer.label, offer.sent) for offer in conversion.replies] == [
        ("Track order", "Track my order"),
        ("Cancel", '/cancel{"id": 1}'),
    ]


def test_messenger_gets_a_button_template() -> None:
    buttons = [
        {"type": "postback", "title": "Track order", "payload": "Track my order"},
        {"type": "web_url", "title": "Website", "url": "https://www.example.org"},
        {"type": "postback", "title": "Cancel", "payload": '/cancel{"id": 1}'},
    ]

    assert converted(HELP, "facebook") == (({"text": "How can we help?", "buttons": buttons},), HELP_NOTES)


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, {"text": "Size?", "quick_replies": chips(1)}),
        (11, {"text": "Size?", "quick_replies": chips(11)}),
        (12, {"json_message": {"text": "Size?", "quick_replies": chips(12)}}),
        (13, {"json_message": {"text": "Size?", "quick_replies": chips(13)}}),
    ],
)
def test_messenger_gets_quick_replies(count: int, message: dict[str, Any]) -> None:
    assert converted(Text("Size?", replies(count)), "facebook") == ((message,), ())


@pytest.mark.parametrize("count", [14, 101])
def test_messenger_gets_numbered_lines_beyond_its_quick_replies(count: int) -> None:
    lines = "".join(f"\n{number + 1}. {number:02d}" for number in range(count))

    assert converted(Text("Size?", replies(count)), "facebook") == (
        ({"text": f"Size?{lines}"},),
        (Note("numbered", "data.quick_replies", f"{count} lines"),),
    )


def test_messenger_gets_quick_replies_for_a_button_with_more_than_three_replies() -> None:
    assert converted(Button("Size?", replies(4)), "facebook") == (
        ({"text": "Size?", "quick_replies": chips(4)},),
        (Note("replaced", "data.items", "buttons by quick replies"),),
    )


def test_messenger_gets_several_templates_for_controls_of_several_kinds() -> None:
    element = Button("Size?", [*replies(3), link("All sizes", "https://example.org/sizes")])

    assert converted(element, "facebook") == (
        (
            {
                "text": "Size?",
                "buttons": [{"type": "postback", "title": f"{n:02d}", "payload": f"/size{{{n}}}"} for n in range(3)],
            },
            {
                "text": "More options:",
                "buttons": [{"type": "web_url", "title": "All sizes", "url": "https://example.org/sizes"}],
            },
        ),
        (Note("split", "data.items[3]", "further buttons in a message of their own"),),
    )


def test_messenger_gets_lines_for_more_controls_than_four_templates_hold() -> None:
    element = Button("See:", [link(f"Page {n}", f"https://example.org/{n}") for n in range(13)])

    messages, notes = converted(element, "facebook")

    lines = "".join(f"\nPage {n}: https://example.org/{n}" for n in range(13))
    assert messages == ({"text": f"See:{lines}"},)
    assert [note.code for note in notes] == ["replaced"] * 13


def test_an_address_too_long_for_one_text_of_messenger_is_on_a_button() -> None:
    url = "https://example.org/?token=" + "a" * 2000
    first, second = render(Button("Size?", [*replies(13), link("Sign", url)]), "facebook").messages

    assert first["text"].startswith("Size?\n1. 00\n")
    assert second == {"text": "Sign", "buttons": [{"type": "web_url", "title": "Sign", "url": url}]}


@pytest.mark.parametrize(
    ("label", "title"),
    [
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 19 + "…"),
        ("Talk to a colleague of ours", "Talk to a colleague…"),
        ("e\u0301" * 12, "e\u0301" * 9 + "…"),
        ("x" * 18 + "👩\u200d👧", "x" * 18 + "…"),
        ("x" * 18 + "👍\U0001f3fd!", "x" * 18 + "…"),
        ("🇮🇳" * 11, "🇮🇳" * 9 + "…"),
        ("x" * 17 + "क\u094dष\u093f।", "x" * 17 + "…"),
        ("x" + "\u0301" * 30, "x" + "\u0301" * 18 + "…"),
    ],
)
def test_a_long_label_is_cut_between_characters(label: str, title: str) -> None:
    conversion = render(Text("Which?", [reply(label, "/choose")]), "facebook")

    assert conversion.messages[0]["quick_replies"] == [{"content_type": "text", "title": title, "payload": "/choose"}]
    place = "data.quick_replies[0].actionable_text"
    cut = (Note("truncated", place, f"{title} (at most 20 code points)"),)
    assert conversion.notes == (() if title == label else cut)


def test_labels_that_would_look_the_same_are_counted_and_listed() -> None:
    element = Text("Which order?", [reply("Cancel my order of Monday"), reply("Cancel my order of Tuesday")])

    assert render(element, "facebook").messages == (
        {
            "text": "Which order?\n1. Cancel my order of Monday\n2. Cancel my order of Tuesday",
            "quick_replies": [
                {"content_type": "text", "title": "1. Cancel my order…", "payload": "Cancel my order of Monday"},
                {"content_type": "text", "title": "2. Cancel my order…", "payload": "Cancel my order of Tuesday"},
            ],
        },
    )


@pytest.mark.parametrize(("length", "payload"), [(1000, "p" * 1000), (1001, "Yes")])
def test_a_payload_is_never_cut(length: int, payload: str) -> None:
    conversion = render(Text("Sure?", [reply("Yes", "p" * length)]), "facebook")

    assert conversion.messages[0]["quick_replies"][0]["payload"] == payload
    shortened = (Note("shortened_payload", "data.quick_replies[0].payload", "1001 code points"),)
    assert conversion.notes == (() if length == 1000 else shortened)


@pytest.mark.parametrize(
    ("message", "gogo_message", "payload"),
    [
        ("Thanks", None, "Thanks"),
        ("Thanks", "thanks_v2", "thanks_v2"),
        ("Show another quote{task}", "", "Show another quote"),
        ("Buy", "{sku: l1}{task}", "Buy"),
        ('/buy{"sku": "l1"}', None, '/buy{"sku": "l1"}'),
        ("Buy", ' /buy{"sku": "l1"}', '/buy{"sku": "l1"}'),
        ("{task}", None, "Label"),
        ("line one\nline two", None, "line one\nline two"),
    ],
)
def test_what_a_tap_sends(message: str, gogo_message: str | None, payload: str) -> None:
    element = Text("Well?", [reply("Label{emoji: x}\n", message, gogo_message)])

    assert render(element, "rest").messages[0]["buttons"] == [{"title": "Label", "payload": payload}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  One.\r\n\r\n \n\n\t\nTwo.\n", "One.\n\nTwo."),
        ("One.\nTwo.", "One.\nTwo."),
        ("\n\nOne.", "One."),
    ],
)
def test_paragraphs_are_one_blank_line_apart(text: str, expected: str) -> None:
    assert render(Text(text), "rest").messages == ({"text": expected},)


def test_webchat_gets_buttons_on_the_last_paragraph_alone() -> None:
    element = Text("One.\n\nTwo.\n\nThree?", [reply("Yes")])

    assert render(element, "socketio").messages == (
        {"text": "One.\n\nTwo."},
        {"text": "Three?", "buttons": [{"title": "Yes", "payload": "Yes"}]},
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 2001, ["a" * 2000, "a"]),
        ("a" * 1500 + "\n\n" + "b" * 400 + " " + "c" * 400, ["a" * 1500, "b" * 400 + " " + "c" * 400]),
        ("a" * 1500 + ". " + "b" * 400 + " " + "c" * 400, ["a" * 1500 + ".", "b" * 400 + " " + "c" * 400]),
        ("a " + "b" * 2000, ["a", "b" * 2000]),
        # A space that carries an accent is a character.
        ("a" * 1999 + "  \u00a0\u0301b", ["a" * 1999, "\u00a0\u0301b"]),
    ],
)
def test_a_long_text_is_cut_where_a_part_of_it_ends(text: str, parts: list[str]) -> None:
    assert converted(Text(text), "facebook") == (
        tuple({"text": part} for part in parts),
        (Note("split", "text", f"{len(parts)} messages"),),
    )


@pytest.mark.parametrize(("length", "lengths"), [(640, [640]), (641, [640, 1]), (2640, [2000, 640])])
def test_the_text_of_a_button_template_has_a_limit_of_its_own(length: int, lengths: list[int]) -> None:
    sent = render(Button("a" * length, [reply("Yes")]), "facebook").messages

    assert [len(message["text"]) for message in sent] == lengths


def test_the_text_of_a_button_template_is_the_end_of_a_long_text() -> None:
    element = Button("a" * 700 + ". " + "b" * 600, [reply("Yes")])

    assert render(element, "facebook").messages == (
        {"text": "a" * 700 + "."},
        {"text": "b" * 600, "buttons": [{"type": "postback", "title": "Yes", "payload": "Yes"}]},
    )


@pytest.mark.parametrize(
    ("members", "kind", "meta", "detail"),
    [
        ({"uri": "CALL"}, "reply", {}, "call without a number or an address by a reply"),
        (
            {"uri": "SEND_LOCATION", "payload": {"lat_key": "lat"}},
            "location",
            {"lat_key": "lat"},
            "location by a reply",
        ),
        ({"uri": "SEND_MULTIPLE_LOCATIONS"}, "locations", {}, "locations by a reply"),
        ({"uri": "SAVED_ADDRESSES"}, "address", {}, "address by a reply"),
        ({"uri": "GALLERY_PICKER"}, "upload", {}, "upload by a reply"),
        (
            {"uri": "LAUNCH_CHANNEL", "payload": {"via_name": "shop"}},
            "channel",
            {"via_name": "shop"},
            "channel by a reply",
        ),
        ({"uri": "WALLET"}, "app", {}, "app by a reply"),
        ({"type": "FORM_SHOW", "payload": {"id": 12}}, "form", {"id": 12}, "form by a reply"),
        ({"type": "APP_FEEDBACK"}, "feedback", {}, "feedback by a reply"),
    ],
)
def test_a_screen_that_only_the_platform_has_is_asked_for_by_a_reply(
    members: dict[str, Any], kind: Any, meta: dict[str, Any], detail: str
) -> None:
    conversion = render(
        Button("Well?", [Actionable(**{"type": "APP_ACTION", "actionable_text": "Go", **members})]), "rest"
    )

    assert conversion.messages == ({"text": "Well?", "buttons": [{"title": "Go", "payload": "Go"}]},)
    assert conversion.notes == (Note("replaced", "data.items[0]", detail),)
    assert conversion.replies == (Offer(kind, "Go", "Go", "data.items[0]", "Go", sent="Go", meta=meta),)


def test_a_detail_screen_is_opened_by_its_reply() -> None:
    buy = reply("Buy", "buy").to_hsl()
    payload = {
        "title": "Kurta",
        "description": "Cotton",
        "images": ["https://e.org/1", "https://e.org/2"],
        "actionables": [buy],
    }
    element = Button(
        "Well?", [Actionable(actionable_text="Details", type="APP_ACTION", uri="CAROUSEL_DETAIL", payload=payload)]
    )

    [offer] = render(element, "facebook").replies

    assert offer.opens == {
        "text": "Kurta",
        "type": "CAROUSEL",
        "data": {
            "image_aspect_ratio": 1.0,
            "width": "BIG",
            "items": [
                {
                    "title": "Kurta",
                    "description": "Cotton",
                    "actionables": [buy],
                    "thumbnail": {"image": "https://e.org/1"},
                },
                {"thumbnail": {"image": "https://e.org/2"}, "actionables": []},
            ],
        },
    }
    assert isinstance(parse(offer.opens), Carousel)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"message": "Look"}, Text),
        ({"message": "Look", "image": "https://e.org/1"}, Carousel),
        ({"image": "https://e.org/1"}, Image),
    ],
)
def test_what_is_shared_is_opened_by_its_reply(payload: dict[str, str], kind: type) -> None:
    [offer] = render(
        Button("Well?", [Actionable(actionable_text="Share", type="SHARE", payload=payload)]), "rest"
    ).replies

    assert (offer.kind, offer.payload) == ("share", "Share")
    assert offer.opens is not None
    assert isinstance(parse(offer.opens), kind)
