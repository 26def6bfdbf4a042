"""Addresses of the pages of a message."""

from __future__ import annotations

from urllib.parse import urlencode

__all__ = ["message_address"]


def message_address(key: str, locale: str, page: str = "", **more: str) -> str:
    """Return the address of a message's page: the editor, or `history` or `compare`."""
    path = f"/message/{page}" if page else "/message"
    return f"{path}?{urlencode({'key': key, 'locale': locale, **more})}"
