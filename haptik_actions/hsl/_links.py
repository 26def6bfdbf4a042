"""The addresses that an element may open: http and https, or a bare host, which the platform reads as https.

Bare hosts occur in the platform's own samples. Everything else is refused, because a chat client may run it
(`javascript:`, `data:`) or cannot open it from a button (`ftp:`, a path without a host). A phone number, an SMS or an
e-mail address is accepted only where the actionable's uri says that the tap calls, texts or mails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from haptik_actions.errors import InvalidElement

_PATH = r"(?:[/?#][^\s\x00-\x1f\x7f]*)?"
_ABSOLUTE = re.compile(r"https?://[^\s\x00-\x1f\x7f/?#\\:][^\s\x00-\x1f\x7f/?#\\]*" + _PATH, re.IGNORECASE)
# A host needs a dot. Without this rule `javascript:1/alert(1)` would be read as a host with a port.
_BARE_HOST = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)+(?::\d{1,5})?" + _PATH)
_is_usual = re.compile(r"https?://[A-Za-z0-9][!-\[\]-~]*").fullmatch
_seen: set[str] = set()
_NUMBER = r"\+?[0-9(][0-9() .\-]{1,30}"
_CONTACTS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "CALL": re.compile(rf"(?:tel:)?{_NUMBER}", re.IGNORECASE),
        "SMS": re.compile(rf"(?:sms:)?{_NUMBER}(?:\?[^\s\x00-\x1f\x7f]*)?", re.IGNORECASE),
        "EMAIL": re.compile(r"(?:mailto:)?[^\s@:/?\x00-\x1f\x7f]+@[\w.-]+(?:\?[^\s\x00-\x1f\x7f]*)?", re.IGNORECASE),
    }
)
_IGNORED = re.compile(r"[\s\x00-\x1f\x7f]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HARMLESS = frozenset({"http", "https", "tel", "sms", "mailto"})


def is_plain(url: str) -> bool:
    """Whether a string is a usual http(s) address. Bots send the same ones over and over, so some are remembered."""
    if url in _seen:
        return True
    if not _is_usual(url):
        return False
    if len(_seen) >= 4096:
        _seen.clear()
    _seen.add(url)
    return True


def check_link(url: Any, path: str, uri: Any = "") -> None:
    """Refuse an address that is not safe to open from a chat; `uri` is that of the actionable which opens it.

    Raises:
        InvalidElement: at `path`.
    """
    if not isinstance(url, str):
        raise InvalidElement(path, f"an address is a string, not {type(url).__name__}")
    if is_plain(url) or _ABSOLUTE.fullmatch(url) or _BARE_HOST.fullmatch(url):
        return
    contact = _CONTACTS.get(kind := uri.strip().upper()) if isinstance(uri, str) else None
    if contact is None or not contact.fullmatch(url):
        wanted = {"CALL": " or a phone number", "SMS": " or a phone number", "EMAIL": " or an e-mail address"}
        raise InvalidElement(path, f"{url!r} is not an http or https address{wanted[kind] if contact else ''}")


def check_harmless(url: Any, path: str, uri: Any = "") -> None:
    """Refuse an address with an unsafe scheme. What is no address at all (`<link>` in a template) passes.

    This is for objects of an unknown type: no client opens anything of them.

    Raises:
        InvalidElement: at `path`.
    """
    # Browsers ignore control characters and space in front of a scheme and within it.
    scheme = _SCHEME.match(_IGNORED.sub("", url)) if isinstance(url, str) else None
    if scheme and scheme[1].lower() not in _HARMLESS:
        check_link(url, path, uri)


def absolute(url: str) -> str:
    """The address with its scheme: a bare host is https."""
    return url if "://" in url and _ABSOLUTE.match(url) else f"https://{url}"
