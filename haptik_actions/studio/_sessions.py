"""Sessions: a random token in a cookie; Redis holds who it stands for, below the token's hash.

Whoever reads Redis cannot sign in with what stands there. A session ends eight hours after its last use, after a day in
any case, and with the user's password.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from haptik_actions.studio._users import User, Users

if TYPE_CHECKING:
    from redis.asyncio import Redis

from haptik_actions._namespace import ROOT

__all__ = ["Sessions", "csrf_token", "new_token"]

_PREFIX = f"{ROOT}studio:session"
_IDLE_SECONDS = 8 * 3_600
_LONGEST_SECONDS = 24 * 3_600


class _Session(msgspec.Struct, frozen=True):
    name: str
    epoch: str
    ends: float


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def csrf_token(token: str) -> str:
    """Return what forms of this visitor carry: made of the cookie's token, which it does not give away."""
    return hashlib.blake2b(b"csrf", key=token.encode()[:64], digest_size=24).hexdigest()


class Sessions:
    """Begins, finds and ends sessions; `clock` gives seconds since 1970."""

    def __init__(self, redis: Redis, users: Users, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._users = users
        self._clock = clock

    async def begin(self, user: User) -> str:
        """Return the token of a new session."""
        token = new_token()
        session = _Session(user.name, user.epoch, self._clock() + _LONGEST_SECONDS)
        await self._redis.set(_key(token), msgspec.json.encode(session), ex=_IDLE_SECONDS)
        return token

    async def user(self, token: str) -> User | None:
        """Return whose session this is, with the role of this moment; None where it is over or never was."""
        stored = await self._redis.get(_key(token))
        if stored is None:
            return None
        session = msgspec.json.decode(stored, type=_Session)
        user = await self._users.get(session.name)
        if user is None or user.epoch != session.epoch or self._clock() >= session.ends:
            await self.end(token)
            return None
        await self._redis.expire(_key(token), _IDLE_SECONDS)
        return user

    async def end(self, token: str) -> None:
        """End a session; one that is over already stays over."""
        await self._redis.delete(_key(token))


def _key(token: str) -> str:
    return f"{_PREFIX}:{hashlib.sha256(token.encode()).hexdigest()}"
