"""A file of messages, compared with the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from haptik_actions.errors import InvalidMessage
from haptik_actions.messages._check import check_message
from haptik_actions.messages._entry import Entry, ImportPlan, Planned
from haptik_actions.messages._exchange import ImportedRow
from haptik_actions.messages._finding import Finding
from haptik_actions.messages._names import Place
from haptik_actions.messages._shelf import Shelf
from haptik_actions.messages._value import Message

__all__ = ["plan_rows"]

# Between two breaths of the event loop.
_AT_A_TIME = 200


async def plan_rows(rows: Sequence[ImportedRow], shelf: Shelf) -> ImportPlan:
    """Return what each row would do.

    Raises:
        MessagesUnavailable: Redis does not answer.
    """
    places = [Place(row.locale, row.key) for row in rows if row.problem is None]
    entries = dict(zip(places, await shelf.entries(places), strict=True))
    contexts = dict(zip(places, await shelf.contexts(places), strict=True))
    planned = []
    for at, row in enumerate(rows):
        if at % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        place = Place(row.locale, row.key)
        if row.problem is None:
            planned.append(_planned(row.value, entries[place], check_message(row.value, contexts[place])))
        else:
            planned.append(_refused(row, row.problem))
    return ImportPlan(tuple(planned))


def _refused(row: ImportedRow, problem: str) -> Planned:
    findings = (Finding("error", "", problem, code="form"),)
    return Planned(key=row.key, locale=row.locale, old=None, new=row.value, state="refused", findings=findings)


def _planned(value: str, entry: Entry, findings: tuple[Finding, ...]) -> Planned:
    state: Any = "changed" if entry.origin != "missing" else "added"
    if _say_the_same(value, entry.value):
        state = "unchanged"
    elif any(finding.severity == "error" for finding in findings):
        state = "refused"
    return Planned(
        key=entry.key,
        locale=entry.locale,
        old=entry.value,
        new=value,
        state=state,
        findings=findings,
        expected=entry.revision,
        expected_draft=entry.draft.revision if entry.draft else "",
    )


def _say_the_same(new: str, old: str | None) -> bool:
    """Whether two values differ in nothing but how their JSON is laid out."""
    if old is None or new == old:
        return new == old
    try:
        return Message.parse(new) == Message.parse(old)
    except InvalidMessage:
        return False
