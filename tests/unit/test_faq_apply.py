"""Applying to the sandbox: what the platform holds before and after, and what a run that goes wrong leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.client import FaqTask, HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from haptik_actions.errors import (
    AuthenticationError,
    ConfigurationError,
    DeadlineExceeded,
    FaqLocked,
    FaqRefused,
    FaqTaskFailed,
    ServerError,
    TransportError,
    UnknownDomain,
)
from haptik_actions.faq import Allowance, Applier, FileLedger, Ledger, NodeSet, Plan, RedisLedger, Run
from haptik_actions.faq._node import Packer
from haptik_actions.sandbox import Fault, Sandbox

STATE: dict[str, Any] = {
    "partners": [{"client_id": "demo-client", "token": "demo-token"}],
    "domains": [
        {"name": "shop", "nodes": [{"node_name": "by hand", "user_says": ["old"], "bot_says": ["old"]}]},
        {"name": "other"},
    ],
}
FIRST = Allowance(first=True, ceiling="100%")


def nodes(**answers: str) -> NodeSet:
    return Packer.pack([name, f"{name}?", answer, "", "", "", ""] for name, answer in answers.items())


GOOD = nodes(hours="9 to 18", returns="Yes<m>30 days", card="Yes")
# The lint would refuse it; the sandbox stops at it.
BROKEN = nodes(hours="9 to 20", returns='{"no": "type"}', card="Yes")


class Now:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Shop:
    """A sandbox, a ledger, and the applier between them. Waiting moves the sandbox's clock."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, Now()
        self.sandbox = Sandbox.from_mapping(STATE, clock=self.now)
        self.ledger: Ledger = FileLedger(folder, "shop")
        self.steps: list[str] = []
        self.client = self.open_client()

    def open_client(self, token: str = "demo-token") -> HaptikClient:
        return HaptikClient(
            PlatformServer("http://127.0.0.1"),
            StaticCredentials(client_id="demo-client", token=token),
            transport=self.sandbox.transport(),
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.now.seconds += seconds
        await asyncio.sleep(0)

    def applier(self, **options: Any) -> Applier:
        def note(run: Run, task: FaqTask | None) -> None:
            self.steps += [run.state] if task is None and self.steps[-1:] != [run.state] else []

        arguments: dict[str, Any] = {"clock": self.now, "owner": "test", "on_progress": note, **options}
        return Applier(arguments.pop("ledger", self.ledger), arguments.pop("platform", self.client), **arguments)

    async def apply(self, known: NodeSet, **options: Any) -> Any:
        options.setdefault("allowance", FIRST)
        return await self.applier().apply(known, source="faq.csv", **options)

    def platform(self) -> dict[str, tuple[bool, tuple[Any, ...]]]:
        return {node.node_name: (node.active, node.bot_says) for node in self.sandbox.faq_nodes("shop")}

    async def last(self) -> Run:
        return (await self.ledger.runs(1))[0]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    await shop.ledger.aclose()
    await shop.client.aclose()


LOADED = {
    "by hand": (False, ("old",)),
    "hours": (True, ("9 to 18",)),
    "returns": (True, ("Yes", "30 days")),
    "card": (True, ("Yes",)),
}


async def test_the_upsert_is_seen_before_and_after(shop: Shop) -> None:
    assert shop.platform() == {"by hand": (True, ("old",))}
    outcome = await shop.apply(GOOD)
    assert shop.platform() == LOADED
    assert shop.steps == ["planned", "uploading", "polling", "done"]
    assert (outcome.uploaded, outcome.run) == (True, await shop.ledger.applied())

    await shop.apply(nodes(hours="9 to 20", card="Yes", gift="In the shop"))
    assert shop.platform() == {
        "by hand": (False, ("old",)),
        "hours": (True, ("9 to 20",)),
        "returns": (False, ("Yes", "30 days")),
        "card": (True, ("Yes",)),
        "gift": (True, ("In the shop",)),
    }
    run = await shop.last()
    assert (run.created, run.updated, run.deactivated, run.nodes) == (1, 1, 1, 3)


async def test_nothing_is_uploaded_where_nothing_differs(shop: Shop) -> None:
    await shop.apply(GOOD)
    outcome = await shop.apply(GOOD)
    assert not outcome.uploaded
    shop.sandbox.assert_called("create_faq_nodes", times=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"allowance": Allowance()}, "33.3 %"),
        ({"expect": "abcdef"}, "not abcdef"),
    ],
)
async def test_a_refusal_sends_and_records_nothing(shop: Shop, options: dict[str, Any], said: str) -> None:
    await shop.apply(GOOD)
    with pytest.raises(FaqRefused, match=said):
        await shop.apply(nodes(hours="9 to 18", card="Yes"), **options)
    shop.sandbox.assert_called("create_faq_nodes", times=1)
    assert len(await shop.ledger.runs()) == 1
    assert shop.platform() == LOADED


