"""The read path: process cache, then Redis, then what was read last, then the defaults."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from cachetools import TLRUCache

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._from_outside import is_locale
from haptik_actions._log import get_logger
from haptik_actions._once import Repeats, SingleFlight
from haptik_actions._redis_health import Rest
from haptik_actions.errors import InvalidElement
from haptik_actions.messages._defaults import PACKAGED_LOCALE, Defaults
from haptik_actions.messages._entry import Health
from haptik_actions.messages._message import Message, Variation
from haptik_actions.messages._names import DEFAULT, LIVE, Place, locale_chain, place_of
from haptik_actions.messages._resolved import Resolved
from haptik_actions.messages._source import REDIS_SECONDS, LastRead, RedisSource, Snapshot, redis_errors
from haptik_actions.messages._template import Template

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from haptik_actions.hsl import Element
    from haptik_actions.messages._tracking import Tracking

__all__ = ["MessageStore"]

logger = get_logger(__name__)

_MISSING_KEY = "haptik_message_missing"
_REST_SECONDS = 1.0
_SAVE_SECONDS = 2.0
_BACKSTOP_SECONDS = 60.0
# Of one key in one process. Locales come from outside; more than this begin anew.
_MOST_LOCALES = 64


class MessageStore:
    """Messages by key and locale. Answers whatever happens to Redis: it never raises and never returns a blank.

    `redis` is a `redis.asyncio.Redis` (or cluster) client; with None only the defaults answer. `locale` is the language
    of users whose own is not known, and what stands in where theirs has nothing. `defaults` is
    locale -> key -> message and is consulted before the packaged copy. An edit in Redis shows within `ttl` seconds;
    after `start()` Redis tells of edits itself, and they show at once. `snapshot` is a file that keeps what was read
    last across a restart. `maxsize` bounds the messages in memory.

    A Redis that fails is left alone for a second. A request waits at most `patience` seconds for Redis where another
    answer is at hand, and `seconds` where it is the first to notice that Redis hangs.
    `timer` is the clock of the cache, in seconds. A store belongs to the event loop that it is first used in.
    """

    def __init__(
        self,
        redis: Redis | None = None,
        *,
        locale: str = PACKAGED_LOCALE,
        defaults: Mapping[str, Mapping[str, str]] | None = None,
        ttl: float = 0.9,
        maxsize: int = 10_000,
        timer: Callable[[], float] = time.monotonic,
        snapshot: str | os.PathLike[str] | None = None,
        patience: float = 0.04,
        seconds: float = REDIS_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = None if redis is None else RedisSource(redis, seconds)
        self._locale = locale
        self._defaults = Defaults(defaults or {}, locale)
        self._ttl, self._patience = ttl, patience
        self._clock = clock
        self._repeats = Repeats(timer=timer)
        # By key first: an edit of a key ends it in all locales. `locale` is here what callers wrote, unread.
        self._fresh: TLRUCache[str, dict[str | None, Resolved]] = TLRUCache(
            maxsize, lambda _, __, now: now + self._life(), timer
        )
        # Of a message seldom more than three locales, live and default.
        self._last_read = LastRead(None if snapshot is None else Snapshot(snapshot), 6 * maxsize, clock)
        self._flight: SingleFlight[Resolved] = SingleFlight()
        self._changes = 0
        self._rest = Rest(_REST_SECONDS, timer)
        self._health = Health(state="stale" if self._last_read else "defaults")
        self._tracking: Tracking | None = None
        self._saver: asyncio.Task[None] | None = None

    @classmethod
    def from_url(cls, url: str | None, **options: Any) -> MessageStore:
        """Return a store on the Redis at `url`; None or an empty string means defaults only. `options` as above.

        Raises:
            ConfigurationError: the URL is not one of Redis.
        """
        from haptik_actions._redis import connect

        return cls(connect(url, seconds=REDIS_SECONDS) if url else None, **options)

    @property
    def locale(self) -> str:
        """The store's own language: what users read whose language is not known, or has nothing under a key."""
        return self._locale

    def start(self) -> None:
        """Let Redis tell of edits from now on, in the running event loop, and keep the snapshot written."""
        if self._source is None or self._tracking is not None:
            return
        from haptik_actions.messages._tracking import Tracking

        if not self._last_read.is_kept:
            logger.info(
                "No file keeps the messages: a bot that restarts while Redis is down starts with the defaults. "
                "HAPTIK_MESSAGES_SNAPSHOT names a file to keep them in."
            )
        self._tracking = Tracking(self._source.redis, (LIVE, DEFAULT), changed=self._forget, active=self._track)
        self._tracking.start()
        self._saver = asyncio.get_running_loop().create_task(self._save_now_and_then())

    async def aclose(self) -> None:
        """Write the snapshot, and close the connections to Redis."""
        if self._saver is not None:
            self._saver.cancel()
        if self._tracking is not None:
            await self._tracking.aclose()
        await self._save()
        if self._source is not None:
            from haptik_actions._redis import disconnect

            await disconnect(self._source.redis)

    async def text(
        self,
        key: str,
        locale: str | None = None,
        *,
        channel: str | None = None,
        slots: Any = None,
        **values: Any,
    ) -> str:
        """Return the text of `key` with its placeholders filled from `values`, then from the mapping `slots`.

        `locale` is a language tag such as `en-IN`; its language (`en`), then the store's own locale are tried after
        it. Of several variations one is chosen as Rasa does, by `channel` and by conditions on `slots`, then at random.
        A placeholder without a value stays as it is, and the key is logged. A key that exists nowhere is
        logged with what to write into Redis, and answered with the packaged `haptik_message_missing`.
        """
        try:
            found = self._fresh[key][locale]
        except KeyError:
            found = await self._load(key, locale)
        if found.plain is not None:
            return found.plain
        if found.template is not None and not slots:
            filled = found.template.fill_known(values)
            if filled:
                return filled
        text = self._text_of(key, found, channel, slots, values)
        return text if text is not None else await self._missing(key, locale)

    async def find(
        self,
        key: str,
        locale: str | None = None,
        *,
        channel: str | None = None,
        slots: Any = None,
        **values: Any,
    ) -> str | None:
        """As `text`, but None where the key exists nowhere."""
        return self._text_of(key, await self._resolved(key, locale), channel, slots, values)

    async def element(
        self,
        key: str,
        locale: str | None = None,
        *,
        channel: str | None = None,
        slots: Any = None,
        **values: Any,
    ) -> Element:
        """As `text`, as an element of HSL: a plain text is a `Text`, and Rasa's buttons are its quick replies.

        Where the values make the element impossible (a link that is not safe), its text alone is returned, and the key
        is logged.
        """
        from haptik_actions.hsl import Text

        found = await self.find_element(key, locale, channel=channel, slots=slots, **values)
        return found or Text(await self._missing(key, locale))

    async def find_element(
        self,
        key: str,
        locale: str | None = None,
        *,
        channel: str | None = None,
        slots: Any = None,
        **values: Any,
    ) -> Element | None:
        """As `element`, but None where the key exists nowhere, or shows nothing that HSL has."""
        found = await self._resolved(key, locale)
        if found.message is None:
            return None
        everything = {**(slots or {}), **values}
        variation = found.choose(channel, everything)
        # Of what it says: payloads of HSL hold braces that are the platform's.
        self._say_gaps(key, Template.parse(variation.said).missing(everything))
        return self._element(key, variation, everything, found.locale)

    async def message(self, key: str, locale: str | None = None) -> Message | None:
        """Return the message as it stands in the store: nothing is chosen and nothing filled."""
        return (await self._resolved(key, locale)).message

    async def located(self, key: str, locale: str | None = None) -> tuple[Message, str] | None:
        """As `message`, with the locale whose message it is."""
        found = await self._resolved(key, locale)
        return None if found.message is None else (found.message, found.locale)

    def default(self, key: str, locale: str | None = None) -> tuple[Message, str] | None:
        """Return what answers where nothing was edited, and its locale: a seeded, an own, or a packaged default."""
        found = self._from_last_read(locale_chain(locale, self._locale), key, edited=False)
        return None if found.message is None else (found.message, found.locale)

    def replace_defaults(self, defaults: Mapping[str, Mapping[str, str]]) -> None:
        """Take other defaults from now on, as a bot does that was given a new model. In the store's event loop."""
        self._defaults = Defaults(defaults, self._locale)
        self._forget(None)

    def health(self) -> Health:
        """Tell how current the answers are."""
        return self._health

    async def _resolved(self, key: str, locale: str | None) -> Resolved:
        try:
            return self._fresh[key][locale]
        except KeyError:
            return await self._load(key, locale)

    async def _load(self, key: str, locale: str | None) -> Resolved:
        chain = locale_chain(locale, self._locale)
        if self._source is None:
            return self._remember(key, locale, self._defaults.find(key, chain))
        if self._rest.is_on:
            return self._from_last_read(chain, key)
        # Whoever asks after an edit must not be given what was read before it.
        flight = self._flight.run((key, locale, self._changes), lambda: self._read(chain, key, locale))
        if not self._has_answer(chain, key):
            return await flight
        try:
            async with deadline(self._patience):
                return await flight
        except DeadlinePassed:
            return self._from_last_read(chain, key)

    def _has_answer(self, chain: tuple[str, ...], key: str) -> bool:
        if self._rest.is_owed:
            return True
        # A default is read together with what was edited: a snapshot that has it alone says that nothing was.
        return any(name in self._last_read for tag in chain for name in (Place(tag, key).live, Place(tag, key).default))

    async def _read(self, chain: tuple[str, ...], key: str, locale: str | None) -> Resolved:
        assert self._source is not None
        changes = self._changes
        try:
            readings = await self._source.read([Place(tag, key) for tag in chain])
        except redis_errors() as error:
            self._trouble(key, error)
            return self._from_last_read(chain, key)
        self._rest.end()
        self._say("fresh")
        for redis_key, value in readings.items():
            self._last_read.put(redis_key, value)
        resolved = self._from_last_read(chain, key)
        # Something was edited while this was read, perhaps this.
        return self._remember(key, locale, resolved) if changes == self._changes else resolved

    def _from_last_read(self, chain: tuple[str, ...], key: str, *, edited: bool = True) -> Resolved:
        for locale in chain:
            place = Place(locale, key)
            value = (edited and self._last_read.get(place.live)) or self._last_read.get(place.default)
            if value:
                return Resolved.of(Message.parse(value), locale)
            found = self._defaults.of(locale, key)
            if found is not None:
                return found
        return self._defaults.find(key, chain)

    def _remember(self, key: str, locale: str | None, resolved: Resolved) -> Resolved:
        of_key = self._fresh.get(key)
        if of_key is None or len(of_key) >= _MOST_LOCALES:
            of_key = self._fresh[key] = {}
        of_key[locale] = resolved
        return resolved

    def _life(self) -> float:
        return _BACKSTOP_SECONDS if self._health.tracking else self._ttl

    def _forget(self, redis_keys: list[str] | None) -> None:
        """Redis says that these keys were changed; None: all may be."""
        self._changes += 1
        if redis_keys is None:
            self._fresh.clear()
            return
        for redis_key in redis_keys:
            found = place_of(redis_key)
            if found is not None:
                self._fresh.pop(found[1].key, None)

    def _track(self, active: bool) -> None:
        # Before and after a gap alike: what was edited in it was not told.
        self._changes += 1
        self._fresh.clear()
        if active:
            self._rest.end()
        self._say("fresh" if active else self._health.state, tracking=active)

    def _trouble(self, key: str, error: Exception) -> None:
        if not self._rest.is_owed:
            logger.warning(
                "Redis did not give the message %r (%s); using %s.",
                key,
                type(error).__name__,
                "what was read last" if self._last_read else "the defaults",
            )
        self._rest.begin()
        self._say("stale" if self._last_read else "defaults", detail=type(error).__name__)

    def _say(self, state: Any, *, tracking: bool | None = None, detail: str = "") -> None:
        now = self._health
        tracking = now.tracking if tracking is None else tracking
        if (now.state, now.tracking, now.detail) != (state, tracking, detail):
            since = now.since if now.state == state else self._clock()
            self._health = Health(state=state, since=since, tracking=tracking, detail=detail)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            await self._save()

    async def _save(self) -> None:
        save = self._last_read.to_save()
        if save is not None:
            await asyncio.to_thread(save)

    async def _missing(self, key: str, locale: str | None) -> str:
        tag = locale_chain(locale, self._locale)[0]
        place = Place(tag if is_locale(tag) else PACKAGED_LOCALE, key).live
        line = "There is no message %r, neither in Redis nor in the defaults. Set the Redis key %s."
        self._repeats.log(logger, logging.ERROR, line, key, place)
        return await self.find(_MISSING_KEY, locale) or self._defaults.packaged(_MISSING_KEY)

    def _text_of(
        self,
        key: str,
        found: Resolved,
        channel: str | None,
        slots: Mapping[str, Any] | None,
        values: Mapping[str, Any],
    ) -> str | None:
        if found.message is None:
            return None
        everything = {**slots, **values} if slots else values
        template = found.template
        if template is None:
            template = Template.parse(found.choose(channel, everything).said)
        self._say_gaps(key, template.missing(everything))
        return template.fill_known(everything) or template.fill(everything, found.locale) or None

    def _say_gaps(self, key: str, missing: Collection[str]) -> None:
        if missing:
            line = "The message %r has no value for %s."
            self._repeats.log(logger, logging.WARNING, line, key, ", ".join(sorted(missing)))

    def _element(self, key: str, variation: Variation, values: Mapping[str, Any], locale: str) -> Element | None:
        from haptik_actions.hsl import Text
        from haptik_actions.messages._resolved import element_of

        try:
            return element_of(variation, lambda text, given: Template.parse(text).fill(given, locale), values)
        except InvalidElement as error:
            line = "The message %r is no element with these values: %s. Its text alone is shown."
            self._repeats.log(logger, logging.ERROR, line, key, error)
        shown = Template.parse(variation.said).fill(values, locale)
        return Text(shown) if shown.strip() else None
