"""The read path: process cache, then Redis, then what was read last, then the defaults."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache, TTLCache

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._single_flight import SingleFlight
from haptik_actions.messages._defaults import PACKAGED_LOCALE, packaged_copy
from haptik_actions.messages._template import Template

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["MessageStore"]

logger = logging.getLogger(__name__)

_PREFIX = "haptik:messages"
_MISSING_KEY = "haptik_message_missing"
# BCP 47 allows letters, digits and hyphens. A locale comes from outside and becomes part of a Redis key.
_LOCALE = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")
_REDIS_SECONDS = 0.5
_REST_SECONDS = 1.0


class MessageStore:
    """Texts by key and locale. Answers whatever happens to Redis: it never raises and never returns a blank.

    `redis` is a `redis.asyncio.Redis` (or cluster) client; with None only the defaults answer. `defaults` is
    locale -> key -> text and is consulted before the packaged copy. An edit in Redis shows within `ttl` seconds. A
    Redis that fails is left alone for a second: it delays the first callers by half a second, and nobody else.
    `timer` is the clock in seconds. A store belongs to the event loop that it is first used in.
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
    ) -> None:
        self._redis = redis
        self._locale = locale
        self._defaults = defaults or {}
        self._timer = timer
        self._fresh: TTLCache[tuple[str, str], Template | None] = TTLCache(maxsize, ttl, timer)
        self._last_read: LRUCache[tuple[str, str], Template | None] = LRUCache(maxsize)
        self._flight: SingleFlight[Template | None] = SingleFlight()
        self._rest_until = float("-inf")

    @classmethod
    def from_url(cls, url: str | None, **options: Any) -> MessageStore:
        """Return a store on the Redis at `url`; None or an empty string means defaults only. `options` as above.

        Raises:
            ConfigurationError: the URL is not one of Redis.
        """
        from haptik_actions._redis import connect

        return cls(connect(url, seconds=_REDIS_SECONDS) if url else None, **options)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            from haptik_actions._redis import disconnect

            await disconnect(self._redis)

    async def text(self, key: str, locale: str | None = None, **values: Any) -> str:
        """Return the text of `key` with its placeholders filled from `values`.

        `locale` is a language tag such as `en-IN`; its language (`en`), then the store's own locale are tried after
        it. A placeholder without a value stays as it is, and the key is logged. A key that exists nowhere is
        logged with what to write into Redis, and answered with the packaged `haptik_message_missing`.
        """
        found = await self.find(key, locale, **values)
        if found is not None:
            return found
        logger.error(
            "There is no message %r, neither in Redis nor in the defaults. Set the Redis key %s.",
            key,
            f"{_PREFIX}:{self._chain(locale)[0]}:{key}",
        )
        return await self.find(_MISSING_KEY, locale) or packaged_copy()[_MISSING_KEY]

    async def find(self, key: str, locale: str | None = None, **values: Any) -> str | None:
        """As `text`, but None where the key exists nowhere."""
        chain = self._chain(locale)
        template = await self._stored(chain, key) or self._default(chain, key)
        if template is None:
            return None
        missing = template.missing(values)
        if missing:
            logger.warning("The message %r has no value for %s.", key, ", ".join(sorted(missing)))
        return template.fill(values)

    def _chain(self, locale: str | None) -> tuple[str, ...]:
        wanted = (locale or self._locale).replace("_", "-")
        if not _LOCALE.fullmatch(wanted):
            wanted = self._locale
        return tuple(dict.fromkeys((wanted, wanted.split("-")[0], self._locale)))

    def _default(self, chain: tuple[str, ...], key: str) -> Template | None:
        for locale in chain:
            text = self._defaults.get(locale, {}).get(key, "")
            if text.strip():
                return Template.parse(text)
        packaged = packaged_copy().get(key)
        return None if packaged is None else Template.parse(packaged)

    async def _stored(self, chain: tuple[str, ...], key: str) -> Template | None:
        if self._redis is None:
            return None
        place = (chain[0], key)
        try:
            return self._fresh[place]
        except KeyError:
            pass
        if self._timer() >= self._rest_until:
            return await self._flight.run(place, lambda: self._read(chain, key))
        return self._last_read.get(place)

    async def _read(self, chain: tuple[str, ...], key: str) -> Template | None:
        place = (chain[0], key)
        try:
            template = await self._ask_redis(chain, key)
        except _redis_errors() as error:
            self._rest_until = self._timer() + _REST_SECONDS
            known = self._last_read.get(place)
            logger.warning(
                "Redis did not give the message %r (%s); using %s.",
                key,
                type(error).__name__,
                "the defaults" if known is None else "what was read last",
            )
            return known
        self._fresh[place] = self._last_read[place] = template
        return template

    async def _ask_redis(self, chain: tuple[str, ...], key: str) -> Template | None:
        assert self._redis is not None
        # A pipeline, not MGET: the keys of one chain lie in different slots of a cluster.
        pipeline = self._redis.pipeline(transaction=False)
        for locale in chain:
            pipeline.get(f"{_PREFIX}:{locale}:{key}")
        async with deadline(_REDIS_SECONDS):
            answers = await pipeline.execute(raise_on_error=False)
        for locale, answer in zip(chain, answers, strict=True):
            text = _usable(answer, f"{_PREFIX}:{locale}:{key}")
            if text is not None:
                return Template.parse(text)
        return None


def _usable(answer: Any, redis_key: str) -> str | None:
    if answer is None:
        return None
    if isinstance(answer, str):
        answer = answer.encode()
    if not isinstance(answer, bytes):
        logger.error("The Redis key %s is not a string (%s). Delete it, then SET it.", redis_key, answer)
        return None
    try:
        text = answer.decode("utf-8")
    except UnicodeDecodeError:
        logger.error("The Redis key %s is not UTF-8 text. SET it again.", redis_key)
        return None
    if not text.strip():
        logger.error("The Redis key %s is blank, and a blank message is silence. SET a text, or delete it.", redis_key)
        return None
    return text


def _redis_errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError, OSError, DeadlinePassed)
