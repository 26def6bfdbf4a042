"""The parts that live once per process and event loop: client, message store, escalator.

Nothing of this hangs on an action instance: rasa-sdk pickles those into its workers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

import httpx

from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.config import Settings
from haptik_actions.credentials import Credentials, CredentialsProvider, CredentialsSelector
from haptik_actions.escalation import Delivery, Escalator
from haptik_actions.messages import MessageStore

__all__ = ["Runtime", "configure", "current_runtime"]


def _load() -> Settings:
    return Settings.load(endpoints=os.environ.get("HAPTIK_ENDPOINTS", "endpoints.yml"))


class _SettingsCredentials:
    """Reads the settings anew each time, so that a rejected token can be replaced in `endpoints.yml`."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load

    async def get(self) -> Credentials:
        settings = await asyncio.to_thread(self._load)
        return Credentials(client_id=settings.require("client_id"), token=settings.require("token"))


class Runtime:
    """What guarded actions work with, made at first use.

    `transport` replaces the connection to the platform, `credentials` and `messages` what the settings name, `sleep`
    the pauses between late deliveries. A call to the platform may take `timeout` seconds, all included, and is repeated
    up to `retries` times where that helps.
    """

    def __init__(
        self,
        *,
        load_settings: Callable[[], Settings] = _load,
        credentials: CredentialsProvider | CredentialsSelector | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        messages: MessageStore | None = None,
        timeout: float = 8.0,
        retries: int = 2,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._load = load_settings
        self._credentials = credentials or _SettingsCredentials(load_settings)
        self._transport = transport
        self._timeout, self._retries = timeout, retries
        self._sleep = sleep
        self._settings: Settings | None = None
        self._messages = messages
        self._client: HaptikClient | None = None
        self._delivery: Delivery | None = None
        self.escalator = Escalator(delivery=self.delivery, settings=self.settings, messages=self.messages)

    def settings(self) -> Settings:
        """Return the settings, read once.

        Raises:
            ConfigurationError: a value cannot work.
        """
        if self._settings is None:
            self._settings = self._load()
        return self._settings

    def messages(self) -> MessageStore:
        """Return the message store on `REDIS_URL`, or on the packaged copy alone where that is not set.

        Raises:
            ConfigurationError: `REDIS_URL` is not a Redis URL.
        """
        if self._messages is None:
            self._messages = MessageStore.from_url(self.settings().redis_url)
        return self._messages

    def delivery(self) -> Delivery:
        """Return what sends hand-offs.

        Raises:
            ConfigurationError: a setting that the platform's call needs is missing; names it.
        """
        if self._delivery is None:
            server = PlatformServer(self.settings().require("base_url"))
            self._client = HaptikClient(
                server,
                self._credentials,
                transport=self._transport,
                timeout=self._timeout,
                retries=self._retries,
            )
            self._delivery = Delivery(self._client, sleep=self._sleep)
        return self._delivery

    async def aclose(self) -> None:
        """Close every connection. Hand-offs that still wait for Haptik are lost, and logged."""
        if self._delivery is not None:
            await self._delivery.aclose()
        if self._client is not None:
            await self._client.aclose()
        if self._messages is not None:
            await self._messages.aclose()


_make_runtime: Callable[[], Runtime] = Runtime
_runtimes: WeakKeyDictionary[asyncio.AbstractEventLoop, Runtime] = WeakKeyDictionary()


def configure(make_runtime: Callable[[], Runtime] = Runtime) -> None:
    """Say how this process makes its runtime: one per event loop, at the first failure. For tests and for providers.

        configure(lambda: Runtime(credentials=FileCredentials("/run/secrets/haptik.yml")))

    Called without an argument it goes back to the settings of environment and `endpoints.yml`. Runtimes made before
    are forgotten, not closed.
    """
    global _make_runtime
    _make_runtime = make_runtime
    _runtimes.clear()


def current_runtime() -> Runtime:
    """Return the runtime of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _runtimes:
        _runtimes[loop] = _make_runtime()
    return _runtimes[loop]
