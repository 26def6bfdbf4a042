"""Every message of the store in the memory of the process that edits: for lists and searches of 100,000 messages.

Read once, then kept current by what Redis tells; where it tells nothing, read again after some seconds. A bot has no
such index.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from haptik_actions._namespace import ROOT
from haptik_actions._single_flight import SingleFlight
from haptik_actions.errors import MessagesUnavailable
from haptik_actions.messages._contents import Contents
from haptik_actions.messages._editor import Editor
from haptik_actions.messages._names import Place, is_stray, place_of

__all__ = ["Index"]

_UNTRACKED_SECONDS = 2.0
# Between two breaths of the event loop.
_AT_A_TIME = 500


class Index:
    """Keeps `contents` current. `builtin` are the defaults that do not stand in Redis."""

    def __init__(
        self,
        editor: Editor,
        locale: str,
        builtin: Callable[[], Iterator[tuple[Place, str]]],
        *,
        is_tracking: Callable[[], bool],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._editor, self._locale, self._builtin = editor, locale, builtin
        self._is_tracking, self._timer = is_tracking, timer
        self._flight: SingleFlight[None] = SingleFlight()
        self._contents = Contents(locale)
        self._read_at = float("-inf")
        self._whole = False
        self._gaps = 0
        self._dirty: set[str] = set()
        self._strays: set[str] = set()

    def touch(self, redis_keys: Iterable[str] | None) -> None:
        """Redis (or this process) changed these keys; None: anything may have changed."""
        if redis_keys is None:
            self._whole = False
            self._gaps += 1
        else:
            self._dirty.update(redis_keys)

    async def contents(self) -> Contents:
        """Return what the store holds now, after reading what changed since; the first time everything.

        Raises:
            MessagesUnavailable: Redis does not answer.
        """
        if not self._whole or not (self._is_tracking() or self._timer() - self._read_at < _UNTRACKED_SECONDS):
            await self._flight.run("all", self._read_all)
        # Once more where something changed while others were reading.
        while self._dirty:
            await self._flight.run("dirty", self._read_dirty)
        return self._contents

    async def strays(self) -> list[str]:
        """Return the keys in Redis that somebody meant for messages, and that are none.

        Raises:
            MessagesUnavailable: Redis does not answer.
        """
        await self.contents()
        return sorted(self._strays)

    async def _read_all(self) -> None:
        self._dirty.clear()
        gaps = self._gaps
        scanned = await self._editor.scan(f"{ROOT}messages*")
        self._strays = set(filter(is_stray, scanned))
        names = [name for name in scanned if place_of(name)]
        values = await self._editor.values(names)
        contents = Contents(self._locale)
        for at, (name, value) in enumerate(zip(names, values, strict=True)):
            contents.put(name, value)
            if at % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        for place, value in self._builtin():
            if place_of(place.default) and contents.default(place) is None:
                contents.put(place.default, value)
        contents.keep_all_keys()
        # What was not told while this was read makes the next list read again.
        self._contents, self._whole, self._read_at = contents, gaps == self._gaps, self._timer()

    async def _read_dirty(self) -> None:
        names, strays = [*filter(place_of, self._dirty)], [*filter(is_stray, self._dirty)]
        self._dirty = set()
        try:
            values = await self._editor.values(names)
            there = await self._editor.exist(strays)
        except MessagesUnavailable:
            self._dirty.update(names, strays)
            raise
        self._strays = self._strays.difference(strays) | there
        builtin = dict(self._builtin())
        for name, value in zip(names, values, strict=True):
            found = place_of(name)
            assert found is not None
            kind, place = found
            self._contents.put(name, builtin.get(place) if kind == "default" and value is None else value)
            self._contents.keep_key(place.key)
