"""The chats of the platform: where each of them is, and what was said.

A chat is with the bot, counting down, pending, assigned or complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

from haptik_actions.sandbox._state import Sender, User

__all__ = ["Chat", "ChatBoard", "ChatState", "Message", "Transcripts", "as_hsl"]

ChatState = Literal["bot", "counting_down", "pending", "assigned", "complete"]

_QUEUED: frozenset[ChatState] = frozenset({"counting_down", "pending"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A snapshot of one chat.

    `team` is None with the bot and when complete. `agent` is who the chat is assigned to. `countdown` is the whole
    countdown, `seconds_left` what remains of it, `seconds_waiting` the time in the queue, until it was claimed or until
    now; all in seconds, 0 where they do not apply.
    """

    user_name: str
    business_id: int
    conversation_no: int
    state: ChatState
    team: str | None = None
    agent: str | None = None
    countdown: float = 0.0
    seconds_left: float = 0.0
    seconds_waiting: float = 0.0


@dataclass(frozen=True, slots=True)
class _Move:
    team: str
    countdown: float
    queues_at: float
    order: int
    by_default: bool = False


@dataclass(frozen=True, slots=True)
class _Claim:
    agent: str
    at: float


@dataclass(frozen=True, slots=True)
class _Conversation:
    number: int
    move: _Move | None = None
    claim: _Claim | None = None
    is_complete: bool = False


_Key = tuple[str, int]


class ChatBoard:
    """One chat per user and business. Its state is computed from the clock when somebody asks, without a task."""

    def __init__(self, users: Iterable[User], clock: Callable[[], float]) -> None:
        self._seeded = {(user.user_name, where): user.conversation_no for user in users for where in user.businesses}
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Give every chat back to the bot, in the conversation that it started with."""
        self._conversations = {key: _Conversation(number) for key, number in self._seeded.items()}
        self._order = count()

    def exists(self, user_name: str, business_id: int) -> bool:
        """Tell whether the user has a chat on that business."""
        return (user_name, business_id) in self._conversations

    def open(self, user_name: str, business_id: int) -> None:
        """Make sure that the user has a chat on that business, in a conversation that is not complete."""
        self._conversations.setdefault((user_name, business_id), _Conversation(1))
        self.open_next(user_name, business_id)

    def find(self, user_name: str, business_id: int) -> Chat | None:
        """Return the user's chat on that business, None where there is none."""
        key = user_name, business_id
        return self._look(key, self._clock()) if key in self._conversations else None

    def chats(self) -> list[Chat]:
        """Return every chat, in the order of the state they came from."""
        now = self._clock()
        return [self._look(key, now) for key in self._conversations]

    def queue(self) -> list[Chat]:
        """Return the chats that count down or wait, in the order of the queue; of equal ones, who came first."""
        now = self._clock()
        moves = {key: at.move for key, at in self._conversations.items() if at.move}
        keys = sorted(moves, key=lambda key: (moves[key].queues_at, moves[key].order))
        return [chat for chat in (self._look(key, now) for key in keys) if chat.state in _QUEUED]

    def move_to_team(self, user_name: str, business_id: int, team: str, countdown: float) -> None:
        """Start the countdown in seconds.

        Without effect on a chat with an agent, and on one that was moved to a team and is not complete. One that waits
        in the default team, where nobody moved it, goes to the other team.
        """
        self.open_next(user_name, business_id)
        at = self._conversations[user_name, business_id]
        if at.claim is None and (at.move is None or at.move.by_default):
            self._move(user_name, business_id, team, countdown)

    def queue_in(self, user_name: str, business_id: int, default_team: str) -> None:
        """Let a chat that the bot has wait for the default team; without effect on others."""
        if self._conversations[user_name, business_id].move is None:
            self._move(user_name, business_id, default_team, 0, by_default=True)

    def _move(self, user_name: str, business_id: int, team: str, countdown: float, *, by_default: bool = False) -> None:
        queues_at = round(self._clock() + countdown, 6)
        self._change(user_name, business_id, move=_Move(team, countdown, queues_at, next(self._order), by_default))

    def assign(self, user_name: str, business_id: int, agent: str) -> None:
        """Give a pending chat to an agent."""
        self._change(user_name, business_id, claim=_Claim(agent, self._clock()))

    def complete(self, user_name: str, business_id: int) -> None:
        """End the conversation. Team and agent are cleared (documented for the agent)."""
        self._change(user_name, business_id, move=None, claim=None, is_complete=True)

    def open_next(self, user_name: str, business_id: int) -> None:
        """Start the next conversation with the bot where the last one is complete; else without effect."""
        at = self._conversations[user_name, business_id]
        if at.is_complete:
            self._conversations[user_name, business_id] = _Conversation(at.number + 1)

    def _change(self, user_name: str, business_id: int, **changes: Any) -> None:
        key = user_name, business_id
        self._conversations[key] = replace(self._conversations[key], **changes)

    def _look(self, key: _Key, now: float) -> Chat:
        user_name, business_id = key
        at = self._conversations[key]
        state = _state_of(at, now)
        chat = Chat(user_name=user_name, business_id=business_id, conversation_no=at.number, state=state)
        if at.move is None:
            return chat
        waits = round((at.claim.at if at.claim else now) - at.move.queues_at, 3)
        return replace(
            chat,
            team=at.move.team,
            agent=at.claim.agent if at.claim else None,
            countdown=at.move.countdown,
            seconds_left=max(-waits, 0.0),
            seconds_waiting=max(waits, 0.0),
        )


def _state_of(at: _Conversation, now: float) -> ChatState:
    if at.is_complete:
        return "complete"
    if at.move is None:
        return "bot"
    if at.claim:
        return "assigned"
    return "counting_down" if round(at.move.queues_at - now, 3) > 0 else "pending"


_SEEDED_EVERY = timedelta(seconds=20)

_Speaker = tuple[str, int, int]


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
        self._messages: dict[_Speaker, list[Message]] = defaultdict(list)
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
