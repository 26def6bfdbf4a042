"""No line of the log can be forged, and no handler of a log keeps a user from the answer."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa_sdk import Action

from haptik_actions._log import get_logger, one_line
from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call, run_action

PACKAGE = Path(__file__).parents[2] / "haptik_actions"
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
WHO = {"user_name": "u1", "business_id": 343}
FORGED = "2026-11-30 12:00:00,000 INFO haptik_actions: the outbox is empty"
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x1b[2K\r", "\x00\n"]


class Raises(Action):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def name(self) -> str:
        return "action_raises"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise self.error


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    yield
    configure()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log as a server writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger("haptik_actions")
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def answering(body: Any, status: int = 200) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport, retries=0))


def begin_lines(written: io.StringIO) -> list[str]:
    """The lines that begin where the server's own do."""
    return [line for line in re.split("[\r\n]+", written.getvalue()) if line.strip() and not line.startswith("  ")]


def assert_not_forged(written: io.StringIO) -> None:
    text = written.getvalue()
    assert FORGED in text, "what was forged is not in the log at all: the test has tested nothing"
    assert not set(text) & set("\r\x00\x0b\x0c\x1b\x1c\x85\u2028\u2029")
    for line in begin_lines(written):
        assert line.partition(" ")[2][8:].startswith((",", ".")) or " haptik_actions." in line, line
        assert not line.startswith(FORGED)


@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
async def test_by_the_id_of_a_conversation(line_break: str, lines: io.StringIO) -> None:
    answering({"success": True})
    call = action_call("x", metadata=WHO)
    call["tracker"]["sender_id"] = f"s1{line_break}{FORGED}"
    await run_action(Raises(ValueError("down")), call)
    assert_not_forged(lines)


@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
@pytest.mark.parametrize("chained", ["", "cause", "context", "group", "note"])
async def test_by_the_text_of_an_exception(line_break: str, chained: str, lines: io.StringIO) -> None:
    if chained in ("group", "note") and sys.version_info < (3, 11):
        pytest.skip("Python 3.10 has neither groups nor notes")
    answering({"success": True})
    text = f"down{line_break}{FORGED}"
    error: BaseException = LookupError("above") if chained else ValueError(text)
    if chained == "cause":
        error.__cause__ = ValueError(text)
    elif chained == "context":
        error.__context__ = KeyError(text)
    elif chained == "group":
        error = BaseExceptionGroup(text, [ValueError(text)])  # noqa: F821
    elif chained == "note":
        error.add_note(text)
    await run_action(Raises(error), action_call("x", metadata=WHO))
    assert_not_forged(lines)


REFUSAL = f"no such user\n{FORGED}"
PLATFORM_SAYS = [
    ({"success": False, "error": REFUSAL, "error_message": REFUSAL, "message": REFUSAL}, 400),
    ({"success": False, "error_message": REFUSAL, "error": REFUSAL}, 200),
    ({"error": {"message": REFUSAL, "code": REFUSAL}, "error_message": REFUSAL}, 403),
]


@pytest.mark.parametrize(("body", "status"), PLATFORM_SAYS, ids=range(len(PLATFORM_SAYS)))
async def test_by_the_words_of_the_platform(body: Any, status: int, lines: io.StringIO) -> None:
    answering(body, status)
    await run_action(Raises(ValueError("down")), action_call("x", metadata=WHO))
    assert_not_forged(lines)


async def test_by_a_value_of_the_domain(lines: io.StringIO) -> None:
    answering({"success": True})
    slot = {f"teem\n{FORGED}": 1, "team": f"orders\n{FORGED}", "countdown": FORGED + "\n"}
    await run_action(Raises(ValueError("down")), action_call("x", metadata=WHO, slots={"haptik": slot}))
    assert_not_forged(lines)


class NoText(Exception):
    def __str__(self) -> str:
        raise LookupError("it has no text")

    __repr__ = __str__


async def test_an_exception_without_a_text_is_answered_and_logged(lines: io.StringIO) -> None:
    answering({"success": True})
    answer = await run_action(Raises(NoText()), action_call("x", metadata=WHO))
    assert [message["text"] for message in answer["responses"]] == [packaged_copy()["haptik_handoff_connected"]]
    assert "failed in conversation s1 with NoText" in lines.getvalue()


class Broken(logging.Handler):
    """As a handler whose disk is full, or whose collector is gone."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error, self.asked = error, 0

    def emit(self, record: logging.LogRecord) -> None:
        self.asked += 1
        raise self.error


class BrokenTwice(Broken):
    def handleError(self, record: logging.LogRecord) -> None:
        raise self.error


@pytest.mark.parametrize("where", ["haptik_actions", "haptik_actions.escalation._escalator", ""])
@pytest.mark.parametrize("kind", [Broken, BrokenTwice])
@pytest.mark.parametrize("outage", [False, True], ids=["Haptik is up", "Haptik is down"])
async def test_a_handler_that_raises_costs_nobody_an_answer(
    where: str, kind: type[Broken], outage: bool, lines: io.StringIO
) -> None:
    answering({"success": not outage}, 503 if outage else 200)
    broken = kind(OSError(28, "No space left on device"))
    # Not the root's own: rasa-sdk logs there as well, outside of what is guarded.
    broken.addFilter(lambda record: record.name.startswith("haptik_actions"))
    named = logging.getLogger(where)
    named.addHandler(broken)
    try:
        answer = await run_action(Raises(ValueError("down")), action_call("x", metadata=WHO))
    finally:
        named.removeHandler(broken)
    copy = packaged_copy()["haptik_handoff_delayed" if outage else "haptik_handoff_connected"]
    assert [message["text"] for message in answer["responses"]] == [copy]
    assert broken.asked
    assert "failed in conversation" in lines.getvalue()


def test_a_logger_that_somebody_has_made_before_is_the_same_and_safe() -> None:
    class Own(logging.Logger):
        def shout(self) -> str:
            return "!"

    made = logging.getLogger("haptik_actions.made_before")
    made.__class__ = Own
    made.setLevel(logging.DEBUG)
    logger = get_logger("haptik_actions.made_before")
    assert logger is made
    assert logger is get_logger("haptik_actions.made_before")
    assert (logger.level, logger.shout()) == (logging.DEBUG, "!")  # type: ignore[attr-defined]


def test_the_line_that_is_named_is_that_of_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    get_logger("haptik_actions.caller").error("here: %s and %d", "a\nb", 5)
    (record,) = caplog.records
    assert (Path(record.pathname).name, record.msg, record.getMessage()) == (
        Path(__file__).name,
        "here: %s and %d",
        r"here: a\nb and 5",
    )


@given(st.text())
def test_a_text_becomes_one_line(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    if text.isprintable():
        assert shown == text


def test_every_logger_of_the_library_is_made_in_one_place() -> None:
    found = [str(path) for path in PACKAGE.rglob("*.py") if "getLogger(" in path.read_text(encoding="utf-8")]
    assert found == [str(PACKAGE / "_log.py")]


def test_nothing_is_imported_with_it_that_was_not_there() -> None:
    code = "import sys, json, haptik_actions._log; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"httpx", "redis", "rasa_sdk"} & set(json.loads(done.stdout))
