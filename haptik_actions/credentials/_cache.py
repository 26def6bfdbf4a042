"""The cache in front of a provider."""

from __future__ import annotations

import time
from collections.abc import Callable

from cachetools import TTLCache

from haptik_actions._deadline import deadline
from haptik_actions._single_flight import SingleFlight
from haptik_actions.credentials._value import Credentials, CredentialsProvider
from haptik_actions.errors import CredentialsUnavailable, HaptikError

__all__ = ["CachedCredentials"]


class CachedCredentials:
    """Keeps what `provider` returned for `ttl` seconds; one read of the source at a time, however many callers.

    A read may take `timeout` seconds. `timer` is the clock in seconds; replace it in tests.
    """

    def __init__(
        self,
        provider: CredentialsProvider,
        *,
        ttl: float = 300.0,
        timeout: float = 5.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._timeout = timeout
        self._cache: TTLCache[str, Credentials] = TTLCache(maxsize=1, ttl=ttl, timer=timer)
        self._flight: SingleFlight[Credentials] = SingleFlight()

    async def get(self) -> Credentials:
        """Return the cached pair, or read the source.

        Raises:
            CredentialsUnavailable: the source failed; its own error is chained.
            ConfigurationError: the source answered that something is missing.
        """
        cached = self._cache.get("credentials")
        if cached is not None:
            return cached
        return await self._flight.run("credentials", self._read)

    async def renew(self, rejected: Credentials) -> Credentials:
        """Return the pair to use after the platform rejected `rejected`: the source is read again.

        Where another caller has renewed it meanwhile, the source is left alone.

        Raises:
            as `get`.
        """
        if self._cache.get("credentials") == rejected:
            self._cache.clear()
        return await self.get()

    async def _read(self) -> Credentials:
        try:
            # Callers share this read, so one that hangs would hold up every call after it.
            async with deadline(self._timeout):
                credentials = await self._provider.get()
        except HaptikError:
            raise
        except Exception as error:
            raise CredentialsUnavailable(
                f"The credentials could not be read from {type(self._provider).__name__}: {type(error).__name__}."
            ) from error
        self._cache["credentials"] = credentials
        return credentials
