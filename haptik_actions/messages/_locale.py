"""Which language a user reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["LANGUAGE", "locale_of"]

LANGUAGE = "language_code"
"""The slot, and the key of the metadata of Haptik's integration request, that holds a user's language."""


def locale_of(slots: Mapping[str, Any] | None, metadata: Mapping[str, Any] | None = None) -> str | None:
    """Return the language tag in slot `language_code`, or else in the metadata of the message; None for neither.

    Metadata may hold it at the top or, where a gateway passes Haptik's integration request on, below `user`.
    """
    metadata = metadata or {}
    user = metadata.get("user")
    candidates = ((slots or {}).get(LANGUAGE), metadata.get(LANGUAGE))
    below = user.get(LANGUAGE) if isinstance(user, Mapping) else None
    return next((found for found in (*candidates, below) if isinstance(found, str) and found.strip()), None)
