"""The sandbox's faults: what each does to a caller, in process and over a socket, and when it strikes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Fault, Sandbox, serve
from tests.support.patience import SECONDS

SEND = "/integration/external/v1.0/send_chat_to_agent/"
HISTORY = "/integration/external/v2.0/get_chat_history/"
CREATE = "/mogambo_api/nodes/faq/create/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
BODY = {"user_name": "asha", "business_id": 1201, "team_name": "orders"}
# Long for a machine that is busy, short beside a fault that lasts for ever.
PATIENCE = httpx.Timeout(5, read=0.5)


@asynccontextmanager
async def in_process(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = sandbox.transport()
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=HEADERS) as client:
        yield client


@asynccontextmanager
async def over_a_socket(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(sandbox) as url, httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=SECONDS) as client:
        yield client


WAYS = [in_process, over_a_socket]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(clock=lambda: 100.0)


async def send(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(SEND, json=BODY, timeout=PATIENCE)


def seen(answer: httpx.Response) -> tuple[int, str, str | None]:
    return answer.status_code, answer.text, answer.headers.get("retry-after")


GATEWAY = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "status", "text", "retry_after", "is_queued"),
    [
        (Fault.latency(0.01), 200, '{"success":true}', None, True),
        (Fault.latency(0.01, carried_out=True), 200, '{"success":true}', None, True),
        (Fault.status(503), 503, GATEWAY.format("503 Service Temporarily Unavailable"), None, False),
        (Fault.status(502), 502, GATEWAY.format("502 Bad Gateway"), None, False),
        (Fault.status(599), 599, GATEWAY.format("599"), None, False),
        (
            Fault.status(500, "An unknown error occurred"),
            500,
            '{"error_message":"An unknown error occurred"}',
            None,
            False,
        ),
        (Fault.rate_limited(), 429, '{"error_message":"too many requests"}', None, False),
        (Fault.rate_limited(7), 429, '{"error_message":"too many requests"}', "7", False),
        (Fault.unsuccessful(), 200, '{"success":false}', None, False),
        (Fault.malformed(), 200, '{"success":true', None, True),
    ],
)
async def test_a_fault_that_answers(
    sandbox: Sandbox, way: Any, fault: Fault, status: int, text: str, retry_after: str | None, is_queued: bool
) -> None:
    sandbox.fail(fault)
    async with way(sandbox) as client:
        assert seen(await send(client)) == (status, text, retry_after)
    assert bool(sandbox.queue()) is is_queued
    assert [(entry.status, entry.fault) for entry in sandbox.journal] == [(status, fault.kind)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "error", "status", "is_queued"),
    [
        (Fault.reset(times=1), httpx.ReadError, 0, False),
        (Fault.reset(times=1, carried_out=True), httpx.ReadError, 0, True),
        (Fault.hang(times=1), httpx.ReadTimeout, 0, False),
        (Fault.hang(times=1, carried_out=True), httpx.ReadTimeout, 0, True),
        (Fault.truncated(times=1), httpx.RemoteProtocolError, 200, True),
        (Fault.latency(60, times=1), httpx.ReadTimeout, 0, False),
        (Fault.latency(60, times=1, carried_out=True), httpx.ReadTimeout, 0, True),
    ],
)
async def test_a_fault_that_does_not(
    sandbox: Sandbox, way: Any, fault: Fault, error: type[Exception], status: int, is_queued: bool
) -> None:
    sandbox.fail(fault)
    async with way(sandbox) as client:
        with pytest.raises(error):
            await send(client)
        assert bool(sandbox.queue()) is is_queued
        assert (await send(client)).json() == {"success": True}
    [struck] = [entry for entry in sandbox.journal if entry.fault]
    assert (struck.status, struck.fault, struck.body) == (status, fault.kind, BODY)


async def test_the_journal_knows_a_broken_connection_before_the_caller_does(sandbox: Sandbox) -> None:
    sandbox.fail(Fault.reset())
    async with over_a_socket(sandbox) as client:
        with pytest.raises(httpx.ReadError):
            await send(client)
        assert [entry.fault for entry in sandbox.journal] == ["reset"]


async def test_nothing_is_logged_as_an_error(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    for fault in (Fault.reset(times=1), Fault.truncated(times=1), Fault.hang(times=1)):
        sandbox.fail(fault)
    async with over_a_socket(sandbox) as client:
        for _ in range(3):
            with pytest.raises(httpx.TransportError):
                await send(client)
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


async def test_times(sandbox: Sandbox) -> None:
    sandbox.fail(Fault.status(503, times=2))
    async with in_process(sandbox) as client:
        assert [(await send(client)).status_code for _ in range(4)] == [503, 503, 200, 200]


@pytest.mark.parametrize("way", [None, "fault"])
async def test_an_endpoint(sandbox: Sandbox, way: str | None) -> None:
    if way:
        sandbox.fail(Fault(kind="status", code=503, endpoint="get_chat_history"))
    else:
        sandbox.fail(Fault.status(503), endpoint="get_chat_history")
    async with in_process(sandbox) as client:
        paths = [HISTORY, HISTORY.replace("2", "1"), CREATE, f"{CREATE}status/x/", "/nothing/"]
        answers = [(await client.get(path)).status_code for path in paths]
        assert (await send(client)).status_code == 200
    assert answers == [503, 503, 405, 404, 404]


@pytest.mark.parametrize(
    ("endpoint", "method", "path"),
    [
        ("send_chat_to_agent", "POST", SEND),
        ("get_chat_history", "GET", HISTORY),
        ("create_faq_nodes", "POST", CREATE),
        ("faq_task", "GET", f"{CREATE}status/x/"),
    ],
)
async def test_each_endpoint_has_its_name(sandbox: Sandbox, endpoint: Any, method: str, path: str) -> None:
    sandbox.fail(Fault.status(599), endpoint=endpoint)
    async with in_process(sandbox) as client:
        assert (await client.request(method, path)).status_code == 599
    assert [entry.endpoint for entry in sandbox.journal] == [endpoint]


async def test_a_probability_is_drawn_from_the_faults_own_seed(sandbox: Sandbox) -> None:
    async def pattern(seed: int) -> list[int]:
        sandbox.reset()
        sandbox.fail(Fault.status(503, probability=0.5, seed=seed))
        async with in_process(sandbox) as client:
            return [(await send(client)).status_code for _ in range(20)]

    first = await pattern(1)
    assert await pattern(1) == first
    assert await pattern(2) != first
    assert set(first) == {200, 503}


async def test_latencies_add_up_and_of_the_others_the_first_decides(sandbox: Sandbox) -> None:
    for fault in (Fault.status(503, times=1), Fault.latency(0.01), Fault.latency(0.01), Fault.status(502, times=1)):
        sandbox.fail(fault)
    async with in_process(sandbox) as client:
        assert [(await send(client)).status_code for _ in range(3)] == [503, 502, 200]
        listed = (await client.get("/_sandbox/faults")).json()
    assert [fault["struck"] for fault in listed] == [1, 3, 3, 1]
    assert [fault["spent"] for fault in listed] == [True, False, False, True]


async def test_a_refused_request_can_be_broken_too(sandbox: Sandbox) -> None:
    sandbox.fail(Fault.malformed())
    async with in_process(sandbox) as client:
        answer = await client.post(SEND, json={}, headers={"Authorization": ""})
    assert seen(answer)[:2] == (401, '{"error_message":"token missing in headers"')


async def test_an_outage_is_a_fault_that_comes_first(sandbox: Sandbox) -> None:
    sandbox.fail(Fault.unsuccessful(times=1))
    sandbox.outage = True
    async with in_process(sandbox) as client:
        assert (await send(client)).status_code == 503
        assert [fault["kind"] for fault in (await client.get("/_sandbox/faults")).json()] == ["status", "unsuccessful"]
        sandbox.outage = False
        assert (await send(client)).json() == {"success": False}
    sandbox.fail(Fault.status(503))
    assert sandbox.outage
    sandbox.clear_faults()
    assert not sandbox.outage


async def test_the_control_plane_adds_lists_and_clears(sandbox: Sandbox) -> None:
    fault = {"kind": "status", "endpoint": "send_chat_to_agent", "code": 429, "retry_after": 3, "times": 1}
    async with in_process(sandbox) as client:
        listed = [{**fault, "struck": 0, "spent": False}]
        assert (await client.post("/_sandbox/faults", json=fault)).json() == listed
        assert seen(await send(client))[2] == "3"
        assert (await client.get("/_sandbox/faults")).json() == [{**fault, "struck": 1, "spent": True}]
        assert (await client.delete("/_sandbox/faults")).json() == []


async def test_faults_of_the_state_are_there_from_the_start_and_after_a_reset() -> None:
    partners = [{"client_id": "demo-client", "token": "demo-token"}]
    state = {"partners": partners, "faults": [{"kind": "status", "code": 503, "times": 1}]}
    sandbox = Sandbox.from_mapping(state)
    async with in_process(sandbox) as client:
        assert [(await send(client)).status_code for _ in range(2)] == [503, 400]
        sandbox.fail(Fault.hang())
        sandbox.reset()
        assert [(await send(client)).status_code for _ in range(2)] == [503, 400]


@pytest.mark.parametrize("raises", [True, False])
async def test_over_httpx_s_own_asgi_transport_a_reset_is_what_the_app_raises(sandbox: Sandbox, raises: bool) -> None:
    sandbox.fail(Fault.reset())
    transport = httpx.ASGITransport(sandbox.app, raise_app_exceptions=raises)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=HEADERS) as client:
        if raises:
            with pytest.raises(ConnectionResetError):
                await send(client)
        else:
            assert (await send(client)).status_code == 500


async def test_the_transport_needs_no_time_out(sandbox: Sandbox) -> None:
    transport = sandbox.transport()
    request = httpx.Request("POST", f"http://sandbox{SEND}", json=BODY, headers=HEADERS)
    response = await transport.handle_async_request(request)
    assert await response.aread() == b'{"success":true}'


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "status"}, "code: None is not an HTTP status"),
        ({"kind": "status", "code": 99}, "code: 99 is not an HTTP status"),
        ({"kind": "status", "code": 503, "seconds": 1}, "seconds: means nothing to a fault of the kind status"),
        ({"kind": "status", "code": 503, "carried_out": True}, "carried_out: means nothing"),
        ({"kind": "status", "code": 429, "retry_after": -1}, "retry_after: -1"),
        ({"kind": "latency"}, "seconds: None"),
        ({"kind": "latency", "seconds": -1}, "seconds: -1"),
        ({"kind": "latency", "seconds": float("nan")}, "seconds: nan"),
        ({"kind": "truncated", "carried_out": True}, "carried_out: means nothing"),
        ({"kind": "hang", "times": 0}, "times: 0 is not 1 or more"),
        ({"kind": "hang", "probability": 0}, "probability: 0 is not above 0"),
        ({"kind": "hang", "probability": 1.1}, "probability: 1.1"),
        ({"kind": "hang", "endpoint": "send_chat"}, "Did you mean 'send_chat_to_agent'?"),
    ],
)
def test_a_fault_that_cannot_work_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Fault(**fields)
    assert problem in str(caught.value)


def test_an_unknown_endpoint_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="no API is called 'history'"):
        sandbox.fail(Fault.hang(), endpoint="history")  # type: ignore[arg-type]


FAULTS = st.builds(
    Fault.status, st.integers(200, 599), st.none() | st.text(max_size=5), times=st.none() | st.integers(1, 3)
) | st.builds(Fault.truncated, times=st.integers(1, 3), probability=st.floats(0.1, 1))


@given(st.lists(FAULTS, max_size=5))
async def test_faults_strike_no_more_often_than_they_may(faults: list[Fault]) -> None:
    sandbox = Sandbox()
    for fault in faults:
        sandbox.fail(fault)
    async with in_process(sandbox) as client:
        for _ in range(5):
            try:
                assert (await send(client)).status_code
            except httpx.RemoteProtocolError:
                assert sandbox.journal[-1].fault == "truncated"
        for listed in (await client.get("/_sandbox/faults")).json():
            assert listed["struck"] <= listed.get("times", 5)
    assert sum(entry.fault is not None for entry in sandbox.journal) <= 5
