"""The ledger: a record of each run, written before what it records is done; and the one that lies in a folder.

A ledger in a folder is for one machine, or for a pipeline that keeps the folder between its runs:

    <folder>/<domain>/ledger.json           the runs, which of them was applied, and the last token
    <folder>/<domain>/lock                  locked (flock) by the process that applies; its owner stands in it
    <folder>/<domain>/<digest>.nodes        the rows of a set, gzipped CSV
    <folder>/<domain>/<digest>.index        its index

The lock is the kernel's: it ends with the process, however that ends. Files are replaced as a whole.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from haptik_actions.errors import FaqLocked, FaqLockLost, LedgerError
from haptik_actions.faq._node import NodeSet

__all__ = ["RUNS_KEPT", "FileLedger", "Lease", "Ledger", "Run", "RunState"]

RunState = Literal["planned", "uploading", "polling", "done", "failed", "unknown", "abandoned"]

OPEN: tuple[RunState, ...] = ("planned", "uploading", "polling")
"""The states in which a run that no process works on was interrupted."""

IN_DOUBT: tuple[RunState, ...] = ("uploading", "polling", "failed", "unknown")
"""The states of a run since which the platform may hold something else than what the ledger says."""

RUNS_KEPT = 100


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One try to make the platform hold a set of nodes.

    `planned` → nothing was sent; `uploading` → the file may have been taken; `polling` → it was, as `task_id`; then
    `done`, or `failed` with the platform's words in `message`. `unknown`: whether the file was taken was never
    learnt. `abandoned`: it ended before the platform took anything. Times are seconds since 1970, UTC.
    """

    id: str
    domain: str
    state: RunState
    digest: str
    nodes: int
    source: str
    owner: str
    began: float
    changed: float
    created: int = 0
    updated: int = 0
    deactivated: int = 0
    task_id: str = ""
    message: str = ""

    @property
    def doubt(self) -> str:
        """What to tell about an upload of which nobody knows whether it was taken; empty for other states."""
        if self.state not in ("uploading", "unknown"):
            return ""
        at = datetime.fromtimestamp(self.changed, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
        since = f"uploading since {at}" if self.state == "uploading" else f"uploaded until {at}"
        return f"Run {self.id}: {since}, outcome unknown."


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to apply to a domain. `token` grows with every lease: a write with an older one is refused."""

    token: int
    owner: str


class Ledger(Protocol):
    """What was applied to one domain, the runs that did it, and the lock that lets one process at a time.

    Every method raises, besides what it names itself:
        LedgerError: the ledger cannot be reached, read or written.
    """

    domain: str
    renew_seconds: float
    """How often the holder of the lock has to renew it."""

    async def applied(self) -> Run | None:
        """Return the last run that is `done`."""

    async def runs(self, most: int = RUNS_KEPT) -> list[Run]:
        """Return the last runs, the newest first."""

    async def nodes(self, digest: str) -> NodeSet | None:
        """Return the set of that digest: that of the applied run and of the one after it are kept."""

    async def acquire(self, owner: str) -> Lease:
        """Take the lock.

        Raises:
            FaqLocked: another process has it; names that.
        """

    async def renew(self, lease: Lease) -> None:
        """Keep the lock for another while.

        Raises:
            FaqLockLost: somebody else has it, or had it in between.
        """

    async def release(self, lease: Lease) -> None:
        """Give the lock back; nothing happens where it is lost."""

    async def record(self, lease: Lease, run: Run, nodes: NodeSet | None = None) -> None:
        """Write the run down, and before it the set that it is about. A run that is `done` becomes the applied one.

        Raises:
            FaqLockLost: somebody else has the lock, or had it in between; nothing was written.
        """

    async def aclose(self) -> None:
        """Close connections."""


T = TypeVar("T")


class _State(msgspec.Struct, kw_only=True):
    token: int = 0
    applied: str = ""
    runs: list[Run] = []


class FileLedger:
    """The ledger of `domain` below `folder`, which is made when something is written first."""

    def __init__(self, folder: str | os.PathLike[str], domain: str) -> None:
        self.domain = domain
        # Nothing runs out; it is only looked whether somebody removed the lock file.
        self.renew_seconds = 30.0
        # A name such as `..` must not lead anywhere.
        self._folder = Path(folder) / (quote(domain, safe=" ") if domain.strip(".") else f"%{domain}")
        self._held: dict[int, int] = {}

    async def applied(self) -> Run | None:
        """See `Ledger`."""
        state = await self._do(self._load)
        return next((run for run in state.runs if run.id == state.applied), None)

    async def runs(self, most: int = RUNS_KEPT) -> list[Run]:
        """See `Ledger`."""
        return (await self._do(self._load)).runs[:most]

    async def nodes(self, digest: str) -> NodeSet | None:
        """See `Ledger`."""
        return await self._do(lambda: self._read_nodes(digest))

    async def acquire(self, owner: str) -> Lease:
        """See `Ledger`."""
        return await self._do(lambda: self._acquire(owner))

    async def renew(self, lease: Lease) -> None:
        """See `Ledger`."""
        await self._do(lambda: self._checked(lease))

    async def release(self, lease: Lease) -> None:
        """See `Ledger`."""
        handle = self._held.pop(lease.token, None)
        if handle is not None:
            os.close(handle)

    async def record(self, lease: Lease, run: Run, nodes: NodeSet | None = None) -> None:
        """See `Ledger`."""
        await self._do(lambda: self._record(lease, run, nodes))

    async def aclose(self) -> None:
        """See `Ledger`."""
        for handle in self._held.values():
            os.close(handle)
        self._held.clear()

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise LedgerError(f"The ledger in {self._folder}: {error.strerror or error}.") from error
        except (msgspec.DecodeError, ValueError) as error:
            raise LedgerError(f"The ledger in {self._folder} is damaged: {error}.") from error

    def _load(self) -> _State:
        path = self._folder / "ledger.json"
        return msgspec.json.decode(path.read_bytes(), type=_State) if path.exists() else _State()

    def _read_nodes(self, digest: str) -> NodeSet | None:
        index, packed = (self._folder / f"{digest}.{kind}" for kind in ("index", "nodes"))
        if not (index.exists() and packed.exists()):
            return None
        return NodeSet.from_parts(index.read_bytes(), packed.read_bytes())

    def _acquire(self, owner: str) -> Lease:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 500, 0).decode("utf-8", "replace").strip()
            os.close(handle)
            raise FaqLocked(f"{holder or 'Another process'} is applying to {self.domain!r}.") from None
        try:
            lease = self._next_lease(handle, owner)
        except BaseException:
            os.close(handle)
            raise
        self._held[lease.token] = handle
        return lease

    def _next_lease(self, handle: int, owner: str) -> Lease:
        os.truncate(handle, 0)
        os.pwrite(handle, owner.encode(), 0)
        state = self._load()
        state.token += 1
        self._write("ledger.json", msgspec.json.format(msgspec.json.encode(state)))
        return Lease(token=state.token, owner=owner)

    def _checked(self, lease: Lease) -> _State:
        state = self._load()
        # The lock file may have been removed, and the lock taken by somebody who made a new one.
        if lease.token not in self._held or state.token != lease.token:
            raise FaqLockLost(f"The lock on {self.domain!r} was taken over by another process.")
        return state

    def _record(self, lease: Lease, run: Run, nodes: NodeSet | None) -> None:
        state = self._checked(lease)
        if nodes is not None:
            index, packed = nodes.to_parts()
            self._write(f"{nodes.digest}.index", index)
            self._write(f"{nodes.digest}.nodes", packed)
        state.runs = [run, *(known for known in state.runs if known.id != run.id)]
        state.applied = run.id if run.state == "done" else state.applied
        applied = [known for known in state.runs[RUNS_KEPT:] if known.id == state.applied]
        state.runs = state.runs[:RUNS_KEPT] + applied
        self._write("ledger.json", msgspec.json.format(msgspec.json.encode(state)))
        self._sweep({known.digest for known in state.runs if known.id in (state.applied, run.id)})

    def _write(self, name: str, content: bytes) -> None:
        new = self._folder / f"{name}.new"
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / name)

    def _sweep(self, wanted: set[str]) -> None:
        for path in self._folder.iterdir():
            if path.suffix in (".nodes", ".index") and path.stem not in wanted:
                path.unlink(missing_ok=True)
