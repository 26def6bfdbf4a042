"""The life of a chat: what is said and done in it, what of that is in the transcript, and what the webhook is told."""

from __future__ import annotations

from typing import Any

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat, ChatBoard
from haptik_actions.sandbox._events import Closing, EventBodies
from haptik_actions.sandbox._state import Sender
from haptik_actions.sandbox._transcripts import Message, Transcripts
from haptik_actions.sandbox._webhook import EventQueue

__all__ = ["Conversations", "NoSuchChat"]


class NoSuchChat(ConfigurationError):
    """The user has no chat on that business."""


class Conversations:
    """The chats, with everything that follows when something happens in one. Who may do what is not asked here."""

    def __init__(
        self,
        board: ChatBoard,
        transcripts: Transcripts,
        bodies: EventBodies,
        events: EventQueue,
        *,
        default_team: str | None,
    ) -> None:
        self._default_team = default_team
        self._board = board
        self._transcripts = transcripts
        self._bodies = bodies
        self._events = events

    def chat(self, user_name: str, business_id: int) -> Chat:
        """Return the user's chat on that business, or raise `NoSuchChat`."""
        chat = self._board.find(user_name, business_id)
        if chat is None:
            where = f"{user_name!r} has no chat on the business {business_id}"
            raise NoSuchChat(f"{where}. Add it to the user's businesses in the state")
        return chat

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
        if self._default_team is not None:
            self._board.queue_in(user_name, business_id, self._default_team)
        return message

    def assign(self, chat: Chat, agent: str) -> Chat:
        """Give a pending chat to an agent and return it as it is then; the webhook is told `chat_pinned`."""
        self._board.assign(chat.user_name, chat.business_id, agent)
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
        return self.chat(chat.user_name, chat.business_id)
