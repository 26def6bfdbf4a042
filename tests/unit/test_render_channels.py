"""Every type of element on every channel: whole messages, notes and replies, one file of rows for each element.

The rows in `rendered/` were read against the documentation of each platform; a change of one is a change of what users
see. Notes are `[code, path, detail]`, replies `[kind, label, payload, path, shown, number, sent]`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from haptik_actions.hsl import parse
from haptik_actions.render import CHANNELS, Message, render

FILES = sorted((Path(__file__).parent / "rendered").glob("*.json"))
ALIASES = {"callback": "rest", "cmdline": "rest", "gbm": "rcs", "rasa": "rest", "voice": "twilio_voice"}


def rows() -> list[Any]:
    found = []
    for file in FILES:
        table = json.loads(file.read_text())
        assert set(table["channels"]) == set(CHANNELS) - set(ALIASES)
        for channel, row in table["channels"].items():
            found.append(pytest.param(table["element"], channel, row, id=f"{file.stem}-{channel}"))
    return found


@pytest.mark.parametrize(("raw", "channel", "row"), rows())
def test_an_element_on_a_channel(raw: dict[str, Any], channel: str, row: dict[str, Any]) -> None:
    conversion = render(parse(raw), channel)

    assert list(conversion.messages) == row["messages"]
    assert [[note.code, note.path, note.detail] for note in conversion.notes] == row["notes"]
    assert [
        [offer.kind, offer.label, offer.payload, offer.path, offer.shown, offer.number, offer.sent]
        for offer in conversion.replies
    ] == row["replies"]


@pytest.mark.parametrize("raw", [json.loads(file.read_text())["element"] for file in FILES])
@pytest.mark.parametrize(("alias", "channel"), ALIASES.items())
def test_an_alias_is_rendered_as_its_channel(raw: dict[str, Any], alias: str, channel: str) -> None:
    assert render(parse(raw), alias) == render(parse(raw), channel)


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_record_names_its_limits_and_their_sources(channel: str) -> None:
    record = CHANNELS[channel]

    assert record.name == channel
    assert record.title
    assert record.connector
    assert "text" in record.limits
    for limit in record.limits.values():
        assert limit.size > 0
        assert len(limit.source) > 10


def days(count: int) -> dict[str, Any]:
    replies = [
        {"actionable_text": f"Day {n}", "type": "TEXT_ONLY", "is_default": 0, "payload": {"message": f"day {n}"}}
        for n in range(1, count + 1)
    ]
    return {"text": "Which?", "type": "TEXT", "data": {"quick_replies": replies}}


@pytest.mark.parametrize(
    ("channel", "most"),
    [("facebook", 13), ("instagram", 13), ("telegram", 100), ("line", 13), ("viber", 24), ("rcs", 11)],
)
def test_pages_bring_every_option_once(channel: str, most: int) -> None:
    element = parse(days(201))
    labels: list[str] = []
    while True:
        conversion = render(element, channel, resolves=True)
        labels += [offer.label for offer in conversion.replies if offer.kind != "more"]
        more = [offer for offer in conversion.replies if offer.kind == "more"]
        assert len(conversion.replies) <= most
        if not more:
            break
        assert conversion.notes[0].code == "paginated"
        assert more[0].label == "More"
        assert more[0].opens is not None
        element = parse(more[0].opens)

    assert labels == [f"Day {n}" for n in range(1, 202)]


@pytest.mark.parametrize("channel", ["facebook", "instagram", "telegram", "line", "viber", "rcs"])
def test_without_a_resolver_there_is_no_page_behind_a_word(channel: str) -> None:
    conversion = render(parse(days(201)), channel)

    texts: list[Message] = list(conversion.messages)
    assert all(set(message) == {"text"} for message in texts)
    assert [offer.number for offer in conversion.replies] == list(range(1, 202))
    assert "201. Day 201" in texts[-1]["text"]


def test_only_a_resolver_takes_numbers() -> None:
    assert render(parse(days(2)), None).messages == ({"text": "Which?\n1. Day 1\n2. Day 2"},)
    assert render(parse(days(2)), None, resolves=True).messages == (
        {"text": "Which?\n1. Day 1\n2. Day 2\nReply with a number."},
    )
