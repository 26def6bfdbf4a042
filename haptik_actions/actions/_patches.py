"""Every name of rasa-sdk's, Sanic's and gRPC's own that this library reaches for: here and nowhere else.

None of them is promised by those who wrote it, so each is asked for before it is used. Where one is not there, the
server starts without what it is for, and says so once, by name and consequence.
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

from rasa_sdk.executor import ActionExecutor

from haptik_actions._log import get_logger

__all__ = [
    "GRPC",
    "Foreign",
    "app_being_made",
    "carry_long_calls",
    "forward_stream",
    "has_main_process",
    "has_read",
    "is_stopping",
    "look_after_workers",
    "raise_backlog",
    "raise_time_limits",
    "see_grpc_calls",
    "see_grpc_start",
    "see_new_apps",
    "see_registrations",
    "stop_slowly",
    "will_close",
    "workers_of",
]

logger = get_logger(__name__)

HTTP, GRPC = "rasa_sdk.endpoint", "rasa_sdk.grpc_server"
_MARK = "__haptik_actions__"

Foreign = Any
"""An object of rasa-sdk, Sanic or grpc. They have no types that hold for all versions, so what is used of one is asked
for before."""
Call = Callable[..., Any]
Wrap = Callable[[Call], Call]


def see_registrations(wrap: Wrap, mark: str) -> None:
    """Put `wrap` around `ActionExecutor.register_function`, which every way of registering an action ends in."""
    costs = "no action is guarded but those with @escalate_on_error or IntegrationAction"
    if _has(ActionExecutor, "rasa_sdk.executor.ActionExecutor", "register_function", costs=costs) and not hasattr(
        ActionExecutor.register_function, mark
    ):
        ActionExecutor.register_function = wrap(ActionExecutor.register_function)


def see_new_apps(attach: Callable[[Foreign], None]) -> None:
    """Call `attach` with every application that rasa-sdk's HTTP server makes, where that module is imported."""
    http: Foreign = sys.modules.get(HTTP)
    costs = "the outbox is delivered from the first failure on only, and nothing of the server is looked after"
    if http is None or not _has(http, HTTP, "create_app", costs=costs) or hasattr(http.create_app, _MARK):
        return
    create_app = http.create_app

    @functools.wraps(create_app)
    def create_app_and_attach(*arguments: object, **options: object) -> object:
        app = create_app(*arguments, **options)
        attach(app)
        return app

    setattr(create_app_and_attach, _MARK, True)
    http.create_app = create_app_and_attach
    made = app_being_made()
    if made is not None:
        attach(made)


def app_being_made() -> Foreign:
    """Return the application that rasa-sdk 3.6 has made just before it imported the actions, or None."""
    from sanic import Sanic
    from sanic.exceptions import SanicException

    if not _has(
        Sanic, "sanic.Sanic", "get_app", costs="rasa-sdk 3.6 delivers the outbox from the first failure on only"
    ):
        return None
    try:
        return Sanic.get_app("rasa_sdk")
    except SanicException:
        return None


def has_main_process() -> bool:
    """Tell whether rasa-sdk's server over HTTP has a main process beside its workers.

    Sanic has had one since 22.9, and until 25 the option `legacy` to do without, which every rasa-sdk takes that runs
    on such a Sanic (up to 3.20).
    """
    from sanic import Sanic

    return hasattr(Sanic, "serve") and "legacy" not in inspect.signature(Sanic.run).parameters


def raise_time_limits(app: Foreign, *, answering: float, stopping: float) -> None:
    """Let an action take `answering` seconds, and what is under way when the server stops `stopping`."""
    for name, seconds, costs in (
        ("RESPONSE_TIMEOUT", answering, "an action whose deadline is longer than Sanic's limit is cut off"),
        ("GRACEFUL_SHUTDOWN_TIMEOUT", stopping, "what is under way is cut off when the server stops"),
    ):
        known = getattr(app.config, name, None)
        if isinstance(known, (int, float)):
            setattr(app.config, name, max(known, seconds))
        else:
            _say(f"sanic.Sanic.config.{name}", costs)


