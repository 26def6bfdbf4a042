"""The transport over aiohttp, and the variables of the environment that steer it, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import traceback
import warnings
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from haptik_actions import errors
from haptik_actions.actions import Runtime
from haptik_actions.client import HaptikClient, PlatformServer, was_not_sent
from haptik_actions.client._transport import proxy_for
from haptik_actions.config import Settings
from haptik_actions.credentials import StaticCredentials
from haptik_actions.rasa_api import resume
from tests.support.sockets import OK, answering

STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
CHAT: dict[str, Any] = {"user_name": "u1", "business_id": 343, "team_name": "support"}
MESSAGE: dict[str, Any] = {"auth_id": "a1", "business_id": 343, "message_body": "hello"}
SUCCESS = b'{"success": true}'

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_variables_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", *(f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO"))):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def client_of(port: int, **options: Any) -> AsyncIterator[HaptikClient]:
    server = PlatformServer(f"http://127.0.0.1:{port}")
    async with HaptikClient(server, STATIC, messenger=server, **{"retries": 0, **options}) as client:
        yield client


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head, await reader.readexactly(length)


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


def chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 5] for start in range(0, len(body), 5)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


ANSWERS = {
    "plain": answer(SUCCESS),
    "chunked": chunked(SUCCESS),
    "until it hangs up": b"HTTP/1.1 200 OK\r\n\r\n" + SUCCESS,
    "gzip": answer(gzip.compress(SUCCESS), b"Content-Encoding: gzip"),
    "deflate": answer(zlib.compress(SUCCESS), b"Content-Encoding: deflate"),
    "a reason that is not UTF-8": answer(SUCCESS, status=b"200 D\xe9j\xe0 fait"),
    "a reason of emoji": answer(SUCCESS, status="200 👍".encode()),
    "no reason": answer(SUCCESS, status=b"200 "),
    "a header that is not UTF-8": answer(SUCCESS, b"X-Place: M\xfcnchen"),
    "a cookie": answer(SUCCESS, b"Set-Cookie: session=1; Path=/"),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + SUCCESS,
}


@pytest.mark.parametrize("sent", ANSWERS.values(), ids=list(ANSWERS))
async def test_every_form_of_a_good_answer_is_read(sent: bytes) -> None:
    async with answering(sent) as (port, _), client_of(port) as client:
        await client.send_chat_to_agent(**CHAT)


async def test_connections_are_used_again_and_keep_no_cookies() -> None:
    heads: list[bytes] = []
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            heads.append((await read_request(reader))[0])
            writer.write(answer(SUCCESS, b"Set-Cookie: session=1; Path=/"))

    async with serving(handle) as port, client_of(port) as client:
        for _ in range(5):
            await client.send_chat_to_agent(**CHAT)
    assert (connections, len(heads)) == (1, 5)
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_a_request_carries_its_own_headers_and_no_others() -> None:
    async with answering(OK) as (port, requests), client_of(port) as client:
        await client.send_chat_to_agent(**CHAT)
    line, *rows = requests[0].decode().strip().split("\r\n")
    assert line == "POST /integration/external/v1.0/send_chat_to_agent/ HTTP/1.1"
    names = [row.split(":")[0].lower() for row in rows]
    assert sorted(names) == sorted(
        [
            "host",
            "authorization",
            "client-id",
            "content-type",
            "accept",
            "user-agent",
            "content-length",
            "accept-encoding",
        ]
    )
    assert "Accept-Encoding: gzip, deflate" in rows


async def test_a_large_file_goes_out_whole_and_without_a_warning() -> None:
    bodies: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append((await read_request(reader))[1])
        writer.write(answer(b'{"message_id": 1}'))

    content = bytes(range(256)) * 16_384
    async with serving(handle) as port, client_of(port) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            await client.log_file_from_user(auth_id="a1", business_id=1, kind="image", name="a.png", content=content)
    assert content in bodies[0]


async def test_a_path_is_sent_as_it_is() -> None:
    async with answering(answer(b"{}")) as (port, requests), client_of(port) as client:
        with pytest.raises(errors.UnexpectedResponse):
            await client.faq_task("../a b?c%2F")
    assert requests[0].startswith(b"GET /mogambo_api/nodes/faq/create/status/..%2Fa%20b%3Fc%252F/ HTTP/1.1")


async def test_a_redirect_is_not_followed() -> None:
    async with answering(OK) as (other, requests):
        moved = answer(b"", b"Location: http://127.0.0.1:%d/" % other, status=b"307 Moved")
        async with answering(moved) as (port, _), client_of(port) as client:
            with pytest.raises(errors.UnexpectedResponse, match="307"):
                await client.send_chat_to_agent(**CHAT)
    assert requests == []


BROKEN = {
    "hung up": b"",
    "no HTTP": b"garbage\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=list(BROKEN))
async def test_what_broke_off_may_have_arrived_and_is_sent_once(sent: bytes) -> None:
    async with answering(sent) as (port, requests), client_of(port, retries=2) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.log_message_from_user(**MESSAGE)
    assert type(caught.value) is errors.TransportError
    assert not was_not_sent(caught.value)
    assert len(requests) == 1
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value, chain=True))


async def test_no_token_stands_in_an_error_or_in_what_it_chains() -> None:
    async with answering(b"garbage\r\n\r\n") as (port, _), client_of(port) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.send_chat_to_agent(**CHAT)
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr3t" not in repr(error)
        error = error.__cause__


@pytest.mark.parametrize("sent", [*BROKEN.values(), answer(b"{}", status=b"500 X")])
async def test_no_token_stands_in_the_frames_that_error_collectors_send(sent: bytes) -> None:
    async with answering(sent) as (port, _), client_of(port) as client:
        with pytest.raises(errors.HaptikError) as caught:
            await client.send_chat_to_agent(**CHAT)
    shown = [words for error in chained(caught.value) for words in locals_of(error)]
    assert shown
    assert [words for words in shown if "s3cr3t" in words] == []


def chained(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def locals_of(error: BaseException) -> Iterator[str]:
    """What is shown of each frame's variables; those of the test itself are left out."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename != __file__:
            yield from (f"{name} = {value!r}" for name, value in frame.f_locals.items())