async def test_the_plan_that_was_looked_at_is_the_one_that_is_carried_out(shop: Shop) -> None:
    seen: list[Plan] = []
    with pytest.raises(FaqRefused):
        await shop.apply(GOOD, expect="looked at", on_plan=seen.append)
    assert (await shop.apply(GOOD, expect=seen[0].id)).uploaded


async def test_a_task_that_fails_leaves_the_ledger_and_is_told_with_row_and_words(shop: Shop) -> None:
    await shop.apply(GOOD)
    with pytest.raises(FaqTaskFailed) as raised:
        await shop.apply(BROKEN)
    assert "Error in row 2: answer is a JSON object without a type" in str(raised.value)
    assert "It points at row 2 of the upload, node 'returns'." in str(raised.value)
    assert raised.value.node == "returns"
    # Half a bot, as documented: the first row is loaded, the rest is inactive.
    assert {name: active for name, (active, _) in shop.platform().items()} == {
        "by hand": False,
        "hours": True,
        "returns": False,
        "card": False,
    }
    applied = await shop.ledger.applied()
    assert applied is not None
    assert (applied.digest, (await shop.last()).state) == (GOOD.digest, "failed")


async def test_restore_uploads_the_last_good_set_again(shop: Shop) -> None:
    await shop.apply(GOOD)
    with pytest.raises(FaqTaskFailed):
        await shop.apply(BROKEN)
    outcome = await shop.applier().restore()
    assert shop.platform() == LOADED
    assert outcome.run.source.startswith("the set of run ")
    assert not (await shop.apply(GOOD)).uploaded


async def test_after_a_failure_the_same_set_is_uploaded_although_nothing_differs(shop: Shop) -> None:
    await shop.apply(GOOD)
    with pytest.raises(FaqTaskFailed):
        await shop.apply(BROKEN)
    assert (await shop.apply(GOOD)).uploaded
    assert shop.platform() == LOADED


async def test_without_a_good_set_there_is_nothing_to_restore(shop: Shop) -> None:
    with pytest.raises(FaqRefused, match="nothing to restore"):
        await shop.applier().restore()


@pytest.mark.parametrize(
    ("fault", "error", "state"),
    [
        (Fault.status(500), ServerError, "unknown"),
        (Fault.reset(carried_out=True), TransportError, "unknown"),
    ],
)
async def test_an_upload_of_which_nobody_knows_blocks_until_a_task_would_have_ended(
    shop: Shop, fault: Fault, error: type[Exception], state: str
) -> None:
    await shop.apply(GOOD)
    shop.sandbox.fail(fault, endpoint="create_faq_nodes")
    with pytest.raises(error):
        await shop.apply(nodes(hours="1", returns="2", card="3"))
    assert (await shop.last()).state == state
    shop.sandbox.clear_faults()
    with pytest.raises(FaqRefused, match="--resume"):
        await shop.apply(GOOD)
    shop.now.seconds += 600
    assert (await shop.apply(GOOD)).uploaded
    assert shop.platform() == LOADED


async def test_an_upload_of_which_nobody_knows_is_resumed_with_the_same_set(shop: Shop) -> None:
    shop.sandbox.fail(Fault.reset(carried_out=True, times=1), endpoint="create_faq_nodes")
    with pytest.raises(TransportError):
        await shop.apply(GOOD)
    outcome = await shop.applier().resume((await shop.last()).id)
    assert (outcome.uploaded, outcome.run.state) == (True, "done")
    assert shop.platform() == LOADED
    assert not (await shop.apply(GOOD)).uploaded


