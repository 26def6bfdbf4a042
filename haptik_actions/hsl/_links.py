"""The addresses that an element may open: http and https, or a bare host, which the platform reads as https.

Bare hosts occur in the platform's own samples. Everything else is refused, because a chat client may run it
(`javascript:`, `data:`) or cannot open it from a button (`ftp:`, a path without a host).
"""

from __future__ import annotations

import re
from typing import Any

from haptik_actions.errors import InvalidElement

_PATH = r"(?:[/?#][^\s\x00-\x1f\x7f]*)?"
_ABSOLUTE = re.compile(r"https?://[^\s\x00-\x1f\x7f/?#\\:][^\s\x00-\x1f\x7f/?#\\]*" + _PATH, re.IGNORECASE)
# The dot tells a host from a scheme: `javascript:1/alert(1)` would otherwise be a host with a port.
_BARE_HOST = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)+(?::\d{1,5})?" + _PATH)


def check_link(url: Any, path: str) -> None:
    """Refuse an address that is not safe to open from a chat.

    Raises:
        InvalidElement: at `path`.
    """
    if not isinstance(url, str):
        raise InvalidElement(path, f"an address is a string, not {type(url).__name__}")
    if not (_ABSOLUTE.fullmatch(url) or _BARE_HOST.fullmatch(url)):
        raise InvalidElement(path, f"{url!r} is not an http or https address")


def absolute(url: str) -> str:
    """The address with its scheme: a bare host is https."""
    return url if "://" in url and _ABSOLUTE.match(url) else f"https://{url}"
