"""What a message said before, what a draft changes, and the way back."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from haptik_actions.errors import EditConflict, InvalidMessage
from haptik_actions.messages import Catalogue
from haptik_actions.studio._addresses import message_address
from haptik_actions.studio._compare import compare
from haptik_actions.studio._door import Door
from haptik_actions.studio._fields import Fields
from haptik_actions.studio._sheet import Sheets
from haptik_actions.studio._values import fields_of
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["HistoryPages"]

_SHOWN = 50


class HistoryPages:
    """`/message/history` and `/message/compare`."""

    def __init__(self, door: Door, catalogue: Catalogue, sheets: Sheets) -> None:
        self._door = door
        self._catalogue = catalogue
        self._sheets = sheets

    def routes(self) -> list[BaseRoute]:
        """Return the pages and where the form of a roll-back goes."""
        opens = self._door.opens
        return [
            Route("/message/history", opens("read", self._history), methods=["GET"]),
            Route("/message/history", opens("publish", self._roll_back), methods=["POST"]),
            Route("/message/compare", opens("read", self._compare), methods=["GET"]),
        ]

    async def _history(self, visit: Visit, problem: str = "", status: int = 200) -> Response:
        entry = await self._sheets.entry(visit)
        versions = await self._catalogue.history(entry.key, entry.locale, _SHOWN)
        before = [*(version.value for version in versions[1:]), entry.default if len(versions) < _SHOWN else None]
        rows = [
            (version, compare(_fields(old, entry.key), _fields(version.value, entry.key)))
            for version, old in zip(versions, before, strict=False)
        ]
        return render(visit, "history.html", status, entry=entry, rows=rows, problem=problem)

    async def _roll_back(self, visit: Visit) -> Response:
        entry = await self._sheets.entry(visit)
        number = visit.field("number")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            return await self._history(visit, "Choose a version.", 400)
        try:
            await self._catalogue.rollback(
                entry.key,
                entry.locale,
                int(number),
                author=visit.name,
                why=visit.field("why") or f"back to version {number}",
                expected=visit.field("expected"),
            )
        except EditConflict:
            said = "Somebody else changed it meanwhile. Look at the newest version below, then decide again."
            return await self._history(visit, said, 409)
        except InvalidMessage as refused:
            said = "; ".join(finding.words for finding in refused.findings)
            return await self._history(visit, f"This version cannot be published any more: {said}", 422)
        return RedirectResponse(message_address(entry.key, entry.locale, said="rolled-back"), 303)

    async def _compare(self, visit: Visit) -> Response:
        sheet = await self._sheets.stored(visit)
        entry = sheet.entry
        if entry.draft is None:
            return RedirectResponse(message_address(entry.key, entry.locale), 303)
        published = entry.value if entry.value is not None else entry.default
        changes = compare(_fields(published, entry.key), sheet.fields)
        return render(visit, "compare.html", sheet=sheet, entry=entry, changes=changes)


def _fields(value: str | None, key: str) -> Fields | None:
    return fields_of(value, key) if value else None
