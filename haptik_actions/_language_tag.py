"""What a language tag looks like."""

from __future__ import annotations

import re

__all__ = ["is_locale"]

# BCP 47 allows letters, digits and hyphens. A locale comes from outside and becomes part of a Redis key.
_LOCALE = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")


def is_locale(tag: str) -> bool:
    """Tell whether `tag` has the form of a language tag."""
    return _LOCALE.fullmatch(tag) is not None
