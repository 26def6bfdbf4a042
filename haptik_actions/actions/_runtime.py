"""The parts that live once per process and event loop: client, message store, escalator.

Nothing of this hangs on an action instance: rasa-sdk pickles those into its workers.
"""

from __future__ import annotations

import asyncio
import copyreg
import logging
import os
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import httpx
from rasa_sdk.executor import ActionExecutor

from haptik_actions._redis import connect
from haptik_actions.actions._crowd import Crowd
from haptik_actions.actions._stall import watch
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.config import Settings
from haptik_actions.credentials import Credentials, CredentialsProvider, CredentialsSelector
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import (
    Breakers,
    Briefing,
    Delivery,
    Escalator,
    MemoryOutbox,
    Metrics,
    Outbox,
    RedisOutbox,
    ResilientOutbox,
    SafeMetrics,
    SharedBreakers,
    Sink,
)
from haptik_actions.messages import PACKAGED_LOCALE, MessageStore
from haptik_actions.relay import RelayStore

__all__ = ["Runtime", "configure", "current_runtime"]

logger = logging.getLogger(__name__)

_REDIS_SECONDS = 0.5
_BREAKER_SECONDS = 1.0
_OUTBOX_SECONDS = 3.0
"""What opening and confirming may take beside the call: the outbox gives Redis a second for each."""


def _load() -> Settings:
    return Settings.load(endpoints=os.environ.get("HAPTIK_ENDPOINTS", "endpoints.yml"), tolerant=True)


