"""Applying a set: each step is written down before it is taken, so that a run can be taken up where it was cut off."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec

from haptik_actions.client import FaqTask, was_not_sent
from haptik_actions.errors import (
    ApiError,
    ConfigurationError,
    CredentialsUnavailable,
    FaqLockLost,
    FaqRefused,
    FaqTaskFailed,
    HaptikError,
    LedgerError,
    RateLimited,
    ServerError,
    TransportError,
)
from haptik_actions.faq._ledger import Lease, Ledger, Run, RunState
from haptik_actions.faq._node import NodeSet
from haptik_actions.faq._plan import Allowance, Plan, plan_after

__all__ = ["Applier", "FoundRow", "Outcome", "Platform", "pointed_at"]

_NUMBERED = re.compile(r"\b(?:row|line|node)\s*(?:(?:no\.?|number|#)\s*)?(?::\s*)?(\d+)", re.IGNORECASE)


class FoundRow(NamedTuple):
    """A row of the upload, counted from 1 below the header, and the node in it."""

    row: int
    name: str


def pointed_at(words: str, nodes: NodeSet) -> FoundRow | None:
    """Return the row that the words name, by a node's name between quotes or else by a number after "row"."""
    # A quote that opens cannot stand inside, or each of many would be looked to the end from.
    quoted = set(re.findall(r"""['"`“‘]([^'"`“‘”’]+)['"`”’]""", words))
    rows = enumerate((cells[0] for cells in nodes.rows()), start=1)
    named = next((FoundRow(row, name) for row, name in rows if name in quoted), None) if quoted else None
    numbered = _NUMBERED.search(words)
    if named is None and numbered and 1 <= int(numbered[1]) <= nodes.count:
        row = int(numbered[1])
        return FoundRow(row, next(islice(nodes.rows(), row - 1, None))[0])
    return named


class Platform(Protocol):
    """The two calls that applying needs; `HaptikClient` has them."""

    async def create_faq_nodes(self, *, domain_name: str, csv_file: bytes) -> str:
        """Upload, and return the task's id."""

    async def wait_for_faq_task(
        self, task_id: str, *, timeout: float, on_progress: Callable[[FaqTask], None]
    ) -> FaqTask:
        """Wait for the end of a task, up to `timeout` seconds."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended well: the `run` that the platform holds now, and whether anything was uploaded for it."""

    run: Run
    uploaded: bool
    plan: Plan | None = None


Progress = Callable[[Run, FaqTask | None], None]


