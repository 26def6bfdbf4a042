"""Passwords: hashed with Argon2id, off the event loop, a few at a time."""

from __future__ import annotations

from functools import cache

import anyio
from anyio import to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from haptik_actions.errors import ConfigurationError

__all__ = ["Passwords", "check_password"]

SHORTEST, LONGEST = 12, 256
# One hash takes 64 MiB and a core for some 50 ms: whoever knocks often must not take the machine.
_AT_ONCE = 2


def check_password(password: str, name: str) -> None:
    """Refuse what is too easy to guess.

    Raises:
        ConfigurationError: the password is too short, too long, or little more than the user's name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigurationError(f"The password has {len(password)} characters. Take {SHORTEST} to {LONGEST}.")
    if name.casefold() in password.casefold() and len(password) - len(name) < SHORTEST:
        raise ConfigurationError("The password is little more than the user's name. Take another one.")
    if len(set(password)) < 5:
        raise ConfigurationError("The password repeats a few characters. Take another one.")


class Passwords:
    """Hashes and verifies; `hasher` holds Argon2's parameters, by default those that its library recommends."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._limiter: anyio.CapacityLimiter | None = None

    async def hash(self, password: str) -> str:
        """Return the hash to keep, its parameters and salt in it."""
        return await to_thread.run_sync(self._hasher.hash, password, limiter=self._few())

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether this is the password; with None (no such user) it takes as long and says no."""
        return await to_thread.run_sync(self._verify, hashed, password[: LONGEST + 1], limiter=self._few())

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(hashed or _nobodys(self._hasher), password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False

    def _few(self) -> anyio.CapacityLimiter:
        # Made at the first use: a limiter belongs to a running loop.
        self._limiter = self._limiter or anyio.CapacityLimiter(_AT_ONCE)
        return self._limiter


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("the password of nobody")
