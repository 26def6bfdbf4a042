from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions import errors
from haptik_actions.client import ChatMessage, HaptikClient, PlatformServer, Transcript
from haptik_actions.credentials import StaticCredentials

SERVER = PlatformServer("https://haptik.example")
STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
GROUP_1: dict[str, Any] = {"user_name": "ab112468917", "business_id": 1234}
DOCUMENTED = {
    "chat_json": [
        {
            "text": "Search places to visit{task}",
            "sender": "user",
            "message_id": 1742,
            "timestamp": "06/22/20 07:24:25 AM UTC",
        },
        {"text": "TEXT", "sender": "bot", "message_id": 1743, "timestamp": "06/22/20 07:24:26 AM UTC"},
    ]
}


class Platform:
    def __init__(self, response: httpx.Response) -> None:
        self.response, self.requests = response, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.response

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.requests[-1].url.query.decode())


async def ask(response: httpx.Response, *, text: bool = False, **arguments: Any) -> tuple[Any, Platform]:
    platform = Platform(response)
    async with HaptikClient(SERVER, STATIC, transport=httpx.MockTransport(platform), retries=0) as client:
        method = client.get_chat_history_text if text else client.get_chat_history
        return await method(**{"conversation_no": 2, **arguments}), platform


def rows(**changes: Any) -> httpx.Response:
    return httpx.Response(200, json={"chat_json": [{**DOCUMENTED["chat_json"][0], **changes}]})


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_the_documented_answer_becomes_a_transcript(version: Any) -> None:
    transcript, platform = await ask(httpx.Response(200, json=DOCUMENTED), version=version, **GROUP_1)
    assert transcript == Transcript(
        (
            ChatMessage(
                "Search places to visit{task}",
                "user",
                None,
                1742,
                "06/22/20 07:24:25 AM UTC",
                DOCUMENTED["chat_json"][0],
            ),
            ChatMessage("TEXT", "bot", None, 1743, "06/22/20 07:24:26 AM UTC", DOCUMENTED["chat_json"][1]),
        )
    )
    assert transcript.messages[0].timestamp == datetime(2020, 6, 22, 7, 24, 25, tzinfo=timezone.utc)
    request = platform.requests[0]
    assert request.method == "GET"
    assert request.url.path == f"/integration/external/v{version}/get_chat_history/"
    assert request.headers["Authorization"] == "Bearer s3cr3t-token"
    assert request.headers["client-id"] == "client-1"


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (
            {**GROUP_1, "version": "1.0"},
            {
                "user_name": ["ab112468917"],
                "business_id": ["1234"],
                "conversation_no": ["2"],
                "response_type": ["json"],
                "respose_type": ["json"],
            },
        ),
        (
            {**GROUP_1, "limit": 5},
            {
                "user_name": ["ab112468917"],
                "business_id": ["1234"],
                "conversation_no": ["2"],
                "limit": ["5"],
                "response_type": ["json"],
            },
        ),
        (
            {"pxut": "tw389ysgd._aks&=k-545641964-B"},
            {"pxut": ["tw389ysgd._aks&=k-545641964-B"], "conversation_no": ["2"], "response_type": ["json"]},
        ),
        (
            {**GROUP_1, "pxut": "tw389"},
            {
                "user_name": ["ab112468917"],
                "business_id": ["1234"],
                "conversation_no": ["2"],
                "response_type": ["json"],
            },
        ),
    ],
)
async def test_the_parameters_are_the_documented_ones(arguments: dict[str, Any], query: dict[str, list[str]]) -> None:
    _, platform = await ask(httpx.Response(200, json=DOCUMENTED), **arguments)
    assert platform.query == query


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "user_name"),
        ({"user_name": "u"}, "business_id"),
        ({"business_id": 1}, "user_name"),
        ({"user_name": "u", "pxut": "p"}, "business_id"),
        ({"business_id": 1, "pxut": "p"}, "user_name"),
        ({"pxut": "p", "version": "1.0"}, "user_name"),
        ({"pxut": " "}, "pxut"),
        ({**GROUP_1, "conversation_no": None}, "conversation_no"),
        ({**GROUP_1, "conversation_no": "last"}, "conversation_no"),
        ({**GROUP_1, "limit": 0}, "limit"),
        ({**GROUP_1, "version": "3.0"}, "version"),
    ],
)
async def test_half_a_group_is_refused_before_sending(arguments: dict[str, Any], named: str) -> None:
    platform = Platform(httpx.Response(200, json=DOCUMENTED))
    async with HaptikClient(SERVER, STATIC, transport=httpx.MockTransport(platform)) as client:
        with pytest.raises(errors.ConfigurationError, match=named):
            await client.get_chat_history(**{"conversation_no": 2, **arguments})
    assert platform.requests == []


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    ("wire", "sender", "agent_name"),
    [
        ("bot", "bot", None),
        ("user", "user", None),
        ("Asha Rao", "agent", "Asha Rao"),
        ("Asha (night)", "agent", "Asha (night)"),
        ("Asha\nRao", "agent", "Asha\nRao"),
    ],
)
async def test_both_versions_give_the_same_sender(version: Any, wire: str, sender: str, agent_name: str | None) -> None:
    shown = f"agent({wire})" if version == "1.0" and sender == "agent" else wire
    transcript, _ = await ask(rows(sender=shown), version=version, **GROUP_1)
    assert (transcript.messages[0].sender, transcript.messages[0].agent_name) == (sender, agent_name)


