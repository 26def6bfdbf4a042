"""What goes through the relay: words in both directions, the end of a chat, and what the ledger notes of them."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from haptik_actions.hsl import Element

__all__ = ["Ending", "FromUser", "How", "InboxMessage", "LedgerRow", "Queued", "Saying"]

How: TypeAlias = Literal["said", "said_again", "sent", "found", "sent_again", "refused", "to_bot", "dropped"]
"""What became of one entry of a queue.

`said`: the host took it for the user. `said_again`: it may have been said before, because a process died or failed in
the middle of it. `sent`: Haptik confirmed it. `found`: it was not confirmed, and the transcript has it. `sent_again`:
it was not confirmed, could not be looked up, and went out a second time. `refused`: Haptik does not take it. `to_bot`:
the chat ended before it went out, and the bot got it. `dropped`: the chat ended and it had no meaning any more.
"""


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
