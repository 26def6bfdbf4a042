"""What a ledger keeps: a record of each run, written before what it records is done."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal, Protocol

import msgspec

from haptik_actions.faq._node_set import NodeSet

__all__ = ["OPEN", "RUNS_KEPT", "Lease", "Ledger", "Run", "RunState"]

RunState = Literal["planned", "uploading", "polling", "done", "failed", "unknown", "abandoned"]

OPEN: tuple[RunState, ...] = ("planned", "uploading", "polling")
"""The states in which a run that no process works on was interrupted."""

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
    def may_have_changed_the_platform(self) -> bool:
        """Whether the platform may hold something else since this run than what the ledger says."""
        return self.state in ("uploading", "polling", "failed", "unknown")

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