def raise_backlog(sanic: Foreign, backlog: int) -> None:
    """Let so many connections wait until the server has time for them."""
    # rasa-sdk does not name it, and calls the one or the other, by its version.
    found = False
    for method in (getattr(sanic, "run", None), getattr(sanic, "prepare", None)):
        defaults = getattr(method, "__kwdefaults__", None)
        if isinstance(defaults, dict) and isinstance(defaults.get("backlog"), int):
            defaults["backlog"] = max(defaults["backlog"], backlog)
            found = True
    if not found:
        _say("sanic.Sanic.run.__kwdefaults__", "of a burst of more than a hundred connections some are reset")


def look_after_workers(app: Foreign, look: Callable[[], None]) -> bool:
    """Make Sanic's main process call `look` every now and then, and stop also while one of its workers starts.

    Told to stop while a worker starts, it would wait for that worker's word for ever.
    """
    manager: Foreign = getattr(app, "manager", None)
    needed = ("_all_workers_ack", "_sync_states", "_shutting_down", "shutdown", "transient_processes")
    if not _has(manager, "sanic.Sanic.manager", *needed, costs="a worker that dies is not started again"):
        return False
    all_started, sync_states, held = manager._all_workers_ack, manager._sync_states, _HeldSignals()

    def sync_states_and_look() -> None:
        with held:
            sync_states()
            look()

    def all_started_or_stopping() -> bool:
        with held:
            if manager._shutting_down:
                # Once more, for a worker that was started after the signal. The others are not told twice.
                manager.shutdown()
                return True
            return bool(all_started())

    manager._all_workers_ack, manager._sync_states = all_started_or_stopping, sync_states_and_look
    return True


class _HeldSignals:
    """While it is entered, signals that stop the server wait.

    Their handler in Sanic's main process asks for its workers over the same connection as Sanic itself. In the midst of
    another question it would take that one's answer, and the server would end with an error.
    """

    def __init__(self) -> None:
        self._holder = 0
        self._waiting: list[Callable[[], Any]] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, functools.partial(self._handle, handler))

    def __enter__(self) -> None:
        # A worker that is forked meanwhile must get its signals at once.
        self._holder = os.getpid()

    def __exit__(self, *_: object) -> None:
        self._holder = 0
        while self._waiting:
            self._waiting.pop(0)()

    def _handle(self, handler: Callable[[int, Any], Any], number: int, frame: Foreign) -> None:
        if self._holder == os.getpid():
            self._waiting.append(functools.partial(handler, number, frame))
        else:
            handler(number, frame)


def workers_of(manager: Foreign) -> Iterator[Foreign]:
    """Yield the processes of a manager that may be started again; none from the moment it is told to stop."""
    for process in list(manager.transient_processes):
        if manager._shutting_down:
            return
        if getattr(process, "restartable", True) and process.pid and hasattr(process, "restart"):
            yield process


def is_stopping(manager: Foreign) -> bool:
    """Tell whether the manager is told to stop."""
    return bool(manager._shutting_down)


def has_read(request: Foreign, call: Foreign) -> None:
    """Give a request of Sanic's its call already read; None makes it read its body again when somebody asks."""
    costs = "calls are read by Sanic's own, slower reader, and stay in memory"
    if _has(request, "sanic.request.Request", "parsed_json", costs=costs):
        request.parsed_json = call


def will_close(request: Foreign) -> None:
    """Close the connection behind the answer: a server that stops would wait for it."""
    stream = getattr(request, "stream", None)
    if stream is not None and _has(
        stream, "sanic.http.Http", "keep_alive", costs="a server that stops waits for connections that are kept open"
    ):
        stream.keep_alive = False


