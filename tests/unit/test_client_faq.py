from __future__ import annotations

import io
from collections.abc import Callable
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from haptik_actions import errors
from haptik_actions.client import FaqTask, HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials

SERVER = PlatformServer("https://haptik.example")
STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
ROWS = "node_name,question,answer\nhours,When are you open?|öffnungszeiten,9 to 5<m>Every day\n".encode()
TASK = "fe139ce5-f4c3-4383-bacb-64a546cb0b6c"
CREATED = {"success": True, "body": {"task_id": TASK}, "error": "", "meta": {}}


def status(words: str) -> dict[str, Any]:
    return {"success": True, "body": {"status": words}, "error": "", "meta": {}}


class Platform:
    def __init__(self, *answers: dict[str, Any] | httpx.Response) -> None:
        self.answers, self.requests = list(answers), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


class Naps:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def client_for(platform: Platform, **options: Any) -> HaptikClient:
    return HaptikClient(SERVER, STATIC, transport=httpx.MockTransport(platform), **{"retries": 0, **options})


def parts(request: httpx.Request) -> dict[str, Message]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser().parsebytes(head + request.content)
    return {str(part.get_param("name", header="content-disposition")): part for part in form.walk() if part is not form}


@pytest.mark.parametrize(
    ("give", "name"),
    [
        (lambda path: path, "faq nodes.csv"),
        (str, "faq nodes.csv"),
        (lambda path: path.read_bytes(), "faq.csv"),
        (lambda path: path.open("rb"), "faq nodes.csv"),
        (lambda path: io.BytesIO(path.read_bytes()), "faq.csv"),
    ],
)
async def test_the_upload_is_the_documented_form(tmp_path: Path, give: Callable[[Path], Any], name: str) -> None:
    path = tmp_path / "faq nodes.csv"
    path.write_bytes(ROWS)
    platform = Platform(CREATED)
    async with client_for(platform) as client:
        assert await client.create_faq_nodes(domain_name="shop bot", csv_file=give(path)) == TASK
    request = platform.requests[0]
    assert (request.method, request.url.path) == ("POST", "/mogambo_api/nodes/faq/create/")
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert request.headers["content-length"] == str(len(request.content))
    form = parts(request)
    assert form["domain_name"].get_payload(decode=True) == b"shop bot"
    assert form["csv_file"].get_payload(decode=True) == ROWS
    assert form["csv_file"].get_filename() == name


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"domain_name": "", "csv_file": ROWS}, "domain_name"),
        ({"domain_name": "shop", "csv_file": b""}, r"faq\.csv is empty"),
        ({"domain_name": "shop", "csv_file": "/no/such/file.csv"}, r"file\.csv"),
    ],
)
async def test_an_upload_that_cannot_work_is_not_sent(arguments: dict[str, Any], named: str) -> None:
    platform = Platform(CREATED)
    async with client_for(platform) as client:
        with pytest.raises(errors.ConfigurationError, match=named):
            await client.create_faq_nodes(**arguments)
    assert platform.requests == []


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("all nodes has been created successfully", "succeeded"),
        ("Nodes has been created successfully", "succeeded"),
        ("Success", "succeeded"),
        ("In Progress", "in_progress"),
        ("Node Creation is in progress", "in_progress"),
        ("Error: the answer of node 'success' is empty", "failed"),
        ("KeyError('In Progress')", "failed"),
        ("unsuccessful", "failed"),
    ],
)
async def test_a_task_has_a_state_and_the_platforms_own_words(words: str, state: Any) -> None:
    platform = Platform(status(words))
    async with client_for(platform) as client:
        assert await client.faq_task(TASK) == FaqTask(TASK, state, words)
    assert platform.requests[0].method == "GET"
    assert platform.requests[0].url.path == f"/mogambo_api/nodes/faq/create/status/{TASK}/"


@pytest.mark.parametrize(
    "words", ["Exception: node A is broken", "In Progress", "all nodes has been created successfully"]
)
async def test_a_task_that_says_no_has_failed_with_its_words(words: str) -> None:
    platform = Platform({"success": False, "body": {"status": words}, "error": ""})
    async with client_for(platform) as client:
        assert await client.faq_task(TASK) == FaqTask(TASK, "failed", words)


