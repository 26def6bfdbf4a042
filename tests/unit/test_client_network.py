"""Real sockets: TLS, proxies, and connections that break."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from haptik_actions import errors
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from tests.support.sockets import OK, answering

STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
CHAT: dict[str, Any] = {"user_name": "u1", "business_id": 343, "team_name": "support"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


async def test_a_private_authority_can_be_named(tls: ssl.SSLContext, ca_file: Path) -> None:
    async with (
        answering(OK, tls) as (port, _),
        HaptikClient(PlatformServer(f"https://localhost:{port}"), STATIC, ca_file=ca_file) as client,
    ):
        await client.send_chat_to_agent(**CHAT)


async def test_an_unknown_authority_is_refused_before_the_token_is_sent(tls: ssl.SSLContext) -> None:
    async with (
        answering(OK, tls) as (port, requests),
        HaptikClient(PlatformServer(f"https://localhost:{port}"), STATIC, retries=0) as client,
    ):
        with pytest.raises(errors.TransportError, match="Certificate"):
            await client.send_chat_to_agent(**CHAT)
    assert requests == []


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_a_bad_ca_file_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    async with HaptikClient(PlatformServer("https://haptik.example"), STATIC, ca_file=path) as client:
        with pytest.raises(errors.ConfigurationError, match=r"ca\.pem"):
            await client.send_chat_to_agent(**CHAT)


async def test_a_named_proxy_is_used() -> None:
    async with answering(OK) as (port, requests):
        server = PlatformServer("http://127.0.0.1:9")
        async with HaptikClient(server, STATIC, proxy=f"http://127.0.0.1:{port}") as client:
            await client.send_chat_to_agent(**CHAT)
    assert requests[0].startswith(b"POST http://127.0.0.1:9/integration/external/v1.0/send_chat_to_agent/ HTTP/1.1")


async def test_the_proxy_of_the_environment_gets_a_tunnel_and_no_token(
    monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, ca_file: Path
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("haptik.example").configure_cert(context)
    async with answering(OK, context) as (port, _), answering(b"") as (proxy_port, connects):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy_port}")
        server = PlatformServer(f"https://haptik.example:{port}")
        async with HaptikClient(server, STATIC, ca_file=ca_file) as client:
            await client.send_chat_to_agent(**CHAT)
        assert len(connects) == 1
        assert b"s3cr3t" not in connects[0]

        monkeypatch.setenv("NO_PROXY", "haptik.example")
        async with HaptikClient(server, STATIC, ca_file=ca_file, retries=0) as client:
            with pytest.raises(errors.TransportError):
                await client.send_chat_to_agent(**CHAT)
        assert len(connects) == 1


async def test_loopback_never_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(OK) as (port, _):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        async with HaptikClient(PlatformServer(f"http://127.0.0.1:{port}"), STATIC) as client:
            await client.send_chat_to_agent(**CHAT)


async def test_a_bad_proxy_is_named_without_its_password() -> None:
    async with HaptikClient(
        PlatformServer("https://haptik.example"), STATIC, proxy="ftp://user:pa55@proxy.example"
    ) as client:
        with pytest.raises(errors.ConfigurationError, match="HTTPS_PROXY") as caught:
            await client.send_chat_to_agent(**CHAT)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", errors.TransportError),
        (b"garbage\r\n\r\n", errors.TransportError),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"success": true}', errors.TransportError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", errors.TransportError),
        (b'HTTP/1.1 200 OK\r\n\r\n{"succ', errors.UnexpectedResponse),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
            errors.UnexpectedResponse,
        ),
    ],
)
async def test_an_answer_that_breaks_is_one_of_ours(answer: bytes, kind: type[errors.HaptikError]) -> None:
    async with (
        answering(answer) as (port, _),
        HaptikClient(PlatformServer(f"http://127.0.0.1:{port}"), STATIC, retries=0) as client,
    ):
        with pytest.raises(errors.HaptikError) as caught:
            await client.send_chat_to_agent(**CHAT)
    assert type(caught.value) in (kind, errors.UnexpectedResponse)


async def test_a_client_can_be_used_again_after_it_was_closed() -> None:
    async with answering(OK) as (port, requests):
        client = HaptikClient(PlatformServer(f"http://127.0.0.1:{port}"), STATIC)
        for _ in range(2):
            await client.send_chat_to_agent(**CHAT)
            await client.aclose()
    assert len(requests) == 2
