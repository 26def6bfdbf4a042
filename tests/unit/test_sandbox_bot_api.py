"""The sandbox's Bot API: its documented samples and errors, what is assumed around them, what a message leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from haptik_actions.sandbox import Fault, Sandbox
from tests.support.webhook import Receiver, client_of, sandbox_with

USER = "/v1.0/user/"
MESSAGE = "/v1.0/log_message_from_user/"
FILE = "/v1.0/log_file_from_user/"
FEEDBACK = "/v1.0/log_feedback_from_user/"
WEBHOOK = "/v1.0/webhook/"
V2 = "/integration/external/v2.0/send_chat_to_agent/"
V1 = "/integration/external/v1.0/send_chat_to_agent/"

MISSING = object()
BODIES: dict[str, dict[str, Any]] = {
    USER: {"auth_id": "r4c1e9a7", "name": "Asha", "language_code": "en", "custom_data": {"plan": "gold"}},
    MESSAGE: {"user": {"auth_id": "r4c1e9a7"}, "message_body": "Hello", "message_type": 0, "business_id": 1201},
    FEEDBACK: {"auth_id": "r4c1e9a7", "business_id": 1201, "query_resolved": True, "query_rating": 5},
    WEBHOOK: {"enabled": True, "business_id": "1201", "device_platform": 13},
    V2: {"user_name": "asha", "business_id": 1201, "team_name": "orders", "receiver": "athena"},
}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(clock=lambda: 100.0)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sandbox) as client:
        yield client


async def call(client: httpx.AsyncClient, path: str, method: str = "POST", **changes: Any) -> httpx.Response:
    body = {key: value for key, value in {**BODIES[path], **changes}.items() if value is not MISSING}
    return await client.request(method, path, json=body)


async def register(client: httpx.AsyncClient, auth_id: str = "r4c1e9a7") -> None:
    assert (await call(client, USER, auth_id=auth_id)).status_code == 200


async def log(client: httpx.AsyncClient, words: str, **changes: Any) -> int:
    answer = await call(client, MESSAGE, message_body=words, **changes)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["message_id"])


DOCUMENTED = [
    (USER, {"auth_id": "b2", "Authorization": "Bearer wrong"}, 401, "invalid authorization details"),
    (MESSAGE, {"Authorization": "Bearer wrong"}, 401, "invalid authorization details"),
    (FEEDBACK, {"client-id": "someone"}, 401, "invalid authorization details"),
    (WEBHOOK, {"client-id": ""}, 401, "invalid authorization details"),
    (MESSAGE, {"user": {"auth_id": "nobody"}}, 403, "user is not registered"),
    (FEEDBACK, {"auth_id": "nobody"}, 403, "Invalid_User"),
    (
        FEEDBACK,
        {},
        404,
        "Failed to submit feedback, please make sure there is an active conversation with the agent",
    ),
    (V2, {"user_name": "0123456789"}, 400, "user is not registered"),
    (V2, {"user_name": "esha"}, 400, "user has not sent a message"),
    (V2, {"team_name": "kitchen"}, 400, "invalid team_name provided"),
]

ASSUMED = [
    (USER, {"auth_id": MISSING}, 400, "auth_id missing in the request"),
    (USER, {"auth_id": ""}, 400, "auth_id missing in the request"),
    (USER, {"auth_id": "not alphanumeric"}, 400, "invalid auth_id"),
    (USER, {"auth_id": "a\n"}, 400, "invalid auth_id"),
    (USER, {"auth_id": 7}, 400, "invalid auth_id"),
    (USER, {"name": 7}, 400, "invalid name"),
    (USER, {"email": []}, 400, "invalid email"),
    (USER, {"mobile_no": 12}, 400, "invalid mobile_no"),
    (USER, {"language_code": "english"}, 400, "invalid language_code"),
    (USER, {"language_code": 1}, 400, "invalid language_code"),
    (USER, {"custom_data": []}, 400, "invalid custom_data"),
    (USER, {"custom_data": {"a": {"b": 1}}}, 400, "invalid custom_data"),
    (USER, {"Content-Type": "text/plain"}, 400, "invalid content-type in headers"),
    (MESSAGE, {"user": MISSING}, 400, "user missing in the request"),
    (MESSAGE, {"user": "r4c1e9a7"}, 400, "invalid user"),
    (MESSAGE, {"user": {}}, 400, "auth_id missing in the request"),
    (MESSAGE, {"user": {"auth_id": ["r4c1e9a7"]}}, 403, "user is not registered"),
    (MESSAGE, {"message_body": ""}, 400, "message_body missing in the request"),
    (MESSAGE, {"message_body": {"text": "a"}}, 400, "invalid message_body"),
    (MESSAGE, {"message_type": MISSING}, 400, "message_type missing in the request"),
    (MESSAGE, {"message_type": 1}, 400, "invalid message_type"),
    (MESSAGE, {"message_type": "0"}, 400, "invalid message_type"),
    (MESSAGE, {"message_type": False}, 400, "invalid message_type"),
    (MESSAGE, {"business_id": None}, 400, "business_id missing in the request"),
    (MESSAGE, {"business_id": "1201"}, 400, "invalid business_id provided"),
    (MESSAGE, {"business_id": 1202}, 400, 'business "1202" is inactive'),
    (FEEDBACK, {"query_resolved": MISSING}, 400, "query_resolved missing in the request"),
    (FEEDBACK, {"query_resolved": "yes"}, 400, "invalid query_resolved"),
    (FEEDBACK, {"query_rating": 0}, 400, "invalid query_rating"),
    (FEEDBACK, {"query_rating": 6}, 400, "invalid query_rating"),
    (FEEDBACK, {"query_rating": 4.5}, 400, "invalid query_rating"),
    (FEEDBACK, {"query_rating": True}, 400, "invalid query_rating"),
    (FEEDBACK, {"feedback": 1}, 400, "invalid feedback"),
    (FEEDBACK, {"business_id": 3}, 400, "invalid business_id provided"),
    (WEBHOOK, {"enabled": MISSING}, 400, "invalid enabled"),
    (WEBHOOK, {"enabled": "true"}, 400, "invalid enabled"),
    (WEBHOOK, {"business_id": "12 01"}, 400, "invalid business_id provided"),
    (WEBHOOK, {"business_id": 1202}, 400, 'business "1202" is inactive'),
    (V2, {"receiver": MISSING}, 400, "receiver missing in the request"),
    (V2, {"receiver": 7}, 400, "invalid receiver provided"),
    (V2, {"user_name": "nobody"}, 400, "invalid user_name"),
    (V2, {"countdown": 99}, 400, "invalid countdown provided"),
]


@pytest.mark.parametrize(("path", "changes", "status", "message"), DOCUMENTED + ASSUMED)
async def test_a_refused_call_names_its_reason_and_changes_nothing(
    sandbox: Sandbox, client: httpx.AsyncClient, path: str, changes: dict[str, Any], status: int, message: str
) -> None:
    await register(client)
    before = sandbox.users(), sandbox.chats()
    headers: dict[str, str] = {
        key: changes[key] for key in ("Authorization", "client-id", "Content-Type") if key in changes
    }
    body = {**BODIES[path], **{key: value for key, value in changes.items() if key not in headers}}
    content = {key: value for key, value in body.items() if value is not MISSING}
    answer = await client.post(path, json=content, headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"error_message": message})
    assert (sandbox.users(), sandbox.chats()) == before
    assert sandbox.feedback() == []


async def test_a_user_is_registered_once_and_gets_a_name(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    known = len(sandbox.users())
    answer = await call(client, USER)
    assert (answer.status_code, answer.json()) == (
        200,
        {"auth_id": "r4c1e9a7", "mobile_no": "", "email": "", "name": "Asha"},
    )
    again = await call(client, USER, name=MISSING, mobile_no="123", custom_data=MISSING)
    assert again.json() == {"auth_id": "r4c1e9a7", "mobile_no": "123", "email": "", "name": "Asha"}
    [person] = sandbox.users()[known:]
    assert (person.device_platform, person.custom_data, person.user_id) == (13, {"plan": "gold"}, known + 1)
    assert person.user_name not in ("r4c1e9a7", "Asha", "")
    sandbox.reset()
    assert len(sandbox.users()) == known


async def test_update_changes_a_registered_user_only(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    unknown = await call(client, USER, "PUT")
    assert (unknown.status_code, unknown.json()) == (403, {"error_message": "user is not registered"})
    await register(client)
    updated = await call(client, USER, "PUT", name="A. Rao", email="a@shop.example")
    assert updated.json() == {"auth_id": "r4c1e9a7", "mobile_no": "", "email": "a@shop.example", "name": "A. Rao"}
    assert [entry.endpoint for entry in sandbox.journal] == ["update_user", "create_user", "update_user"]


async def test_a_logged_message_puts_a_chat_before_agents(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    await register(client)
    answer = await call(client, MESSAGE, message_body="where is order 1001")
    body = answer.json()
    assert answer.status_code == 200
    assert body == {**body, "message_body": "where is order 1001", "message_type": 0}
    assert isinstance(body["message_id"], int)
    assert body["created_at"].endswith("Z")
    [chat] = sandbox.queue()
    user_name = sandbox.users()[-1].user_name
    assert (chat.user_name, chat.state, chat.team, chat.conversation_no) == (user_name, "pending", "support", 1)
    [message] = sandbox.messages(user_name, 1201, 1)
    assert (message.id, message.sender, message.body["text"]) == (body["message_id"], "user", "where is order 1001")


async def test_the_default_team_is_named_by_the_state() -> None:
    mapping: dict[str, Any] = {
        "partners": [{"client_id": "demo-client", "token": "demo-token"}],
        "businesses": [{"id": 1201, "name": "Shop"}],
        "teams": [{"name": "one"}, {"name": "two"}],
        "default_team": "two",
        "users": [{"user_name": "asha", "auth_id": "r4c1e9a7"}],
    }
    sandbox = Sandbox.from_mapping(mapping)
    async with client_of(sandbox) as client:
        await log(client, "Hello")
    assert [(chat.user_name, chat.team) for chat in sandbox.queue()] == [("asha", "two")]


async def test_ids_ascend_over_all_chats_and_the_transcript_has_both_sides(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await register(client)
    await register(client, "other")
    ids = [await log(client, "one"), await log(client, "two", user={"auth_id": "other"}), await log(client, "three")]
    user_name = sandbox.queue()[0].user_name
    sandbox.claim(user_name, 1201, agent="Meera")
    ids.append(sandbox.answer(user_name, 1201, "Hello").id)
    assert ids == sorted(set(ids))
    query: dict[str, str | int] = {"user_name": user_name, "business_id": 1201, "conversation_no": 1}
    for version in ("v1.0", "v2.0"):
        written = await client.get(f"/integration/external/{version}/get_chat_history/", params=query)
        assert [row["text"] for row in written.json()["chat_json"]] == ["one", "three", "Hello"]


async def test_a_message_after_completion_opens_the_next_conversation(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await register(client)
    await log(client, "one")
    user_name = sandbox.queue()[0].user_name
    sandbox.claim(user_name, 1201, agent="Meera")
    await log(client, "two")
    assert sandbox.chats()[-1].state == "assigned"
    sandbox.complete(user_name, 1201)
    await log(client, "three")
    assert [(chat.conversation_no, chat.state) for chat in sandbox.queue()] == [(2, "pending")]
    assert [said.body["text"] for said in sandbox.messages(user_name, 1201, 1)] == ["one", "two"]
    assert [said.body["text"] for said in sandbox.messages(user_name, 1201, 2)] == ["three"]


@pytest.mark.parametrize("path", [V1, V2])
async def test_a_registered_user_is_moved_once_a_message_was_logged(
    sandbox: Sandbox, client: httpx.AsyncClient, path: str
) -> None:
    await register(client)
    user_name = sandbox.users()[-1].user_name
    body = {"user_name": user_name, "business_id": 1201, "team_name": "orders", "countdown": 5, "receiver": "athena"}
    before = await client.post(path, json=body)
    assert before.json() == {"error_message": "user has not sent a message"}
    await log(client, "Hello")
    moved = await client.post(path, json=body)
    assert moved.json() == {"success": True}
    [chat] = sandbox.queue()
    assert (chat.team, chat.state) == ("orders", "counting_down")
    await client.post(path, json={**body, "team_name": "support"})
    assert sandbox.queue() == [chat]


async def test_events_name_the_user_by_auth_id() -> None:
    sandbox = sandbox_with(Receiver())
    async with client_of(sandbox) as client:
        await register(client)
        await log(client, "Hello")
    assert sandbox.events() == []
    user_name = sandbox.queue()[0].user_name
    sandbox.claim(user_name, 1201, agent="Meera")
    user = sandbox.events()[0].body["user"]
    assert (user["auth_id"], user["user_name"]) == ("r4c1e9a7", user_name)
    assert (user["device_platform"], user["device_platform_name"]) == (13, "Bot API")


async def test_feedback_is_given_once_an_hour_while_an_agent_has_the_chat(
    sandbox: Sandbox, client: httpx.AsyncClient
) -> None:
    await register(client)
    await log(client, "Hello")
    sandbox.claim(sandbox.queue()[0].user_name, 1201, agent="Meera")
    first = await call(client, FEEDBACK, feedback="quick")
    assert (first.status_code, first.json()) == (201, {"success": True})
    sandbox.advance(3_599)
    early = await call(client, FEEDBACK)
    assert (early.status_code, early.json()) == (400, {"error_message": "duplicate feedback"})
    sandbox.advance(1)
    assert (await call(client, FEEDBACK, query_resolved=False, query_rating=1)).status_code == 201
    assert [(given.query_resolved, given.query_rating, given.feedback) for given in sandbox.feedback()] == [
        (True, 5, "quick"),
        (False, 1, ""),
    ]
    listed = (await client.get("/_sandbox/feedback")).json()
    assert [given["query_rating"] for given in listed] == [5, 1]


async def test_the_webhook_is_enabled_and_disabled() -> None:
    sandbox = sandbox_with(Receiver())
    async with client_of(sandbox) as client:
        assert (await call(client, WEBHOOK, enabled=False)).json() == {"enabled": False}
        sandbox.say("asha", 1201, "Hello", sender="bot")
        assert (sandbox.webhook_enabled, sandbox.events()[0].state) == (False, "queued")
        answer = await call(client, WEBHOOK)
        assert (answer.status_code, answer.json()) == (200, {"enabled": True})
        assert (await call(client, WEBHOOK, business_id=1201, device_platform=MISSING)).status_code == 200
    assert (sandbox.webhook_enabled, sandbox.events()[0].state) == (True, "waiting")


FORM = {"auth_id": "r4c1e9a7", "business_id": "1201", "message_type": "1"}
PICTURE = ("photo.PNG", b"\x89PNG", "image/png")

_FileRow = tuple[dict[str, Any], tuple[str, bytes, str] | None, int, str]

FILES_DOCUMENTED: list[_FileRow] = [
    ({"auth_id": "nobody"}, PICTURE, 403, "user is not registered"),
    ({}, ("notes.txt", b"a", "text/plain"), 400, "invalid file type"),
    ({"message_type": "52"}, PICTURE, 400, "invalid file type"),
    ({}, ("photo.png", b"x" * (10 * 1024 * 1024 + 1), "image/png"), 400, "file is larger than 10 MB"),
]
FILES_ASSUMED: list[_FileRow] = [
    ({"auth_id": MISSING}, PICTURE, 400, "auth_id missing in the request"),
    ({"business_id": MISSING}, PICTURE, 400, "business_id missing in the request"),
    ({"message_type": MISSING}, PICTURE, 400, "message_type missing in the request"),
    ({"message_type": "7"}, PICTURE, 400, "invalid message_type"),
    ({"message_type": "one"}, PICTURE, 400, "invalid message_type"),
    ({"business_id": "1202"}, PICTURE, 400, 'business "1202" is inactive'),
    ({"business_id": "x"}, PICTURE, 400, "invalid business_id provided"),
    ({}, None, 400, "file missing in the request"),
    ({}, ("png", b"a", "image/png"), 400, "invalid file type"),
]


@pytest.mark.parametrize(("changes", "file", "status", "message"), FILES_DOCUMENTED + FILES_ASSUMED)
async def test_a_file_that_is_refused(
    sandbox: Sandbox,
    client: httpx.AsyncClient,
    changes: dict[str, Any],
    file: tuple[str, bytes, str] | None,
    status: int,
    message: str,
) -> None:
    await register(client)
    form = {key: value for key, value in {**FORM, **changes}.items() if value is not MISSING}
    answer = await client.post(FILE, data=form, files={"file": file} if file else {"other": PICTURE})
    assert (answer.status_code, answer.json()) == (status, {"error_message": message})
    assert sandbox.queue() == []


async def test_a_body_that_is_no_form_and_a_wrong_token(client: httpx.AsyncClient) -> None:
    answer = await client.post(FILE, json=FORM)
    assert (answer.status_code, answer.json()) == (400, {"error_message": "request body is not a form"})
    answer = await client.post(FILE, data=FORM, files={"file": PICTURE}, headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()) == (401, {"error_message": "invalid authorization details"})


KINDS = [(1, kind) for kind in ("jpg", "jpeg", "png", "gif")] + [
    (52, kind) for kind in ("docx", "doc", "pdf", "xls", "xlsx", "csv")
]


@pytest.mark.parametrize(("message_type", "ending"), KINDS)
async def test_a_file_opens_a_chat_and_can_be_looked_at(
    sandbox: Sandbox, client: httpx.AsyncClient, message_type: int, ending: str
) -> None:
    await register(client)
    form = {**FORM, "message_type": str(message_type), "message_body": "see here"}
    answer = await client.post(FILE, data=form, files={"file": (f"C:\\my file.{ending}", b"content", "x/y")})
    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["message_body"], body["message_type"]) == ("see here", message_type)
    assert body["file_url"].endswith(f"/_sandbox/files/1/my%20file.{ending}")
    sent = await client.get(body["file_url"])
    assert (sent.status_code, sent.content) == (200, b"content")
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert ("content-disposition" in sent.headers) is (message_type == 52)
    [chat] = sandbox.queue()
    [message] = sandbox.messages(chat.user_name, 1201, 1)
    assert (message.id, message.sender, message.body["text"]) == (body["message_id"], "user", "see here")
    for name in ("2/my%20file.png", "1/other"):
        assert (await client.get(f"/_sandbox/files/{name}")).status_code == 404


async def test_the_largest_file_is_taken(client: httpx.AsyncClient) -> None:
    await register(client)
    largest = ("photo.png", b"x" * (10 * 1024 * 1024), "image/png")
    assert (await client.post(FILE, data=FORM, files={"file": largest})).status_code == 200


async def test_faults_journal_and_assertions_know_the_calls(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.fail(Fault.status(503, times=1), endpoint="log_message_from_user")
    await register(client)
    assert (await call(client, MESSAGE)).status_code == 503
    assert (await call(client, MESSAGE)).status_code == 200
    await client.post(FILE, data=FORM, files={"file": PICTURE})
    sandbox.assert_called("create_user", times=1, auth_id="r4c1e9a7")
    sandbox.assert_called("log_message_from_user", times=2, message_body="Hello")
    sandbox.assert_called("log_file_from_user", times=1, message_type="1")
    sandbox.assert_not_called("update_user")


async def test_users_are_listed_without_secrets(client: httpx.AsyncClient) -> None:
    await register(client)
    users = (await client.get("/_sandbox/users")).json()
    assert [user["auth_id"] for user in users[-2:]] == ["auth-5", "r4c1e9a7"]
    assert all("pxut" not in user for user in users)


@pytest.mark.parametrize("path", [USER, MESSAGE, FILE, FEEDBACK, WEBHOOK])
async def test_other_methods_and_paths(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 405
    assert (await client.post(path.rstrip("/"))).status_code == 404
