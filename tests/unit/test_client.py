from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions import errors
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import CachedCredentials, Credentials, StaticCredentials

SERVER = PlatformServer("https://haptik.example")
STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
CHAT: dict[str, Any] = {"user_name": "u1", "business_id": 343, "team_name": "support"}
PATH = "/integration/external/v1.0/send_chat_to_agent/"

Answer = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Awaitable[httpx.Response]]


def client_for(answer: Any, **options: Any) -> HaptikClient:
    credentials = options.pop("credentials", STATIC)
    return HaptikClient(SERVER, credentials, transport=httpx.MockTransport(answer), **{"retries": 0, **options})


def always(status: int = 200, **response: Any) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, **response)


async def outcome(answer: Any, **options: Any) -> errors.HaptikError:
    async with client_for(answer, **options) as client:
        with pytest.raises(errors.HaptikError) as caught:
            await client.send_chat_to_agent(**CHAT)
    return caught.value


async def test_the_request_is_the_documented_one() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"success": True})

    async with client_for(answer) as client:
        await client.send_chat_to_agent(**CHAT)
        await client.send_chat_to_agent(**CHAT, countdown=5)
    first, second = seen
    assert first.method == "POST"
    assert str(first.url) == f"https://haptik.example{PATH}"
    assert first.headers["Authorization"] == "Bearer s3cr3t-token"
    assert first.headers["client-id"] == "client-1"
    assert first.headers["Content-Type"] == "application/json"
    assert json.loads(first.content) == {"team_name": "support", "user_name": "u1", "business_id": 343}
    assert json.loads(second.content)["countdown"] == 5


@pytest.mark.parametrize("given_id", [343, "343", 343.0])
async def test_the_business_id_is_sent_as_a_number(given_id: Any) -> None:
    bodies: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content)["business_id"])
        return httpx.Response(200, json={"success": True})

    async with client_for(answer) as client:
        await client.send_chat_to_agent(user_name="u1", business_id=given_id, team_name="support")
    assert bodies == [343]
    assert type(bodies[0]) is int


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"user_name": ""}, "user_name"),
        ({"user_name": None}, "user_name"),
        ({"user_name": "a\ud83d"}, "user_name holds half of a surrogate pair"),
        ({"team_name": "  "}, "team_name"),
        ({"business_id": "acme"}, "business_id"),
        ({"business_id": None}, "business_id"),
        ({"business_id": True}, "business_id"),
        ({"business_id": 3.5}, "business_id"),
        ({"countdown": 4}, "countdown"),
        ({"countdown": 11}, "countdown"),
        ({"countdown": "soon"}, "countdown"),
        ({"countdown": True}, "countdown"),
    ],
)
async def test_an_argument_that_cannot_work_is_named_and_nothing_is_sent(wrong: dict[str, Any], named: str) -> None:
    sent: list[httpx.Request] = []
    async with client_for(lambda request: sent.append(request)) as client:
        with pytest.raises(errors.ConfigurationError, match=named):
            await client.send_chat_to_agent(**{**CHAT, **wrong})
    assert sent == []


TABLE = [
    ("client_id missing in headers", errors.AuthenticationError),
    ("invalid client_id in headers", errors.AuthenticationError),
    ("invalid authorization in headers", errors.AuthenticationError),
    ("token missing in headers", errors.AuthenticationError),
    ("invalid token provided", errors.AuthenticationError),
    ("user_name missing in the request", errors.InvalidRequest),
    ("business_id missing in the request", errors.InvalidRequest),
    ("team_name missing in the request", errors.InvalidRequest),
    ("invalid user_name", errors.UnknownUser),
    ("invalid business_id provided", errors.UnknownBusiness),
    ('business "343" is inactive', errors.InactiveBusiness),
    ("invalid team_name provided", errors.UnknownTeam),
    ('team "night shift" is inactive', errors.InactiveTeam),
    ("user has not sent a message", errors.NoConversation),
]


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
@pytest.mark.parametrize(("message", "kind"), TABLE)
async def test_the_documented_message_decides_the_class_whatever_the_status(
    message: str, kind: type[errors.ApiError], status: int
) -> None:
    error = await outcome(always(status, json={"error_message": message}))
    assert type(error) is kind
    assert (error.message, error.status, error.endpoint) == (message, status, PATH)
    assert PATH in str(error)
    assert error.remedy


