"""The brake on guessing passwords: failed sign-ins are counted per user and address, per user, and per address.

Counted in this process: a restart forgets, and an attacker cannot restart it. A right password takes its count back, so
that nobody is kept out by their own visits.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from cachetools import LRUCache

__all__ = ["Throttle"]

_WINDOW_SECONDS = 15 * 60
# Per user and address few, so that guessing ends soon; per user more, so that a stranger elsewhere cannot lock a user
# out with a handful of tries; per address for those who try one password on many users.
_PAIR, _USER, _ADDRESS = 5, 50, 30
_REMEMBERED = 20_000


class Throttle:
    """Tells how long a visitor has to wait before the next try; `timer` is the clock in seconds."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._tries: LRUCache[tuple[str, ...], deque[float]] = LRUCache(_REMEMBERED)

    def wait(self, name: str, address: str) -> int:
        """Return the whole seconds until a try is let through, 0 for at once."""
        return max(self._wait(place, limit) for place, limit in _places(name, address))

    def begin(self, name: str, address: str) -> None:
        """Count a try, before the password is looked at: tries that come at once shall not all be the first."""
        for place, limit in _places(name, address):
            self._tries.setdefault(place, deque(maxlen=limit)).append(self._timer())

    def succeeded(self, name: str, address: str) -> None:
        """Take the try back, and forget the failures of this user at this address."""
        pair, *wider = (place for place, _ in _places(name, address))
        self._tries.pop(pair, None)
        for place in wider:
            if self._tries.get(place):
                self._tries[place].pop()

    def _wait(self, place: tuple[str, ...], limit: int) -> int:
        times = self._tries.get(place)
        if times is None or len(times) < limit:
            return 0
        return max(0, math.ceil(times[0] + _WINDOW_SECONDS - self._timer()))


def _places(name: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    folded = name.casefold()[:64]
    return ((("pair", folded, address), _PAIR), (("user", folded), _USER), (("address", address), _ADDRESS))
