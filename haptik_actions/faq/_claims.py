"""Which keys more than one row claims, in eight bytes a key: a million rows of questions fit into 40 MB.

Only hashes are kept while the rows go by. The few that come twice are looked up in a second reading, which has the
texts; so two texts with one hash are never taken for the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

__all__ = ["Claims"]

_AT_ONCE = 1 << 18


class Claims:
    """Collects the hashes of keys."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self.add_all = self._hashes.extend

    def add(self, key_hash: int) -> None:
        """Note one key by its hash."""
        self._hashes.append(key_hash)

    def repeated(self) -> set[int]:
        """Return the hashes that came more than once."""
        # In turns, so that the set of what was seen stays small: Python's integers take eight times the array.
        turns = len(self._hashes) // _AT_ONCE + 1
        repeated: set[int] = set()
        for turn in range(turns):
            repeated.update(_twice(self._hashes if turns == 1 else (h for h in self._hashes if h % turns == turn)))
        return repeated


def _twice(hashes: Iterable[int]) -> set[int]:
    seen: set[int] = set()
    twice: set[int] = set()
    for key_hash in hashes:
        (twice if key_hash in seen else seen).add(key_hash)
    return twice
