"""A process with a relay, to be killed: `… <redis url> <folder> <lease> <hold-back>`.

What users read goes into `said`, what agents read into `read`, one JSON list `[id, text]` a line, written at once. A
sentence that may have been said before is looked for first, as HaptikInput looks into the tracker.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from haptik_actions.messages import MessageStore
from haptik_actions.relay import Ending, FromUser, Link, Reach, Relay, Saying
from tests.support.patience import relay_store
from tests.support.relay import client_on, words_of


def append(path: Path, line: list[Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, json.dumps(line).encode() + b"\n")
    os.close(handle)


def lines(path: Path) -> list[list[Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class _Host:
    def __init__(self, said: Path) -> None:
        self._said = said

    def reach(self, _link: Link) -> Reach:
        return "push"

    async def say(self, link: Link, saying: Saying) -> None:
        line = [link.id, words_of(saying)]
        if saying.again and line in lines(self._said):
            return
        await asyncio.sleep(0.002)
        append(self._said, line)
        await asyncio.sleep(0.002)

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        return

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        return

    async def hear(self, link: Link, words: FromUser) -> None:
        append(self._said, [link.id, f"hear: {words.text}"])


class _Platform(httpx.AsyncBaseTransport):
    def __init__(self, read: Path) -> None:
        self._read, self._number = read, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread())
        await asyncio.sleep(0.002)
        append(self._read, [body["user"]["auth_id"], body["message_body"]])
        self._number += 1
        await asyncio.sleep(0.002)
        return httpx.Response(200, json={"message_id": self._number})


async def main(url: str, folder: Path, lease: float, hold_back: float) -> None:
    client = client_on(_Platform(folder / "read"))
    store = relay_store(url)
    relay = Relay(store, client, MessageStore(), _Host(folder / "said"), hold_back=hold_back, poll=0.1, lease=lease)
    relay.start()
    append(folder / "up", [os.getpid()])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])))