async def test_where_nobody_listens_nothing_was_sent(unused_port: int) -> None:
    async with client_of(unused_port) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.log_message_from_user(**MESSAGE)
    assert was_not_sent(caught.value)


async def test_a_name_that_nobody_knows_sends_nothing() -> None:
    async with HaptikClient(PlatformServer("https://haptik.invalid"), STATIC, retries=0) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.send_chat_to_agent(**CHAT)
    assert was_not_sent(caught.value)


async def test_a_deadline_in_the_handshake_sent_nothing_and_one_before_the_answer_did() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(silent) as port:
        async with HaptikClient(PlatformServer(f"https://localhost:{port}"), STATIC, timeout=2, retries=0) as client:
            with pytest.raises(errors.DeadlineExceeded) as caught:
                await client.send_chat_to_agent(**CHAT)
        assert was_not_sent(caught.value)
        async with client_of(port, timeout=2) as client:
            with pytest.raises(errors.DeadlineExceeded) as caught:
                await client.send_chat_to_agent(**CHAT)
        assert not was_not_sent(caught.value)


async def test_slow_credentials_send_nothing() -> None:
    class Slow:
        async def get(self) -> Any:
            await asyncio.Event().wait()

    server = PlatformServer("https://haptik.example")
    async with HaptikClient(server, Slow(), timeout=0.05) as client:
        with pytest.raises(errors.DeadlineExceeded) as caught:
            await client.send_chat_to_agent(**CHAT)
    assert was_not_sent(caught.value)


