"""What bots keep with the platform: details of a conversation and of a user.

Source: Haptik's documentation, integration parameters: `conversation_details` are kept for three hours and until the
chat is complete, `user_details` for ever and for all bots.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from haptik_actions.sandbox._chats import Chat

__all__ = ["DetailsBook"]

_KEPT_FOR = 3 * 3_600


class DetailsBook:
    """The details by conversation and by user. What a bot sends is added, and replaces keys that are there already."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._of_conversation: dict[tuple[str, int, int], tuple[float, dict[str, Any]]] = {}
        self._of_user: dict[str, dict[str, Any]] = {}

    def of_conversation(self, chat: Chat) -> dict[str, Any]:
        """Return what is kept of the chat's conversation."""
        kept_at, details = self._of_conversation.get(_key(chat), (0.0, {}))
        return deepcopy(details) if details and self._clock() - kept_at < _KEPT_FOR else {}

    def of_user(self, user_name: str) -> dict[str, Any]:
        """Return what is kept of the user."""
        return deepcopy(self._of_user.get(user_name, {}))

    def add(self, chat: Chat, *, conversation: dict[str, Any], user: dict[str, Any]) -> None:
        """Keep what a bot sent about the conversation and the user. The conversation's three hours begin now."""
        if conversation:
            details = {**self.of_conversation(chat), **deepcopy(conversation)}
            self._of_conversation[_key(chat)] = (self._clock(), details)
        if user:
            self._of_user[chat.user_name] = {**self.of_user(chat.user_name), **deepcopy(user)}

    def end(self, chat: Chat) -> None:
        """Forget what is kept of a conversation that is complete."""
        self._of_conversation.pop(_key(chat), None)


def _key(chat: Chat) -> tuple[str, int, int]:
    return chat.user_name, chat.business_id, chat.conversation_no
