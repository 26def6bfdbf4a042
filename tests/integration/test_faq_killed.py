"""A process that applies is killed at each stage; another one, later, makes the platform hold what it should."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from haptik_actions.errors import FaqRefused
from haptik_actions.faq import Allowance, Applier, Outcome, Run, load, open_source, plan
from haptik_actions.sandbox import Fault
from haptik_actions.testing import SandboxServer
from tests.support.faq_run import DOMAIN, LEASE, STAGES, open_ledger

ROOT = Path(__file__).parents[2]
ROWS = 5
UPLOADS = {"planned": 1, "uploading": 1, "taken": 2, "polling": 1, "loading": 1, "loaded": 1}
"""How often a set is uploaded in all: once more only where nobody can know whether it was taken."""


@pytest.fixture
def haptik_sandbox_state() -> dict[str, Any]:
    return {
        "partners": [{"client_id": "demo-client", "token": "demo-token"}],
        "domains": [{"name": DOMAIN, "nodes": [{"node_name": "old", "user_says": ["old"], "bot_says": ["old"]}]}],
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    path.write_text("node_name,question,answer\n" + "".join(f"n{i},q{i}?,a{i}\n" for i in range(ROWS)))
    return path


@pytest.fixture(params=["file", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path, valkey_url: str, redis_client: redis.asyncio.Redis) -> str:
    return str(tmp_path / "ledger") if request.param == "file" else valkey_url


def killed(stage: str, where: str, source: Path, server: SandboxServer) -> None:
    environ = {**os.environ, **server.environment, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-m", "tests.support.faq_run", stage, where, str(source)]
    done = subprocess.run(arguments, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr


async def with_applier(where: str, server: SandboxServer, work: Any) -> Any:
    ledger = open_ledger(where)
    credentials = StaticCredentials(client_id="demo-client", token="demo-token")
    async with HaptikClient(PlatformServer(server.url), credentials) as client:
        try:
            return await work(Applier(ledger, client), ledger)
        finally:
            await ledger.aclose()


async def last_run(where: str) -> Run:
    ledger = open_ledger(where)
    try:
        return (await ledger.runs(1))[0]
    finally:
        await ledger.aclose()


def add_row(source: Path) -> None:
    source.write_text(source.read_text() + "new,New?,yes\n")


def answers(server: SandboxServer) -> dict[str, bool]:
    return {node.node_name: node.active for node in server.sandbox.faq_nodes(DOMAIN)}


@pytest.mark.parametrize(
    ("stage", "where"),
    [*((stage, "file") for stage in STAGES), ("planned", "redis"), ("taken", "redis"), ("loading", "redis")],
    indirect=["where"],
)
async def test_a_run_that_was_killed_is_brought_to_its_end(
    stage: str, where: str, source: Path, haptik_sandbox_server: SandboxServer
) -> None:
    await asyncio.to_thread(killed, stage, where, source, haptik_sandbox_server)
    left = await last_run(where)
    assert left.state == {"taken": "uploading", "loading": "polling", "loaded": "polling"}.get(stage, stage)
    _, nodes = load(open_source(source))
    assert nodes is not None

    async def again(applier: Applier, ledger: Any) -> Outcome:
        planned = await plan(ledger, nodes, source=str(source), allowance=Allowance(first=True))
        blocks = any("outcome unknown. It blocks: an apply is refused" in note for note in planned.notes)
        assert blocks == (left.state == "uploading")
        if left.state == "uploading":
            # Nobody knows whether the file was taken. Another set may not be mixed with it; the same one may.
            since = rf"Run {left.id}: uploading since [\d-]+T[\d:]+Z, outcome unknown\."
            with pytest.raises(FaqRefused, match=rf"{since} .*--resume {left.id}"):
                await applier.apply(nodes, source=str(source), allowance=Allowance(first=True))
            return await applier.resume(left.id)
        if left.state == "polling":
            return await applier.resume(left.task_id)
        return await applier.apply(nodes, source=str(source), allowance=Allowance(first=True))

    haptik_sandbox_server.sandbox.advance(10)
    # The lock of a dead process in Redis runs out; the kernel frees the one of a file.
    await asyncio.sleep(LEASE + 0.1 if where.startswith("redis") else 0)
    outcome = await with_applier(where, haptik_sandbox_server, again)
    assert outcome.run.state == "done"
    assert answers(haptik_sandbox_server) == {"old": False, **{f"n{number}": True for number in range(ROWS)}}
    haptik_sandbox_server.sandbox.assert_called("create_faq_nodes", times=UPLOADS[stage])

    async def once_more(applier: Applier, ledger: Any) -> Outcome:
        return await applier.apply(nodes, source=str(source))

    assert not (await with_applier(where, haptik_sandbox_server, once_more)).uploaded


async def test_the_next_apply_takes_up_a_task_that_was_left(
    where: str, source: Path, haptik_sandbox_server: SandboxServer
) -> None:
    await asyncio.to_thread(killed, "loading", where, source, haptik_sandbox_server)
    add_row(source)
    await asyncio.sleep(LEASE + 0.1 if where.startswith("redis") else 0)
    _, nodes = load(open_source(source))
    assert nodes is not None

    async def apply(applier: Applier, ledger: Any) -> Outcome:
        return await applier.apply(nodes, source=str(source))

    outcome = await with_applier(where, haptik_sandbox_server, apply)
    # The first set became the applied one, so that only the new node is a change.
    assert (outcome.run.created, outcome.run.deactivated) == (1, 0)
    assert answers(haptik_sandbox_server)["new"]
    haptik_sandbox_server.sandbox.assert_called("create_faq_nodes", times=2)


def test_of_two_processes_one_applies_and_the_other_is_told(
    where: str, source: Path, haptik_sandbox_server: SandboxServer
) -> None:
    environ = {**os.environ, **haptik_sandbox_server.environment, "HAPTIK_FAQ_DOMAIN": DOMAIN}
    ledger = [] if where.startswith("redis") else ["--ledger", where]
    if not ledger:
        environ["REDIS_URL"] = where
    command = [sys.executable, "-m", "haptik_actions.cli", "faq", "apply", str(source), *ledger, "--first"]
    haptik_sandbox_server.sandbox.fail(Fault.latency(seconds=2, times=1), endpoint="create_faq_nodes")
    first = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in iter(first.stderr.readline, "") if first.stderr else ():
            if "uploading" in line:
                break
        second = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
        assert (second.returncode, second.stdout) == (1, "")
        assert f"(process {first.pid}) is applying to 'shop'" in second.stderr
        assert first.wait(timeout=60) == 0
    finally:
        first.kill()
        first.communicate()
    haptik_sandbox_server.sandbox.assert_called("create_faq_nodes", times=1)
    # The lock was given back: nobody waits for it to run out.
    third = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert third.returncode == 0, third.stderr
    assert third.stdout.startswith("Nothing to do: shop holds the 5 nodes")