async def test_a_first_try_that_was_sent_is_not_forgotten_when_the_second_finds_nobody() -> None:
    tries = 0

    def answers(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ReadError("broken") if tries == 1 else httpx.ConnectError("nobody")

    async def no_pause(_: float) -> None:
        pass

    server = PlatformServer("https://haptik.example")
    async with HaptikClient(server, STATIC, transport=httpx.MockTransport(answers), sleep=no_pause) as client:
        with pytest.raises(errors.TransportError) as caught:
            await client.send_chat_to_agent(**CHAT)
    assert (tries, was_not_sent(caught.value)) == (3, False)


async def test_a_cancelled_call_closes_its_connection_and_the_next_has_another() -> None:
    arrived, closed = asyncio.Event(), asyncio.Event()
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        if connections == 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{")
            arrived.set()
            assert await reader.read() == b""
            closed.set()
        else:
            writer.write(answer(SUCCESS))

    async with serving(handle) as port, client_of(port) as client:
        call = asyncio.create_task(client.send_chat_to_agent(**CHAT))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(closed.wait(), 10)
        await client.send_chat_to_agent(**CHAT)
    assert connections == 2


async def test_whatever_a_transport_raises_is_one_of_ours_and_temporary() -> None:
    def surprise(_: httpx.Request) -> httpx.Response:
        raise UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed")

    server = PlatformServer("https://haptik.example")
    async with HaptikClient(server, STATIC, transport=httpx.MockTransport(surprise), retries=0) as client:
        with pytest.raises(errors.TransportError, match="UnicodeEncodeError") as caught:
            await client.send_chat_to_agent(**CHAT)
    assert caught.value.temporary
    assert not was_not_sent(caught.value)


BAD_CERTIFICATES = [
    ("SSL_CERT_FILE", None),
    ("SSL_CERT_FILE", "no certificate in here\n"),
    ("SSL_CERT_FILE", ""),
    ("SSL_CERT_DIR", None),
    ("SSL_CERT_DIR", "a file, not a folder"),
]


@pytest.mark.parametrize(("variable", "content"), BAD_CERTIFICATES)
async def test_certificates_that_cannot_be_used_are_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    content: str | None,
) -> None:
    path = tmp_path / "certificates"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(variable, str(path))
    async with HaptikClient(PlatformServer("https://haptik.example"), STATIC) as client:
        for use in (client.prepare, lambda: client.send_chat_to_agent(**CHAT)):
            with pytest.raises(
                errors.ConfigurationError, match=f"^{variable} names {path}, which cannot be used"
            ) as caught:
                await use()  # type: ignore[misc]
            assert "\n" not in str(caught.value)
    with pytest.raises(errors.ConfigurationError, match=variable):
        await resume("asha")

    runtime = Runtime(load_settings=lambda: Settings(base_url="https://haptik.example", client_id="c", token="t"))
    runtime.start()
    await runtime.aclose()
    assert f"Hand-offs are not possible: {variable} names {path}" in caplog.text


async def test_a_folder_without_certificates_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with HaptikClient(PlatformServer("https://haptik.example"), STATIC) as client:
        with pytest.raises(errors.ConfigurationError, match=r"SSL_CERT_DIR names .* holds no certificate"):
            client.prepare()


async def test_the_authority_of_the_environment_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority, path = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", "/no/such/folder")  # httpx does not look at it beside the file
    async with (
        answering(OK, context) as (port, _),
        HaptikClient(PlatformServer(f"https://localhost:{port}"), STATIC) as client,
    ):
        await client.send_chat_to_agent(**CHAT)


URLS = [
    *("https://shop.example", "https://shop.example:8443", "https://a.shop.example", "https://workshop.example"),
    *("https://10.0.0.1", "https://[2001:db8::1]", "https://intranet", "https://shop.example:443"),
]
ENTRIES = [
    *("shop.example", ".shop.example", "*", "*.shop.example", "shop.example:8443", "shop.example:443", "SHOP.example"),
    *(" shop.example , intranet", "https://shop.example", "http://shop.example", "all://shop.example:8443", "example"),
    *("10.0.0.1", "10.0.0.0/8", "2001:db8::1", "https://*.shop.example", "a b", "", ",", "https://*shop.example"),
]


@pytest.mark.parametrize("no_proxy", ENTRIES)
def test_exceptions_are_those_of_httpx(monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with httpx.Client() as theirs:
        for url in map(httpx.URL, URLS):
            direct = theirs._transport_for_url(url) is theirs._transport
            assert (proxy_for(url, None) is None) is direct, url


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({"ALL_PROXY": "http://all.example:1"}, "https://shop.example", "http://all.example:1"),
        ({"all_proxy": "all.example:1"}, "https://shop.example", "http://all.example:1"),
        ({"ALL_PROXY": "http://a.example", "HTTPS_PROXY": "http://b.example"}, "https://x.example", "http://b.example"),
        ({"HTTP_PROXY": "http://a.example"}, "https://shop.example", None),
        ({"ALL_PROXY": "http://a.example"}, "https://127.0.0.1", None),
        ({"ALL_PROXY": "socks5://a.example"}, "http://localhost:8000", None),
        ({"ALL_PROXY": ""}, "https://shop.example", None),
    ],
)
def test_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(httpx.URL(url), None)
    assert (found and str(found.url)) == proxy


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "ftp", "http"])
async def test_a_proxy_that_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv(name, f"{scheme}://user:pa55@proxy.example" if scheme != "http" else "http://")
    async with HaptikClient(PlatformServer("https://haptik.example"), STATIC) as client:
        with pytest.raises(errors.ConfigurationError, match=name.upper()) as caught:
            await client.send_chat_to_agent(**CHAT)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize(
    ("no_proxy", "said"),
    [("*.haptik.example", "'*.haptik.example'"), ("haptik.example:443", "port out"), ("haptik.example:99x", "no host")],
)
def test_an_exception_that_means_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, no_proxy: str, said: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", f"{no_proxy},*.other.example,other.example:443")
    with caplog.at_level(logging.WARNING):
        url = "https://a.haptik.example" if no_proxy.startswith("*") else "https://haptik.example"
        assert proxy_for(httpx.URL(url), None) is not None
    assert said in caplog.text
    assert "other" not in caplog.text


