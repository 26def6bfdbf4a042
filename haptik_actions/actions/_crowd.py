"""While many failures are being answered, further calls wait unread: read, a call takes several times its memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Crowd"]

_MOST = 200
"""Failures being answered at once. More than are tried at Haptik at once: one that hangs holds up nobody here."""
_LONGEST_WAIT_SECONDS = 3.0
_LOOK_SECONDS = 0.05


class Crowd:
    """The failures that one event loop is answering, and the calls that wait until there are fewer than `most`.

    No call waits longer than `seconds`: memory is worth less than an answer.
    """

    def __init__(self, *, most: int = _MOST, seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._answering = 0
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a failure as being answered while the block runs."""
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1
            # One for one, and no more: who was let in a moment ago has not failed yet and is not counted.
            if self._answering < self._most:
                self._let_in(1)

    def turn(self) -> asyncio.Future[None] | None:
        """Return what a new call has to await before it is read; None where it need not wait."""
        if self._answering < self._most and not self._waiting:
            return None
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(_LOOK_SECONDS, self._look)
        turn = loop.create_future()
        self._waiting.append((loop.time() + self._seconds, turn))
        return turn

    def _look(self) -> None:
        # Who was let in may succeed, or take its time to fail: the others do not wait for that.
        self._let_in(self._most - self._answering)
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            self._let_in(1)
        if self._waiting:
            loop.call_later(_LOOK_SECONDS, self._look)

    def _let_in(self, calls: int) -> None:
        while self._waiting and calls > 0:
            turn = self._waiting.popleft()[1]
            # It is done where its client has gone.
            if not turn.done():
                turn.set_result(None)
                calls -= 1