@pytest.mark.parametrize(
    ("token", "domain", "error"),
    [("wrong", "shop", AuthenticationError), ("demo-token", "kitchen", UnknownDomain)],
)
async def test_an_upload_that_the_platform_refuses_leaves_no_doubt(
    shop: Shop, token: str, domain: str, error: type[Exception]
) -> None:
    ledger = FileLedger(shop.folder, domain)
    applier = shop.applier(ledger=ledger, platform=shop.open_client(token))
    with pytest.raises(error):
        await applier.apply(GOOD, source="faq.csv", allowance=FIRST)
    assert (await ledger.runs(1))[0].state == "abandoned"


async def test_waiting_has_a_bound_and_the_task_can_be_resumed(shop: Shop) -> None:
    shop.sandbox.fail(Fault.latency(seconds=0.5), endpoint="faq_task")
    with pytest.raises(DeadlineExceeded, match=r"was not finished after 0\.2 s"):
        await shop.applier(wait=0.2).apply(GOOD, source="faq.csv", allowance=FIRST)
    run = await shop.last()
    assert (run.state, bool(run.task_id)) == ("polling", True)
    shop.sandbox.clear_faults()
    outcome = await shop.applier().resume(run.task_id)
    assert (outcome.run.id, outcome.run.state) == (run.id, "done")
    shop.sandbox.assert_called("create_faq_nodes", times=1)


async def test_the_next_apply_settles_a_run_that_still_polls(shop: Shop) -> None:
    shop.sandbox.fail(Fault.latency(seconds=0.5), endpoint="faq_task")
    with pytest.raises(DeadlineExceeded):
        await shop.applier(wait=0.2).apply(GOOD, source="faq.csv", allowance=FIRST)
    shop.sandbox.clear_faults()
    assert not (await shop.apply(GOOD)).uploaded
    shop.sandbox.assert_called("create_faq_nodes", times=1)


async def test_a_task_that_the_platform_forgot_counts_as_failed(shop: Shop) -> None:
    shop.sandbox.fail(Fault.latency(seconds=0.5), endpoint="faq_task")
    with pytest.raises(DeadlineExceeded):
        await shop.applier(wait=0.2).apply(GOOD, source="faq.csv", allowance=FIRST)
    shop.sandbox.reset()
    shop.sandbox.clear_faults()
    with pytest.raises(FaqTaskFailed, match="does not know task"):
        await shop.applier().resume((await shop.last()).id)
    assert (await shop.last()).state == "failed"
    assert (await shop.apply(GOOD)).uploaded


async def test_what_is_over_cannot_be_resumed(shop: Shop) -> None:
    await shop.apply(GOOD)
    done = await shop.last()
    assert not (await shop.applier().resume(done.id)).uploaded
    with pytest.raises(FaqTaskFailed):
        await shop.apply(BROKEN)
    with pytest.raises(FaqRefused, match=r"it is over \(failed\): Error in row 2"):
        await shop.applier().resume((await shop.last()).id)
    with pytest.raises(ConfigurationError, match="No run or task 'nope'"):
        await shop.applier().resume("nope")


async def test_the_lock_in_redis_is_kept_for_longer_than_its_lease(
    shop: Shop, valkey_url: str, redis_client: redis.asyncio.Redis
) -> None:
    ours, theirs = (RedisLedger(redis.asyncio.Redis.from_url(valkey_url), "shop", lease=1.5) for _ in range(2))
    shop.sandbox.fail(Fault.latency(seconds=5, times=1), endpoint="create_faq_nodes")
    applying = asyncio.ensure_future(shop.applier(ledger=ours).apply(GOOD, source="faq.csv", allowance=FIRST))
    await asyncio.sleep(3)
    with pytest.raises(FaqLocked, match="test is applying"):
        await theirs.acquire("somebody else")
    assert (await applying).uploaded
    await theirs.acquire("somebody else")
    for ledger in (ours, theirs):
        await ledger.aclose()


async def test_two_appliers_take_turns(shop: Shop) -> None:
    other = FileLedger(shop.folder, "shop")
    lease = await other.acquire("somebody else")
    with pytest.raises(FaqLocked, match="somebody else is applying"):
        await shop.apply(GOOD)
    shop.sandbox.assert_not_called("create_faq_nodes")
    await other.release(lease)
    assert (await shop.apply(GOOD)).uploaded
