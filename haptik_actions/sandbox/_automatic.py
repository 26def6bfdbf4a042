"""What the platform does to chats by itself when time has passed. It is worked out on demand, without a task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from haptik_actions.sandbox._agents import AgentDesk
from haptik_actions.sandbox._chats import Chat, ChatBoard
from haptik_actions.sandbox._conversations import Conversations
from haptik_actions.sandbox._events import Closing
from haptik_actions.sandbox._habits import Habits

__all__ = ["Automat"]


class Automat:
    """Does what `habits` say whenever `settle` is called: before and after a request, and when events are due."""

    def __init__(
        self,
        habits: Habits,
        board: ChatBoard,
        desk: AgentDesk,
        conversations: Conversations,
        now: Callable[[], datetime],
    ) -> None:
        self._habits = habits
        self._board = board
        self._desk = desk
        self._conversations = conversations
        self._now = now
        self._is_asleep = habits == Habits(human_assistance=habits.human_assistance)
        self.reset()

    def reset(self) -> None:
        """Forget which chats were seen."""
        self._arrived: set[tuple[str, int, int]] = set()
        self._delayed: set[tuple[str, int, int]] = set()

    def settle(self) -> None:
        """Do what is due now, chat by chat, in the order in which they queue."""
        if self._is_asleep:
            return
        for chat in self._board.queue():
            if chat.state == "pending":
                self._waiting(chat)
        if self._habits.idle_after is not None:
            for chat in self._board.chats():
                if chat.state == "assigned" and self._is_idle(chat, self._habits.idle_after):
                    self._conversations.complete(chat, Closing(ending="waiting_for_user"))

    def _waiting(self, chat: Chat) -> None:
        key = chat.user_name, chat.business_id, chat.conversation_no
        if key not in self._arrived:
            self._arrived.add(key)
            if self._habits.to_last_agent and self._return(chat):
                return
            if self._habits.sentences:
                self._conversations.announce(chat, self._first_sentence(chat))
        if self._habits.nobody_after is not None and chat.seconds_waiting >= self._habits.nobody_after:
            self._conversations.complete(chat, Closing(ending="nobody_came"))
        elif self._habits.sentences and chat.seconds_waiting >= self._habits.delay_after and key not in self._delayed:
            self._delayed.add(key)
            self._conversations.announce(chat, "delay")

    def _first_sentence(self, chat: Chat) -> Literal["queue_position", "team_offline"]:
        return "queue_position" if self._desk.able(chat.team) else "team_offline"

    def _return(self, chat: Chat) -> bool:
        last = self._conversations.last_agent(chat)
        if last is None or last not in [agent.name for agent in self._desk.able(chat.team)]:
            return False
        self._conversations.assign(chat, last)
        return True

    def _is_idle(self, chat: Chat, seconds: float) -> bool:
        said = self._conversations.messages(chat)
        if not said or said[-1].sender == "user":
            return False
        return (self._now() - said[-1].at).total_seconds() >= seconds
