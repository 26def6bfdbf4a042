"""What differs between the set that was applied last and the one to apply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

import msgspec

from haptik_actions.faq._node import ANSWERS, COLUMNS, QUESTIONS
from haptik_actions.faq._node_set import NodeSet, name_hash

__all__ = ["Change", "Difference", "Update", "compare"]


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
