"""The chats of the platform and where each of them is: with the bot, counting down, or pending in a team's queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from haptik_actions.sandbox._state import User

__all__ = ["Chat", "ChatBoard", "ChatState"]

ChatState = Literal["bot", "counting_down", "pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One chat as it was when it was looked at.

    `team` is None while the chat is with the bot. `countdown` is the whole countdown, `seconds_left` what remains of
    it, `seconds_waiting` the time since it queued; all in seconds, 0 where they do not apply.
    """

    user_name: str
    business_id: int
    conversation_no: int
    state: ChatState
    team: str | None = None
    countdown: float = 0.0
    seconds_left: float = 0.0
    seconds_waiting: float = 0.0


@dataclass(frozen=True, slots=True)
class _Move:
    team: str
    countdown: float
    queues_at: float


class ChatBoard:
    """One chat per user and business. A chat's state follows from the clock, so nothing has to run in between."""

    def __init__(self, users: Iterable[User], clock: Callable[[], float]) -> None:
        self._numbers = {(user.user_name, where): user.conversation_no for user in users for where in user.businesses}
        self._moves: dict[tuple[str, int], _Move] = {}
        self._clock = clock

    def exists(self, user_name: str, business_id: int) -> bool:
        """Tell whether the user has a chat on that business."""
        return (user_name, business_id) in self._numbers

    def move_to_team(self, user_name: str, business_id: int, team: str, countdown: float) -> None:
        """Start the countdown in seconds; without effect on a chat that already left the bot."""
        queues_at = round(self._clock() + countdown, 6)
        self._moves.setdefault((user_name, business_id), _Move(team, countdown, queues_at))

    def chats(self) -> list[Chat]:
        """Return every chat, in the order of the state they came from."""
        now = self._clock()
        return [self._look(key, self._moves.get(key), now) for key in self._numbers]

    def queue(self) -> list[Chat]:
        """Return the chats that left the bot, in the order in which they queue; of equals, who came first."""
        now = self._clock()
        moves = sorted(self._moves.items(), key=lambda item: item[1].queues_at)
        return [self._look(key, move, now) for key, move in moves]

    def reset(self) -> None:
        """Give every chat back to the bot."""
        self._moves = {}

    def _look(self, key: tuple[str, int], move: _Move | None, now: float) -> Chat:
        user_name, business_id = key
        number = self._numbers[key]
        if move is None:
            return Chat(user_name=user_name, business_id=business_id, conversation_no=number, state="bot")
        left = round(move.queues_at - now, 3)
        return Chat(
            user_name=user_name,
            business_id=business_id,
            conversation_no=number,
            state="pending" if left <= 0 else "counting_down",
            team=move.team,
            countdown=move.countdown,
            seconds_left=max(left, 0.0),
            seconds_waiting=max(-left, 0.0),
        )
