"""Reading messages from Redis: all that a locale chain may need, in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._log import get_logger
from haptik_actions.errors import InvalidMessage
from haptik_actions.messages._message import Message
from haptik_actions.messages._names import Place, history_key

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["REDIS_SECONDS", "RedisSource", "allowed", "redis_errors"]

logger = get_logger(__name__)

REDIS_SECONDS = 0.5
_VERSIONS_LOOKED_AT = 5


class RedisSource:
    """The live messages and the domain's defaults, as they stand in Redis, which has so many seconds for an answer."""

    def __init__(self, redis: Redis, seconds: float) -> None:
        self.redis, self._seconds = redis, seconds

    async def read(self, places: Sequence[Place]) -> dict[str, str | None]:
        """Return Redis key -> message, for the live key and the default of each place; None where there is none.

        A message that users could not read (blank, broken JSON, not UTF-8) is logged, and what was published last
        stands in for it; where nothing was, the key is left out.

        Raises:
            those of `redis_errors`.
        """
        keys = [key for place in places for key in (place.live, place.default)]
        # A pipeline, not MGET: the keys of one chain lie in different slots of a cluster.
        pipeline = self.redis.pipeline(transaction=False)
        for key in keys:
            pipeline.get(key)
        async with deadline(self._seconds):
            answers = await pipeline.execute(raise_on_error=False)
        values = dict(zip(keys, allowed(answers), strict=True))
        broken = [place for place in places if _mistake(values[place.live])]
        for place in broken:
            logger.error("The Redis key %s %s SET it again, or delete it.", place.live, _mistake(values[place.live]))
        texts = {key: _decoded(value) for key, value in values.items() if not _mistake(value)}
        return texts | {place.live: value for place in broken if (value := await self._published(place)) is not None}

    async def _published(self, place: Place) -> str | None:
        async with deadline(self._seconds):
            entries: Any = await self.redis.lrange(history_key(place), 0, _VERSIONS_LOOKED_AT - 1)
        for entry in entries:
            value = _value_of(entry)
            if value is not None and not _mistake(value):
                return value
        return None


def allowed(answers: list[Any]) -> list[Any]:
    """Return the answers of a pipeline. That a key holds another type is an answer, and every other error is raised."""
    for answer in answers:
        if isinstance(answer, Exception) and not str(answer).startswith("WRONGTYPE"):
            raise answer
    return answers


def redis_errors() -> tuple[type[Exception], ...]:
    """Return the classes of what goes wrong between here and Redis."""
    from redis.exceptions import RedisError

    return (RedisError, OSError, DeadlinePassed)


def _value_of(entry: bytes | str) -> str | None:
    try:
        value = msgspec.json.decode(entry)["value"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def _mistake(answer: Any) -> str:
    """Return what keeps an answer of Redis from being a message, or an empty string."""
    if answer is None:
        return ""
    if not isinstance(answer, (bytes, str)):
        return f"is not a string ({answer})."
    try:
        text = _decoded(answer)
    except UnicodeDecodeError:
        return "is not UTF-8 text."
    try:
        Message.parse(text or "")
    except InvalidMessage as error:
        return f"is no message: {error}"
    return ""


def _decoded(answer: bytes | str | None) -> str | None:
    return answer.decode("utf-8") if isinstance(answer, bytes) else answer
