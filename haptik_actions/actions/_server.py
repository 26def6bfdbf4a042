"""What is added to rasa-sdk's servers: the outbox is delivered from their start, a 500 does not repeat the call, and no
time limit of the server's is shorter than an action's deadline, also when it stops. No call is refused for being one of
many or a long one, and workers that died are started again. Calls wait unread while a crowd fails, and none is kept in
memory once it is answered.

rasa-sdk's own 500 sends the tracker back, and Rasa logs it. A process that died may have left hand-offs in the outbox,
and the first failure of the next one may be hours away.

A server is either being made from now on, by `create_app` or for gRPC, or rasa-sdk 3.6 has made it just before it
imported the actions. Modules of rasa-sdk that nobody has imported are left alone: importing them takes its time.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
import zlib
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec

from haptik_actions._log import get_logger
from haptik_actions.actions._readable import carried_by_grpc
from haptik_actions.actions._respawn import Respawner
from haptik_actions.actions._runtime import current_runtime

__all__ = ["hide_calls_in_errors", "start_with_server"]

logger = get_logger(__name__)

_HTTP, _GRPC = "rasa_sdk.endpoint", "rasa_sdk.grpc_server"
_MARK, _STOPS = "__haptik_actions__", "haptik_actions_stops"
_HIDES = False
_DECODER = msgspec.json.Decoder()
_RASA_WAITS_SECONDS = 300
_BACKLOG = 2048
"""Connections that wait until the loop has time for them. Of what is beyond Sanic's own hundred, Linux resets some."""
_LARGEST_CALL = 100_000_000
"""Bytes, of what a compressed call becomes as well. As Sanic's for HTTP."""
_ENCODING = "content-encoding"
_STOPPING_SECONDS = 25
"""What is under way may take this long once the server stops: a deadline and a hand-off of 8 s each, and the outbox.
Kubernetes kills after 30."""


def start_with_server() -> None:
    """Begin to deliver the outbox when the action server of this process starts, if there is going to be one."""
    http: Any = sys.modules.get(_HTTP)
    grpc: Any = sys.modules.get(_GRPC)
    if http is not None and not hasattr(http.create_app, _MARK):
        http.create_app = _wrapped(http.create_app)
        made = _app_being_made()
        if made is not None:
            _attach(made)
    if grpc is not None and not hasattr(grpc.GRPCActionServerWebhook, _MARK):
        grpc.GRPCActionServerWebhook.__init__ = _starting(grpc.GRPCActionServerWebhook.__init__)
        setattr(grpc.GRPCActionServerWebhook, _MARK, True)
        # rasa-sdk's own is none at all: every call that is under way would be cut off.
        grpc.NO_GRACE_PERIOD = max(grpc.NO_GRACE_PERIOD, _STOPPING_SECONDS)
        # A call holds all of the conversation, and gRPC's own limit of 4 MB refuses that of a long one.
        largest = [("grpc.max_receive_message_length", _LARGEST_CALL)]
        grpc.aio = SimpleNamespace(server=functools.partial(grpc.aio.server, options=largest))


def hide_calls_in_errors() -> None:
    """Make every HTTP server from now on answer an error of its own without the call's body."""
    global _HIDES
    _HIDES = True
    import rasa_sdk.endpoint  # noqa: F401

    start_with_server()


def _wrapped(create_app: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create_app)
    def create_app_and_attach(*arguments: Any, **options: Any) -> Any:
        app = create_app(*arguments, **options)
        _attach(app)
        return app

    setattr(create_app_and_attach, _MARK, True)
    return create_app_and_attach


def _app_being_made() -> Any:
    from sanic import Sanic
    from sanic.exceptions import SanicException

    try:
        return Sanic.get_app("rasa_sdk")
    except SanicException:
        return None


def _attach(app: Any) -> None:
    if not hasattr(app.ctx, _MARK):
        setattr(app.ctx, _MARK, True)
        # Sanic's own of a minute ends an action with 503 and no answer, where its deadline is longer.
        app.config.RESPONSE_TIMEOUT = max(app.config.RESPONSE_TIMEOUT, _RASA_WAITS_SECONDS)
        app.config.GRACEFUL_SHUTDOWN_TIMEOUT = max(app.config.GRACEFUL_SHUTDOWN_TIMEOUT, _STOPPING_SECONDS)
        _raise_backlog(type(app))
        app.register_middleware(_read, "request")
        app.register_middleware(_let_go, "response")
        app.register_listener(_start, "after_server_start")
        app.register_listener(_stop, "before_server_stop")
        if hasattr(type(app), "manager"):
            app.register_listener(_watch_workers, "main_process_ready")


