"""What a bot's store reads: from Redis all that a locale chain may need, in one round trip, or else what was read last.

What was read last of every key is kept in memory, and in a file that outlives the process. The file is JSON, Redis key
-> [when it was read (seconds since 1970), the value], and can be read by people. Several processes may share it:
writing merges, and the newer reading wins.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from cachetools import LRUCache

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._log import get_logger
from haptik_actions.errors import InvalidMessage
from haptik_actions.messages._message import Message
from haptik_actions.messages._names import Place, history_key

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["REDIS_SECONDS", "LastRead", "RedisSource", "Snapshot", "allowed", "redis_errors"]

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


def _mistake(answer: object) -> str:
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


_FORMAT = 1
_MOST_BYTES = 32 * 1024 * 1024

Reading = tuple[float, str | None]
"""When a key was read, and what it held; None where it did not exist."""


class _File(msgspec.Struct):
    format: int
    messages: dict[str, tuple[float, str | None]]


class Snapshot:
    """The file at `path`. Nothing that is wrong with it is more than a line in the log."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._complained = False

    def load(self) -> dict[str, Reading]:
        """Return what the file holds; nothing where it is missing or not what `save` writes."""
        try:
            if self.path.stat().st_size > _MOST_BYTES:
                raise msgspec.ValidationError("it is too large")
            content = msgspec.json.decode(self.path.read_bytes(), type=_File)
            if content.format != _FORMAT:
                raise msgspec.ValidationError(f"format {content.format} is unknown")
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            logger.warning("The snapshot of messages %s is not used: %s. It is written anew.", self.path, error)
            return {}
        return dict(content.messages)

    def save(self, readings: Mapping[str, Reading], most: int) -> None:
        """Write the readings over those of the file that are older; at most `most`, the newest ones."""
        merged = self.load()
        for key, reading in readings.items():
            # A key that does not exist is worth a line only to undo one that says it does.
            if key in merged or reading[1] is not None:
                merged[key] = max(merged.get(key, (float("-inf"), None)), reading, key=lambda known: known[0])
        newest = sorted(merged.items(), key=lambda item: item[1][0], reverse=True)[:most]
        self._write(msgspec.json.encode(_File(_FORMAT, _within(dict(newest)))))

    def _write(self, content: bytes) -> None:
        name = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Beside the file and renamed onto it: a reader, or a crash, finds the old one or the new one.
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=f".{self.path.name}.", delete=False) as file:
                name = file.name
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except OSError as error:
            if name is not None:
                with contextlib.suppress(OSError):
                    os.unlink(name)
            if not self._complained:
                logger.warning("The snapshot of messages %s cannot be written: %s.", self.path, error)
            self._complained = True


def _within(readings: dict[str, Reading]) -> dict[str, Reading]:
    room, kept = _MOST_BYTES // 2, {}
    for key, reading in readings.items():
        room -= len(key) + 6 * len(reading[1] or "") + 40
        if room < 0:
            break
        kept[key] = reading
    return kept


class LastRead:
    """The last reading of each Redis key, at most `maxsize` of them; begins with those of the snapshot."""

    def __init__(self, snapshot: Snapshot | None, maxsize: int, clock: Callable[[], float]) -> None:
        self._snapshot, self._maxsize, self._clock = snapshot, maxsize, clock
        self._readings: LRUCache[str, Reading] = LRUCache(maxsize)
        self._unsaved: dict[str, Reading] = {}
        if snapshot is not None:
            self._readings.update(sorted(snapshot.load().items(), key=lambda item: item[1][0])[-maxsize:])

    @property
    def is_kept(self) -> bool:
        """Whether it outlives the process."""
        return self._snapshot is not None

    def __contains__(self, key: str) -> bool:
        return key in self._readings

    def __bool__(self) -> bool:
        return any(value is not None for _, value in self._readings.values())

    def get(self, key: str) -> str | None:
        """Return what the key held when it was read last; None where it did not exist, or was never read."""
        return self._readings.get(key, _NEVER)[1]

    def put(self, key: str, value: str | None) -> None:
        """Remember a reading."""
        reading = (self._clock(), value)
        if self._snapshot is not None and (key not in self._readings or self._readings[key][1] != value):
            self._unsaved[key] = reading
        self._readings[key] = reading

    def to_save(self) -> Callable[[], None] | None:
        """Return what writes the snapshot, to be called in a thread; None where there is nothing new to write."""
        if self._snapshot is None or not self._unsaved:
            return None
        readings, self._unsaved = self._unsaved, {}
        return partial(self._snapshot.save, readings, self._maxsize)


_NEVER: Reading = (float("-inf"), None)
