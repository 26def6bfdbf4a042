"""What the user wrote, tapped or sent, as the agent gets it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.answers import to_metadata
from haptik_actions.channel._words_to_agent import said, without_contents, words_of
from haptik_actions.hsl import Actionable, Text
from haptik_actions.relay import FromUser
from haptik_actions.render import render

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()


@dataclass
class Said:
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def offering(channel: str, *labels: str) -> Said:
    conversion = render(Text("Which?", [Actionable.reply(label, f"/pay_{label}") for label in labels]), channel)
    return Said(metadata=to_metadata(conversion.replies))


def untimed(text: str, metadata: Any = None) -> list[FromUser]:
    return [msgspec.structs.replace(words, at=0.0) for words in words_of(text, metadata)]


@pytest.mark.parametrize("channel", ["rest", "socketio", "facebook", "telegram", "slack", None])
def test_a_tapped_button_is_told_by_what_stood_on_it(channel: str | None) -> None:
    assert said("/pay_Large", [Said(), offering(channel or "", "Small", "Large")]) == "Large"


def test_a_button_of_the_bots_own_is_told_by_its_title() -> None:
    bot = Said(data={"buttons": [{"title": "Cancel it", "payload": "/cancel"}], "quick_replies": None})
    assert said("/cancel", [bot]) == "Cancel it"
    assert said("/other", [bot]) == "/other"


def test_the_latest_offer_counts() -> None:
    buttons = [Said(data={"buttons": [{"title": title, "payload": "/go"}]}) for title in ("Now", "Before")]
    assert said(" /go ", buttons) == "Now"


@pytest.mark.parametrize(
    ("text", "read"),
    [("2", "Large"), ("2.", "Large"), (" ٢ ", "Large"), ("02", "02"), ("3", "3"), ("2 please", "2 please")],
)
def test_a_number_in_front_of_a_label_is_told_by_the_label(text: str, read: str) -> None:
    assert said(text, [offering("twilio", "Small", "Large")]) == read


def test_a_number_means_nothing_to_another_message_or_where_nothing_is_numbered() -> None:
    assert said("2", [Said(), offering("twilio", "Small", "Large")]) == "2"
    assert said("2", [offering("telegram", "Small", "Large")]) == "2"
    assert said("1", [offering("twilio", "2", "1")]) == "1"


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_words_are_no_words(text: str | None) -> None:
    assert said(text, [offering("rest", "Small")]) == ""
    assert words_of("", {}) == []


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        # Bot Framework: the emulator sends the content, Teams and others a link.
        (
            {"attachments": [{"contentType": "image/png", "contentUrl": PNG_URL, "name": "me.png"}]},
            [FromUser(kind="image", name="me.png", content=PNG)],
        ),
        (
            {"attachments": [{"contentType": "image/png", "contentUrl": "https://x.example/1", "name": "me.png"}]},
            [FromUser(text="me.png: https://x.example/1")],
        ),
        ({"attachments": [{"contentUrl": "https://x.example/1"}]}, [FromUser(text="https://x.example/1")]),
        ({"attachments": [{"content": {"type": "AdaptiveCard"}}]}, []),
        ({"file": {"name": "../../a b.pdf", "data": "data:application/pdf;base64,JVBERi0="}}, [
            FromUser(kind="document", name="a b.pdf", content=b"%PDF-")
        ]),
        ({"photo": PNG_URL}, [FromUser(kind="image", name="file.png", content=PNG)]),
        ({"note": "data:text/csv,a%2Cb"}, [FromUser(kind="document", name="file.csv", content=b"a,b")]),
        ({"voice": "data:audio/ogg;base64,AAAA"}, [FromUser(text="file.oga (audio/ogg, 3 bytes)")]),
        ({"photo": "data:image/png;base64,"}, [FromUser(text="file.png (image/png, 0 bytes)")]),
        ({"text": "data: is no link", "number": 3, "none": None}, []),
    ],
)  # fmt: skip
def test_files_come_along(metadata: dict[str, Any], words: list[FromUser]) -> None:
    found = untimed("", metadata)
    assert [msgspec.structs.replace(word, text=word.text.replace("file.oga", "file.ogg")) for word in found] == [
        msgspec.structs.replace(word, text=word.text.replace("file.oga", "file.ogg")) for word in words
    ]
    assert untimed("look", metadata)[:1] == [FromUser(text="look")]


def test_what_is_too_large_is_named() -> None:
    url = "data:image/png;base64," + base64.b64encode(bytes(10_000_001)).decode()
    assert untimed("", {"photo": url}) == [FromUser(text="file.png (image/png, 10000001 bytes)")]


def test_not_more_than_ten_files_are_taken() -> None:
    assert len(words_of("", {"photos": [PNG_URL] * 30})) == 10


def test_the_tracker_keeps_no_content() -> None:
    metadata = {"photo": PNG_URL, "attachments": [{"contentUrl": PNG_URL, "name": "me.png"}], "user": "asha", "n": 1}
    assert without_contents(metadata) == {
        "photo": "data:image/png;base64,",
        "attachments": [{"contentUrl": "data:image/png;base64,", "name": "me.png"}],
        "user": "asha",
        "n": 1,
    }
    assert without_contents(None) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([PNG_URL, "data:,", "data:a/b;c,d%"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["attachments", "file", "name", "url", "x"]), json_values), st.text())
def test_no_metadata_is_a_surprise(metadata: dict[str, Any], text: str) -> None:
    words = words_of(text, metadata)
    assert all(word.text or word.content for word in words)
    assert [word.text for word in words][:1] == ([text] if text else [word.text for word in words][:1])
    without_contents(metadata)
