"""The agents' desk: who is online, and who may claim, answer and complete which chat.

Also what the platform does to chats by itself when time has passed. It is worked out on demand, without a task.

The platform's documentation names these steps without saying when they are refused: all of that is assumed, and listed
in docs/sandbox.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat, ChatBoard, ChatState, Message, as_hsl
from haptik_actions.sandbox._conversations import Conversations
from haptik_actions.sandbox._events import Closing, Ending
from haptik_actions.sandbox._state import Agent, Habits, Sentence

__all__ = ["AgentDesk", "Automat", "NoSuchAgent"]

_WHERE: dict[ChatState, str] = {
    "bot": "is with the bot. Move it to a team with send_chat_to_agent first",
    "counting_down": "still counts down. Wait, or move the clock",
    "pending": "waits in the queue of {chat.team}. Claim it first",
    "assigned": "is assigned to {chat.agent} already",
    "complete": "is complete. A message of the user opens the next conversation",
}


_ENDS_IN: Mapping[Ending, frozenset[ChatState]] = {
    "agent": frozenset(),
    "nobody_came": frozenset({"counting_down", "pending"}),
    "waiting_for_user": frozenset({"assigned"}),
    "bot_completed": frozenset({"bot"}),
}


class NoSuchAgent(ConfigurationError):
    """Raised where no agent has that name."""


class AgentDesk:
    """What agents do. A step that is not allowed now raises `ConfigurationError` and changes nothing."""

    def __init__(self, agents: Iterable[Agent], conversations: Conversations) -> None:
        self._seeded = tuple(agents)
        self._conversations = conversations
        self.reset()

    def reset(self) -> None:
        """Let every agent be online or offline as at the start."""
        self._agents = {agent.name: agent for agent in self._seeded}

    def agents(self) -> list[Agent]:
        """Return the agents as they are now."""
        return list(self._agents.values())

    def able(self, team: str | None) -> list[Agent]:
        """Return who can claim a chat of that team now."""
        return [agent for agent in self._agents.values() if agent.online and team in agent.teams]

    def able_for(self, chat: Chat) -> list[Agent]:
        """Return who can claim the chat now; who had the user last comes first."""
        last = self._conversations.last_agent(chat)
        return sorted(self.able(chat.team), key=lambda agent: agent.name != last)

    def set_online(self, agent: str, *, online: bool) -> Agent:
        """Set an agent online or offline. Their chats stay theirs; chats that wait for a team without agents end."""
        before = self._agent(agent)
        self._agents[agent] = replace(before, online=online)
        if before.online and not online:
            for chat in self._conversations.waiting():
                if chat.team in before.teams and not self.able(chat.team):
                    self._conversations.complete(chat, Closing(ending="nobody_came"))
        return self._agents[agent]

    def claim(self, user_name: str, business_id: int, *, agent: str) -> Chat:
        """Assign a pending chat to an agent of its team who is online."""
        chat, who = self._conversations.chat(user_name, business_id), self._agent(agent)
        if chat.state != "pending":
            raise ConfigurationError(f"claim: {_describe(chat)}")
        if not who.online:
            raise ConfigurationError(f"claim: {agent} is offline. Only who is online claims chats")
        if chat.team not in who.teams:
            able = ", ".join(other.name for other in self.able(chat.team)) or "nobody"
            raise ConfigurationError(f"claim: {agent} is not in the team {chat.team}. Online there: {able}")
        return self._conversations.assign(chat, agent)

    def answer(self, user_name: str, business_id: int, text: str | dict[str, Any]) -> Message:
        """Send the user a text or an element from the agent who has the chat."""
        chat = self._assigned(user_name, business_id, "answer")
        if isinstance(text, str) and not text.strip():
            raise ConfigurationError("answer: says nothing. Give a text")
        return self._conversations.say(user_name, business_id, as_hsl(text), sender="agent", agent_name=chat.agent)

    def announce(self, user_name: str, business_id: int, sentence: Sentence, words: str | None = None) -> Message:
        """Tell the user of a chat that a team has one of the platform's automatic sentences."""
        chat = self._conversations.chat(user_name, business_id)
        if chat.team is None:
            raise ConfigurationError(f"announce: {_describe(chat)}")
        return self._conversations.announce(chat, sentence, words)

    def end(self, user_name: str, business_id: int, ending: Ending) -> Chat:
        """Let the platform complete a chat by itself."""
        chat = self._conversations.chat(user_name, business_id)
        if chat.state not in _ENDS_IN[ending]:
            raise ConfigurationError(f"end as {ending}: {_describe(chat)}")
        return self._conversations.complete(chat, Closing(ending=ending))

    def complete(self, user_name: str, business_id: int, closing: Closing) -> Chat:
        """End the conversation of a chat that an agent has."""
        return self._conversations.complete(self._assigned(user_name, business_id, "complete"), closing)

    def _assigned(self, user_name: str, business_id: int, step: str) -> Chat:
        chat = self._conversations.chat(user_name, business_id)
        if chat.state != "assigned":
            raise ConfigurationError(f"{step}: {_describe(chat)}")
        return chat

    def _agent(self, name: str) -> Agent:
        if name not in self._agents:
            known = ", ".join(self._agents) or "none"
            raise NoSuchAgent(f"no agent has the name {name!r}. Add it to agents in the state, or use one of: {known}")
        return self._agents[name]


def _describe(chat: Chat) -> str:
    return f"the chat of {chat.user_name} on {chat.business_id} {_WHERE[chat.state].format(chat=chat)}"


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
