"""What the studio's two processes tell each other, as lines of JSON: the order to the pages, and what they report."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["REDIS_SECONDS", "Line", "Order"]

REDIS_SECONDS = 5.0
"""What each step of a call to Redis may take."""


class Order(msgspec.Struct, kw_only=True):
    """What the pages are to be: the settings by name, the domain's responses, where to listen, and who comes in."""

    settings: dict[str, Any]
    defaults: dict[str, dict[str, str]]
    locale: str
    channels: list[str]
    must_sign_in: bool
    has_proxy: bool
    path: str


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of this process: `serving`, once, or a record of its log; a line with neither says that it lives."""

    serving: bool = False
    logger: str = ""
    level: int = 0
    words: str = ""
    arguments: list[Any] | dict[str, Any] | None = None
    trace: str | None = None
