"""What happens in a chat: it changes the chat, is written into the transcript, and the webhook is told."""

from __future__ import annotations

from typing import Any

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat, ChatBoard, Message, Transcripts, as_hsl
from haptik_actions.sandbox._events import Closing, EventBodies
from haptik_actions.sandbox._state import WORDS, Sender, Sentence
from haptik_actions.sandbox._users import DetailsBook
from haptik_actions.sandbox._webhook import EventQueue

__all__ = ["Conversations", "NoSuchChat"]


class NoSuchChat(ConfigurationError):
    """Raised where the user has no chat on that business."""


class Conversations:
    """Carries out what happens in chats, with all that follows from it. It does not check who may do what."""

    def __init__(
        self,
        board: ChatBoard,
        transcripts: Transcripts,
        bodies: EventBodies,
        events: EventQueue,
        details: DetailsBook,
        *,
        default_team: str | None,
    ) -> None:
        self._default_team = default_team
        self._board = board
        self._transcripts = transcripts
        self._bodies = bodies
        self._events = events
        self._details = details
        self.reset()

    def reset(self) -> None:
        """Forget which agent had which user last."""
        self._last_agents: dict[tuple[str, int], str] = {}

    def chat(self, user_name: str, business_id: int) -> Chat:
        """Return the user's chat on that business, or raise `NoSuchChat`."""
        chat = self._board.find(user_name, business_id)
        if chat is None:
            where = f"{user_name!r} has no chat on the business {business_id}"
            raise NoSuchChat(f"{where}. Add it to the user's businesses in the state")
        return chat

    def waiting(self) -> list[Chat]:
        """Return the chats that wait for an agent of their team, the first of the queue first."""
        return [chat for chat in self._board.queue() if chat.state == "pending"]

    def messages(self, chat: Chat) -> list[Message]:
        """Return what was said in a chat's current conversation, the oldest first."""
        return self._transcripts.of(chat.user_name, chat.business_id, chat.conversation_no)

    def say(
        self, user_name: str, business_id: int, body: dict[str, Any], *, sender: Sender, agent_name: str | None = None
    ) -> Message:
        """Add a message to the current conversation; a user's opens the next one where that is complete.

        The webhook is told `message` of what the bot and the agents say. `NoSuchChat` where there is none to say it in.
        """
        chat = self.chat(user_name, business_id)
        if sender == "user" and chat.state == "complete":
            self._board.open_next(user_name, business_id)
            chat = self.chat(user_name, business_id)
        message = self._transcripts.add(
            user_name, business_id, chat.conversation_no, sender=sender, body=body, agent_name=agent_name
        )
        if sender != "user":
            self._events.add(chat, self._bodies.message(chat, message))
        return message

    def log(self, user_name: str, business_id: int, body: dict[str, Any]) -> Message:
        """Add what a user of the Bot API says. A chat that the bot has waits for the default team from then on."""
        self._board.open(user_name, business_id)
        message = self.say(user_name, business_id, body, sender="user")
        self.give_to_default_team(user_name, business_id)
        return message

    def give_to_default_team(self, user_name: str, business_id: int) -> None:
        """Let a chat that the bot has wait for the default team, where there is one; without effect on others."""
        if self._default_team is not None:
            self._board.queue_in(user_name, business_id, self._default_team)

    def announce(self, chat: Chat, sentence: Sentence, words: str | None = None) -> Message:
        """Tell the user one of the platform's automatic sentences, in these words or in the packaged ones."""
        if words is None:
            queued = [(one.user_name, one.business_id) for one in self._board.queue() if one.team == chat.team]
            who = chat.user_name, chat.business_id
            words = WORDS[sentence].replace("{position}", str(queued.index(who) + 1 if who in queued else 1))
        return self.say(chat.user_name, chat.business_id, as_hsl(words), sender="bot")

    def last_agent(self, chat: Chat) -> str | None:
        """Return the agent who had this user last on that business, None where nobody had."""
        return self._last_agents.get((chat.user_name, chat.business_id))

    def assign(self, chat: Chat, agent: str) -> Chat:
        """Give a pending chat to an agent and return it as it is then; the webhook is told `chat_pinned`."""
        self._board.assign(chat.user_name, chat.business_id, agent)
        self._last_agents[chat.user_name, chat.business_id] = agent
        assigned = self.chat(chat.user_name, chat.business_id)
        self._events.add(assigned, self._bodies.chat_pinned(assigned, self._transcripts.new_id()))
        return assigned

    def complete(self, chat: Chat, closing: Closing) -> Chat:
        """End a conversation and return the chat as it is then.

        The webhook is told `chat_complete`, which is deprecated, and `webhook_conversation_complete`.
        """
        self._board.complete(chat.user_name, chat.business_id)
        self._events.add(chat, self._bodies.chat_complete(chat, self._transcripts.new_id()))
        self._events.add(chat, self._bodies.conversation_complete(chat, closing))
        self._details.end(chat)
        return self.chat(chat.user_name, chat.business_id)
