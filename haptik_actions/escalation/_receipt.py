"""How a hand-off ended."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

__all__ = ["RECEIPT_SLOT", "STATES", "Receipt", "State"]

RECEIPT_SLOT = "haptik_handoff"
"""The slot of the bot that holds the receipt of the conversation's last hand-off."""

State = Literal["connected", "assigned", "delayed", "unavailable", "throttled", "duplicate"]
STATES: tuple[State, ...] = ("connected", "delayed", "unavailable", "throttled", "duplicate")
"""What users are told of. `assigned` follows `connected` later, and the relay tells of it."""


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the slot `haptik_handoff` holds after a failure.

    `state` is `connected` (Haptik confirmed it), `assigned` (an agent has it, as the relay has heard), `delayed`
    (Haptik could not be reached; it is tried again), `throttled` (the team has had its share of chats this minute; it
    is delivered in its turn), `duplicate` (the chat waits for an agent already, under the receipt `id`) or
    `unavailable` (nothing accepts it).

    `error` is the class of what failed the action, None where the user asked for an agent, and `reason` the class of
    what kept Haptik from confirming; neither holds a message, which might be personal. `id` finds the log lines of
    this hand-off; `at` is the time in UTC, ISO 8601.
    """

    state: State
    action: str
    team: str | None = None
    error: str | None = None
    reason: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    at: str = field(default_factory=_now)

    @classmethod
    def from_slot(cls, value: Any) -> Receipt | None:
        """Return the receipt that the slot holds; None where it holds none that can be read."""
        try:
            receipt = cls(**value)
            _ = receipt.began
        except (TypeError, ValueError, OverflowError):
            return None
        return receipt

    @property
    def began(self) -> float:
        """The time of the receipt in Unix seconds."""
        return datetime.fromisoformat(self.at).timestamp()

    def to_slot(self) -> dict[str, Any]:
        """Return the slot's value: a flat JSON object."""
        return asdict(self)
