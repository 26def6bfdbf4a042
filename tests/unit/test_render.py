"""Rendering: whole messages for each channel, and properties that hold for every element on every channel.

The validators here are written from the limits of Messenger and from the code of Rasa's connectors alone; they share
nothing with the renderers.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.hsl import Actionable, Button, Element, Text
from haptik_actions.render import Conversion, Note, render

reply = Actionable.reply
link = Actionable.link

CHANNELS = ["rest", "callback", "rasa", "cmdline", "socketio", "facebook", "telegram", "unheard of", None]
FORMS = ["rest", "socketio", "facebook", None]

HELP = Button(
    "How can we help?",
    [
        reply("Track order", "Track my order{task}"),
        link("Website", "www.example.org"),
        reply("Cancel", '/cancel{"id": 1}'),
    ],
)
HELP_NOTES = (
    Note("dropped", "data.items[0].payload", "metadata in braces"),
    Note("coerced", "data.items[1].payload.url", "https://www.example.org"),
)
LINK_NOTE = Note("replaced", "data.items[1]", "link by a line of text")
HELP_BUTTONS = [
    {"title": "Track order", "payload": "Track my order"},
    {"title": "Cancel", "payload": '/cancel{"id": 1}'},
]


def replies(count: int, length: int = 1) -> list[Actionable]:
    return [reply(f"{number:02d}".ljust(length, "x"), f"/size{{{number}}}") for number in range(count)]


def chips(count: int) -> list[dict[str, str]]:
    return [{"content_type": "text", "title": f"{n:02d}", "payload": f"/size{{{n}}}"} for n in range(count)]


@pytest.mark.parametrize("channel", ["telegram", "twilio", "unheard of", "", None])
def test_plain_text_numbers_the_replies_and_spells_out_the_links(channel: str | None) -> None:
    text = "How can we help?\n1. Track order\n2. Cancel\nWebsite: https://www.example.org"

    assert render(HELP, channel) == Conversion(
        ({"text": text},), (*HELP_NOTES, Note("numbered", "data.items", "2 replies"), LINK_NOTE)
    )


@pytest.mark.parametrize("channel", ["rest", "callback", "rasa", "cmdline", "socketio"])
def test_json_channels_get_buttons(channel: str) -> None:
    text = "How can we help?\nWebsite: https://www.example.org"

    assert render(HELP, channel) == Conversion(({"text": text, "buttons": HELP_BUTTONS},), (*HELP_NOTES, LINK_NOTE))


def test_messenger_gets_a_button_template() -> None:
    buttons = [
        {"type": "postback", "title": "Track order", "payload": "Track my order"},
        {"type": "web_url", "title": "Website", "url": "https://www.example.org"},
        {"type": "postback", "title": "Cancel", "payload": '/cancel{"id": 1}'},
    ]

    assert render(HELP, "facebook") == Conversion(({"text": "How can we help?", "buttons": buttons},), HELP_NOTES)


@pytest.mark.parametrize("channel", CHANNELS)
def test_text_alone_stays_as_it_is(channel: str | None) -> None:
    assert render(Text("One *moment*, {name}."), channel) == Conversion(({"text": "One *moment*, {name}."},))


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
    assert render(Text("Size?", replies(count)), "facebook") == Conversion((message,))


@pytest.mark.parametrize("count", [14, 101])
def test_messenger_gets_numbered_lines_beyond_its_quick_replies(count: int) -> None:
    lines = "".join(f"\n{number + 1}. {number:02d}" for number in range(count))

    assert render(Text("Size?", replies(count)), "facebook") == Conversion(
        ({"text": f"Size?{lines}"},), (Note("numbered", "data.quick_replies", f"{count} replies"),)
    )


def test_messenger_gets_quick_replies_for_a_button_with_more_than_three_controls() -> None:
    element = Button("Size?", [*replies(3), link("All sizes", "https://example.org/sizes")])

    assert render(element, "facebook") == Conversion(
        ({"text": "Size?\nAll sizes: https://example.org/sizes", "quick_replies": chips(3)},),
        (
            Note("replaced", "data.items", "buttons by quick replies"),
            Note("replaced", "data.items[3]", "link by a line of text"),
        ),
    )


def test_messenger_gets_more_than_three_links_as_text() -> None:
    element = Button("See:", [link(f"Page {n}", f"https://example.org/{n}") for n in range(4)])

    conversion = render(element, "facebook")

    lines = "".join(f"\nPage {n}: https://example.org/{n}" for n in range(4))
    assert conversion.messages == ({"text": f"See:{lines}"},)
    assert [note.code for note in conversion.notes] == ["replaced"] * 4


def test_an_address_too_long_for_one_text_of_messenger_is_on_a_button() -> None:
    url = "https://example.org/?token=" + "a" * 2000
    element = Button("Size?", [*replies(3), link("Sign", url)])

    assert render(element, "facebook").messages == (
        {"text": "Sign", "buttons": [{"type": "web_url", "title": "Sign", "url": url}]},
        {"text": "Size?", "quick_replies": chips(3)},
    )


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
    cut = (Note("truncated", "data.quick_replies[0].actionable_text", title),)
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
    shortened = (Note("shortened_payload", "data.quick_replies[0].payload", "1001 characters"),)
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
    ],
)
def test_a_long_text_is_cut_where_a_part_of_it_ends(text: str, parts: list[str]) -> None:
    assert render(Text(text), "facebook") == Conversion(
        tuple({"text": part} for part in parts), (Note("split", "text", f"{len(parts)} messages"),)
    )


def test_an_address_too_long_for_one_text_of_messenger_follows_a_text_without_quick_replies() -> None:
    url = "https://example.org/?token=" + "a" * 2000
    element = Button("Size?", [*replies(14), link("Sign", url)])

    first, second = render(element, "facebook").messages
    assert first["text"].startswith("Size?\n1. 00\n")
    assert second == {"text": "Sign", "buttons": [{"type": "web_url", "title": "Sign", "url": url}]}


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
    ("members", "detail"),
    [
        ({"type": "APP_ACTION", "uri": "CALL"}, "CALL by a reply"),
        ({"type": "FORM_SHOW", "payload": {"id": 12}}, "FORM_SHOW by a reply"),
    ],
)
def test_a_kind_that_only_the_platform_knows_becomes_a_reply(members: dict[str, Any], detail: str) -> None:
    element = Button("Well?", [Actionable(actionable_text="Go", **members)])

    assert render(element, "rest") == Conversion(
        ({"text": "Well?", "buttons": [{"title": "Go", "payload": "Go"}]},),
        (Note("replaced", "data.items[0]", detail),),
    )


# What hypothesis makes: each kind of actionable, text in any script, braces, line feeds, long and nearly empty parts.

BRACES = re.compile(r"\{[^{}]*\}")
texts = st.builds(lambda text, times: text * times, st.text(min_size=1), st.sampled_from([1, 1, 50, 700])).filter(
    str.strip
)
labels = (
    st.text(alphabet=st.one_of(st.sampled_from("ab {}\n"), st.characters()), min_size=1, max_size=60)
    | st.sampled_from(["A very long label of one", "A very long label of two"])
).filter(lambda label: bool(shown(label)))
messages = st.none() | st.text() | st.sampled_from(["Buy{task}", '/buy{"id": 1}', "{task}", "p" * 1000, "p" * 1001])
urls = st.builds(
    "{}example.org{}".format,
    st.sampled_from(["", "https://", "http://"]),
    st.sampled_from(["", "/a?b=c#d", "/ä", ":8080", "/" + "a" * 2500]),
)
quick_replies = st.builds(reply, labels, messages.filter(lambda message: message is None or bool(message.strip())))
actionables = st.one_of(
    st.builds(reply, labels, messages, messages, is_default=st.booleans()),
    st.builds(link, labels, urls, messages),
    st.builds(Actionable, actionable_text=labels, type=st.just("APP_ACTION"), uri=st.sampled_from(["", "CALL"])),
)
elements: st.SearchStrategy[Element] = st.one_of(
    st.builds(Text, texts, st.lists(quick_replies, max_size=15)),
    st.builds(Button, texts, st.lists(actionables, min_size=1, max_size=15)),
)


def shown(label: str) -> str:
    while BRACES.search(label):
        label = BRACES.sub("", label)
    return " ".join(label.split())


def wire(conversion: Conversion) -> list[dict[str, Any]]:
    """The messages as Rasa receives them: `json_message` is `custom` there, and its content a message of Messenger."""
    flat = [{**message, **message.get("json_message", {})} for message in conversion.messages]
    decoded: list[dict[str, Any]] = json.loads(json.dumps(flat))
    return decoded


def controls_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [*message.get("buttons", []), *message.get("quick_replies", [])]


@pytest.mark.parametrize("channel", FORMS)
@settings(deadline=None)
@given(element=elements)
def test_no_control_is_lost(channel: str | None, element: Text | Button) -> None:
    sent = wire(render(element, channel))
    text = "\n".join(message["text"] for message in sent)
    tappable = [control for message in sent for control in controls_of(message)]
    lines = set(text.split("\n"))

    actionables = element.items if isinstance(element, Button) else element.quick_replies
    expected = [actionable for actionable in actionables if actionable.url is None]
    postbacks = [control for control in tappable if "payload" in control]
    if postbacks:
        assert len(postbacks) == len(expected)
        for offered, control in zip(expected, postbacks, strict=True):
            label = shown(offered.actionable_text)
            title = re.sub(r"^\d+\. ", "", control["title"]) if control["title"] != label else label
            assert title == label or (title.endswith("…") and label.startswith(title[:-1]))
            assert control["payload"]
    else:
        assert {f"{n}. {shown(offered.actionable_text)}" for n, offered in enumerate(expected, start=1)} <= lines
    opened = {control.get("url") for control in tappable}
    for actionable in actionables:
        assert actionable.url is None or actionable.url in opened or actionable.url in text


@pytest.mark.parametrize("channel", FORMS)
@settings(deadline=None)
@given(element=elements)
def test_every_message_can_be_sent_by_rasa(channel: str | None, element: Element) -> None:
    sent = wire(render(element, channel))

    assert sent
    for message in sent:
        assert all(bubble.strip() for bubble in message["text"].strip().split("\n\n"))
        assert controls_of(message) == [] or channel is not None
        for control in controls_of(message):
            assert control["title"].strip()
            assert not BRACES.search(control["title"])
    assert [message for message in sent if controls_of(message)] in ([], sent[-1:]) or channel == "facebook"


@settings(deadline=None)
@given(element=elements)
def test_messenger_accepts_every_message(element: Element) -> None:
    for message in render(element, "facebook").messages:
        check_messenger(message)


def check_messenger(message: dict[str, Any]) -> None:
    """Raise where Rasa's connector, fbmessenger or Meta would drop something or refuse the message."""
    kind = set(message)
    if kind == {"text"}:
        assert len(message["text"]) <= 2000
    elif kind == {"text", "buttons"}:
        assert 0 < len(message["text"]) <= 640
        assert 1 <= len(message["buttons"]) <= 3
        for button in message["buttons"]:
            check_button(button)
    elif kind == {"text", "quick_replies"}:
        assert 1 <= len(message["quick_replies"]) <= 11
        check_quick_replies(message)
    else:
        assert kind == {"json_message"}
        assert 1 <= len(message["json_message"]["quick_replies"]) <= 13
        check_quick_replies(message["json_message"])


