"""What this package believes of the Bot API, asked of the sandbox or of a real tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from haptik_actions import errors
from haptik_actions.client import HaptikClient
from tests.contract.tenant import Tenant

NOBODY = f"nobody{uuid4().hex}"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)

Call = Callable[[HaptikClient, Tenant], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "create": lambda c, t: c.create_user(auth_id=NOBODY),
    "update": lambda c, t: c.update_user(auth_id=NOBODY),
    "message": lambda c, t: c.log_message_from_user(**who(NOBODY, t), message_body="hello"),
    "file": lambda c, t: c.log_file_from_user(**who(NOBODY, t), kind="image", name="a.png", content=PNG),
    "feedback": lambda c, t: c.log_feedback_from_user(**who(NOBODY, t), query_resolved=True, query_rating=5),
    "webhook": lambda c, t: c.enable_webhook(business_id=t.business_id),
}


def who(auth_id: str, tenant: Tenant) -> dict[str, Any]:
    return {"auth_id": auth_id, "business_id": tenant.business_id}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
async def test_a_wrong_token_is_told(bot_api: Tenant, call: Call) -> None:
    async with bot_api.client(token="not-the-token") as client:
        with pytest.raises(errors.AuthenticationError):
            await call(client, bot_api)


@pytest.mark.parametrize("name", ["message", "file", "feedback"])
async def test_who_is_not_registered_is_refused(client: HaptikClient, bot_api: Tenant, name: str) -> None:
    with pytest.raises(errors.UserNotRegistered) as caught:
        await CALLS[name](client, bot_api)
    assert bot_api.token not in str(caught.value)


async def test_a_user_is_registered_and_changed(client: HaptikClient, registered: str) -> None:
    user = await client.update_user(auth_id=registered, name="Contract", custom_data={"plan": "gold", "visits": 2})
    assert (user.auth_id, user.name) == (registered, "Contract")


async def test_messages_are_logged_with_ascending_ids(client: HaptikClient, bot_api: Tenant, registered: str) -> None:
    user = who(registered, bot_api)
    first = await client.log_message_from_user(**user, message_body="where is order 1001? 📦")
    second = await client.log_message_from_user(**user, message_body="hello?")
    assert first.message_body == "where is order 1001? 📦"
    assert first.message_id < second.message_id
    assert first.created_at is not None
    assert abs(first.created_at - datetime.now(timezone.utc)) < timedelta(hours=1)


@pytest.mark.parametrize(("kind", "name"), [("image", "dot.png"), ("document", "größe.csv")])
async def test_a_file_is_logged_and_has_an_address(
    client: HaptikClient, bot_api: Tenant, registered: str, kind: Any, name: str
) -> None:
    user = who(registered, bot_api)
    content = PNG if kind == "image" else b"a,b\n1,2\n"
    logged = await client.log_file_from_user(**user, kind=kind, name=name, content=content, message_body="look")
    assert logged.message_id
    assert logged.file_url


async def test_feedback_without_an_agent_is_refused(client: HaptikClient, bot_api: Tenant, registered: str) -> None:
    user = who(registered, bot_api)
    await client.log_message_from_user(**user, message_body="hello")
    with pytest.raises(errors.NoActiveConversation):
        await client.log_feedback_from_user(**user, query_resolved=False, query_rating=1, feedback="nobody came")


async def test_the_webhook_is_switched_on(client: HaptikClient, bot_api: Tenant, registered: str) -> None:
    await client.enable_webhook(business_id=bot_api.business_id)
