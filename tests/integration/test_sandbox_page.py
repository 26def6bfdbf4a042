"""The sandbox on a real port, and its page in a real browser."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from haptik_actions._serving import serve_app
from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox, serve
from tests.support.patience import SECONDS

PATH = "/integration/external/v1.0/send_chat_to_agent/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
BODY = {"user_name": "asha", "business_id": 1201, "team_name": "orders"}

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH to look at the page")


class StepClock:
    """Moves a little whenever it is read, so that time passes with every look at the page."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._step
        return self._now


async def move(url: str) -> None:
    async with httpx.AsyncClient(headers=HEADERS, timeout=SECONDS) as client:
        assert (await client.post(url + PATH, json=BODY)).json() == {"success": True}


async def dom_of(url: str, profile: Path, *, seconds: int) -> str:
    assert CHROMIUM is not None
    quiet = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *f"--headless --no-sandbox {quiet} --disable-component-update".split(),
        f"--user-data-dir={profile}",
        f"--virtual-time-budget={seconds * 1000}",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_it_serves_on_a_free_port_and_leaves_nothing_running(capfd: pytest.CaptureFixture[str]) -> None:
    tasks, handler = asyncio.all_tasks(), signal.getsignal(signal.SIGINT)
    sandbox = Sandbox()
    async with serve(sandbox) as url:
        await move(url)
        assert signal.getsignal(signal.SIGINT) is handler
    assert [chat.user_name for chat in sandbox.queue()] == ["asha"]
    assert asyncio.all_tasks() == tasks
    with pytest.raises(httpx.ConnectError):
        await move(url)
    assert urlsplit(url).hostname == "127.0.0.1"
    assert capfd.readouterr().out == ""


async def fail_in_the_middle_of_a_request() -> None:
    async with serve(Sandbox()) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(b"POST /integration/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        await writer.drain()
        raise LookupError(reader)


async def test_it_ends_with_a_request_in_flight_and_when_its_user_fails() -> None:
    with pytest.raises(LookupError) as caught:
        await fail_in_the_middle_of_a_request()
    reader: asyncio.StreamReader = caught.value.args[0]
    await reader.read()
    assert reader.at_eof()


async def test_two_can_run_at_once() -> None:
    one, two = Sandbox(), Sandbox()
    async with serve(one) as first, serve(two) as second:
        await move(first)
        assert first != second
    assert (len(one.queue()), len(two.queue())) == (1, 0)


@pytest.mark.parametrize("port", [-1, 70_000])
async def test_a_port_that_cannot_exist_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Port {port} "):
        async with serve(Sandbox(), port):
            pass


async def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} .* or 0 for a free one"):
            async with serve(Sandbox(), port):
                pass


async def test_a_named_port_can_be_had_again_at_once() -> None:
    async with serve(Sandbox()) as url:
        await move(url)
    async with serve(Sandbox(), urlsplit(url).port or 0) as again:
        await move(again)
    assert again == url


async def test_no_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve(Sandbox()) as url:
        await move(url)
    assert caplog.records
    assert "demo-token" not in caplog.text


async def test_events_reach_a_real_webhook_and_are_tried_again() -> None:
    arrived: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    answers = iter([500, 200, 200])

    async def hook(request: Request) -> Response:
        arrived.put_nowait((request.headers["x-hub-signature"], await request.body()))
        return Response(status_code=next(answers))

    sandbox = Sandbox()
    receiver = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    async with (
        serve_app(receiver) as target,
        serve(sandbox) as url,
        httpx.AsyncClient(base_url=url, timeout=SECONDS) as client,
    ):
        await client.post("/_sandbox/webhook", json={"url": f"{target}/hook", "secret": "s"})
        sandbox.say("asha", 1201, "Hello", sender="bot")
        first = await arrived.get()
        await client.post("/_sandbox/clock", json={"advance": 5})
        assert await arrived.get() == first
        sandbox.say("asha", 1201, "Bye", sender="bot")
        second = await arrived.get()
    for signature, body in (first, second):
        assert signature == "sha1=" + hmac.new(b"s", body, hashlib.sha1).hexdigest()
    assert [json.loads(body)["message"]["body"]["text"] for _, body in (first, second)] == ["Hello", "Bye"]


@needs_browser
async def test_the_browser_shows_a_chat_that_was_queued(tmp_path: Path) -> None:
    async with serve(Sandbox()) as url:
        await move(url)
        dom = await dom_of(url, tmp_path, seconds=1)
    assert "<title>Haptik sandbox</title>" in dom
    assert ">asha</a>" in dom
    assert "counting down" in dom


@needs_browser
async def test_the_page_keeps_itself_up_to_date(tmp_path: Path) -> None:
    # Each look at the page reads the clock a few times: the first cannot see the countdown's end, a minute's can.
    async with serve(Sandbox(clock=StepClock(0.2))) as url:
        await move(url)
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            assert "counting down, 10 s left" in (await client.get(url)).text
        dom = await dom_of(url, tmp_path, seconds=60)
    assert "waiting for" in dom
    assert "s left" not in dom
    assert 'id="lost" class="notice" role="alert" hidden' in dom


HOSTS = [
    ("127.0.0.1", 200),
    ("localhost", 200),
    ("localhost:{port}", 200),
    ("[::1]:{port}", 200),
    ("evil.example", 403),
    ("evil.example:{port}", 403),
    ("127.0.0.1.evil.example", 403),
    ("localhost.evil.example:{port}", 403),
    ("user@evil.example", 403),
    ("", 403),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
@pytest.mark.parametrize("path", ["/", "/_sandbox/state", "/_sandbox/live", "/_sandbox/static/page.css"])
async def test_page_and_state_are_read_under_this_machines_names_only(host: str, status: int, path: str) -> None:
    async with serve(Sandbox()) as url, httpx.AsyncClient(timeout=SECONDS) as client:
        name = host.replace("{port}", str(urlsplit(url).port))
        answer = await client.get(url + path, headers={"Host": name})
        assert answer.status_code == status
        # The platform's calls need a token, and may come under any name.
        called = await client.post(url + PATH, headers={**HEADERS, "Host": name}, json=BODY)
        assert called.status_code == 200
