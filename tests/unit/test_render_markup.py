"""Marks of HSL in the text of each channel, and what a channel would read as marks of its own."""

from __future__ import annotations

import pytest

from haptik_actions.hsl import Text
from haptik_actions.render import render

MARKED = "*b* _i_ ~s~ `u`"
PLAIN = "b i s u"
HTML = {"text": "<b>b</b> <i>i</i> <s>s</s> <u>u</u>", "parse_mode": "HTML"}
GOOGLE = {"cards": [{"sections": [{"widgets": [{"textParagraph": {"text": HTML["text"]}}]}]}]}


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        *(
            (channel, {"text": PLAIN})
            for channel in ("facebook", "instagram", "twilio", "webexteams", "line", "rcs", None)
        ),
        *((channel, {"text": "*b* _i_ ~s~ u"}) for channel in ("whatsapp", "slack", "viber", "rocketchat")),
        *((channel, {"text": "**b** _i_ ~~s~~ u"}) for channel in ("botframework", "mattermost", "socketio")),
        ("telegram", {"json_message": HTML}),
        ("hangouts", {"json_message": GOOGLE}),
        ("rest", {"text": MARKED}),
        ("twilio_voice", {"text": PLAIN}),
    ],
)
def test_marks_become_those_of_the_channel(channel: str | None, message: dict[str, object]) -> None:
    assert render(Text(MARKED), channel).messages == (message,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("see https://e.org/_a_/*b* now", "see https://e.org/_a_/*b* now"),
        ("*https://e.org/a*", "https://e.org/a"),
        ("*_both_*", "both"),
        ("*over _lapping* marks_", "over _lapping marks_"),
        ("*not\nover lines*", "*not\nover lines*"),
        ("**two** * alone *", "**two** * alone *"),
        ("(*in brackets*)", "(in brackets)"),
        ("*" * 4000, None),
    ],
)
def test_a_mark_counts_at_the_border_of_a_word(text: str, expected: str | None) -> None:
    said = "".join(message["text"] for message in render(Text(text), "facebook").messages)

    assert said == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("slack", "a &lt;b&gt; &amp; &lt;!channel&gt;"),
        ("facebook", "a <b> & <!channel>"),
        ("botframework", "a \\<b\\> & \\<!channel\\>"),
    ],
)
def test_what_a_channel_would_read_as_its_own_marks_is_escaped(channel: str, expected: str) -> None:
    assert render(Text("a <b> & <!channel>"), channel).messages == ({"text": expected},)


def test_a_text_with_something_to_escape_is_html_on_telegram() -> None:
    [message] = render(Text("a <b> & c"), "telegram").messages

    assert message == {"json_message": {"text": "a &lt;b&gt; &amp; c", "parse_mode": "HTML"}}


@pytest.mark.parametrize("command", ["{task}", "{taskbox}", "{feedback}", "{chatform}{12}", "{}"])
def test_a_command_of_the_platform_is_no_text(command: str) -> None:
    conversion = render(Text(f"Hello {command}"), "facebook")

    assert conversion.messages == ({"text": "Hello"},)
    assert [note.code for note in conversion.notes] == ["dropped"]