async def test_a_proxy_without_a_tunnel_reads_its_password_from_the_request() -> None:
    async with answering(OK) as (port, requests):
        server = PlatformServer("http://127.0.0.1:9")
        async with HaptikClient(server, STATIC, proxy=f"http://user:pass@127.0.0.1:{port}") as client:
            await client.send_chat_to_agent(**CHAT)
    assert requests[0].count(b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") == 1


async def test_a_proxy_gets_its_own_name_and_password_and_a_refusal_of_it_sent_nothing() -> None:
    refused = answer(b"", status=b"407 Proxy Authentication Required")
    async with answering(refused) as (port, requests):
        proxy = f"http://user:p%C3%A4ss@127.0.0.1:{port}"
        async with HaptikClient(PlatformServer("https://haptik.example"), STATIC, proxy=proxy, retries=0) as client:
            with pytest.raises(errors.TransportError) as caught:
                await client.send_chat_to_agent(**CHAT)
    assert was_not_sent(caught.value)
    assert requests[0].startswith(b"CONNECT haptik.example:443 HTTP/1.1")
    assert b"Proxy-Authorization: Basic dXNlcjpww6Rzcw==" in requests[0]
    assert b"s3cr3t" not in requests[0]


@pytest.mark.parametrize("sent", [b"", b"garbage\r\n\r\n"])
async def test_a_proxy_that_hangs_up_before_the_tunnel_has_sent_nothing_on(sent: bytes) -> None:
    async with answering(sent) as (port, _):
        server = PlatformServer("https://haptik.example")
        async with HaptikClient(server, STATIC, proxy=f"http://127.0.0.1:{port}", retries=0) as client:
            with pytest.raises(errors.TransportError) as caught:
                await client.send_chat_to_agent(**CHAT)
    assert was_not_sent(caught.value)
