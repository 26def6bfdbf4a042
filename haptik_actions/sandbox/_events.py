"""What the platform tells a webhook: the JSON of each event.

Source: Haptik's documentation, Webhooks, "Payload information". Names and nesting are documented; values that the
sandbox has to make up (ids, links, the user's device) are marked as assumed in docs/sandbox.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from haptik_actions.sandbox._chats import Chat, Message
from haptik_actions.sandbox._state import Agent, State
from haptik_actions.sandbox._users import DEVICES, DetailsBook, Person, UserDirectory

__all__ = ["Closing", "Ending", "EventBodies"]

_VERSION = "1.0"
_NO_DEVICE = {"phone_model": "", "os_version": "", "package_name": ""}
# The documentation: "Gogo is an internal name for our ai engine". The platform's own messages have it as agent, too.
_GOGO = {"id": 1, "name": "gogo", "profile_image": "", "is_automated": True, "email": None}
_FIRST_AGENT_ID = 101


Ending = Literal["agent", "nobody_came", "waiting_for_user", "bot_completed"]
_COMPLETION: Mapping[Ending, tuple[str, str]] = {
    "nobody_came": ("autocomplete", "Team Offline Flag"),
    "waiting_for_user": ("autocomplete", "Waiting for User"),
    "bot_completed": ("gogo", "Bot completed"),
}
"""`completion_type` and `completion_by` of chats that no agent completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How a chat was completed, and why in an agent's words (`closing_categories`)."""

    ending: Ending = "agent"
    reason: str = ""
    sub_reason: str = ""
    comment: str = ""


class EventBodies:
    """Writes the body of each event from a chat as it was when the event happened."""

    def __init__(self, state: State, users: UserDirectory, details: DetailsBook, now: Callable[[], datetime]) -> None:
        self._details = details
        self._users = users
        self._businesses = {business.id: business.name for business in state.businesses}
        self._agents = {agent.name: _signature(agent, id_) for id_, agent in enumerate(state.agents, _FIRST_AGENT_ID)}
        self._now = now

    def message(self, chat: Chat, message: Message) -> dict[str, Any]:
        """The bot, an agent or the platform itself has sent a message."""
        said = {"id": message.id, "body": message.body}
        return {**self._common(chat, "message"), "agent": self._signed(message.agent_name), "message": said}

    def chat_pinned(self, chat: Chat, message_id: int) -> dict[str, Any]:
        """An agent has claimed the chat."""
        agent = self._signed(chat.agent)
        payload = {"profile_image": agent["profile_image"], "agent_name": chat.agent, "team_name": chat.team}
        body = {
            "text": f"{chat.agent} has entered the Conversation",
            "type": "SYSTEM",
            "data": {"event_name": "chat_pinned", "payload": payload},
        }
        return {**self._common(chat, "chat_pinned"), "agent": agent, "message": {"id": message_id, "body": body}}

    def chat_complete(self, chat: Chat, message_id: int) -> dict[str, Any]:
        """The chat is complete. The documentation calls this event deprecated."""
        body = {"text": "The conversation has been completed", "type": "SYSTEM", "data": {}}
        return {**self._common(chat, "chat_complete"), "agent": _GOGO, "message": {"id": message_id, "body": body}}

    def conversation_complete(self, chat: Chat, closing: Closing) -> dict[str, Any]:
        """The chat is complete; `chat` is as it was before."""
        return {
            **self._common(chat, "webhook_conversation_complete"),
            "agent": _GOGO,
            "follow_up_details": {},
            "data": self._completion(chat, closing),
        }

    def _completion(self, chat: Chat, closing: Closing) -> dict[str, Any]:
        identifier = f"{chat.business_id}-{self._person(chat).user_id}"
        link = f"/conversations/{identifier}-{chat.conversation_no}"
        completion_type, completion_by = _COMPLETION.get(closing.ending, ("agent", chat.agent))
        return {
            "conversation_no": chat.conversation_no,
            "collection_id": identifier,
            "conversation_identifier": f"{identifier}-{chat.conversation_no}",
            "chat_link": link,
            "complete_chat_link": link,
            "completion_type": completion_type,
            "completion_by": completion_by,
            "closing_categories": {
                "reason": closing.reason,
                "subReason": closing.sub_reason,
                "comment": closing.comment,
            },
            "conversation_details": self._details.of_conversation(chat),
            "user_details": self._details.of_user(chat.user_name),
        }

    def _common(self, chat: Chat, event_name: str) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "timestamp": self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "user": self._user(chat),
            "business_id": chat.business_id,
            "business_name": self._businesses[chat.business_id],
            "event_name": event_name,
        }

    def _user(self, chat: Chat) -> dict[str, Any]:
        person = self._person(chat)
        return {
            "auth_id": person.auth_id,
            "device_platform": person.device_platform,
            "device_platform_name": DEVICES[person.device_platform],
            "user_name": person.user_name,
            "user_id": person.user_id,
            **_NO_DEVICE,
        }

    def _person(self, chat: Chat) -> Person:
        person = self._users.named(chat.user_name)
        assert person is not None, "a chat belongs to a user"
        return person

    def _signed(self, agent_name: str | None) -> dict[str, Any]:
        if agent_name is None:
            return _GOGO
        return self._agents.get(agent_name) or _signature(Agent(name=agent_name), 0)


def _signature(agent: Agent, id_: int) -> dict[str, Any]:
    return {"id": id_, "name": agent.name, "profile_image": "", "is_automated": False, "email": agent.email}
