"""The cache in front of a provider."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from cachetools import TLRUCache

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions._once import SingleFlight
from haptik_actions.credentials._providers import Credentials, CredentialsProvider
from haptik_actions.errors import CredentialsUnavailable, HaptikError

__all__ = ["CachedCredentials"]

logger = get_logger(__name__)

_KEY = "credentials"
_REJECTED_REST = 10.0
"""A rejected pair is read again at most once in this many seconds, so that a wrong secret does not flood its source."""


class CachedCredentials:
    """Keeps what `provider` returned for about `ttl` seconds.

    The source is read once at a time, however many callers wait. After the share `refresh_ahead` (0 to 1) of the time
    to live, a read in the background renews the pair, so that no caller waits for it. The time to live is shortened by
    up to a tenth, at random, so that processes that started together do not read together. While the source is down
    the last good pair is kept. A read may take `timeout` seconds. `timer` is the clock in seconds; replace it in tests.
    """

    def __init__(
        self,
        provider: CredentialsProvider,
        *,
        ttl: float = 300.0,
        refresh_ahead: float = 0.8,
        timeout: float = 5.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider, self._ttl, self._ahead, self._timeout, self._timer = (
            provider,
            ttl,
            refresh_ahead,
            timeout,
            timer,
        )
        # Entries expire when it is time to refresh them. So the usual read is one look-up.
        self._fresh_for = ttl
        self._cache: TLRUCache[str, Credentials] = TLRUCache(
            maxsize=1, ttu=lambda _, __, now: now + self._fresh_for, timer=timer
        )
        self._flight: SingleFlight[Credentials] = SingleFlight()
        self._last_good: Credentials | None = None
        self._ends_at = float("-inf")
        self._rejected_at = float("-inf")
        self._refreshing: asyncio.Task[Credentials] | None = None

    async def get(self) -> Credentials:
        """Return the cached pair, or read the source.

        Raises:
            CredentialsUnavailable: the source failed and has never given a pair; its own error is chained.
            ConfigurationError: the source answered that something is missing, and has never given a pair.
        """
        try:
            return self._cache[_KEY]
        except KeyError:
            pass
        current = self._current()
        if current is None:
            return await self._flight.run(_KEY, self._read_or_keep)
        if self._refreshing is None:
            self._refresh_in_background()
        return current

    async def renew(self, rejected: Credentials) -> Credentials:
        """Return the pair to use after the platform rejected `rejected`: the source is read again.

        Where another caller has renewed it meanwhile, or a rejected pair was read again within the last ten seconds,
        the source is left alone. The pair that comes back may be the rejected one.

        Raises:
            as `get`.
        """
        current = self._current()
        if current is not None and current != rejected:
            return current
        if self._timer() - self._rejected_at < _REJECTED_REST and not self._flight.under_way(_KEY):
            return await self.get()
        self._rejected_at = self._timer()
        return await self._flight.run(_KEY, self._read_or_keep)

    def _current(self) -> Credentials | None:
        return self._last_good if self._timer() < self._ends_at else None

    async def _read_or_keep(self) -> Credentials:
        try:
            return await self._read()
        except HaptikError as error:
            if self._last_good is None:
                raise
            logger.warning("%s The last good credentials are kept. %s", error, error.remedy)
            # After a failure the next read comes after a tenth of the time to live, not with the next call.
            self._store(self._last_good, self._ttl / 10)
            return self._last_good

    async def _read(self) -> Credentials:
        source = type(self._provider).__name__
        try:
            # All callers share this read, so a source that hangs would hold up all of their calls.
            async with deadline(self._timeout):
                credentials = await self._provider.get()
        except HaptikError:
            raise
        except Exception as error:
            words = f"The credentials could not be read from {source}: {type(error).__name__}."
            raise CredentialsUnavailable(words) from error
        if not isinstance(credentials, Credentials):
            kind = type(credentials).__name__
            raise CredentialsUnavailable(f"{source} returned {kind} in place of haptik_actions.Credentials.")
        self._store(credentials, self._ttl * random.uniform(0.9, 1.0))
        return credentials

    def _store(self, credentials: Credentials, life: float) -> None:
        self._last_good = credentials
        self._ends_at = self._timer() + life
        self._fresh_for = life * self._ahead
        self._cache[_KEY] = credentials

    def _refresh_in_background(self) -> None:
        task = asyncio.get_running_loop().create_task(self._flight.run(_KEY, self._read_or_keep))
        self._refreshing = task
        task.add_done_callback(self._refreshed)

    def _refreshed(self, task: asyncio.Task[Credentials]) -> None:
        self._refreshing = None
        # `_read_or_keep` has logged the failure. Asking for it keeps asyncio from reporting it again.
        if not task.cancelled():
            task.exception()
