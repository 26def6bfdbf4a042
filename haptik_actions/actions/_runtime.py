"""The parts of which each event loop has one: client, message store, escalator.

Action instances hold none of them, because rasa-sdk pickles those into its workers.
"""

from __future__ import annotations

import asyncio
import copyreg
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from rasa_sdk.executor import ActionExecutor

from haptik_actions._log import get_logger
from haptik_actions._redis import connect
from haptik_actions.actions._stall import watch
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import Breakers, Engine, SharedBreakers
from haptik_actions.messages import packaged_copy
from haptik_actions.render import Copy

__all__ = ["Runtime", "configure", "current_runtime", "visiting"]

logger = get_logger(__name__)

_MOST = 200
"""Failures that are answered at once. This is more than are sent to Haptik at once, so that a platform that hangs does
not keep other calls from being read."""
_LONGEST_WAIT_SECONDS = 3.0
_LOOK_SECONDS = 0.05


class ReadingGate:
    """The failures that one event loop is answering, and the calls that wait until there are fewer than `most`.

    No call waits longer than `seconds`: memory is worth less than an answer.
    """

    def __init__(self, *, most: int = _MOST, seconds: float = _LONGEST_WAIT_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._answering = 0
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a failure as being answered while the block runs."""
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1
            # Calls that were let in a moment ago may still fail and are not counted yet, so only one more is let in.
            if self._answering < self._most:
                self._let_in(1)

    def turn(self) -> asyncio.Future[None] | None:
        """Return what a new call has to await before it is read; None where it need not wait."""
        if self._answering < self._most and not self._waiting:
            return None
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(_LOOK_SECONDS, self._look)
        turn = loop.create_future()
        self._waiting.append((loop.time() + self._seconds, turn))
        return turn

    def _look(self) -> None:
        # Calls that were let in may succeed or fail late, so the others are let in without waiting for them.
        self._let_in(self._most - self._answering)
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            self._let_in(1)
        if self._waiting:
            loop.call_later(_LOOK_SECONDS, self._look)

    def _let_in(self, calls: int) -> None:
        while self._waiting and calls > 0:
            turn = self._waiting.popleft()[1]
            # It is done already if its client has gone.
            if not turn.done():
                turn.set_result(None)
                calls -= 1


_REDIS_SECONDS = 0.5
_BREAKER_SECONDS = 1.0


class Runtime(Engine):
    """What guarded actions work with, made at first use: the `Engine` that hands over, and the shared breakers.

    The arguments are those of `haptik_actions.escalation.Engine`.
    """

    _started = False
    _refresher: asyncio.Task[None] | None = None

    @cached_property
    def breakers(self) -> Breakers:
        """The breakers of this process; shared with others from `start` on, where there is a Redis."""
        return Breakers(metrics=self._metrics)

    @cached_property
    def reading_gate(self) -> ReadingGate:
        """Counts the failures that are being answered."""
        return ReadingGate()

    def start(self) -> None:
        """Begin to deliver what a process that died has left in the outbox. A setting that cannot work is logged.

        Whatever the first failure needs is loaded, too: a worker may have no free file descriptor by then.
        """
        if self._started:
            return
        self._started = True
        packaged_copy()
        Copy.default()
        try:
            url = self.redis_url()
            if url:
                self.breakers = Breakers(SharedBreakers(connect(url, seconds=_REDIS_SECONDS)), metrics=self._metrics)
                self._refresher = asyncio.get_running_loop().create_task(self._refresh_breakers())
        except ConfigurationError as error:
            logger.error("Hand-offs are not possible: %s", error)
            return
        super().start()

    async def aclose(self) -> None:
        """Close every connection. Hand-offs that wait in memory are lost, and logged."""
        if self._refresher is not None:
            self._refresher.cancel()
        await self.breakers.aclose()
        await super().aclose()

    async def _refresh_breakers(self) -> None:
        while True:
            # Look before the first pause: a breaker may have been open before this process was started.
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
    # A spawned worker imports only the modules of the actions, and `configure` may be called in another one. The module
    # is passed on by its name, because what is configured is often a lambda, which cannot be pickled.
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
