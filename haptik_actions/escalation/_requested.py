"""The user asked for an agent: nothing failed."""

from __future__ import annotations

__all__ = ["HandOffRequested"]


class HandOffRequested(Exception):
    """Stands where a failure's exception stands; the receipt's `error` is None then, and the log has no traceback."""
