"""One message at a time in Redis: look, write, draft, history. Every change is one script with a lock.

All keys of one message lie in one slot of a cluster (see `_names`). A history is a list, newest first, of

    {"number": 4, "action": "publish", "author": "asha", "at": "2026-11-25T02:00:00+00:00", "why": "…",
     "value": "Hello!", "digest": "<SHA-1 of the value, empty where it was deleted>"}

The revision of a message is `<number>-<digest>`. Where the digest of the live value is not that of the newest version,
somebody has edited it by hand: that counts as a version of its own, and is written into the history before the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from haptik_actions.errors import MessagesUnavailable
from haptik_actions.messages._entry import Action, Draft, Version
from haptik_actions.messages._names import SLOTS_KEY, Place, draft_key, history_key
from haptik_actions.messages._source import allowed, redis_errors

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Editor", "Look", "Written"]

# What is no string is no draft: it is in the way of nothing, and the next draft takes its place.
_DRAFT_OF = """
local function draft_of(key)
  return redis.call('TYPE', key).ok == 'string' and redis.call('GET', key) or ''
end
local function digest_of(draft) return draft == '' and '' or redis.sha1hex(draft) end
"""

_STATE = f"""{_DRAFT_OF}
local function state()
  local kind = redis.call('TYPE', KEYS[1]).ok
  local current = kind == 'string' and redis.call('GET', KEYS[1])
  local digest = kind == 'none' and '' or current and redis.sha1hex(current) or kind
  local head, number, known = redis.call('LINDEX', KEYS[2], 0), 0, ''
  if head then
    local read, entry = pcall(cjson.decode, head)
    if read and type(entry) == 'table' then number, known = tonumber(entry.number) or 0, entry.digest
    else number, known = redis.call('LLEN', KEYS[2]), '?' end
  end
  local outside = digest ~= known
  if outside then number = number + 1 end
  return {{revision = string.format('%.0f', number) .. '-' .. digest, number = number, kind = kind, current = current,
    digest = digest, head = head, outside = outside}}
end
local function look()
  local now = state()
  return {{now.revision, now.number, now.kind, now.current or '', now.head or '', draft_of(KEYS[3]),
    now.outside and 1 or 0}}
end
"""

# KEYS live, history, draft. Gives revision, number, kind, value, newest version, draft, edited by hand.
_LOOK = f"{_STATE} return look()"

# KEYS live, history, draft; ARGV expected revision, `set` or `delete`, value, the version's JSON without its beginning,
# time, versions to keep, `1` to drop the draft, the draft's expected digest (empty: none). Gives the number of the new
# version, 0 where the message is another one by now, or -1 where the draft is; and what `_LOOK` gives after it.
_WRITE = f"""{_STATE}
local before = state()
if before.revision ~= ARGV[1] then return {{0, look()}} end
if ARGV[7] == '1' and digest_of(draft_of(KEYS[3])) ~= ARGV[8] then return {{-1, look()}} end
if before.outside then
  redis.call('LPUSH', KEYS[2], cjson.encode({{number = before.number, action = 'outside', author = '', at = ARGV[5],
    why = '', value = before.current or cjson.null, digest = before.digest}}))
end
redis.call('LPUSH', KEYS[2], '{{"number":' .. string.format('%.0f', before.number + 1) .. ',' .. ARGV[4])
redis.call('LTRIM', KEYS[2], 0, ARGV[6] - 1)
if ARGV[2] == 'set' then redis.call('SET', KEYS[1], ARGV[3]) else redis.call('DEL', KEYS[1]) end
if ARGV[7] == '1' then redis.call('DEL', KEYS[3]) end
return {{before.number + 1, look()}}
"""

# KEYS draft; ARGV expected digest, new draft (empty: none).
_SET_DRAFT = f"""{_DRAFT_OF}
if digest_of(draft_of(KEYS[1])) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
"""


T = TypeVar("T")

Written = Literal["written", "outdated", "other draft"]
"""What became of a change; only the first wrote anything."""

_VERSIONS_KEPT = 500
_AT_ONCE = 500
_MOST_WORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What Redis has of one message."""

    revision: str
    number: int
    value: str | None
    newest: Version | None
    draft: Draft | None
    outside: bool


