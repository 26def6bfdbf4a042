"""Redis is away behind a turn of Haptik's channel: what Haptik is told must not complete a chat that an agent gets."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx

from haptik_actions.messages import packaged_copy

from .conftest import WEBHOOK_SECRET
from .relay_chats import GREETING
from .relay_stack import Relayed
from .relay_users import BUSINESS, PATIENCE_SECONDS

WAITING = packaged_copy()["haptik_front_waiting"]


def ask(relayed: Relayed, user_name: str, text: str) -> dict[str, Any]:
    """Let a node of a Haptik bot call with the user's words; return the answer."""
    heard = [{"entity_value": text, "detection": "message", "original_text": text}]
    request = {
        "step": "gateway",
        "event": "API_INTEGRATION",
        "conversation_no": 1,
        "user": {"user_name": user_name, "language_code": "en"},
        "entities": {"feedback_regex": heard},
    }
    body = json.dumps(request).encode()
    signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha1).hexdigest()
    answer = httpx.post(
        f"{relayed.rasa}/webhooks/haptik/webhook/{BUSINESS}",
        content=body,
        headers={"X-Hub-Signature": f"sha1={signature}"},
        timeout=PATIENCE_SECONDS,
    )
    return dict(answer.raise_for_status().json())


async def test_a_chat_that_an_agent_gets_is_not_completed_while_redis_is_away(relayed: Relayed) -> None:
    before = ask(relayed, "asha", "hello")
    assert (before["response"], before["status"]) == ([GREETING], True)
    relayed.one.orders("broken")
    assert ask(relayed, "asha", "my parcel is broken")["status"] is False
    assert (ask(relayed, "asha", "are you there?")["response"]) == [WAITING]
    relayed.redis.stop()
    try:
        # Known from what was read last.
        known = ask(relayed, "asha", "still there?")
        assert (known["response"], known["status"]) == ([WAITING], False)
        # Handed over in this very turn: Redis knows nothing of it.
        assert ask(relayed, "ben", "my parcel is broken")["status"] is False
        # The bot's.
        other = ask(relayed, "chitra", "hello")
        assert (other["response"], other["status"]) == ([GREETING], True)
    finally:
        relayed.redis.start()
        relayed.one.orders("working")
