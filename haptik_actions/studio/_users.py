"""The users of the studio, in Redis beside the messages: one hash, name -> role, password hash, epoch.

    HGETALL haptik:studio:users

In Redis and not in a file, so that every studio process has them and a change holds at once, without a volume to mount.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError
from haptik_actions.studio._passwords import Passwords, check_password
from haptik_actions.studio._roles import ROLES, Role

if TYPE_CHECKING:
    from redis.asyncio import Redis

from haptik_actions._namespace import ROOT

__all__ = ["User", "Users"]

_KEY = f"{ROOT}studio:users"
# That there were users: where their hash is lost, the studio must not stand open.
_EXISTED = f"{ROOT}studio:users-existed"
_NAME = re.compile(r"[\w.@+-]{1,64}")
# Writes a record where nobody has written another meanwhile: a new password shall not undo a new role.
_REPLACE = """
if redis.call("HGET", KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
return 1
"""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One user. `epoch` changes with the password: sessions of an older epoch are over."""

    name: str
    role: Role
    password_hash: str
    epoch: str

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, role={self.role!r})"


class _Record(msgspec.Struct, frozen=True):
    role: Role
    password_hash: str
    epoch: str


class Users:
    """Reads and changes users. Errors of Redis are redis-py's own; the callers translate them."""

    def __init__(self, redis: Redis, passwords: Passwords) -> None:
        self._redis = redis
        self._passwords = passwords
        self._known_to_exist = False

    async def get(self, name: str) -> User | None:
        """Return the user, or None where there is none of that name."""
        return _user(name, await self._redis.hget(_KEY, name))

    async def all(self) -> list[User]:
        """Return all users by name."""
        stored = await self._redis.hgetall(_KEY)
        users = [_user(_text(name), record) for name, record in stored.items()]
        return sorted((user for user in users if user is not None), key=lambda user: user.name)

    async def names(self) -> list[str]:
        """Return all names, of users whose record cannot be read too."""
        return sorted(_text(name) for name in await self._redis.hkeys(_KEY))

    async def exist(self) -> bool:
        """Tell whether there is any user, readable or not."""
        return bool(await self._redis.hlen(_KEY))

    async def existed(self) -> bool:
        """Tell whether there is a user, or was one that no command removed: then only users may come in."""
        if self._known_to_exist:
            return True
        if await self.exist():
            await self._redis.set(_EXISTED, "1")
            self._known_to_exist = True
            return True
        return bool(await self._redis.exists(_EXISTED))

    async def add(self, name: str, role: str, password: str) -> User:
        """Create a user.

        Raises:
            ConfigurationError: the name, the role or the password cannot be, or the name is taken.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} cannot be a user's name. Take up to 64 letters, digits and characters of . @ + - _"
            )
        user = User(name=name, role=_role(role), **await self._secrets(name, password))
        if not await self._redis.hsetnx(_KEY, name, _record(user)):
            raise ConfigurationError(f"There is a user {name} already. `studio user passwd` sets a new password.")
        await self._redis.set(_EXISTED, "1")
        return user

    async def set_password(self, name: str, password: str) -> User:
        """Give a user another password; all of the user's sessions end.

        Raises:
            ConfigurationError: there is no such user, or the password is too easy to guess.
        """
        if await self.get(name) is None:
            raise _unknown(name)
        changed = await self._secrets(name, password)
        return await self._change(name, lambda user: msgspec.structs.replace(user, **changed))

    async def set_role(self, name: str, role: str) -> User:
        """Give a user another role. Open sessions go on, and have it from their next request.

        Raises:
            ConfigurationError: there is no such user, or no such role.
        """
        changed = _role(role)
        return await self._change(name, lambda user: msgspec.structs.replace(user, role=changed))

    async def remove(self, name: str) -> None:
        """Erase a user; all of the user's sessions end. With the last one it is forgotten that there were any.

        Raises:
            ConfigurationError: there is no such user.
        """
        if not await self._redis.hdel(_KEY, name):
            raise _unknown(name)
        if not await self.exist():
            await self._redis.delete(_EXISTED)

    async def refresh_hash(self, user: User, password: str) -> None:
        """Hash a known password again where Argon2's parameters have changed; sessions stay."""
        if self._passwords.is_outdated(user.password_hash):
            fresh = await self._passwords.hash(password)

            def renewed(now: User) -> User:
                is_same = now.password_hash == user.password_hash
                return msgspec.structs.replace(now, password_hash=fresh) if is_same else now

            with contextlib.suppress(ConfigurationError):
                await self._change(user.name, renewed)

    async def _change(self, name: str, change: Callable[[User], User]) -> User:
        """Write what `change` makes of the user; begin anew where somebody else has written meanwhile."""
        redis: Any = self._redis
        while True:
            stored = await redis.hget(_KEY, name)
            user = _user(name, stored)
            if user is None:
                raise _unknown(name)
            changed = change(user)
            if await redis.eval(_REPLACE, 1, _KEY, name, stored, _record(changed)):
                return changed

    async def _secrets(self, name: str, password: str) -> dict[str, str]:
        check_password(password, name)
        return {"password_hash": await self._passwords.hash(password), "epoch": secrets.token_hex(8)}


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise ConfigurationError(f"{role!r} is no role. Take one of {', '.join(ROLES)}.{nearest(role, ROLES)}")


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(f"There is no user {name!r}. `haptik-actions studio user list` shows who there is.")


def _record(user: User) -> bytes:
    return msgspec.json.encode(_Record(user.role, user.password_hash, user.epoch))


def _text(name: bytes | str) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "replace")


def _user(name: str, record: bytes | str | None) -> User | None:
    if record is None:
        return None
    try:
        read = msgspec.json.decode(record, type=_Record)
    except msgspec.DecodeError:
        # Somebody wrote it by hand: no password fits it.
        return None
    return User(name=name, role=read.role, password_hash=read.password_hash, epoch=read.epoch)