@pytest.mark.parametrize(
    ("status", "content", "kind", "message"),
    [
        (401, b'{"error_message": "no entry"}', errors.AuthenticationError, "no entry"),
        (403, b"<html>", errors.AccessForbidden, None),
        (418, b'{"error_message": "a teapot"}', errors.ApiError, "a teapot"),
        (500, b'{"error_message": "boom"}', errors.ServerError, "boom"),
        (502, b"<html>bad gateway</html>", errors.ServerError, None),
        (200, b'{"success": false}', errors.ApiError, None),
        (200, b'{"success": false, "error": "invalid user_name"}', errors.UnknownUser, "invalid user_name"),
    ],
)
async def test_an_unknown_refusal_keeps_its_words(
    status: int, content: bytes, kind: type[errors.ApiError], message: str | None
) -> None:
    error = await outcome(always(status, content=content))
    assert type(error) is kind
    assert error.status == status
    assert message is None or error.message == message


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, b"OK"),
        (200, b"<html>login</html>"),
        (200, b"{}"),
        (200, b'{"success": "true"}'),
        (200, b'{"success": 1}'),
        (200, b'{"success": null}'),
        (200, b"[true]"),
        (200, b"true"),
        (200, b'{"success": true'),
        (200, b'\xff{"success": true}'),
        (200, b"[" * 100_000),
        (302, b""),
        (404, b"<html>not here</html>"),
    ],
)
async def test_an_answer_that_is_not_documented_is_a_failure_that_names_the_endpoint(
    status: int, content: bytes
) -> None:
    error = await outcome(always(status, content=content, headers={"location": "https://evil.example"}))
    assert type(error) is errors.UnexpectedResponse
    assert error.endpoint == PATH
    assert PATH in str(error)
    assert error.status == status


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), (None, None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
async def test_a_rate_limit_says_when_to_come_back(header: str | None, seconds: float | None) -> None:
    headers = {"retry-after": header} if header else {}
    error = await outcome(always(429, json={"error_message": "slow down"}, headers=headers))
    assert type(error) is errors.RateLimited
    assert error.retry_after == seconds


async def test_redirects_are_not_followed_with_the_token() -> None:
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    await outcome(answer)
    assert hosts == ["haptik.example"]


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, OSError])
async def test_a_broken_connection_is_a_transport_error(failure: type[Exception]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise failure("broken")

    error = await outcome(answer)
    assert type(error) is errors.TransportError
    assert isinstance(error.__cause__, failure)
    assert "haptik.example" in str(error)


@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_a_time_out_of_the_transport_is_a_passed_deadline(failure: type[Exception]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise failure("late")

    assert type(await outcome(answer)) is errors.DeadlineExceeded


async def test_one_deadline_covers_the_whole_call() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    error = await outcome(hang, timeout=0.02)
    assert type(error) is errors.DeadlineExceeded
    assert "0.02 s" in str(error)


async def test_a_body_that_never_ends_is_cut_off() -> None:
    async def flood() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1_000_000

    error = await outcome(lambda _: httpx.Response(200, content=flood()))
    assert type(error) is errors.UnexpectedResponse


async def test_a_compressed_answer_is_read_and_a_broken_one_refused() -> None:
    packed = gzip.compress(b'{"success": true}')
    async with client_for(always(content=packed, headers={"content-encoding": "gzip"})) as client:
        await client.send_chat_to_agent(**CHAT)
    error = await outcome(always(content=packed[:12] + b"?????", headers={"content-encoding": "gzip"}))
    assert isinstance(error, errors.UnexpectedResponse)


class Rotating:
    """A source whose first token has been withdrawn."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.reads = 0

    async def get(self) -> Credentials:
        self.reads += 1
        return Credentials(client_id="client-1", token=self.tokens[min(self.reads, len(self.tokens)) - 1])


def only(token: str, seen: list[str]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"].removeprefix("Bearer "))
        if seen[-1] == token:
            return httpx.Response(200, json={"success": True})
        return httpx.Response(401, json={"error_message": "invalid token provided"})

    return answer


@pytest.mark.parametrize("wrap", [lambda source: source, CachedCredentials])
async def test_a_rejected_token_is_read_again_and_the_call_repeated_once(wrap: Any) -> None:
    seen: list[str] = []
    source = Rotating("old", "new")
    async with client_for(only("new", seen), credentials=wrap(source)) as client:
        await client.send_chat_to_agent(**CHAT)
        await client.send_chat_to_agent(**CHAT)
    assert seen == ["old", "new", "new"]
    assert source.reads == 2


async def test_a_token_that_stays_wrong_is_an_authentication_error() -> None:
    seen: list[str] = []
    source = Rotating("old", "older", "oldest")
    error = await outcome(only("new", seen), credentials=source)
    assert type(error) is errors.AuthenticationError
    assert seen == ["old", "older"]


async def test_no_token_in_errors_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        error = await outcome(always(401, json={"error_message": "bad token s3cr3t-token of client-1"}))
    assert isinstance(error, errors.ApiError)
    for shown in (str(error), repr(error), error.message, repr(error.__dict__), caplog.text):
        assert "s3cr3t" not in shown
        assert "client-1" not in shown


async def test_cancellation_passes() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    async with client_for(hang) as client:
        call = asyncio.create_task(client.send_chat_to_agent(**CHAT))
        await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://haptik.example", "https://haptik.example"),
        ("https://haptik.example/", "https://haptik.example"),
        ("haptik.example", "https://haptik.example"),
        ("https://haptik.example/tenant/", "https://haptik.example/tenant"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_server_is_a_value(given_url: str, kept: str) -> None:
    assert PlatformServer(given_url) == PlatformServer(kept)
    assert PlatformServer(given_url).base_url == kept


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "   ",
        "http://haptik.example",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.example",
        "ftp://haptik.example",
        "https://",
        "https://user:pa55@haptik.example",
        "https://haptik.example/?a=1",
        "https://haptik.example/#x",
        "https://[bad",
    ],
)
def test_a_server_that_cannot_work_is_refused(bad: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        PlatformServer(bad)
    assert "pa55" not in str(caught.value)


@given(status=st.integers(200, 599), content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
async def test_arbitrary_answers_end_as_success_or_a_documented_error(status: int, content: bytes) -> None:
    async with client_for(always(status, content=content)) as client:
        try:
            await client.send_chat_to_agent(**CHAT)
        except errors.HaptikError as error:
            assert "s3cr3t" not in str(error)  # noqa: PT017 - success is a valid outcome as well
        else:
            assert json.loads(content)["success"] is True


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(content=st.dictionaries(st.sampled_from(["success", "error_message", "error", "body"]), json_values))
async def test_arbitrary_json_succeeds_only_where_success_is_true(content: dict[str, Any]) -> None:
    async with client_for(always(json=content)) as client:
        try:
            await client.send_chat_to_agent(**CHAT)
        except (errors.ApiError, errors.UnexpectedResponse):
            return
    assert content["success"] is True