class Applier:
    """Applies sets to the domain of a ledger, one at a time.

    `wait` is the time in seconds that a task is waited for, and after which a file that may have been taken is held to
    have been loaded. `on_progress` is called at each step. `owner` is who others read to have the lock.

    Every method raises, besides what it names itself:
        FaqLocked, FaqLockLost: another process applies to that domain, or took over.
        FaqTaskFailed: the platform stopped at a row, or does not know the task.
        DeadlineExceeded: the task was not finished within `wait`; it can be resumed.
        LedgerError: the ledger failed.
        HaptikError: what the client raises.
    """

    def __init__(
        self,
        ledger: Ledger,
        platform: Platform,
        *,
        wait: float = 600.0,
        on_progress: Progress = lambda run, task: None,
        owner: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger, self._platform, self._wait = ledger, platform, wait
        self._on_progress, self._clock = on_progress, clock
        self._owner = owner or f"{socket.gethostname()} (process {os.getpid()})"

    async def apply(
        self,
        nodes: NodeSet,
        *,
        source: str,
        allowance: Allowance | None = None,
        expect: str | None = None,
        on_plan: Callable[[Plan], None] = lambda plan: None,
    ) -> Outcome:
        """Make the platform hold `nodes`. A run that was cut off is brought to its end first.

        `expect` is the id of a plan that was looked at; `on_plan` is called with the one that is carried out.

        Raises:
            FaqRefused: a rule says no, the plan is not the expected one, or a run may still be uploading.
        """
        async with self._lock() as lease:
            last = await self._settle(lease)
            planned = await plan_after(last, self._ledger, nodes, source=source, allowance=allowance)
            on_plan(planned)
            _refuse_unless_allowed(planned, expect)
            if not planned.has_work and planned.before is not None:
                return Outcome(run=planned.before, uploaded=False, plan=planned)
            run = self._new_run(nodes, source, planned)
            return Outcome(run=await self._carry_out(lease, run, nodes), uploaded=True, plan=planned)

    async def restore(self) -> Outcome:
        """Upload the set that was applied last once more.

        Raises:
            FaqRefused: nothing was applied yet, or a run may still be uploading.
        """
        async with self._lock() as lease:
            await self._settle(lease)
            good = await self._ledger.applied()
            if good is None:
                raise FaqRefused("The ledger has no set that was applied, so there is nothing to restore.")
            nodes = await self._kept(good)
            run = self._new_run(nodes, f"the set of run {good.id}", None)
            return Outcome(run=await self._carry_out(lease, run, nodes), uploaded=True)

    async def resume(self, which: str) -> Outcome:
        """Take up the run with that id, or with that task.

        Raises:
            ConfigurationError: the ledger has no such run.
            FaqRefused: it ended, or a later one came after it.
        """
        async with self._lock() as lease:
            runs = await self._ledger.runs()
            run = next((run for run in runs if which in (run.id, run.task_id)), None)
            if run is None:
                raise ConfigurationError(f"No run or task {which!r} is in the ledger. `faq history` shows what is.")
            if run.state == "done":
                return Outcome(run=run, uploaded=False)
            if run.id != runs[0].id or run.state in ("failed", "abandoned"):
                raise FaqRefused(f"Run {run.id} cannot be resumed: {_why_over(run, runs[0])}")
            if run.state == "polling":
                return Outcome(run=await self._poll(lease, run), uploaded=True)
            return Outcome(run=await self._carry_out(lease, run, await self._kept(run)), uploaded=True)

    async def _settle(self, lease: Lease) -> Run | None:
        """Bring the last run to an end where it was cut off, and return it; None where there is none."""
        run = next(iter(await self._ledger.runs(1)), None)
        if run is None or run.state not in ("planned", "uploading", "polling", "unknown"):
            return run
        if run.state == "planned":
            run = await self._write(lease, run, "abandoned", message="It was ended before anything was sent.")
        elif run.state == "polling":
            with suppress(FaqTaskFailed):
                return await self._poll(lease, run)
            run = (await self._ledger.runs(1))[0]
        elif (left := run.changed + self._wait - self._clock()) > 0:
            raise FaqRefused(
                f"{run.doubt} It was cut off, and the platform may be loading its file. Take it up "
                f"with `haptik-actions faq apply --resume {run.id}`, or apply again in {left:.0f} s."
            )
        elif run.state == "uploading":
            words = "Whether the platform took the file was never learnt."
            run = await self._write(lease, run, "unknown", message=words)
        return run

    async def _carry_out(self, lease: Lease, run: Run, nodes: NodeSet) -> Run:
        await self._write(lease, run, "planned", nodes=nodes)
        content = await asyncio.to_thread(nodes.upload)
        run = await self._write(lease, run, "uploading")
        try:
            task_id = await self._platform.create_faq_nodes(domain_name=run.domain, csv_file=content)
        except HaptikError as error:
            state: RunState = "abandoned" if _nothing_taken(error) else "unknown"
            await self._write(lease, run, state, message=str(error))
            raise
        run = await self._write(lease, run, "polling", task_id=task_id)
        return await self._poll(lease, run)

    async def _poll(self, lease: Lease, run: Run) -> Run:
        self._on_progress(run, None)
        try:
            task = await self._platform.wait_for_faq_task(
                run.task_id, timeout=self._wait, on_progress=lambda task: self._on_progress(run, task)
            )
        except ApiError as error:
            if error.status not in (404, 410):
                raise
            await self._write(lease, run, "failed", message=str(error))
            raise FaqTaskFailed(f"The platform does not know task {run.task_id} any more: {error.message}") from error
        if task.state == "succeeded":
            return await self._write(lease, run, "done", message=task.message)
        run = await self._write(lease, run, "failed", message=task.message)
        raise await self._failure(run)

    async def _failure(self, run: Run) -> FaqTaskFailed:
        nodes = await self._ledger.nodes(run.digest)
        place = await asyncio.to_thread(pointed_at, run.message, nodes) if nodes else None
        where = f" It points at row {place.row} of the upload, node {place.name!r}." if place else ""
        words = f"Task {run.task_id} failed. The platform's words: {run.message!r}.{where}"
        return FaqTaskFailed(words, place.name if place else "")

    async def _kept(self, run: Run) -> NodeSet:
        nodes = await self._ledger.nodes(run.digest)
        if nodes is None:
            raise LedgerError(f"The nodes of run {run.id} are not in the ledger any more.")
        return nodes

    def _new_run(self, nodes: NodeSet, source: str, planned: Plan | None) -> Run:
        now = self._clock()
        counts = planned.difference if planned else None
        return Run(
            id=secrets.token_hex(4),
            domain=self._ledger.domain,
            state="planned",
            digest=nodes.digest,
            nodes=nodes.count,
            source=source,
            owner=self._owner,
            began=now,
            changed=now,
            created=counts.created if counts else 0,
            updated=counts.updated if counts else 0,
            deactivated=counts.deactivated if counts else 0,
        )

    async def _write(
        self, lease: Lease, run: Run, state: RunState, nodes: NodeSet | None = None, **fields: object
    ) -> Run:
        run = msgspec.structs.replace(run, state=state, changed=self._clock(), **fields)
        await self._ledger.record(lease, run, nodes)
        self._on_progress(run, None)
        return run

    @asynccontextmanager
    async def _lock(self) -> AsyncIterator[Lease]:
        lease = await self._ledger.acquire(self._owner)
        renewing = asyncio.create_task(self._keep(lease))
        try:
            yield lease
        finally:
            renewing.cancel()
            with suppress(LedgerError):
                await self._ledger.release(lease)

    async def _keep(self, lease: Lease) -> None:
        # Whether the lock is still ours is asked again by every write; here it is only kept from running out.
        while True:
            await asyncio.sleep(self._ledger.renew_seconds)
            with suppress(LedgerError, FaqLockLost):
                await self._ledger.renew(lease)


def _refuse_unless_allowed(planned: Plan, expect: str | None) -> None:
    if expect is not None and expect != planned.id:
        raise FaqRefused(
            f"This is plan {planned.id}, not {expect}: the source or the ledger changed since. Plan again."
        )
    if planned.refusals:
        raise FaqRefused(" ".join(planned.refusals))


def _nothing_taken(error: HaptikError) -> bool:
    """Whether the platform cannot have started a task: it said no, or nothing reached it."""
    if isinstance(error, TransportError):
        return was_not_sent(error)
    if isinstance(error, ApiError):
        return isinstance(error, RateLimited) or not isinstance(error, ServerError)
    return isinstance(error, (ConfigurationError, CredentialsUnavailable))


def _why_over(run: Run, last: Run) -> str:
    if run.id != last.id:
        return f"run {last.id} came after it."
    return f"it is over ({run.state}): {run.message or 'nothing was uploaded'}"
