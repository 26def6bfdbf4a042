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

import asyncio
import contextlib
import signal
import sys
import zlib
from collections.abc import Awaitable

import msgspec

from haptik_actions._log import get_logger
from haptik_actions.actions._patches import (
    GRPC,
    Foreign,
    carry_long_calls,
    has_main_process,
    has_read,
    look_after_workers,
    raise_backlog,
    raise_time_limits,
    see_grpc_calls,
    see_grpc_start,
    see_new_apps,
    stop_slowly,
    will_close,
)
from haptik_actions.actions._readable import carried_by_grpc
from haptik_actions.actions._runtime import current_runtime
from haptik_actions.actions._stall import note_answer, note_call, show_pulse
from haptik_actions.actions._supervise import ANSWERED, STARTED, Respawner, frozen_seconds, mark

__all__ = ["hide_calls_in_errors", "start_with_server"]

logger = get_logger(__name__)

_MARK, _STOPS = "__haptik_actions__", "haptik_actions_stops"
_HIDES = False
_DECODER = msgspec.json.Decoder()
_RASA_WAITS_SECONDS = 300
_BACKLOG = 2048
"""Connections that may wait until the loop has time for them. Sanic's own 100 are few: Linux resets those beyond."""
_LARGEST_CALL = 100_000_000
"""The most bytes of a call, also of what a compressed one becomes. Sanic has the same limit for HTTP."""
_ENCODING = "content-encoding"
_SERVES_SECONDS = 0.5
"""After so long a gRPC server serves: one whose port is taken has ended by then."""
_STOPPING_SECONDS = 25
"""What is under way may take this long once the server stops: a deadline and a hand-off of 8 s each, and the outbox.
Kubernetes kills after 30."""


def start_with_server() -> None:
    """Begin to deliver the outbox when the action server of this process starts, if there is going to be one."""
    see_new_apps(_attach)
    grpc: Foreign = sys.modules.get(GRPC)
    if grpc is not None and not hasattr(grpc, _MARK):
        setattr(grpc, _MARK, True)
        see_grpc_start(_start_grpc)
        see_grpc_calls(note_call, _note_answer)
        stop_slowly(_STOPPING_SECONDS)
        carry_long_calls(_LARGEST_CALL)


def hide_calls_in_errors() -> None:
    """Make every HTTP server from now on answer an error of its own without the call's body."""
    global _HIDES
    _HIDES = True
    import rasa_sdk.endpoint  # noqa: F401

    start_with_server()


def _attach(app: Foreign) -> None:
    if not hasattr(app.ctx, _MARK):
        setattr(app.ctx, _MARK, True)
        # Sanic's own of a minute ends an action with 503 and no answer, where its deadline is longer.
        raise_time_limits(app, answering=_RASA_WAITS_SECONDS, stopping=_STOPPING_SECONDS)
        raise_backlog(type(app), _BACKLOG)
        app.register_middleware(_read, "request")
        app.register_middleware(_let_go, "response")
        app.register_listener(_start, "after_server_start")
        app.register_listener(_stop, "before_server_stop")
        if has_main_process():
            app.register_listener(_watch_workers, "main_process_ready")


async def _watch_workers(app: Foreign, loop: Foreign) -> None:
    # Sanic's main process does not start a worker again that died: the port stays open, and nobody answers.
    respawner = Respawner(getattr(app, "manager", None))
    look_after_workers(app, respawner.look)


async def _start(app: Foreign, loop: Foreign) -> None:
    mark(STARTED)
    current_runtime()
    show_pulse(frozen_seconds())


async def _stop(app: Foreign, loop: Foreign) -> None:
    setattr(app.ctx, _STOPS, True)
    # Sanic's main process sees its workers off for ten seconds, then tells them to stop again, and that breaks off what
    # they still answer. It waits for their end all the same. (Other loops and Windows have no such handlers.)
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, _stops_already)


def _stops_already() -> None:
    logger.info("The server stops as soon as every call that is under way is answered.")


def _note_answer() -> None:
    mark(ANSWERED)
    note_answer()


def _start_grpc() -> None:
    carried_by_grpc()
    # rasa-sdk makes it inside of the loop that it serves on, just before it takes the port.
    current_runtime()
    asyncio.get_running_loop().call_later(_SERVES_SECONDS, mark, STARTED)
    show_pulse(frozen_seconds())


def _read(request: Foreign) -> Foreign:
    # A question after the server's health does not wait behind the calls.
    if request.method != "POST":
        return None
    note_call()
    turn = current_runtime().reading_gate.turn()
    return _read_at_once(request) if turn is None else _read_after(turn, request)


async def _read_after(turn: Awaitable[None], request: Foreign) -> Foreign:
    await turn
    return _read_at_once(request)


def _read_at_once(request: Foreign) -> Foreign:
    if request.headers.get(_ENCODING) == "deflate" and not _inflate(request):
        from sanic import response

        logger.error(
            "A compressed call of more than %d bytes is refused; Rasa says nothing to its user.", _LARGEST_CALL
        )
        return response.json({"error": f"A call may have {_LARGEST_CALL} bytes."}, status=413)
    # msgspec reads in two thirds of the time of Sanic's reader, which makes up for the guard's cost. A body that it
    # does not read (NaN, half of a surrogate pair, compressed, no JSON) is left to Sanic's.
    with contextlib.suppress(Exception):
        has_read(request, _DECODER.decode(request.body))
    return None


def _inflate(request: Foreign) -> bool:
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


def _let_go(request: Foreign, answer: Foreign) -> Foreign:
    if answer.status < 500 and request.method == "POST":
        _note_answer()
    # Sanic keeps the latest request of each connection in memory, so the call is dropped from it. Code that asks for
    # the call later has it read from the body again.
    has_read(request, None)
    if hasattr(request.app.ctx, _STOPS):
        # Sanic would wait for a connection that is kept open, though nothing more comes.
        will_close(request)
    if answer.status != 500 or not _HIDES:
        return None
    from sanic import response

    # Not the exception's words either: they may quote the call.
    return response.json({"error": "The action server failed. Its log says why."}, status=500)
