"""Connections wait here until a whole request has come, and cost next to nothing meanwhile.

asyncio makes a transport, a protocol and several turns of its loop out of each new connection, and uvicorn a task as
soon as there are headers. A thousand callers who never finish what they began would take the processor from those who
do. Here a caller is a socket and what it has sent, read without parsing. Only a whole request goes on to uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import selectors
import socket
import time
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Any

from haptik_actions._connections import ConnectionLimits, Connections

__all__ = ["MOST_HELD", "QUEUE", "HeldRequest", "RequestGate"]

QUEUE = 2_048
"""Connections that the kernel holds until they are accepted. Who finds it full tries again a second later."""

_ACCEPTED_AT_ONCE, _READ_AT_ONCE = 64, 65_536
_TICK_SECONDS, _CLOSED_AT_ONCE = 0.25, 128
_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
MOST_HELD = 65_536
"""Bytes of one request that are held. Longer headers than these no server here takes."""

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
# Who asks whether to send the body waits for an answer, which only the server gives.
_ASKS = re.compile(rb"\r\nexpect:", re.IGNORECASE)


class _Caller:
    """One who waits at the door: until `due` (seconds of the door's timer) for the headers, or for the body."""

    __slots__ = ("connection", "due", "request")

    def __init__(self, connection: socket.socket, due: float) -> None:
        self.connection, self.due, self.request = connection, due, HeldRequest()


class RequestGate:
    """Accepts on a listening socket, and hands a connection on when a request is there.

    Connections that take too long are closed, and where there are too many the one that has waited longest is.
    """

    def __init__(
        self, listener: socket.socket, connections: Connections, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener, self._connections, self._timer = listener, connections, timer
        self._limits: ConnectionLimits = connections.limits
        self._selector = selectors.DefaultSelector()
        # In the order in which they came.
        self._callers: dict[int, _Caller] = {}
        self._entering: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self, inside: Callable[[], Any]) -> AsyncIterator[None]:
        """Accept for the time of the block. `inside` makes the protocol, one of `Connections.protocol`."""
        self._inside, self._loop = inside, asyncio.get_running_loop()
        self._listener.setblocking(False)
        self._listener.listen(QUEUE)
        # One descriptor speaks for all who wait, so that the loop knows none of them.
        self._loop.add_reader(self._selector.fileno(), self._look)
        watching = asyncio.create_task(self._watch())
        self._resume()
        try:
            yield
        finally:
            watching.cancel()
            self._pause()
            self._loop.remove_reader(self._selector.fileno())
            for caller in list(self._callers.values()):
                self._close(caller)
            self._selector.close()
            await asyncio.gather(*self._entering)

    def _resume(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _pause(self) -> None:
        """Accept nobody until the next tick."""
        self._loop.remove_reader(self._listener.fileno())

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of descriptors, or of memory; or else an error of the network, which passes.
                if error.errno not in _NONE_LEFT or not self._make_room():
                    self._pause()
                return
            self._greet(connection)

    def _greet(self, connection: socket.socket) -> None:
        while len(self._callers) + len(self._entering) + len(self._connections) >= self._limits.most:
            if not self._make_room():
                connection.close()
                return
        connection.setblocking(False)
        caller = _Caller(connection, self._timer() + self._limits.head_seconds)
        self._callers[connection.fileno()] = caller
        self._selector.register(connection, selectors.EVENT_READ, caller)
        # Most have sent their request by now.
        self._read(caller)

    def _make_room(self) -> bool:
        """Close who has waited longest, and tell whether there was somebody."""
        oldest = next(iter(self._callers.values()), None)
        if oldest is None:
            return self._connections.close_oldest()
        self._close(oldest)
        return True

    def _look(self) -> None:
        """Read from all who have sent more."""
        for key, _ in self._selector.select(0):
            self._read(key.data)

    def _read(self, caller: _Caller) -> None:
        try:
            piece = caller.connection.recv(_READ_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        if not piece:
            self._close(caller)
            return
        request = caller.request
        had_head = request.has_head
        request.add(piece)
        if request.is_ready:
            self._hand_on(caller)
        elif request.has_head and not had_head:
            caller.due = self._timer() + self._limits.body_seconds

    def _hand_on(self, caller: _Caller) -> None:
        self._forget(caller)
        protocol = self._inside()
        protocol.held = bytes(caller.request.data)
        task = self._loop.create_task(self._enter(protocol, caller.connection))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _enter(self, protocol: Any, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, connection)
        except OSError:
            connection.close()

    def _close(self, caller: _Caller) -> None:
        self._forget(caller)
        caller.connection.close()

    def _forget(self, caller: _Caller) -> None:
        del self._callers[caller.connection.fileno()]
        self._selector.unregister(caller.connection)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(_TICK_SECONDS, self._limits.head_seconds / 4))
            now = self._timer()
            # Not all of a crowd in one go, nor will they be back in one go.
            for caller in list(islice((each for each in self._callers.values() if each.due < now), _CLOSED_AT_ONCE)):
                self._close(caller)
            self._connections.close_overdue()
            self._resume()


class HeldRequest:
    """The first bytes on a connection. Each byte is looked at once, however many pieces they come in."""

    __slots__ = ("_ends_at", "_is_chunked", "data", "has_head")

    def __init__(self) -> None:
        self.data = bytearray()
        self.has_head = False
        self._is_chunked = False
        self._ends_at = 0

    def add(self, piece: bytes) -> None:
        """Take what came next."""
        seen = max(0, len(self.data) - len(_HEAD_ENDS))
        self.data += piece
        if not self.has_head and (end := self.data.find(_HEAD_ENDS, seen)) >= 0:
            self.has_head = True
            self._read_head(end + len(_HEAD_ENDS))

    @property
    def is_ready(self) -> bool:
        """Whether all of the request is there, or more of it than is held."""
        if len(self.data) > MOST_HELD:
            return True
        if not self.has_head:
            return False
        if self._is_chunked:
            # The last chunk is empty, and lines behind it end with an empty one.
            return len(self.data) > self._ends_at and self.data.endswith(_HEAD_ENDS)
        return len(self.data) >= self._ends_at

    def _read_head(self, body_at: int) -> None:
        self._ends_at = body_at
        head = bytes(self.data[:body_at])
        if _ASKS.search(head):
            return
        self._is_chunked = _CHUNKED.search(head) is not None
        length = _LENGTH.search(head)
        if length is not None and not self._is_chunked:
            self._ends_at += int(length[1])