def see_grpc_start(start: Callable[[], None]) -> None:
    """Call `start` in the loop of rasa-sdk's gRPC server when it is made, where that module is imported."""
    kind = _grpc_service("__init__", costs="the outbox is delivered from the first failure on only")
    if kind is None:
        return
    init = kind.__init__

    @functools.wraps(init)
    def init_and_start(*arguments: object, **options: object) -> None:
        init(*arguments, **options)
        start()

    kind.__init__ = init_and_start


def see_grpc_calls(come: Callable[[], None], answered: Callable[[], None]) -> None:
    """Call `come` before each call to rasa-sdk's gRPC server, and `answered` behind each that it has answered.

    Of one that is answered piece by piece, as newer versions can, the first piece counts.
    """
    costs = "a server that dies after it has served is started again after a pause"
    kind = _grpc_service("Webhook", costs=costs)
    if kind is None:
        return
    answer: Callable[..., Awaitable[object]] = kind.Webhook

    @functools.wraps(answer)
    async def answer_and_note(*arguments: object, **options: object) -> object:
        come()
        answer_of_it = await answer(*arguments, **options)
        answered()
        return answer_of_it

    kind.Webhook = answer_and_note
    if hasattr(kind, "WebhookStream"):
        kind.WebhookStream = _noting(kind.WebhookStream, come, answered)


def _noting(
    stream: Callable[..., AsyncGenerator[Foreign, None]], come: Callable[[], None], answered: Callable[[], None]
) -> Callable[..., AsyncGenerator[Foreign, None]]:
    @functools.wraps(stream)
    async def stream_and_note(*arguments: object, **options: object) -> AsyncGenerator[Foreign, None]:
        come()
        pieces = stream(*arguments, **options)
        try:
            async for piece in pieces:
                answered()
                yield piece
        finally:
            await pieces.aclose()

    return stream_and_note


def stop_slowly(seconds: float) -> None:
    """Give calls under way so much time when rasa-sdk's gRPC server stops; by itself it gives them none."""
    grpc: Foreign = sys.modules.get(GRPC)
    if grpc is not None and _has(grpc, GRPC, "NO_GRACE_PERIOD", costs="calls are cut off when the gRPC server stops"):
        grpc.NO_GRACE_PERIOD = max(grpc.NO_GRACE_PERIOD, seconds)


def carry_long_calls(largest: int) -> None:
    """Let a call over gRPC have so many bytes: it holds all of the conversation, and gRPC's own limit is 4 MB."""
    grpc: Foreign = sys.modules.get(GRPC)
    costs = "calls of more than 4 MB are refused, and their users read nothing"
    if grpc is not None and _has(grpc, GRPC, "aio", costs=costs) and _has(grpc.aio, "grpc.aio", "server", costs=costs):
        server = functools.partial(grpc.aio.server, options=[("grpc.max_receive_message_length", largest)])
        grpc.aio = SimpleNamespace(**{**vars(grpc.aio), "server": server})


def forward_stream(dispatcher: Foreign, make: Callable[[Call], Call]) -> None:
    """Replace where a dispatcher of newer rasa-sdk streams to by what `make` makes of it, if it streams at all."""
    sink = getattr(dispatcher, "_stream_sink", None)
    if sink is not None:
        dispatcher._stream_sink = make(sink)


def _grpc_service(name: str, *, costs: str) -> Foreign:
    grpc: Foreign = sys.modules.get(GRPC)
    if grpc is None or not _has(grpc, GRPC, "GRPCActionServerWebhook", costs=costs):
        return None
    kind = grpc.GRPCActionServerWebhook
    return kind if _has(kind, f"{GRPC}.GRPCActionServerWebhook", name, costs=costs) else None


def _has(owner: Foreign, path: str, *names: str, costs: str) -> bool:
    for name in names:
        if not hasattr(owner, name):
            _say(f"{path}.{name}", costs)
            return False
    return True


@functools.cache
def _say(name: str, costs: str) -> None:
    logger.warning("%s is not there in the installed version: %s. Everything else works.", name, costs)
