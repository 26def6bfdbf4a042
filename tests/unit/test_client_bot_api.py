"""The Bot API: what is sent, what is made of the answer, and every row of its table of errors."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions import errors
from haptik_actions.client import (
    MAX_FILE_BYTES,
    BotUser,
    HaptikClient,
    LoggedMessage,
    PlatformServer,
    file_kind,
    was_not_sent,
)
from haptik_actions.credentials import Credentials, CredentialsByBusiness, StaticCredentials

SERVER = PlatformServer("https://haptik.example")
MESSENGER = PlatformServer.messenger("https://messenger.example")
STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
FIXTURES = Path(__file__).parents[1] / "fixtures" / "haptik-bot-api"
USER = "r4c1e9a7"
PNG = b"\x89PNG\r\n\x1a\n"

Call = Callable[[HaptikClient], Awaitable[Any]]

FEEDBACK: dict[str, Any] = {"auth_id": USER, "business_id": 343, "query_resolved": True, "query_rating": 5}
MESSAGE: dict[str, Any] = {"auth_id": USER, "business_id": 343, "message_body": "where is order 1001"}
FILE: dict[str, Any] = {"auth_id": USER, "business_id": 343, "kind": "image", "name": "a.png", "content": PNG}

CALLS: dict[str, Call] = {
    "create": lambda c: c.create_user(auth_id=USER),
    "update": lambda c: c.update_user(auth_id=USER),
    "message": lambda c: c.log_message_from_user(**MESSAGE),
    "file": lambda c: c.log_file_from_user(**FILE),
    "feedback": lambda c: c.log_feedback_from_user(**FEEDBACK),
    "webhook": lambda c: c.enable_webhook(business_id=343),
}
GOOD: dict[str, dict[str, Any]] = {
    "create": {"auth_id": USER},
    "update": {"auth_id": USER},
    "message": {"message_id": 7},
    "file": {"message_id": 7},
    "feedback": {"success": True},
    "webhook": {"enabled": True},
}


def fixture(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FIXTURES / name).read_text(encoding="utf-8"))
    return content


class Platform:
    def __init__(self, content: Any, status: int = 200) -> None:
        self.content, self.status, self.requests = content, status, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.content, type):
            raise self.content("broken")
        return httpx.Response(self.status, json=self.content)


def client_for(platform: Any, **options: Any) -> HaptikClient:
    given = {"credentials": STATIC, "messenger": MESSENGER, "retries": 0, **options}
    return HaptikClient(SERVER, given.pop("credentials"), transport=httpx.MockTransport(platform), **given)


async def sent_by(call: Call, content: Any, status: int = 200) -> tuple[httpx.Request, Any]:
    platform = Platform(content, status)
    async with client_for(platform) as client:
        result = await call(client)
    (request,) = platform.requests
    return request, result


async def refused(call: Call, content: Any, status: int) -> errors.HaptikError:
    async with client_for(Platform(content, status)) as client:
        with pytest.raises(errors.HaptikError) as caught:
            await call(client)
    return caught.value


DOCUMENTED: list[tuple[str, Call, Any]] = [
    (
        "create-user.json",
        lambda c: c.create_user(auth_id=USER, name="Asha", language_code="en", custom_data={"plan": "gold"}),
        BotUser(auth_id=USER, name="Asha"),
    ),
    (
        "log-message-from-user.json",
        lambda c: c.log_message_from_user(**MESSAGE),
        LoggedMessage(
            message_id=90412,
            message_body="where is order 1001",
            created_at=datetime(2026, 11, 30, 10, 41, 27, 980_000, tzinfo=timezone.utc),
        ),
    ),
    ("log-feedback-from-user.json", lambda c: c.log_feedback_from_user(**FEEDBACK, feedback="quick"), None),
]


@pytest.mark.parametrize(("name", "call", "result"), DOCUMENTED, ids=[name for name, *_ in DOCUMENTED])
async def test_a_documented_exchange(name: str, call: Call, result: Any) -> None:
    documented = fixture(name)
    request, made = await sent_by(call, documented["response"]["body"], documented["response"]["status"])
    assert request.method == documented["request"]["method"]
    assert str(request.url) == "https://messenger.example" + documented["request"]["path"]
    assert json.loads(request.content) == documented["request"]["body"]
    assert request.headers["Authorization"] == "Bearer s3cr3t-token"
    assert request.headers["client-id"] == "client-1"
    assert request.headers["Host"] == "messenger.example"
    assert made == result


async def test_an_update_leaves_out_what_is_not_given() -> None:
    request, user = await sent_by(
        lambda c: c.update_user(auth_id=USER, email="asha@shop.example", mobile_no="+91 98765 43210"),
        {"auth_id": USER, "mobile_no": 919876543210, "email": "asha@shop.example", "name": None, "plan": {"a": []}},
    )
    assert (request.method, request.url.path) == ("PUT", "/v1.0/user/")
    body = {"auth_id": USER, "email": "asha@shop.example", "mobile_no": "+91 98765 43210"}
    assert json.loads(request.content) == body
    assert user == BotUser(auth_id=USER, email="asha@shop.example", mobile_no="919876543210")


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_webhook_is_switched(enabled: bool) -> None:
    call: Call = lambda c: c.enable_webhook(business_id=343, enabled=enabled)  # noqa: E731
    request, _ = await sent_by(call, {"enabled": enabled})
    assert (request.method, request.url.path) == ("POST", "/v1.0/webhook/")
    assert json.loads(request.content) == {"enabled": enabled, "business_id": "343", "device_platform": 13}
    assert type(await refused(call, {"enabled": not enabled}, 200)) is errors.UnexpectedResponse


def parts(request: httpx.Request) -> dict[str, Message]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser().parsebytes(head + request.content)
    return {str(part.get_param("name", header="content-disposition")): part for part in form.walk() if part is not form}


@pytest.mark.parametrize(
    ("kind", "name", "number", "content_type"),
    [
        ("image", "a.png", b"1", "image/png"),
        ("image", "C:\\photos\\A.JPG", b"1", "image/jpeg"),
        ("document", "/tmp/invoice.pdf", b"52", "application/pdf"),
        ("document", "größe.csv", b"52", "text/csv"),
    ],
)
@pytest.mark.parametrize("from_disk", [False, True])
async def test_a_file_goes_as_the_documented_form(
    tmp_path: Path, kind: Any, name: str, number: bytes, content_type: str, from_disk: bool
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(PNG)
    given: dict[str, Any] = {**FILE, "kind": kind, "name": name, "content": path if from_disk else PNG}
    reply = {"message_id": "90413", "message_body": "", "created_at": "soon", "file_url": "https://files.example/1"}
    request, logged = await sent_by(lambda c: c.log_file_from_user(**given, message_body="my receipt"), reply)
    assert (request.method, request.url.path) == ("POST", "/v1.0/log_file_from_user/")
    form = parts(request)
    payloads = {key: part.get_payload(decode=True) for key, part in form.items()}
    assert payloads == {
        "auth_id": USER.encode(),
        "business_id": b"343",
        "message_type": number,
        "message_body": b"my receipt",
        "file": PNG,
    }
    assert form["file"].get_content_type() == content_type
    assert not {"/", "\\", ":"} & set(form["file"].get_filename() or "/")
    assert logged == LoggedMessage(message_id=90413, file_url="https://files.example/1")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[(f"x.{ending}", "image") for ending in ("jpg", "jpeg", "png", "gif", "PNG")],
        *[(f"x.{ending}", "document") for ending in ("docx", "doc", "pdf", "xls", "xlsx", "csv")],
        *[(name, None) for name in ("x.exe", "x", "png", ".png", "", "x.png.zip", "x.")],
    ],
)
def test_the_ending_tells_the_kind(name: str, kind: str | None) -> None:
    assert file_kind(name) == kind


NOT_FLAT: list[Any] = [
    *([], "x", {"a": {}}, {"a": []}, {"": 1}, {1: 1}, {"a": float("nan")}, {"a": 2**64}, {"a": "\udc00"}),
]
WRONG: list[tuple[str, dict[str, Any], str]] = [
    *[
        ("create_user", {"auth_id": bad}, "auth_id")
        for bad in ("", "a-b", "a b", "ä1", "١", "a\n", None, 5, True, b"a", "a\ud83d")
    ],
    *[("create_user", {"language_code": bad}, "language_code") for bad in ("EN", "eng", "en-IN", "", "e1", 5)],
    *[
        ("create_user", {field: bad}, field)
        for field in ("name", "email", "mobile_no")
        for bad in ("", " ", 5, "\ud83d")
    ],
    *[("create_user", {"custom_data": bad}, "custom_data") for bad in NOT_FLAT],
    ("log_message_from_user", {**MESSAGE, "message_body": ""}, "message_body"),
    ("log_message_from_user", {**MESSAGE, "message_body": "a\ud83d"}, "message_body"),
    ("log_message_from_user", {**MESSAGE, "business_id": "acme"}, "business_id"),
    ("log_message_from_user", {**MESSAGE, "auth_id": " "}, "auth_id"),
    ("log_file_from_user", {**FILE, "kind": "video"}, "kind"),
    ("log_file_from_user", {**FILE, "kind": "document"}, "document"),
    ("log_file_from_user", {**FILE, "name": "a.exe"}, "image"),
    ("log_file_from_user", {**FILE, "name": ""}, "name"),
    ("log_file_from_user", {**FILE, "name": "folder/"}, "image"),
    ("log_file_from_user", {**FILE, "content": b""}, "empty"),
    ("log_file_from_user", {**FILE, "content": 5}, "content"),
    ("log_file_from_user", {**FILE, "content": "/no/such/file.png"}, "cannot be read"),
    ("log_file_from_user", {**FILE, "content": "a\0b"}, "cannot be read"),
    ("log_file_from_user", {**FILE, "content": bytes(MAX_FILE_BYTES + 1)}, "10 MB"),
    ("log_file_from_user", {**FILE, "auth_id": 5}, "auth_id"),
    ("log_file_from_user", {**FILE, "business_id": None}, "business_id"),
    *[("log_feedback_from_user", {**FEEDBACK, "query_rating": bad}, "query_rating") for bad in (0, 6, "x", None, True)],
    *[("log_feedback_from_user", {**FEEDBACK, "query_resolved": bad}, "query_resolved") for bad in (1, "yes", None)],
    ("log_feedback_from_user", {**FEEDBACK, "feedback": " "}, "feedback"),
    ("enable_webhook", {"business_id": None}, "business_id"),
    ("enable_webhook", {"business_id": 343, "enabled": "yes"}, "enabled"),
]


async def test_a_user_whom_haptik_has_named_itself_is_written_to() -> None:
    platform = Platform({"message_id": 1, "message_body": "hello", "created_at": "", "message_type": 0})
    async with client_for(platform) as client:
        await client.log_message_from_user(**{**MESSAGE, "auth_id": "auth-1"})
    assert json.loads(platform.requests[0].content)["user"] == {"auth_id": "auth-1"}


@pytest.mark.parametrize(("method", "arguments", "named"), WRONG, ids=str)
async def test_an_argument_that_cannot_work_is_named_and_nothing_is_sent(
    method: str, arguments: dict[str, Any], named: str
) -> None:
    platform = Platform({})
    arguments = {"auth_id": USER, **arguments} if method == "create_user" else arguments
    async with client_for(platform) as client:
        with pytest.raises(errors.ConfigurationError, match=named):
            await getattr(client, method)(**arguments)
    assert platform.requests == []


async def test_the_largest_file_is_taken() -> None:
    given = {**FILE, "content": bytes(MAX_FILE_BYTES)}
    _, logged = await sent_by(lambda c: c.log_file_from_user(**given), {"message_id": 1})
    assert logged == LoggedMessage(message_id=1)


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
async def test_without_a_messenger_the_setting_is_named(call: Call) -> None:
    platform = Platform({})
    async with client_for(platform, messenger=None) as client:
        with pytest.raises(errors.ConfigurationError, match="HAPTIK_MESSENGER_URL"):
            await call(client)
    assert platform.requests == []


@pytest.mark.parametrize("url", ["http://messenger.example", "https://", "https://[bad", "https://m.example/?a=1", ""])
def test_a_messenger_url_that_cannot_work_names_its_own_setting(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="HAPTIK_MESSENGER_URL"):
        PlatformServer.messenger(url)


TABLE: list[tuple[str, int, dict[str, Any], type[errors.ApiError]]] = [
    *[
        (name, 401, {"error_message": "invalid authorization details"}, errors.AuthenticationError)
        for name in ("create", "update", "message", "file", "feedback", "webhook")
    ],
    ("message", 403, fixture("log-message-from-user.json")["unknown_user"]["body"], errors.UserNotRegistered),
    ("file", 403, {"error_message": "user is not registered"}, errors.UserNotRegistered),
    ("feedback", 403, fixture("log-feedback-from-user.json")["unknown_user"]["body"], errors.UserNotRegistered),
    ("feedback", 404, fixture("log-feedback-from-user.json")["no_agent"]["body"], errors.NoActiveConversation),
    *[
        (
            "feedback",
            status,
            fixture("log-feedback-from-user.json")["twice_in_an_hour"]["body"],
            errors.DuplicateFeedback,
        )
        for status in (200, 400, 403, 409)
    ],
    ("message", 403, {"error_message": "no entry"}, errors.AccessForbidden),
    ("message", 500, {}, errors.ServerError),
]


@pytest.mark.parametrize(("name", "status", "content", "kind"), TABLE, ids=str)
async def test_every_row_of_the_error_table(
    name: str, status: int, content: dict[str, Any], kind: type[errors.ApiError]
) -> None:
    error = await refused(CALLS[name], content, status)
    assert type(error) is kind
    assert error.remedy
    assert error.status == status


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("name", list(CALLS))
async def test_what_the_platform_has_taken_is_no_failure_and_new_keys_are_ignored(name: str, status: int) -> None:
    await sent_by(CALLS[name], {**GOOD[name], "queue": {"position": [1]}}, status)


@pytest.mark.parametrize("name", list(CALLS))
@pytest.mark.parametrize("content", [{}, [], {"success": 1}, {"message_id": None}, {"message_id": "x"}, {"auth_id": 5}])
async def test_another_shape_is_unexpected(name: str, content: Any) -> None:
    assert type(await refused(CALLS[name], content, 200)) is errors.UnexpectedResponse


REPEATABLE = {"update", "webhook"}


@pytest.mark.parametrize("name", list(CALLS))
@pytest.mark.parametrize(
    ("failure", "sent"), [(httpx.ConnectError, False), (httpx.ReadError, True), (httpx.ReadTimeout, True)]
)
async def test_what_was_sent_is_repeated_only_where_that_does_no_harm(
    name: str, failure: type[Exception], sent: bool
) -> None:
    async def no_pause(_: float) -> None:
        pass

    platform = Platform(failure)
    async with client_for(platform, retries=2, sleep=no_pause) as client:
        with pytest.raises(errors.TransportError) as caught:
            await CALLS[name](client)
    assert len(platform.requests) == (1 if sent and name not in REPEATABLE else 3)
    assert was_not_sent(caught.value) is not sent


async def test_both_hosts_share_the_credentials_and_each_call_goes_to_its_own() -> None:
    class Source:
        reads = 0

        async def get(self) -> Credentials:
            self.reads += 1
            return Credentials(client_id="client-1", token="t")

    source, platform = Source(), Platform({"success": True, "message_id": 7})
    async with client_for(platform, credentials=source) as client:
        await client.send_chat_to_agent(user_name="u1", business_id=343, team_name="support")
        await client.log_message_from_user(**MESSAGE)
    assert [request.url.host for request in platform.requests] == ["haptik.example", "messenger.example"]
    assert [request.headers["host"] for request in platform.requests] == ["haptik.example", "messenger.example"]
    assert source.reads == 1


async def test_the_business_chooses_the_credentials_and_is_not_sent_with_a_user() -> None:
    platform = Platform({"auth_id": USER})
    one, two = (StaticCredentials(client_id=name, token="t") for name in ("one", "two"))
    async with client_for(platform, credentials=CredentialsByBusiness({1: one, 2: two})) as client:
        for business_id in (1, 2):
            await client.create_user(auth_id=USER, business_id=business_id)
    assert [request.headers["client-id"] for request in platform.requests] == ["one", "two"]
    assert json.loads(platform.requests[0].content) == {"auth_id": USER}


@pytest.mark.parametrize(("receiver", "version"), [(None, "v1.0"), ("athena", "v2.0")])
async def test_with_a_receiver_a_chat_is_moved_by_the_second_version(receiver: str | None, version: str) -> None:
    platform = Platform({"success": True})
    async with client_for(platform, receiver=receiver) as client:
        await client.send_chat_to_agent(user_name="u1", business_id=343, team_name="support")
    (request,) = platform.requests
    assert str(request.url) == f"https://haptik.example/integration/external/{version}/send_chat_to_agent/"
    body = {"user_name": "u1", "business_id": 343, "team_name": "support"}
    assert json.loads(request.content) == (body if receiver is None else {**body, "receiver": receiver})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["message_id", "message_body", "created_at", "file_url", "auth_id", "name", "email", "mobile_no", "enabled"]


@given(
    content=st.dictionaries(st.sampled_from([*KEYS, "success", "error_message"]), json_values),
    status=st.sampled_from([200, 201, 400, 403, 404, 500]),
    name=st.sampled_from(list(CALLS)),
)
async def test_arbitrary_answers_are_a_typed_value_or_one_of_our_errors(
    content: dict[str, Any], status: int, name: str
) -> None:
    async with client_for(Platform(content, status)) as client:
        try:
            result = await CALLS[name](client)
        except (errors.ApiError, errors.UnexpectedResponse):
            return
    assert status in (200, 201)
    if result is not None:
        msgspec.convert(msgspec.to_builtins(result), type(result))
