"""What was said in each conversation: by the user, the bot, and the agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from haptik_actions.sandbox._state import Sender, User

__all__ = ["Message", "Transcripts", "as_hsl"]

_SEEDED_EVERY = timedelta(seconds=20)

_Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation.

    `id` ascends over all conversations of the platform. `body` is an HSL object. `agent_name` is None unless `sender`
    is `agent`. `at` is in UTC, of the platform's wall clock.
    """

    id: int
    sender: Sender
    body: dict[str, Any]
    at: datetime
    agent_name: str | None = None


class Transcripts:
    """The messages of every conversation, which is a user, a business and a conversation's number.

    The messages that `users` are seeded with lie before `now`, twenty seconds apart.
    """

    def __init__(self, users: Iterable[User], now: Callable[[], datetime]) -> None:
        self._users = tuple(users)
        self._now = now
        self.reset()

    def add(
        self,
        user_name: str,
        business_id: int,
        conversation_no: int,
        *,
        sender: Sender,
        body: dict[str, Any],
        agent_name: str | None = None,
    ) -> Message:
        """Append a message and return it. The body is copied."""
        message = Message(id=next(self._ids), sender=sender, agent_name=agent_name, body=deepcopy(body), at=self._now())
        self._messages[user_name, business_id, conversation_no].append(message)
        return message

    def new_id(self) -> int:
        """Take an id for a message that the webhook is told and no transcript holds."""
        return next(self._ids)

    def of(self, user_name: str, business_id: int, conversation_no: int) -> list[Message]:
        """Return the conversation's messages, the oldest first; none for a conversation that never was."""
        return list(self._messages.get((user_name, business_id, conversation_no), ()))

    def reset(self) -> None:
        """Forget everything but what the users are seeded with."""
        self._ids = count(1)
        self._messages: dict[_Key, list[Message]] = defaultdict(list)
        for user in self._users:
            self._seed(user)

    def _seed(self, user: User) -> None:
        now, last = self._now(), len(user.messages)
        for index, seeded in enumerate(user.messages):
            business_id = seeded.business_id or user.businesses[0]
            key = user.user_name, business_id, seeded.conversation_no or user.conversation_no
            self._messages[key].append(
                Message(
                    id=next(self._ids),
                    sender=seeded.sender,
                    agent_name=seeded.agent_name,
                    body=as_hsl(seeded.text if seeded.hsl is None else seeded.hsl),
                    at=now - (last - index) * _SEEDED_EVERY,
                )
            )


def as_hsl(content: str | dict[str, Any] | None) -> dict[str, Any]:
    """Return an HSL object as it is, and a text as the TEXT element that says it (HSL, "Text")."""
    if isinstance(content, dict):
        return deepcopy(content)
    return {"text": content or "", "type": "TEXT", "data": {"quick_replies": []}}
