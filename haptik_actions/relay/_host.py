"""What the relay asks of the process that it lives in, and the values that pass between them.

The process reaches users and tells Rasa. The values are words in both directions, the end of a chat, and what the
ledger notes of them.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from haptik_actions.hsl import Element
from haptik_actions.relay._link import Link

__all__ = ["Ending", "FromUser", "Host", "How", "InboxMessage", "LedgerRow", "Queued", "Reach", "Saying", "UserAway"]

Reach: TypeAlias = Literal["push", "pull", "away"]
How: TypeAlias = Literal["said", "said_again", "sent", "found", "sent_again", "refused", "to_bot", "dropped"]
"""What became of one entry of a queue.

`said`: the host took it for the user. `said_again`: it may have been said before, because a process died or failed in
the middle of it. `sent`: Haptik confirmed it. `found`: it was not confirmed, and the transcript has it. `sent_again`:
it was not confirmed, could not be looked up, and went out a second time. `refused`: Haptik does not take it. `to_bot`:
the chat ended before it went out, and the bot got it. `dropped`: the chat ended and it had no meaning any more.
"""


class UserAway(Exception):
    """Raised by a host: the user cannot be reached from here now. Nothing was said; it is said when they are back."""


class Host(Protocol):
    """The process that has the users: Rasa's, the demo's, or a test.

    Any exception of these methods means that the entry stays at the head of its queue and is tried again after a
    pause, with `again` set: it may have been said. `UserAway` means that it was not, and waits for the user. The relay
    calls them for one conversation one after the other, in its own tasks, never inside a call of the host's.
    """

    def reach(self, link: Link) -> Reach:
        """Tell how the user can be reached; no I/O. Asked before anything is taken out of a queue.

        `push`: this process can say something to the user now. `pull`: the channel cannot push (REST). `away`: not from
        this process, not now (the user's socket is at another process, or nowhere).
        """

    async def say(self, link: Link, saying: Saying) -> None:
        """Say it on the user's channel, and write it into the tracker.

        Where the reach is `pull`, write it into the tracker only: the relay puts it into the inbox afterwards. So it is
        for links of the channel `haptik`, where Haptik itself has brought it to the user.
        """

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        """An agent has the chat: pause the conversation where it is not paused, note it in the receipt, and say it."""

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        """The bot has the conversation again: resume it, do what `link.after_agent` says, end the episode, and say it.

        `link.state` is still that of before; it becomes `ended` when this has returned.
        """

    async def hear(self, link: Link, words: FromUser) -> None:
        """Give the bot what the user wrote after the chat had ended: no agent reads it. Called after `ended`."""


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """One message for the user.

    Attributes:
        id: The platform's `message.id`; None for what the relay itself says.
        author: `agent`; `platform` for its automatic sentences; `bot` for the relay's own.
        name: The agent's name, where there is one.
        element: What is shown. A body that `haptik_actions.hsl.parse` refuses is a `Text` of all that it shows.
        key: The message key of a sentence of the relay's own.
        again: It may have been said before; the conversation's tracker may tell.
    """

    id: int | None = None
    author: Literal["agent", "platform", "bot"] = "bot"
    name: str | None = None
    element: Element
    key: str | None = None
    again: bool = False


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a chat ended. `again` is true where the host may have been told before.

    `kind`: `completed` by whoever had it; `nobody_came`: no agent had it; `user_left`: the user went back to the bot.
    `at` is Unix seconds; `by` and `reason` are the platform's words (`completion_by`, `closing_categories.reason`).
    """

    kind: Literal["completed", "nobody_came", "user_left"]
    at: float
    receipt: str = ""
    conversation_no: int | None = None
    by: str | None = None
    reason: str | None = None
    again: bool = False


class FromUser(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wrote or sent; `at` is Unix seconds.

    A file has a `kind`, a `name` and `content` (at most 10 MB); `text` goes with it, or is empty.
    """

    text: str = ""
    kind: Literal["text", "image", "document"] = "text"
    name: str = ""
    content: bytes = b""
    at: float = 0.0


class InboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the inbox of a conversation whose channel cannot push. `number` ascends; `at` is Unix seconds."""

    number: int
    at: float
    saying: Saying


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry. `what`: `message`, `assigned`, `ended`, `own` (a sentence of the relay's), `words`,
    `file`, `note`. `id`: `message.id` or the entry's number. `at` is Unix seconds; `why` names an error's class."""

    what: str
    id: str
    how: How
    at: float
    why: str | None = None


class Queued(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What waits for a user.

    `what` is `message` (of an agent or the platform: `body`), `assigned` (an agent is here), `ended`, or `own` (a
    sentence of the relay's under `key`, with the choice to wait or go back where `choice`).
    """

    what: Literal["message", "assigned", "ended", "own"]
    id: int | None = None
    at: float = 0.0
    name: str | None = None
    automated: bool = False
    body: Any = None
    key: str | None = None
    choice: bool = False
    left: bool = False
    conversation_no: int | None = None
    completion_type: str | None = None
    completion_by: str | None = None
    reason: str | None = None