class _SettingsCredentials:
    """Reads the settings anew each time, so that a rejected token can be replaced in `endpoints.yml`."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load

    async def get(self) -> Credentials:
        settings = await asyncio.to_thread(self._load)
        return Credentials(client_id=settings.require("client_id"), token=settings.require("token"))


class Runtime:
    """What guarded actions work with, made at first use.

    `transport` replaces the connection to the platform; `credentials`, `messages` and `outbox` what the settings name;
    `sleep` the pauses between looks into the outbox. `brief_sink` takes briefs to agents (see
    `haptik_actions.escalation.Brief`), `metrics` counts (see `haptik_actions.escalation.Metrics`). A call to the
    platform may take `timeout` seconds, all included, and is repeated up to `retries` times where that helps.
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
        outbox: Outbox | None = None,
        brief_sink: Sink | None = None,
        metrics: Metrics | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._load = load_settings
        self._credentials = credentials or _SettingsCredentials(load_settings)
        self._transport = transport
        self._timeout, self._retries = timeout, retries
        self._sleep = sleep
        self._outbox = outbox
        self._redis_outbox: RedisOutbox | None = None
        self._started = False
        self._refresher: asyncio.Task[None] | None = None
        self._metrics = SafeMetrics(metrics)
        self.breakers = Breakers(metrics=self._metrics)
        self.crowd = Crowd()
        self._settings: Settings | None = None
        self._messages = messages
        self._client: HaptikClient | None = None
        self._delivery: Delivery | None = None
        self._briefing = Briefing(brief_sink)
        self.escalator = Escalator(
            delivery=self.delivery,
            settings=self.settings,
            messages=self.messages,
            briefing=self._briefing,
            metrics=self._metrics,
            seconds=timeout + _OUTBOX_SECONDS,
        )

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
            ConfigurationError: `REDIS_URL` is not a Redis URL, or another setting cannot work.
        """
        if self._messages is None:
            settings = self.settings()
            self._messages = MessageStore.from_url(
                settings.redis_url, snapshot=settings.messages_snapshot, locale=settings.locale or PACKAGED_LOCALE
            )
            self._messages.start()
        return self._messages

    def outbox(self) -> Outbox:
        """Return the outbox on `REDIS_URL`; without it one in this process, with a warning of what that means.

        Raises:
            ConfigurationError: `REDIS_URL` is not a Redis URL.
        """
        if self._outbox is None:
            url = self.settings().redis_url
            if url:
                self._redis_outbox = RedisOutbox(connect(url, seconds=_REDIS_SECONDS))
                self._outbox = ResilientOutbox(self._redis_outbox)
            else:
                logger.warning(
                    "REDIS_URL is not set: hand-offs that Haptik cannot take yet are kept in this process. A restart "
                    "loses them, and other processes do not know of them."
                )
                self._outbox = MemoryOutbox()
        return self._outbox

    def delivery(self) -> Delivery:
        """Return what delivers hand-offs, at once and from the outbox.

        Raises:
            ConfigurationError: a setting that the platform's call needs is missing; names it.
        """
        if self._delivery is None:
            settings = self.settings()
            messenger = PlatformServer.messenger(settings.messenger_url) if settings.messenger_url else None
            self._client = HaptikClient(
                PlatformServer(settings.require("base_url")),
                self._credentials,
                messenger=messenger,
                receiver=settings.receiver,
                transport=self._transport,
                timeout=self._timeout,
                retries=self._retries,
                # The delivery paces all of them.
                repeat_refused=False,
            )
            self._delivery = Delivery(
                self._client,
                self.outbox(),
                seconds=self._timeout,
                links=RelayStore.from_url(settings.redis_url) if settings.redis_url else None,
                metrics=self._metrics,
                sleep=self._sleep,
            )
        return self._delivery

    def start(self) -> None:
        """Begin to deliver what a process that died has left in the outbox. A setting that cannot work is logged."""
        if self._started:
            return
        self._started = True
        try:
            if self.settings().redis_url:
                shared = SharedBreakers(connect(self.settings().redis_url or "", seconds=_REDIS_SECONDS))
                self.breakers = Breakers(shared, metrics=self._metrics)
                self._refresher = asyncio.get_running_loop().create_task(self._refresh_breakers())
            self.delivery().start()
            if self._client is not None:
                self._client.prepare()
            if self._redis_outbox is not None:
                self._warning = asyncio.get_running_loop().create_task(self._redis_outbox.warn_of_eviction())
        except ConfigurationError as error:
            logger.error("Hand-offs are not possible: %s", error)
        except Exception:
            logger.exception("Hand-offs are not possible.")

    async def aclose(self) -> None:
        """Close every connection. Hand-offs that wait in memory are lost, and logged."""
        if self._refresher is not None:
            self._refresher.cancel()
        if self._delivery is not None:
            for entry in await self._delivery.outbox.entries() if isinstance(self._outbox, MemoryOutbox) else ():
                logger.error("Hand-off %s is lost: the action server stops before Haptik took it.", entry.handoff.id)
            await self._delivery.aclose()
        if self._client is not None:
            await self._client.aclose()
        if self._messages is not None:
            await self._messages.aclose()
        await self.breakers.aclose()
        await self._briefing.aclose()

    async def _refresh_breakers(self) -> None:
        while True:
            # At once: one that is open since before this process was started costs its first users no deadline.
            try:
                await self.breakers.refresh()
            except Exception:
                logger.exception("The breakers in Redis could not be looked at; trying again.")
            await asyncio.sleep(_BREAKER_SECONDS)


_make_runtime: Callable[[], Runtime] = Runtime
_runtimes: WeakKeyDictionary[asyncio.AbstractEventLoop, Runtime] = WeakKeyDictionary()
_visitors: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
_latest: tuple[weakref.ref[asyncio.AbstractEventLoop], Runtime] | None = None


def configure(make_runtime: Callable[[], Runtime] = Runtime) -> None:
    """Say how this process makes its runtime: one per event loop, at the first failure. For tests and for providers.

        configure(lambda: Runtime(credentials=FileCredentials("/run/secrets/haptik.yml")))

    Called without an argument it goes back to the settings of environment and `endpoints.yml`. Runtimes made before
    are forgotten, not closed. Where rasa-sdk spawns workers, the module of `make_runtime` is imported there as well.

    Raises:
        ConfigurationError: it was given something else than a function, such as a runtime.
    """
    if not callable(make_runtime):
        what = "configure() takes a function that makes a runtime"
        raise ConfigurationError(f"{what}, not {type(make_runtime).__name__}. Write configure(lambda: Runtime(…)).")
    global _make_runtime, _latest
    _make_runtime, _latest = make_runtime, None
    _runtimes.clear()
    copyreg.pickle(ActionExecutor, _pickled_executor)


def _pickled_executor(executor: ActionExecutor) -> tuple[Any, ...]:
    # A spawned worker imports the modules of the actions and no other, and what is configured may stand elsewhere. It
    # goes by name: what is configured is often a lambda, which cannot be pickled.
    module = getattr(_make_runtime, "__module__", __name__)
    state = executor.__getstate__() if hasattr(executor, "__getstate__") else executor.__dict__
    return _executor_in_worker, (module,), state


def _executor_in_worker(module: str) -> ActionExecutor:
    try:
        import_module(module)
    except Exception:
        logger.exception("The module %s, which calls `configure`, cannot be imported in this worker.", module)
    executor: ActionExecutor = ActionExecutor.__new__(ActionExecutor)
    return executor


def _make() -> Runtime:
    try:
        return _make_runtime()
    except Exception:
        logger.exception("What `configure` was given failed; going by the environment and endpoints.yml.")
        return Runtime()


@asynccontextmanager
async def visiting() -> AsyncIterator[None]:
    """Mark the running loop as one that ends with the block: its runtime delivers nothing, and is closed with it."""
    loop = asyncio.get_running_loop()
    _visitors.add(loop)
    try:
        yield
    finally:
        runtime = _runtimes.pop(loop, None)
        if runtime is not None:
            await runtime.aclose()


def current_runtime() -> Runtime:
    """Return the runtime of the running event loop; the first call makes it, and begins to deliver its outbox."""
    global _latest
    loop = asyncio.get_running_loop()
    # Every guarded action asks, nearly always from the same loop, and a look into a weak dictionary costs more.
    latest = _latest
    if latest is not None and latest[0]() is loop:
        return latest[1]
    runtime = _runtimes.get(loop)
    if runtime is None:
        runtime = _runtimes[loop] = _make()
        if loop not in _visitors:
            runtime.start()
            watch(loop)
    if loop not in _visitors:
        _latest = (weakref.ref(loop), runtime)
    return runtime
