"""Whoever writes from outside writes as much as they like: four times as much takes four times the work, not more."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from haptik_actions.answers import choose, fold
from haptik_actions.cli._faq_view import _DONE_OF
from haptik_actions.errors import HaptikError
from haptik_actions.escalation import CompletedChats, MemoryOutbox
from haptik_actions.escalation._brief import _redact
from haptik_actions.faq import load, open_source
from haptik_actions.forms import FormSpec, State, answer, read_answer
from haptik_actions.hsl import parse
from haptik_actions.messages import Context, Template, check_message
from haptik_actions.preview import preview_channel
from haptik_actions.render import render
from tests.unit.forms_bot import EVERY_TYPE
from tests.unit.test_answers import ORDERS, WORDS
from tests.unit.test_forms_reading import at

SIZES = (10_000, 20_000, 40_000)
# What is linear takes four times as long at the end as at the beginning, what is square sixteen times.
MOST_GROWTH = 9
# From half to the whole, what is linear takes twice as long, what is square four times.
MOST_GROWTH_OF_HALF = 3.3
# Seconds of this thread that are noise: a machine at work counts a little of them at any size.
NOISE = 0.01

UNITS = [
    *(
        "a",
        "a ",
        "1",
        "1 ",
        "12,",
        "1,1",
        " ",
        "\n",
        "\n ",
        "-",
        ".",
        "/",
        "@",
        "a@",
        "a@a.",
        "(",
        ")",
        "[",
        "[a](",
        "[a]{",
        "]",
    ),
    *(
        "{",
        "}",
        "{a",
        "{a}",
        "{{",
        "{ a",
        "{a, plural, ",
        "'",
        "''",
        '"',
        "“",
        "‘",
        "*a ",
        "*a",
        "**",
        "_a ",
        "~",
        "`a ",
        "***",
    ),
    *(
        "<",
        ">",
        "<b>",
        "<br ",
        "<a|",
        "&",
        "&lt;",
        "http://",
        "http://*",
        "https://a.b ",
        "+",
        "+1 ",
        "1(",
        "+A1",
        "a1:",
    ),
    *(
        "and ",
        "Mon, ",
        "Monday, ",
        "on ",
        "the ",
        "in 3 days ",
        "12 to ",
        "12-",
        "1/",
        "5 pm ",
        "option ",
        "# ",
        "#",
        "#\t",
    ),
    *(
        "---\n",
        "```",
        "sep=",
        "row ",
        "row  ",
        "1 of ",
        "\\",
        "\\|",
        "|",
        ";",
        ":",
        "=",
        "\u0315\u0300",
        "ﷺ",
        "क्",
        "年",
        "é",
        "\u200d",
    ),
    *("//", "/*", "$", "${", "${a", "$a", "data:", "data:a", "?", "a.", "a-", "tel:", "\t", "\r", "\r\n", "\x00"),
]

FORM = FormSpec.read("every_form", EVERY_TYPE)
HERE = at()
LANGUAGES = [HERE, at("de"), at("hi")]


def field_reader(slot: str) -> Callable[[str], object]:
    field = FORM.field_of(slot)
    assert field is not None
    return lambda text: [read_answer(FORM, field, text, {}, here) for here in LANGUAGES]


def answering(slot: str) -> Callable[[str], object]:
    return lambda text: asyncio.run(answer(FORM, slot, text, {}, State(), HERE))


def quietly(read: Callable[[str], object]) -> Callable[[str], object]:
    """As `read`, where refusing the text is an answer."""

    def reading(text: str) -> None:
        with contextlib.suppress(HaptikError):
            read(text)

    return reading


def webhook(text: str) -> object:
    said = {"event_name": "chat_complete", "user": {"user_name": text}, "agent": {"name": text}, "data": {text: [text]}}
    body = json.dumps(said).encode()
    signature = "sha1=" + hmac.new(b"s3cr3t", body, hashlib.sha1).hexdigest()
    return asyncio.run(CompletedChats(MemoryOutbox(), secret="s3cr3t").take(body, signature))


READERS: dict[str, Callable[[str], object]] = {
    **{f"field {each.key}": field_reader(each.slot) for each in FORM.fields},
    **{f"answer to {each.key}": answering(each.slot) for each in FORM.fields},
    "fold": fold,
    "offers": lambda text: choose(text, ORDERS, words=WORDS),
    "HSL": quietly(parse),
    "HSL as JSON": quietly(
        lambda text: parse(json.dumps({"text": text, "type": "TEXT", "data": {"quick_replies": []}}))
    ),
    "template": lambda text: Template.parse(text),
    "Rasa's template": lambda text: Template.parse_rasa(text),
    "message": lambda text: check_message(text, Context()),
    "brief": _redact,
    "progress": _DONE_OF.search,
    "webhook": webhook,
}


CHAT_READERS: dict[str, Callable[[str], object]] = {
    "preview": quietly(lambda text: [preview_channel(text, channel) for channel in ("haptik", "slack")]),
    "render": quietly(lambda text: [render(parse(text), channel) for channel in ("whatsapp", "mattermost")]),
}
MARKS = ["*a ", "_a", "**", "~", "`a ", "[", "<a|", "a "]


def seconds(read: Callable[[str], object], text: str) -> float:
    """CPU time of this thread, so that a busy machine changes little."""
    begun = time.thread_time()
    read(text)
    return time.thread_time() - begun


def grows(read: Callable[[str], object], unit: str) -> list[float]:
    """Return what the sizes took where that grows with the square; an empty list where it does not."""
    texts = [unit * (size // len(unit)) for size in SIZES]
    took: list[float] = []
    for _ in range(4):
        # Once is enough to be linear: chance makes work longer, never shorter.
        took = [seconds(read, text) for text in texts]
        least, half, most = (each + NOISE for each in took)
        # Where long texts are cut into parts, work begins at a size; from there on it has to be even.
        if most <= MOST_GROWTH * least or most <= MOST_GROWTH_OF_HALF * half:
            return []
    return took


@pytest.mark.parametrize("reader", READERS)
def test_work_grows_no_faster_than_a_text(reader: str) -> None:
    READERS[reader]("warm up")
    assert {unit: took for unit in UNITS if (took := grows(READERS[reader], unit))} == {}


@pytest.mark.parametrize("reader", CHAT_READERS)
def test_work_grows_no_faster_than_what_is_shown(reader: str) -> None:
    CHAT_READERS[reader]("warm up")
    assert {unit: took for unit in MARKS if (took := grows(CHAT_READERS[reader], unit))} == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("faq.csv", "node_name,question,answer\na,b,{}\n"),
        ("faq.csv", "{}"),
        ("faq.jsonl", '{{"node_name": "a", "question": ["b"], "answer": ["{}"]}}'),
        ("site/a.md", "# {}\n\nYes."),
        ("site/a.md", "---\nquestions: [a]\n---\n{}"),
    ],
)
def test_work_grows_no_faster_than_a_file(name: str, content: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)

    def read(text: str) -> None:
        file.write_text(content.format(text), encoding="utf-8", errors="replace", newline="")
        with contextlib.suppress(HaptikError):
            load(open_source(file.parent if file.suffix == ".md" else file))

    read("warm up")
    assert {unit: took for unit in UNITS if (took := grows(read, unit))} == {}