@pytest.mark.parametrize("body", [None, "x", {}, {"status": None}, {"status": " "}, {"status": 5}])
async def test_a_no_without_words_is_an_error(body: Any) -> None:
    platform = Platform({"success": False, "body": body, "error": ""})
    async with client_for(platform) as client:
        with pytest.raises(errors.ApiError):
            await client.faq_task(TASK)


async def test_a_no_with_an_error_is_that_error() -> None:
    platform = Platform({"success": False, "body": {"status": "x"}, "error": "invalid doman"})
    async with client_for(platform) as client:
        with pytest.raises(errors.UnknownDomain):
            await client.faq_task(TASK)


async def test_a_task_id_cannot_leave_its_place_in_the_path() -> None:
    platform = Platform(status("In Progress"))
    async with client_for(platform) as client:
        await client.faq_task("../../x?y")
    assert platform.requests[0].url.raw_path == b"/mogambo_api/nodes/faq/create/status/..%2F..%2Fx%3Fy/"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (400, "invalid doman", errors.UnknownDomain),
        (401, "Unauthorized Access or invalid token", errors.AuthenticationError),
        (400, "Invalid or bad request body", errors.InvalidRequest),
        (403, "Access Forbidden", errors.AccessForbidden),
        (401, "", errors.AuthenticationError),
        (403, "", errors.AccessForbidden),
        (400, "columns?", errors.ApiError),
    ],
)
@pytest.mark.parametrize("call", ["create", "status"])
async def test_every_row_of_the_error_table(code: int, message: str, kind: type[errors.ApiError], call: str) -> None:
    platform = Platform(httpx.Response(code, json={"error_message": message}))
    async with client_for(platform) as client:
        upload = client.create_faq_nodes(domain_name="shop", csv_file=ROWS)
        made = upload if call == "create" else client.faq_task(TASK)
        with pytest.raises(errors.ApiError) as caught:
            await made
        upload.close()
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "content",
    [{}, {"success": True}, {"success": True, "body": []}, {"success": True, "body": {}}, {"body": {"task_id": "x"}}],
)
async def test_another_shape_is_unexpected(content: dict[str, Any]) -> None:
    async with client_for(Platform(content)) as client:
        with pytest.raises(errors.UnexpectedResponse):
            await client.create_faq_nodes(domain_name="shop", csv_file=ROWS)
        if content.get("body") != {"task_id": "x"}:
            with pytest.raises(errors.UnexpectedResponse):
                await client.faq_task(TASK)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_waiting_reports_progress_and_passes_over_what_passes(asynchronous: bool) -> None:
    platform = Platform(
        status("In Progress"),
        httpx.Response(503),
        status("In Progress"),
        status("all nodes has been created successfully"),
    )
    seen: list[str] = []

    def report(task: FaqTask) -> None:
        seen.append(task.state)

    async def report_later(task: FaqTask) -> None:
        seen.append(task.state)

    naps = Naps()
    async with client_for(platform, sleep=naps) as client:
        task = await client.wait_for_faq_task(TASK, on_progress=report_later if asynchronous else report)
    assert task.state == "succeeded"
    assert seen == ["in_progress", "in_progress", "succeeded"]
    assert naps.seconds == [1.0, 1.5, 2.25]


async def test_waiting_ends_with_a_failed_task_and_with_a_lasting_refusal() -> None:
    async with client_for(Platform(status("Error: row 3")), sleep=Naps()) as client:
        assert await client.wait_for_faq_task(TASK) == FaqTask(TASK, "failed", "Error: row 3")
    async with client_for(Platform(httpx.Response(401, json={})), sleep=Naps()) as client:
        with pytest.raises(errors.AuthenticationError):
            await client.wait_for_faq_task(TASK)


async def test_waiting_is_bounded_and_names_the_task() -> None:
    async with client_for(Platform(status("In Progress"))) as client:
        with pytest.raises(errors.DeadlineExceeded, match=TASK):
            await client.wait_for_faq_task(TASK, timeout=0.05, interval=0.01)
