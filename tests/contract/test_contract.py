"""What this package believes of the platform, asked through its client: of the sandbox, or of a real tenant.

docs/testing.md says which settings name a tenant. What is asked of one without HAPTIK_CONTRACT_WRITE=1 only reads, or
is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any, Literal
from uuid import uuid4

import pytest

from haptik_actions import errors
from haptik_actions.client import FaqTask, HaptikClient
from tests.contract.tenant import Tenant

NOBODY = f"nobody-{uuid4()}"
NO_BUSINESS = 999_999_999
Version = Literal["1.0", "2.0"]
VERSIONS: list[Version] = ["1.0", "2.0"]
HEADER = "node_name,question,answer\n"
CSV = f"{HEADER}contract_hours,When are you open?|opening hours,From 9 to 18.<m>Monday to Saturday.\n".encode()

Call = Callable[[HaptikClient, Tenant], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "send": lambda c, t: c.send_chat_to_agent(user_name=NOBODY, business_id=t.business_id, team_name="support"),
    "history 1.0": lambda c, t: c.get_chat_history(**who(t), version="1.0"),
    "history 2.0": lambda c, t: c.get_chat_history(**who(t)),
    "create": lambda c, t: c.create_faq_nodes(domain_name=NOBODY, csv_file=CSV),
    "task": lambda c, t: c.faq_task(str(uuid4())),
}


def who(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    given = {
        "user_name": tenant.user_name,
        "business_id": tenant.business_id,
        "conversation_no": tenant.conversation_no,
    }
    return {**given, **changes}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
async def test_a_wrong_token_is_told(tenant: Tenant, call: Call) -> None:
    async with tenant.client(token="not-the-token") as client:
        with pytest.raises(errors.AuthenticationError):
            await call(client, tenant)


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
async def test_a_wrong_client_id_is_told(tenant: Tenant, call: Call) -> None:
    async with tenant.client(client_id="not-the-client") as client:
        with pytest.raises(errors.AuthenticationError):
            await call(client, tenant)


REFUSED: list[tuple[Call, type[errors.ApiError]]] = [
    (CALLS["send"], errors.UnknownUser),
    (
        lambda c, t: c.send_chat_to_agent(user_name=t.user_name, business_id=NO_BUSINESS, team_name="support"),
        errors.UnknownBusiness,
    ),
    (lambda c, t: c.get_chat_history(**who(t, user_name=NOBODY), version="1.0"), errors.UnknownUser),
    (lambda c, t: c.get_chat_history(**who(t, business_id=NO_BUSINESS), version="1.0"), errors.NoConversation),
    (lambda c, t: c.get_chat_history(**who(t, user_name=NOBODY)), errors.NoConversation),
    (lambda c, t: c.get_chat_history(**who(t, business_id=NO_BUSINESS)), errors.NoConversation),
    (lambda c, t: c.get_chat_history(pxut=NOBODY, conversation_no=1), errors.InvalidUserToken),
    (CALLS["create"], errors.UnknownDomain),
    (CALLS["task"], errors.ApiError),
]


@pytest.mark.parametrize(("call", "kind"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
async def test_what_does_not_exist_is_refused(
    client: HaptikClient, tenant: Tenant, call: Call, kind: type[errors.ApiError]
) -> None:
    with pytest.raises(kind) as caught:
        await call(client, tenant)
    assert caught.value.message
    assert tenant.token not in str(caught.value)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_transcript(client: HaptikClient, tenant: Tenant, version: Version) -> None:
    messages = (await client.get_chat_history(**who(tenant), version=version)).messages
    assert messages
    assert {message.sender for message in messages} <= {"user", "bot", "agent"}
    assert all(bool(message.agent_name) is (message.sender == "agent") for message in messages)
    assert [message.message_id for message in messages] == sorted({message.message_id for message in messages})
    times = [message.timestamp for message in messages]
    assert times == sorted(times)
    # A clock of the platform that differs a little is no breach.
    assert datetime(2013, 1, 1, tzinfo=timezone.utc) < times[-1] < datetime.now(timezone.utc) + timedelta(hours=1)


async def test_both_versions_give_the_same_transcript(client: HaptikClient, tenant: Tenant) -> None:
    one, two = [await client.get_chat_history(**who(tenant), version=version) for version in VERSIONS]
    assert [(m.message_id, m.sender, m.agent_name, m.text) for m in one.messages] == [
        (m.message_id, m.sender, m.agent_name, m.text) for m in two.messages
    ]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_limit_is_the_highest_number_of_messages(
    client: HaptikClient, tenant: Tenant, version: Version
) -> None:
    whole = (await client.get_chat_history(**who(tenant), version=version)).messages
    part = (await client.get_chat_history(**who(tenant), version=version, limit=1)).messages
    assert len(part) == 1
    assert part[0] in whole


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_text_form_is_a_line_for_each_message(client: HaptikClient, tenant: Tenant, version: Version) -> None:
    messages = (await client.get_chat_history(**who(tenant), version=version)).messages
    text = await client.get_chat_history_text(**who(tenant), version=version)
    assert text == "".join(f"{message.raw['sender']}: {message.text}\n" for message in messages)


async def test_of_both_groups_the_first_is_preferred(client: HaptikClient, tenant: Tenant) -> None:
    assert (await client.get_chat_history(**who(tenant), pxut=NOBODY)).messages


async def test_a_chat_is_moved_to_a_team_and_may_be_moved_again(
    client: HaptikClient, tenant: Tenant, team: str
) -> None:
    for countdown in (5, 10, None):
        await client.send_chat_to_agent(
            user_name=tenant.user_name, business_id=tenant.business_id, team_name=team, countdown=countdown
        )


async def test_a_team_that_does_not_exist_is_refused(client: HaptikClient, tenant: Tenant, team: str) -> None:
    with pytest.raises(errors.UnknownTeam):
        await client.send_chat_to_agent(
            user_name=tenant.user_name, business_id=tenant.business_id, team_name=f"{team}-{uuid4()}"
        )


async def test_faq_nodes_are_loaded(client: HaptikClient, domain: str) -> None:
    seen: list[FaqTask] = []
    task_id = await client.create_faq_nodes(domain_name=domain, csv_file=CSV)
    task = await client.wait_for_faq_task(task_id, on_progress=seen.append, interval=0.1)
    assert (task.task_id, task.state) == (task_id, "succeeded")
    assert {earlier.state for earlier in seen[:-1]} <= {"in_progress"}
    assert seen[-1] == task


async def test_a_bad_row_fails_the_task_in_the_platforms_words(client: HaptikClient, domain: str) -> None:
    twice = HEADER + "contract_twice,One?,1\ncontract_twice,Two?,2\n"
    task_id = await client.create_faq_nodes(domain_name=domain, csv_file=twice.encode())
    task = await client.wait_for_faq_task(task_id, interval=0.1)
    assert task.state == "failed"
    assert task.message


async def test_a_file_without_the_columns_is_refused(client: HaptikClient, domain: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        await client.create_faq_nodes(domain_name=domain, csv_file=b"name;text\nhours;9 to 18\n")