@pytest.mark.parametrize(
    ("wire", "hour", "minute"),
    [
        ("06/22/20 07:24:25 AM UTC", 7, 24),
        ("06/22/20 07:24:25 PM UTC", 19, 24),
        ("06/22/20 12:00:00 AM UTC", 0, 0),
        ("06/22/20 12:59:59 PM UTC", 12, 59),
    ],
)
async def test_times_are_aware(wire: str, hour: int, minute: int) -> None:
    transcript, _ = await ask(rows(timestamp=wire), **GROUP_1)
    at = transcript.messages[0].timestamp
    assert (at.hour, at.minute, at.utcoffset()) == (hour, minute, timezone.utc.utcoffset(None))


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2068, 1, 1)))
def test_every_time_is_read_as_it_was_written(at: datetime) -> None:
    at = at.replace(microsecond=0)
    message = ChatMessage("", "bot", None, 1, at.strftime("%m/%d/%y %I:%M:%S %p UTC"), {})
    assert message.timestamp == at.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "wire", ["", "yesterday", "2020-06-22T07:24:25Z", "22/06/20 07:24:25 AM UTC", "06/22/20 07:24:25 AM IST"]
)
async def test_a_time_of_another_form_is_said_when_it_is_asked_for(wire: str) -> None:
    transcript, _ = await ask(rows(timestamp=wire), **GROUP_1)
    with pytest.raises(errors.UnexpectedResponse, match=r"06/22/20|UTC"):
        _ = transcript.messages[0].timestamp


async def test_unknown_keys_are_kept_and_a_missing_text_is_empty() -> None:
    transcript, _ = await ask(rows(text=None, channel="web"), **GROUP_1)
    assert transcript.messages[0].text == ""
    assert transcript.messages[0].raw["channel"] == "web"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"chat_json": None},
        {"chat_json": {}},
        {"chat_json": ["text"]},
        {"chat_json": [{}]},
        {"chat_json": [{"text": 5, "sender": "bot", "message_id": 1, "timestamp": ""}]},
        {"chat_json": [{"text": "", "sender": None, "message_id": 1, "timestamp": ""}]},
        {"chat_json": [{"text": "", "sender": "bot", "message_id": "x", "timestamp": ""}]},
        {"chat_json": [{"text": "", "sender": "bot", "message_id": 1}]},
    ],
)
async def test_another_shape_is_unexpected_and_names_the_endpoint(content: Any) -> None:
    with pytest.raises(errors.UnexpectedResponse) as caught:
        await ask(httpx.Response(200, json=content), **GROUP_1)
    assert caught.value.endpoint == "/integration/external/v2.0/get_chat_history/"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_the_text_form(version: Any) -> None:
    answer = {"chat_text": "user: Search places to visit{task}\nbot: TEXT\n"}
    words, platform = await ask(httpx.Response(200, json=answer), text=True, version=version, **GROUP_1)
    assert words == answer["chat_text"]
    assert platform.query["response_type"] == ["text"]
    with pytest.raises(errors.UnexpectedResponse):
        await ask(httpx.Response(200, json=DOCUMENTED), text=True, **GROUP_1)


TABLE = [
    ("1.0", "invalid client_id", errors.AuthenticationError),
    ("1.0", "invalid token", errors.AuthenticationError),
    ("1.0", "user_name missing", errors.InvalidRequest),
    ("1.0", "business_id missing", errors.InvalidRequest),
    ("1.0", "conversation_no missing", errors.InvalidRequest),
    ("1.0", "invalid user_name", errors.UnknownUser),
    ("1.0", "user has not sent a message", errors.NoConversation),
    ("2.0", "Invalid business_id", errors.InvalidRequest),
    ("2.0", "Invalid token", errors.AuthenticationError),
    (
        "2.0",
        "Either the user has not sent a message yet, or the provided user_name-business_id pair is invalid.",
        errors.NoConversation,
    ),
    ("2.0", "Unable to decode pxut-client_id pair", errors.InvalidUserToken),
    ("2.0", "Argument group validation: no valid group.", errors.InvalidRequest),
    ("2.0", "Argument group validation: invalid group found.", errors.InvalidRequest),
    ("2.0", "An unknown error occurred", errors.ServerError),
]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(("version", "message", "kind"), TABLE)
async def test_every_row_of_the_error_tables(
    version: Any, message: str, kind: type[errors.ApiError], status: int
) -> None:
    with pytest.raises(errors.ApiError) as caught:
        await ask(httpx.Response(status, json={"error_message": message}), version=version, **GROUP_1)
    assert type(caught.value) is kind
    assert caught.value.message == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "sender", "message_id", "timestamp", "chat_json", "error_message"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(content=json_values, wrap=st.booleans())
async def test_arbitrary_json_in_only_documented_errors_out(content: Any, wrap: bool) -> None:
    body = json.dumps({"chat_json": content} if wrap else content)
    try:
        transcript, _ = await ask(httpx.Response(200, content=body.encode()), **GROUP_1)
    except (errors.UnexpectedResponse, errors.ApiError):
        return
    for message in transcript.messages:
        assert isinstance(message.text, str)
        assert isinstance(message.message_id, int)
