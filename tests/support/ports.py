"""Ports for the servers of tests, which no other test and no outgoing connection can have in between."""

from __future__ import annotations

import itertools
import os
import random
import socket

# Below the range that Linux (32768) and others (49152) hand out by themselves: a port of that range that was free a
# moment ago may be another server's, or the near end of somebody's connection, before its own server is up.
_FIRST, _LAST = 20_000, 32_000
_WORKERS = 8


def _own_ports() -> itertools.cycle[int]:
    """The ports of this process: each worker of pytest-xdist has a part of the range, begun somewhere in it."""
    share = (_LAST - _FIRST) // _WORKERS
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    ports = list(range(_FIRST + worker * share, _FIRST + (worker + 1) * share))
    begin = random.randrange(share)
    return itertools.cycle(ports[begin:] + ports[:begin])


_ports = _own_ports()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; this process gets each once in a thousand and more calls."""
    for port in itertools.islice(_ports, (_LAST - _FIRST) // _WORKERS):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port of 127.0.0.1 between {_FIRST} and {_LAST} is free")
