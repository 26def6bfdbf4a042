"""Compressed calls: what comes out is bounded, and what fits is read as before."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from haptik_actions.messages import packaged_copy
from tests.support.guarded_server import OWN_MODULE, Running, action_server, write_actions
from tests.support.rasa import action_call

SERVERS = {"run": (["haptik_actions.cli", "run"], ""), "one call in the module": (["rasa_sdk"], OWN_MODULE)}
MEGABYTE = 1 << 20


def inflating_to(size: int) -> bytes:
    """A call that is written in a thousandth of its size."""
    compressor = zlib.compressobj(9)
    head, tail = (part.encode() for part in json.dumps(action_call("action_works")).split('"s1"', 1))
    megabyte = b"a" * MEGABYTE
    begin = compressor.compress(head + b'"') + compressor.flush(zlib.Z_FULL_FLUSH)
    # After a full flush nothing refers to what was before: one megabyte, compressed once, may stand there many times.
    middle = compressor.compress(megabyte) + compressor.flush(zlib.Z_FULL_FLUSH)
    end = compressor.compress(b'"' + tail) + compressor.flush()
    check = zlib.adler32(head + b'"')
    for _ in range(size // MEGABYTE):
        check = zlib.adler32(megabyte, check)
    check = zlib.adler32(b'"' + tail, check)
    return begin + middle * (size // MEGABYTE) + end[:-4] + check.to_bytes(4, "big")


def post(server: Running, body: bytes, encoding: str = "deflate") -> httpx.Response:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    return httpx.post(f"{server.url}/webhook", content=body, headers=headers, timeout=60)


def most_memory(server: Running) -> int:
    """The most memory in MiB that a process of the server ever had."""
    group = server.process.pid
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            belongs = int((status.parent / "stat").read_text().rpartition(")")[2].split()[2]) == group
        except (OSError, ValueError):
            continue
        if belongs and "VmHWM" in fields:
            found.append(int(fields["VmHWM"].split()[0]) // 1024)
    return max(found)


@pytest.mark.parametrize("start", SERVERS)
def test_a_call_that_inflates_to_gigabytes_is_refused_and_takes_no_memory(start: str, tmp_path: Path) -> None:
    command, first = SERVERS[start]
    bomb = inflating_to(2 << 30)
    assert len(bomb) < 3 * MEGABYTE
    with action_server(command, write_actions(tmp_path, first=first)) as server:
        assert post(server, zlib.compress(json.dumps(action_call("action_works")).encode())).status_code == 200
        before = most_memory(server)
        refused = post(server, bomb)
        assert (refused.status_code, "aaaa" in refused.text) == (413, False)
        assert most_memory(server) - before < 400
        assert "compressed call of more than" in server.logged()
        assert server.run(action_call("action_works"))["responses"][0]["text"] == "Done."


def say(reply: httpx.Response) -> Any:
    return [message["text"] for message in reply.json()["responses"]]


def test_what_fits_is_read_as_it_always_was(tmp_path: Path) -> None:
    with action_server(["haptik_actions.cli", "run"], write_actions(tmp_path)) as server:
        call = json.dumps(action_call("action_raises_in_a_thread")).encode()
        assert say(post(server, zlib.compress(call))) == [packaged_copy()["haptik_handoff_unavailable"]]
        assert say(post(server, zlib.compress(call, 0))) == [packaged_copy()["haptik_handoff_unavailable"]]
        # NaN, which only Python's own reader takes.
        nan = json.dumps(action_call("action_works", slots={"price": float("nan")})).encode()
        assert say(post(server, zlib.compress(nan))) == ["Done."]
        for broken in (b"", b"no deflate", zlib.compress(call)[:-20], zlib.compress(b"no JSON")):
            assert post(server, broken).status_code in (400, 500)