def _raise_backlog(sanic: type[Any]) -> None:
    # rasa-sdk does not name it, and calls the one or the other, by its version.
    for method in (sanic.run, getattr(sanic, "prepare", sanic.run)):
        defaults = method.__kwdefaults__
        if isinstance(defaults.get("backlog"), int):
            defaults["backlog"] = max(defaults["backlog"], _BACKLOG)


async def _watch_workers(app: Any, loop: Any) -> None:
    # Told to stop while a worker starts, Sanic's main process waits for that worker's word for ever. And it lets be a
    # worker that died: the port stays open, and nobody answers.
    manager = app.manager
    all_started, sync_states = manager._all_workers_ack, manager._sync_states
    respawner = Respawner(manager)

    def sync_states_and_respawn() -> None:
        try:
            sync_states()
        except Exception:
            # The handler of the signal asks over the same connection, and takes the answer to what was asked here.
            if not manager._shutting_down:
                raise
        respawner.look()

    def all_started_or_stopping() -> bool:
        if manager._shutting_down:
            # Once more, for a worker that was started after the signal. The others are not told twice.
            manager.shutdown()
            return True
        return bool(all_started())

    manager._all_workers_ack, manager._sync_states = all_started_or_stopping, sync_states_and_respawn


async def _start(app: Any, loop: Any) -> None:
    current_runtime()


async def _stop(app: Any, loop: Any) -> None:
    setattr(app.ctx, _STOPS, True)
    # Sanic's main process sees its workers off for ten seconds, then tells them to stop again, and that breaks off what
    # they still answer. It waits for their end all the same. (Other loops and Windows have no such handlers.)
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, _stops_already)


def _stops_already() -> None:
    logger.info("The server stops as soon as every call that is under way is answered.")


def _starting(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def init_and_start(*arguments: Any, **options: Any) -> None:
        init(*arguments, **options)
        carried_by_grpc()
        # rasa-sdk makes it inside of the loop that it serves on.
        current_runtime()

    return init_and_start


def _read(request: Any) -> Any:
    # Whoever asks for the server's health is not one of the crowd.
    if request.method != "POST":
        return None
    turn = current_runtime().crowd.turn()
    return _read_at_once(request) if turn is None else _read_after(turn, request)


async def _read_after(turn: Awaitable[None], request: Any) -> Any:
    await turn
    return _read_at_once(request)


def _read_at_once(request: Any) -> Any:
    if request.headers.get(_ENCODING) == "deflate" and not _inflate(request):
        from sanic import response

        logger.error(
            "A compressed call of more than %d bytes is refused; Rasa says nothing to its user.", _LARGEST_CALL
        )
        return response.json({"error": f"A call may have {_LARGEST_CALL} bytes."}, status=413)
    # In two thirds of the time that Sanic's reader takes, which makes up for the guard. What this one does not take
    # (NaN, half of a surrogate pair, a compressed body, what is no JSON) is left to the other.
    with contextlib.suppress(Exception):
        request.parsed_json = _DECODER.decode(request.body)
    return None


def _inflate(request: Any) -> bool:
    """Put the call in the place of its compressed form; False where it is larger than a call may be.

    rasa-sdk would inflate it whole: a megabyte becomes a gigabyte, and the worker is killed for its memory.
    """
    inflating = zlib.decompressobj()
    try:
        call = inflating.decompress(request.body, _LARGEST_CALL)
    except zlib.error:
        # rasa-sdk says so.
        return True
    if inflating.eof:
        request.body = call
        del request.headers[_ENCODING]
    return inflating.eof or not inflating.unconsumed_tail


def _let_go(request: Any, answer: Any) -> Any:
    # Sanic keeps the latest request of each connection. Who still asks for the call has it read again from the body.
    request.parsed_json = None
    if hasattr(request.app.ctx, _STOPS) and request.stream is not None:
        # Sanic would wait for a connection that is kept open, though nothing more comes.
        request.stream.keep_alive = False
    if answer.status != 500 or not _HIDES:
        return None
    from sanic import response

    # Not the exception's words either: they may quote the call.
    return response.json({"error": "The action server failed. Its log says why."}, status=500)
