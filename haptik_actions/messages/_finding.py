"""What is wrong, or may be, with a message: in words for people who do not program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at before a message is published.

    Attributes:
        severity: An `error` keeps it from being published; a `warning` does not.
        path: Where: `text`, `[1].buttons[0].title`, `data.items[2]`; empty for the whole.
        words: What it is, and what helps.
        channel: The channel that it is about, None for all.
        code: `form`, `blank`, `placeholder`, `group`, `hsl`, `length` or `channel`.
    """

    severity: Severity
    path: str
    words: str
    channel: str | None = None
    code: str = ""
