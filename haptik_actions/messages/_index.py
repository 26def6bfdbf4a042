"""Every message of the store in the memory of the process that edits: for lists and searches of 100,000 messages.

Read once, then kept current by what Redis tells; where it tells nothing, read again after some seconds. A bot has no
such index.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._namespace import ROOT
from haptik_actions._once import SingleFlight
from haptik_actions.errors import InvalidMessage, MessagesUnavailable
from haptik_actions.messages._defaults import PACKAGED_LOCALE
from haptik_actions.messages._editor import Editor
from haptik_actions.messages._entry import Count, Origin, Page, Row
from haptik_actions.messages._message import Message
from haptik_actions.messages._names import Place, is_stray, place_of

__all__ = ["Contents", "Index", "Only"]

Only = Literal["edited", "draft", "missing"] | None

# People look for their bot's sentences; the words of forms and of hand-offs come behind.
_PACKAGED, _BEHIND_PACKAGED = "haptik_", "haptik`"
_MOST_IN_LINE = 200
_SAMPLE = 200
_FEW = 2_000


class Contents:
    """What there is of each key in each locale. `locale` is the one that others are translated from."""

    def __init__(self, locale: str) -> None:
        self._locale = locale
        self._live: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._defaults: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._said: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._drafts: set[Place] = set()
        self._keys: list[str] = []

    def default(self, place: Place) -> str | None:
        """Return the default of a message: the domain's, or one that is not in Redis."""
        return self._defaults.get(place.locale, {}).get(place.key)

    def live(self, place: Place) -> str | None:
        """Return what was written into the store."""
        return self._live.get(place.locale, {}).get(place.key)

    def locales(self) -> list[str]:
        """Return the locales that have a message or a draft, the store's own first."""
        found = {tag for of in (self._live, self._defaults) for tag in of if of[tag]} | {p.locale for p in self._drafts}
        return sorted(found | {self._locale}, key=lambda tag: (tag != self._locale, tag))

    def places(self, locale: str | None) -> list[Place]:
        """Return the places that have a message, by locale and key."""
        tags = self.locales() if locale is None else [locale]
        return [Place(tag, key) for tag in tags for key in self._keys if self._has(tag, key)]

    def search(self, words: str, locale: str, only: Only, offset: int, limit: int) -> Page:
        """Return the messages that hold every word, in their key or in what they say: first the bot's own, by key."""
        wanted = words.casefold().split()
        found = self._holding(wanted, locale) if wanted else self._keys
        if only is not None:
            kept = self._only(only, locale)
            found = [key for key in found if key in kept]
        tags = self.locales()
        return Page(len(found), tuple(self._row(key, locale, tags) for key in found[offset : offset + limit]))

    def read(self, keys: Iterable[str], chain: Sequence[str]) -> dict[str, str]:
        """Return by key what the first locale of the chain that has something says, or else the packaged copy."""
        tags = (*chain, PACKAGED_LOCALE)
        found = {key: next(filter(None, (self._in_effect(tag, key) for tag in tags)), None) for key in keys}
        return {key: text for key, text in found.items() if text}

    def count(self, locale: str) -> Count:
        """Return how far a locale is."""
        return Count(
            total=len(self._keys),
            edited=len(self._live[locale]),
            missing=len(self._only("missing", locale)),
            drafts=sum(place.locale == locale for place in self._drafts),
        )

    def _holding(self, wanted: list[str], locale: str) -> list[str]:
        """The keys whose text in the locale, or in the own one where it has none, holds every word."""
        said, instead = self._said[locale], self._said[self._locale]
        found = _keys_with(wanted, said.items())
        if instead is not said:
            found += [key for key in _keys_with(wanted, instead.items()) if key not in said]
        if len(instead) < len(self._keys):
            unsaid = [key for key in self._keys if key not in said and key not in instead]
            found += _keys_with(wanted, [(key, key.casefold()) for key in unsaid])
        if len(found) < _FEW:
            return _in_order(found)
        # Of many, telling them from the others in their order is faster than sorting.
        listed = set(found)
        return [key for key in self._keys if key in listed]

    def _only(self, only: Only, locale: str) -> Collection[str]:
        if only == "edited":
            return self._live[locale].keys()
        if only == "draft":
            return {place.key for place in self._drafts if place.locale == locale}
        parts = locale.split("-")
        covering = ["-".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return set(self._keys).difference(*(of[tag] for tag in covering for of in (self._live, self._defaults)))

    def _row(self, key: str, locale: str, tags: list[str]) -> Row:
        text = self._in_effect(locale, key)
        if text is None:
            text = next(filter(None, (self._in_effect(tag, key) for tag in tags)), "")
        edited = key in self._live[locale]
        origin: Origin = "edited" if edited else "default" if key in self._defaults[locale] else "missing"
        missing = tuple(tag for tag in tags if not self._covered(tag, key))
        draft = Place(locale, key) in self._drafts
        return Row(key=key, locale=locale, text=_line(text), origin=origin, draft=draft, missing=missing)

    def _in_effect(self, locale: str, key: str) -> str | None:
        return self._live.get(locale, {}).get(key) or self._defaults.get(locale, {}).get(key)

    def _has(self, locale: str, key: str) -> bool:
        return key in self._live[locale] or key in self._defaults[locale]

    def _covered(self, locale: str, key: str) -> bool:
        """Whether users of the locale read it in their language: `en-IN` reads what `en` says."""
        return self._has(locale, key) or ("-" in locale and self._covered(locale.rpartition("-")[0], key))

    def put(self, name: str, value: str | None) -> None:
        """Take over what stands under a Redis key of the store; None: it is gone."""
        found = place_of(name)
        assert found is not None
        kind, place = found
        if kind == "draft":
            (self._drafts.discard if value is None else self._drafts.add)(place)
            return
        of = (self._live if kind == "live" else self._defaults)[place.locale]
        if value is None:
            of.pop(place.key, None)
        else:
            of[place.key] = value
        said = self._in_effect(place.locale, place.key)
        if said is None:
            self._said[place.locale].pop(place.key, None)
        else:
            self._said[place.locale][place.key] = f"{place.key} {_shown(said)}".casefold()

    def keep_key(self, key: str) -> None:
        """List a key, or strike it off, after something of it was put."""
        at = bisect_left(self._keys, _rank(key), key=_rank)
        listed = at < len(self._keys) and self._keys[at] == key
        exists = any(self._has(tag, key) or Place(tag, key) in self._drafts for tag in self.locales())
        if exists and not listed:
            insort(self._keys, key, key=_rank)
        elif listed and not exists:
            del self._keys[at]

    def keep_all_keys(self) -> None:
        """List the keys of everything that was put, at once."""
        named = {key for of in (self._live, self._defaults) for messages in of.values() for key in messages}
        self._keys = _in_order(named | {place.key for place in self._drafts})


def _rank(key: str) -> tuple[bool, str]:
    return key.startswith(_PACKAGED), key


def _in_order(keys: Iterable[str]) -> list[str]:
    """As `_rank` sorts them, without a call for each: those of the package stand together in the alphabet."""
    ordered = sorted(keys)
    first, behind = bisect_left(ordered, _PACKAGED), bisect_left(ordered, _BEHIND_PACKAGED)
    return ordered[:first] + ordered[behind:] + ordered[first:behind]


def _keys_with(wanted: list[str], texts: Collection[tuple[str, str]]) -> list[str]:
    """The keys whose text holds every word; the word that the first texts hold least often is looked for first."""
    sample = [text for _, text in islice(texts, _SAMPLE)]
    rarest, *others = sorted(wanted, key=lambda word: sum(word in text for text in sample))
    return [key for key, text in texts if rarest in text and all(word in text for word in others)]


def _shown(value: str) -> str:
    if value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return Message.parse(value).shown
    except InvalidMessage:
        return value


def _line(value: str) -> str:
    line = " ".join(_shown(value).split())
    return line if len(line) <= _MOST_IN_LINE else f"{line[: _MOST_IN_LINE - 1]}…"


_UNTRACKED_SECONDS = 2.0
_TRACKING_SECONDS = 1.0
# Handled before other tasks of the event loop get a turn.
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
        self._tracked = asyncio.Event()
        self._loading: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Read everything in the background, in the running event loop; once Redis tells of edits, or a second later.

        Before that, reading would be reading twice.
        """
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load())

    def stop(self) -> None:
        """Read no more in the background."""
        if self._loading is not None:
            self._loading.cancel()

    def track(self, active: bool) -> None:
        """Redis tells of edits from now on, or no longer."""
        self.touch(None)
        if active:
            self._tracked.set()

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
        if self._loading is not None and not self._loading.done():
            await asyncio.wait([self._loading])
        return await self._current()

    async def _load(self) -> None:
        with contextlib.suppress(DeadlinePassed):
            async with deadline(_TRACKING_SECONDS):
                await self._tracked.wait()
        # The next list tries again, and says what is wrong.
        with contextlib.suppress(MessagesUnavailable):
            await self._current()

    async def _current(self) -> Contents:
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