class Editor:
    """The messages of `redis`, by place. `clock` gives the time of versions, in seconds since 1970.

    Every method raises `MessagesUnavailable` where Redis does not answer.
    """

    def __init__(self, redis: Redis, clock: Callable[[], float]) -> None:
        self._redis: Any = redis
        self._clock = clock

    async def look(self, places: Sequence[Place]) -> list[Look]:
        """Return what Redis has of each place; in one round trip for some hundreds of them."""
        return [_look(answer) for answer in await self._each(places, _ask_look)]

    async def values(self, redis_keys: Sequence[str]) -> list[str | None]:
        """Return the strings at these keys, None for what is no UTF-8 string."""
        chunks = self._chunks(redis_keys)
        return _strings(await self._each(chunks, _ask_values))

    async def values_and_slots(self, redis_keys: Sequence[str]) -> tuple[list[str | None], frozenset[str]]:
        """Return what `values` does, and the names of the domain's slots as the latest seeding found them."""
        *answers, names = await self._each([*self._chunks(redis_keys), None], _ask_values_or_slots)
        if isinstance(names, Exception):
            raise MessagesUnavailable(f"Redis does not take it: {type(names).__name__} ({names}).") from names
        return _strings(answers), frozenset(map(_text, names))

    def _chunks(self, redis_keys: Sequence[str]) -> list[Sequence[str]]:
        # On one server MGET takes half of the time that as many GETs take to parse; a cluster spreads the keys.
        size = 1 if hasattr(self._redis, "get_primaries") else _AT_ONCE
        return [redis_keys[start : start + size] for start in range(0, len(redis_keys), size)]

    async def exist(self, redis_keys: Sequence[str]) -> set[str]:
        """Return those of the keys that are there, whatever they hold."""
        # By GET, which an editor's account has: it answers with an error for what is no string.
        answers = await self._each(redis_keys, lambda pipe, key: pipe.get(key))
        return {key for key, answer in zip(redis_keys, answers, strict=True) if answer is not None}

    async def history(self, place: Place, limit: int) -> list[Version]:
        """Return the versions, newest first."""
        with unavailable_as_error():
            entries = await self._redis.lrange(history_key(place), 0, limit - 1)
        return [version for version in map(_version, entries) if version is not None]

    async def write(
        self,
        place: Place,
        value: str | None,
        *,
        action: Action,
        author: str,
        why: str,
        expected: str,
        draft: str | None,
    ) -> tuple[Written, Look]:
        """Make a new version, with None one that deletes the message, unless `expected` is not its revision any more.

        Returned is what became of it, and what Redis has of the message after it.
        The draft goes with it where `draft` is its revision (empty: there is none), and nothing is written where it is
        not. With None the draft stays.
        """
        entry = {
            "action": action,
            "author": author,
            "at": self.now(),
            "why": why[:_MOST_WORDS],
            "value": value,
            "digest": "" if value is None else _digest(value.encode()),
        }
        number, after = await self._script(
            _WRITE,
            place.redis_keys,
            expected,
            "delete" if value is None else "set",
            value or "",
            msgspec.json.encode(entry)[1:],
            entry["at"],
            _VERSIONS_KEPT,
            "0" if draft is None else "1",
            draft or "",
        )
        return "outdated" if number == 0 else "other draft" if number < 0 else "written", _look(after)

    async def write_draft(
        self, place: Place, value: str | None, *, author: str = "", why: str = "", based_on: str = "", expected: str
    ) -> bool:
        """Save or, with None, discard the draft; False where `expected` is not its revision."""
        draft = {"value": value, "author": author, "at": self.now(), "why": why[:_MOST_WORDS], "based_on": based_on}
        encoded = b"" if value is None else msgspec.json.encode(draft)
        return bool(await self._script(_SET_DRAFT, (draft_key(place),), expected, encoded))

    async def put(self, values: dict[str, str | None]) -> None:
        """Set or, with None, delete plain keys: the defaults."""

        def one(pipe: Any, item: tuple[str, str | None]) -> None:
            if item[1] is None:
                pipe.delete(item[0])
            else:
                pipe.set(item[0], item[1])

        await self._each(list(values.items()), one)

    async def set_slots(self, names: frozenset[str]) -> None:
        """Replace the names of the domain's slots."""
        with unavailable_as_error():
            await self._redis.delete(SLOTS_KEY)
            if names:
                await self._redis.sadd(SLOTS_KEY, *sorted(names))

    async def scan(self, pattern: str) -> list[str]:
        """Return every key that fits, on every server of a cluster."""
        with unavailable_as_error():
            return [_text(key) async for key in self._redis.scan_iter(pattern, count=2000)]

    def now(self) -> str:
        """The time, as versions have it."""
        return datetime.fromtimestamp(self._clock(), timezone.utc).isoformat(timespec="seconds")

    async def _each(self, items: Sequence[T], ask: Callable[[Any, T], Any]) -> list[Any]:
        answers: list[Any] = []
        for start in range(0, len(items), _AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            for item in items[start : start + _AT_ONCE]:
                ask(pipeline, item)
            with unavailable_as_error():
                answers += allowed(await pipeline.execute(raise_on_error=False))
        return answers

    async def _script(self, script: str, keys: tuple[str, ...], *arguments: Any) -> Any:
        with unavailable_as_error():
            call: Awaitable[Any] = self._redis.eval(script, len(keys), *keys, *arguments)
            return await call


@contextmanager
def unavailable_as_error() -> Iterator[None]:
    """Turn what redis-py raises into `MessagesUnavailable`."""
    try:
        yield
    except redis_errors() as error:
        words = f" ({error})" if type(error).__name__ in ("ResponseError", "NoPermissionError", "ReadOnlyError") else ""
        raise MessagesUnavailable(f"Redis does not take it: {type(error).__name__}{words}.") from error


def _ask_values(pipeline: Any, redis_keys: Sequence[str]) -> None:
    if len(redis_keys) == 1:
        pipeline.get(redis_keys[0])
    else:
        pipeline.mget(redis_keys)


def _ask_values_or_slots(pipeline: Any, redis_keys: Sequence[str] | None) -> None:
    if redis_keys is None:
        pipeline.smembers(SLOTS_KEY)
    else:
        _ask_values(pipeline, redis_keys)


def _strings(answers: Sequence[Any]) -> list[str | None]:
    """Return the strings of answers to GET, and to MGET, which are lists."""
    flat = [each for answer in answers for each in (answer if isinstance(answer, list) else [answer])]
    return [_string(answer) for answer in flat]


def _ask_look(pipeline: Any, place: Place) -> None:
    pipeline.eval(_LOOK, 3, *place.redis_keys)


def _look(answer: Any) -> Look:
    if isinstance(answer, Exception):
        raise MessagesUnavailable(f"Redis does not take it: {answer}.") from answer
    revision, number, kind, value, newest, draft, outside = answer
    return Look(
        revision=_text(revision),
        number=int(number),
        # What is no string is shown as blank: there is something, and it cannot be read.
        value=None if _text(kind) == "none" else _text(value) if _text(kind) == "string" else "",
        newest=_version(newest) if newest else None,
        draft=_draft(draft) if draft else None,
        outside=bool(outside),
    )


def _version(entry: bytes | str) -> Version | None:
    try:
        found = msgspec.json.decode(_text(entry))
        return Version(
            number=int(found["number"]),
            action=found["action"],
            author=str(found["author"]),
            at=_moment(found["at"]),
            why=str(found["why"]),
            value=found["value"],
            revision=f"{int(found['number'])}-{found['digest']}",
        )
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        # Written by hand, or by something else: it is not ours to show.
        return None


def _draft(raw: bytes | str) -> Draft:
    encoded = raw if isinstance(raw, bytes) else raw.encode()
    try:
        found = msgspec.json.decode(encoded)
        value, based_on = str(found["value"]), str(found["based_on"])
    except (msgspec.DecodeError, KeyError, TypeError):
        # Set by hand: the text is what counts.
        found, value, based_on = {}, _text(raw), ""
    return Draft(
        value=value,
        author=str(found.get("author", "")),
        at=_moment(found.get("at")),
        why=str(found.get("why", "")),
        revision=_digest(encoded),
        based_on=based_on,
    )


def _digest(value: bytes) -> str:
    return hashlib.sha1(value, usedforsecurity=False).hexdigest()


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None


def _string(answer: Any) -> str | None:
    if not isinstance(answer, (bytes, str)):
        return None
    try:
        return answer.decode() if isinstance(answer, bytes) else answer
    except UnicodeDecodeError:
        return None


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