def check_button(button: dict[str, Any]) -> None:
    assert 0 < len(button["title"]) <= 20
    if button["type"] == "web_url":
        assert set(button) == {"type", "title", "url"}
        assert re.match("https?://", button["url"])
    else:
        assert set(button) == {"type", "title", "payload"}
        assert button["type"] == "postback"
        assert 0 < len(button["payload"]) <= 1000


def check_quick_replies(message: dict[str, Any]) -> None:
    assert set(message) == {"text", "quick_replies"}
    assert 0 < len(message["text"]) <= 2000
    for chip in message["quick_replies"]:
        assert set(chip) == {"content_type", "title", "payload"}
        assert chip["content_type"] == "text"
        assert 0 < len(chip["title"]) <= 20
        assert 0 < len(chip["payload"]) <= 1000


@pytest.mark.parametrize("channel", FORMS)
@settings(deadline=None)
@given(text=texts)
def test_a_cut_loses_nothing_but_space(channel: str | None, text: str) -> None:
    sent = "".join(message["text"] for message in render(Text(text), channel).messages)

    assert "".join(sent.split()) == "".join(text.split())


@pytest.mark.parametrize("channel", FORMS)
@settings(deadline=None)
@given(element=elements)
def test_the_same_element_gives_the_same_messages_and_stays_as_it_is(channel: str | None, element: Element) -> None:
    before = json.dumps(element.to_hsl())

    first, second = render(element, channel), render(element, channel)
    for message in first.messages:
        message.clear()

    assert all(second.messages)
    assert render(element, channel) == second
    assert json.dumps(element.to_hsl()) == before
