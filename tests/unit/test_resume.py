"""`resume` and its command. The answers are those of Rasa 3.6.21; tests/e2e/test_guarding.py asks a real one."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.cli import main
from haptik_actions.errors import ConfigurationError, RasaApiError, UnknownConversation
from haptik_actions.rasa_api import resume

NOT_ENABLED = "<!DOCTYPE html><title>404 — Not Found</title><p>Requested URL /conversations/x/tracker not found"
UNAUTHORIZED = {"version": "3.6.21", "status": "failure", "message": "User is not authenticated.", "code": 401}


class Rasa(httpx.AsyncBaseTransport):
    """Holds one conversation and remembers what it was asked."""

    def __init__(self, *events: str, paused: bool = True) -> None:
        self.asked: list[tuple[str, str]] = []
        self.posted: list[Any] = []
        self.events, self.paused = events, paused
        self.answer: httpx.Response | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.raw_path.decode()))
        if self.answer is not None:
            return self.answer
        if request.method == "POST":
            self.posted = json.loads(request.content)
            self.paused = False
        asked = request.url.params["include_events"] != "NONE"
        events = [_event(word) for word in self.events] if asked else None
        return httpx.Response(200, json={"paused": self.paused, "events": events})


def _event(word: str) -> dict[str, str]:
    return {"event": "action", "name": word} if word.startswith("action_") else {"event": word}


LISTENS = {"event": "action", "name": "action_listen"}
SAYS_NOTHING = {"event": "user", "text": "", "parse_data": {"intent": {}, "entities": []}}
RESUME, UNDO = {"event": "resume"}, {"event": "undo"}
THEN_LISTEN = {"event": "followup", "name": "action_listen"}
PAUSED = ("user", "action_order", "slot", "followup", "action_listen", "pause")
OLD = ("user", "action_order", "slot", "pause", "action_listen")

ENDINGS: list[tuple[str, tuple[str, ...], list[dict[str, Any]]]] = [
    ("paused behind its listening", PAUSED, [SAYS_NOTHING, RESUME]),
    ("the user wrote meanwhile", (*PAUSED, "user", "bot", "user"), [SAYS_NOTHING, RESUME]),
    ("paused twice", (*PAUSED, "resume", "user", "action_order", "action_listen", "pause"), [SAYS_NOTHING, RESUME]),
    ("the old order", OLD, [UNDO, RESUME, THEN_LISTEN, LISTENS]),
    ("the old order, the user wrote", (*OLD, "user", "user"), [UNDO, RESUME, THEN_LISTEN, LISTENS]),
    ("the old order after a resume", (*PAUSED, "resume", *OLD), [UNDO, RESUME, THEN_LISTEN, LISTENS]),
    ("a bare pause", ("user", "action_order", "pause"), [RESUME, THEN_LISTEN, LISTENS]),
    ("a bare pause, the user wrote", ("user", "action_order", "pause", "user"), [RESUME, THEN_LISTEN, LISTENS]),
    ("a pause alone", ("pause",), [RESUME, THEN_LISTEN, LISTENS]),
]


@pytest.mark.parametrize(("applied", "expected"), [row[1:] for row in ENDINGS], ids=[row[0] for row in ENDINGS])
async def test_a_paused_conversation_is_resumed_once(applied: tuple[str, ...], expected: list[dict[str, Any]]) -> None:
    rasa = Rasa(*applied)
    assert await resume("chat-1", transport=rasa) == expected
    assert rasa.asked == [
        ("GET", "/conversations/chat-1/tracker?include_events=NONE"),
        ("GET", "/conversations/chat-1/tracker?include_events=APPLIED"),
        ("POST", "/conversations/chat-1/tracker/events?include_events=NONE"),
    ]
    assert rasa.posted == expected


async def test_a_conversation_that_is_not_paused_is_left_alone() -> None:
    rasa = Rasa("user", *PAUSED, "resume", paused=False)
    assert await resume("chat-1", transport=rasa) == []
    assert [method for method, _ in rasa.asked] == ["GET", "GET"]


async def test_a_conversation_in_which_no_user_wrote_is_unknown() -> None:
    with pytest.raises(UnknownConversation, match="Rasa has no conversation 'nobody'"):
        await resume("nobody", transport=Rasa("action", "session_started", "action", paused=False))


@pytest.mark.parametrize(
    ("rasa_url", "id", "path"),
    [
        ("http://rasa:5005", "whatsapp:+4917", "/conversations/whatsapp:+4917/tracker"),
        ("http://rasa:5005/", "a/b", "/conversations/a/b/tracker"),
        ("https://bots.example/shop/", "x", "/shop/conversations/x/tracker"),
        ("http://rasa:5005", "a b?c#d%2Fé", "/conversations/a%20b%3Fc%23d%252F%C3%A9/tracker"),
    ],
)
async def test_where_it_asks(rasa_url: str, id: str, path: str) -> None:
    rasa = Rasa("user")
    await resume(id, rasa_url=rasa_url, token="t&p", transport=rasa)
    assert rasa.asked[0] == ("GET", f"{path}?include_events=NONE&token=t%26p")
    assert rasa.asked[1] == ("GET", f"{path}?include_events=APPLIED&token=t%26p")
    assert rasa.asked[2] == ("POST", f"{path}/events?include_events=NONE&token=t%26p")


@given(st.text(min_size=1).filter(str.strip))
async def test_no_id_reaches_another_path(id: str) -> None:
    rasa = Rasa("user")
    try:
        await resume(id, transport=rasa)
    except ConfigurationError:
        assert rasa.asked == []
        return
    for _, target in rasa.asked:
        path, _, query = target.partition("?")
        assert path.startswith("/conversations/")
        assert path.endswith(("/tracker", "/tracker/events"))
        assert query in ("include_events=NONE", "include_events=APPLIED")


ANSWERS: list[tuple[str, httpx.Response, int, str]] = [
    ("no API", httpx.Response(404, html=NOT_ENABLED), 404, "its HTTP API is not enabled"),
    ("a wrong token", httpx.Response(401, json=UNAUTHORIZED), 401, "the token is missing or wrong"),
    ("no model", httpx.Response(409, json={"message": "No agent loaded."}), 409, "answered 409: No agent loaded."),
    ("another server", httpx.Response(200, html="<p>Welcome"), 200, "answered 200."),
    ("no UTF-8", httpx.Response(200, content=b'{"paused": "\xff"}'), 200, "answered 200."),
    ("a list", httpx.Response(200, json=[]), 200, "answered 200."),
]


@pytest.mark.parametrize(("answer", "status", "said"), [r[1:] for r in ANSWERS], ids=[r[0] for r in ANSWERS])
async def test_what_rasa_refuses(answer: httpx.Response, status: int, said: str) -> None:
    rasa = Rasa()
    rasa.answer = answer
    with pytest.raises(RasaApiError, match=said) as refused:
        await resume("chat-1", rasa_url="http://rasa:5005", token="s3cr3t", transport=rasa)
    assert refused.value.status == status
    assert "s3cr3t" not in str(refused.value)


class _Drips(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)


async def test_an_answer_that_drips_is_not_waited_for() -> None:
    rasa = Rasa()
    rasa.answer = httpx.Response(200, stream=_Drips())
    with pytest.raises(RasaApiError, match="Rasa at http://rasa:5005 could not be reached: TimeoutError"):
        await asyncio.wait_for(resume("chat-1", rasa_url="http://rasa:5005", timeout=0.1, transport=rasa), 10)


@pytest.mark.parametrize(
    ("id", "rasa_url"),
    [("", "http://rasa"), (" ", "http://rasa"), ("x", "rasa:5005"), ("x", "nowhere"), ("x", "h://[")],
)
async def test_what_cannot_work_is_not_sent(id: str, rasa_url: str) -> None:
    rasa = Rasa("user")
    with pytest.raises(ConfigurationError):
        await resume(id, rasa_url=rasa_url, transport=rasa)
    assert rasa.asked == []


# The command


def test_the_command_without_a_rasa() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    result = CliRunner().invoke(main, ["resume", "chat-1"], env={"RASA_URL": url, "RASA_TOKEN": "s3cr3t"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert f"Error: Rasa at {url} could not be reached: ConnectError. Check the address of Rasa" in result.stderr
    assert "s3cr3t" not in result.stderr


def test_the_command_with_a_url_that_is_none() -> None:
    result = CliRunner().invoke(main, ["resume", "chat-1", "--rasa-url", "rasa"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not a URL such as http://localhost:5005" in result.stderr
