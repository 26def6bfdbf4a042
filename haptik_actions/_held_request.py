"""What has come of a request, and whether it is whole: read without parsing, for many who may never finish."""

from __future__ import annotations

import re

__all__ = ["MOST_HELD", "HeldRequest"]

MOST_HELD = 65_536
"""Bytes of one request that are held. Longer headers than these no server here takes."""

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
# Who asks whether to send the body waits for an answer, which only the server gives.
_ASKS = re.compile(rb"\r\nexpect:", re.IGNORECASE)


class HeldRequest:
    """The first bytes on a connection. Each byte is looked at once, however many pieces they come in."""

    __slots__ = ("_ends_at", "_is_chunked", "data", "has_head")

    def __init__(self) -> None:
        self.data = bytearray()
        self.has_head = False
        self._is_chunked = False
        self._ends_at = 0

    def add(self, piece: bytes) -> None:
        """Take what came next."""
        seen = max(0, len(self.data) - len(_HEAD_ENDS))
        self.data += piece
        if not self.has_head and (end := self.data.find(_HEAD_ENDS, seen)) >= 0:
            self.has_head = True
            self._read_head(end + len(_HEAD_ENDS))

    @property
    def is_ready(self) -> bool:
        """Whether all of the request is there, or more of it than is held."""
        if len(self.data) > MOST_HELD:
            return True
        if not self.has_head:
            return False
        if self._is_chunked:
            # The last chunk is empty, and lines behind it end with an empty one.
            return len(self.data) > self._ends_at and self.data.endswith(_HEAD_ENDS)
        return len(self.data) >= self._ends_at

    def _read_head(self, body_at: int) -> None:
        self._ends_at = body_at
        head = bytes(self.data[:body_at])
        if _ASKS.search(head):
            return
        self._is_chunked = _CHUNKED.search(head) is not None
        length = _LENGTH.search(head)
        if length is not None and not self._is_chunked:
            self._ends_at += int(length[1])
