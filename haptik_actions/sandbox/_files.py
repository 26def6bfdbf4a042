"""Files that users sent through the Bot API, kept in memory for people who look at the chat."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

__all__ = ["FileStore", "SentFile"]

_KEPT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file that a user sent, under the name that the user's device gave it."""

    name: str
    content: bytes
    is_image: bool


class FileStore:
    """The newest files by number, 64 MB together."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all files."""
        self._files: dict[int, SentFile] = {}
        self._numbers = count(1)

    def keep(self, file: SentFile) -> int:
        """Keep a file and return its number. The oldest files are removed where there is no room."""
        number = next(self._numbers)
        self._files[number] = file
        while sum(len(kept.content) for kept in self._files.values()) > _KEPT_BYTES:
            del self._files[min(self._files)]
        return number

    def numbered(self, number: int) -> SentFile | None:
        """Return the file of that number, None where there never was one or it was removed."""
        return self._files.get(number)
