"""What applying a set would change, and whether the rules allow it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import blake2b

import msgspec

from haptik_actions.errors import ConfigurationError, LedgerError
from haptik_actions.faq._ledger import IN_DOUBT, Ledger, Run
from haptik_actions.faq._node import ANSWERS, COLUMNS, QUESTIONS, NodeSet, name_hash

__all__ = ["Allowance", "Change", "Difference", "Plan", "Update", "compare", "plan", "plan_after"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an update does to one column: the parts (questions, bot says) that go, and those that come."""

    column: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """An existing node that gets other content."""

    name: str
    changes: tuple[Change, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How many nodes are created, updated, deactivated and left as they are; the lists have the first of each."""

    created: int = 0
    updated: int = 0
    deactivated: int = 0
    unchanged: int = 0
    creates: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()
    deactivates: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.created or self.updated or self.deactivated)


def compare(before: NodeSet | None, after: NodeSet, *, listed: int = 1000) -> Difference:
    """Compare two sets; at most `listed` nodes of each kind are named."""
    if before is None:
        names = tuple(cells[0] for cells in _first(listed, after, lambda hashed: True))
        return Difference(created=after.count, creates=names)
    if before.digest == after.digest:
        return Difference(unchanged=after.count)
    created, updated = _changed(before, after)
    deactivated = {hashed for hashed in before.names if after.find(hashed) < 0}
    return Difference(
        created=len(created),
        updated=len(updated),
        deactivated=len(deactivated),
        unchanged=after.count - len(created) - len(updated),
        creates=tuple(cells[0] for cells in _first(listed, after, created.__contains__)) if created else (),
        updates=tuple(_updates(before, after, updated, listed)) if updated else (),
        deactivates=tuple(cells[0] for cells in _first(listed, before, deactivated.__contains__))
        if deactivated
        else (),
    )


def _changed(before: NodeSet, after: NodeSet) -> tuple[set[int], set[int]]:
    created: set[int] = set()
    updated: set[int] = set()
    for hashed, content in zip(after.names, after.contents, strict=True):
        at = before.find(hashed)
        if at < 0:
            created.add(hashed)
        elif before.contents[at] != content:
            updated.add(hashed)
    return created, updated


def _first(most: int, nodes: NodeSet, wanted: Callable[[int], bool]) -> Iterator[list[str]]:
    for cells in nodes.rows():
        if most <= 0:
            return
        if wanted(name_hash(cells[0])):
            most -= 1
            yield cells


def _updates(before: NodeSet, after: NodeSet, updated: set[int], most: int) -> Iterator[Update]:
    new = {cells[0]: cells for cells in _first(most, after, updated.__contains__)}
    old = {cells[0]: cells for cells in before.rows() if cells[0] in new}
    for name, cells in new.items():
        yield Update(name=name, changes=tuple(_changes(old[name], cells)))


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    for column, before, after in zip(COLUMNS, old, new, strict=True):
        if before != after:
            delimiter = {"question": QUESTIONS, "answer": ANSWERS}.get(column)
            yield _change(
                column,
                before.split(delimiter) if delimiter else [before],
                after.split(delimiter) if delimiter else [after],
            )


def _change(column: str, before: list[str], after: list[str]) -> Change:
    removed: list[str] = []
    added: list[str] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if kind != "equal":
            removed += filter(None, before[start:end])
            added += filter(None, after[new_start:new_end])
    return Change(column=column, removed=tuple(removed), added=tuple(added))


_CEILING = re.compile(r"(\d+(?:\.\d+)?)\s*%|(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What may be lost: `ceiling` is the most nodes that may become inactive, as `10%` of those applied last or as a
    number; those named in `names` do not count. `first` allows an apply that no ledger has a record before.

    Raises:
        ConfigurationError: the ceiling is neither.
    """

    ceiling: str = "10%"
    names: tuple[str, ...] = ()
    first: bool = False

    def __post_init__(self) -> None:
        self.most(0)

    def most(self, nodes: int) -> int:
        """Return how many of so many nodes may become inactive.

        Raises:
            ConfigurationError: `ceiling` is neither a share up to 100% nor a number.
        """
        found = _CEILING.fullmatch(self.ceiling.strip())
        if found is None or float(found[1] or 0) > 100:
            raise ConfigurationError(
                f"{self.ceiling!r} is no ceiling. Write a share such as 25%, or a number of nodes."
            )
        return int(found[2]) if found[2] else int(nodes * float(found[1]) / 100)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply would do to `domain`, compared with the run `before`; None where the ledger has none.

    `refusals` say why it may not, one sentence each; `notes` what else has to be known. `id` stands for what was
    compared: a plan with the same id does the same.
    """

    id: str
    domain: str
    source: str
    nodes: int
    difference: Difference
    before: Run | None = None
    unsure: Run | None = None
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether an upload is needed: something differs, or a run since then left the platform in doubt."""
        return not self.difference.is_empty or self.unsure is not None


async def plan(
    ledger: Ledger, nodes: NodeSet, *, source: str, allowance: Allowance | None = None, listed: int = 1000
) -> Plan:
    """Compare a set with what was applied last; `listed` is how many nodes of each kind are named.

    Raises:
        LedgerError: the ledger cannot be read, or has lost the set that was applied.
    """
    last = next(iter(await ledger.runs(1)), None)
    return await plan_after(last, ledger, nodes, source=source, allowance=allowance, listed=listed)


async def plan_after(
    last: Run | None,
    ledger: Ledger,
    nodes: NodeSet,
    *,
    source: str,
    allowance: Allowance | None = None,
    listed: int = 1000,
) -> Plan:
    """As `plan`, for who has read the `last` run of the ledger already."""
    allowance = allowance or Allowance()
    before = await ledger.applied()
    unsure = last if last is not None and last.state in IN_DOUBT else None
    known = await ledger.nodes(before.digest) if before else None
    if before and known is None:
        raise LedgerError(f"The nodes of run {before.id}, which was applied last, are not in the ledger any more.")
    # In a thread: a million nodes take seconds, and the lock has to be renewed meanwhile.
    difference = await asyncio.to_thread(compare, known, nodes, listed=listed)
    return Plan(
        id=_plan_id(ledger.domain, before, unsure, nodes),
        domain=ledger.domain,
        source=source,
        nodes=nodes.count,
        difference=difference,
        before=before,
        unsure=unsure,
        refusals=tuple(_refusals(known, nodes, difference, allowance)),
        notes=tuple(_notes(known, nodes, unsure, allowance)),
    )


def _plan_id(domain: str, before: Run | None, unsure: Run | None, nodes: NodeSet) -> str:
    parts = [domain, before.digest if before else "", unsure.id if unsure else "", nodes.digest]
    return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


def _refusals(known: NodeSet | None, nodes: NodeSet, difference: Difference, allowance: Allowance) -> Iterator[str]:
    if known is None:
        if not allowance.first:
            yield (
                "The ledger has no record of this domain: every FAQ node that the platform holds now and that is not "
                "in the source becomes inactive, unseen. Say --first if that is meant."
            )
        return
    counted = difference.deactivated - sum(1 for _ in _named(known, nodes, allowance.names))
    most = allowance.most(known.count)
    if counted > most:
        share = 100 * counted / known.count
        yield (
            f"{counted:,} of {known.count:,} nodes would become inactive ({share:.3g} %); at most "
            f"{allowance.ceiling} may, which is {most:,}. Name them with --allow-deactivate NAME, or raise "
            f"the ceiling with --allow-deactivations {counted}."
        )


def _named(known: NodeSet, nodes: NodeSet, names: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(map(str.strip, names)):
        hashed = name_hash(name)
        if known.find(hashed) >= 0 and nodes.find(hashed) < 0:
            yield name


def _notes(known: NodeSet | None, nodes: NodeSet, unsure: Run | None, allowance: Allowance) -> Iterator[str]:
    if unsure is not None:
        yield (
            f"Run {unsure.id} did not end well ({unsure.state}), so the platform may hold something else than the "
            "ledger says. Everything is uploaded again."
        )
    if unsure is not None and unsure.doubt:
        yield (
            f"{unsure.doubt} It blocks: an apply is refused until its --wait has passed since then. Take it up with "
            f"`haptik-actions faq apply --resume {unsure.id}`."
        )
    if known is not None:
        useful = set(_named(known, nodes, allowance.names))
        for name in allowance.names:
            if name.strip() not in useful:
                yield f"--allow-deactivate {name!r}: no node of that name becomes inactive."
