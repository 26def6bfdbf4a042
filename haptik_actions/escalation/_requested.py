"""An agent is wanted although nothing failed."""

from __future__ import annotations

__all__ = ["HandOffRequested", "NotUnderstood"]


class HandOffRequested(Exception):
    """The user asked for an agent. Stands where a failure's exception stands; the receipt's `error` is None then, the
    log has no traceback, and the copy is that of `haptik_request_…`."""


class NotUnderstood(HandOffRequested):
    """The bot did not understand. The user has not asked for an agent, and reads the copy of a failure."""
