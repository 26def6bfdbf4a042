"""What the editor's buttons do: drafts, publishing, back to the default; and what happens when two were at it.

Nothing is written where the form began from something that is not there any more: both versions are shown, and whoever
edits chooses. What is chosen away stays in the history, if it was published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from haptik_actions.errors import EditConflict, InvalidMessage
from haptik_actions.messages import Catalogue
from haptik_actions.studio._addresses import message_address
from haptik_actions.studio._compare import compare, lines_of
from haptik_actions.studio._door import Door
from haptik_actions.studio._editor import EditorPage
from haptik_actions.studio._roles import Right
from haptik_actions.studio._sheet import Sheet, Sheets
from haptik_actions.studio._values import fields_of
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["Edits"]

_Step: TypeAlias = Callable[[Visit, Sheet], Awaitable[str]]


class Edits:
    """Where the editor's form goes."""

    def __init__(self, door: Door, catalogue: Catalogue, sheets: Sheets, editor: EditorPage) -> None:
        self._door = door
        self._catalogue = catalogue
        self._sheets = sheets
        self._editor = editor
        self._steps: Mapping[str, tuple[Right, _Step]] = {
            "save": ("edit", self._save),
            "compare": ("edit", self._save),
            "discard": ("edit", self._discard),
            "publish": ("publish", self._publish),
            "default": ("publish", self._to_default),
        }

    def routes(self) -> list[BaseRoute]:
        """Return the form's target."""
        return [Route("/message", self._door.opens("edit", self._take), methods=["POST"])]

    async def _take(self, visit: Visit) -> Response:
        sheet = await self._sheets.sent(visit)
        pressed = visit.field("do")
        if pressed not in self._steps:
            # A button that changes the form, without the script; or "go on editing mine" after a conflict.
            return await self._editor.page(visit, await self._editor.reshaped(visit, sheet))
        right, step = self._steps[pressed]
        if not visit.may(right):
            return self._door.refuse(visit)
        if sheet.problem:
            return await self._editor.page(visit, replace(sheet, is_dirty=True), 422)
        return await self._done(visit, sheet, step)

    async def _done(self, visit: Visit, sheet: Sheet, step: _Step) -> Response:
        if sheet.draft != sheet.draft_now:
            return self._both(visit, sheet)
        try:
            return RedirectResponse(await step(visit, sheet), 303)
        except EditConflict:
            return self._both(visit, replace(sheet, entry=await self._sheets.entry(visit)))
        except InvalidMessage as refused:
            return await self._editor.page(visit, replace(sheet, findings=refused.findings, is_dirty=True), 422)

    def _both(self, visit: Visit, sheet: Sheet) -> Response:
        """Show theirs and mine; what the form then sends is begun from theirs."""
        entry = sheet.entry
        theirs = entry.draft if entry.draft and sheet.draft != sheet.draft_now else entry
        value = theirs.value if theirs.value is not None else entry.default
        fields = fields_of(value, entry.key)
        return render(
            visit,
            "conflict.html",
            409,
            sheet=sheet.rebased(),
            entry=entry,
            theirs=theirs,
            their_lines=list(lines_of(fields)) if value else [],
            my_lines=list(lines_of(sheet.fields)),
            changes=compare(fields, sheet.fields),
            do=visit.field("do"),
            why=visit.field("why"),
        )

    async def _save(self, visit: Visit, sheet: Sheet) -> str:
        key, locale = sheet.entry.key, sheet.entry.locale
        await self._catalogue.save_draft(
            key,
            locale,
            sheet.value,
            author=visit.name,
            why=visit.field("why"),
            expected=sheet.draft,
            based_on=sheet.expected,
        )
        if visit.field("do") == "compare":
            return message_address(key, locale, "compare")
        return message_address(key, locale, said="saved")

    async def _discard(self, visit: Visit, sheet: Sheet) -> str:
        key, locale = sheet.entry.key, sheet.entry.locale
        if sheet.draft:
            await self._catalogue.discard_draft(key, locale, expected=sheet.draft)
        return message_address(key, locale, said="discarded")

    async def _publish(self, visit: Visit, sheet: Sheet) -> str:
        key, locale = sheet.entry.key, sheet.entry.locale
        await self._catalogue.publish_checked(
            sheet.checked, author=visit.name, why=visit.field("why"), expected=sheet.expected, draft=sheet.draft
        )
        return message_address(key, locale, said="published")

    async def _to_default(self, visit: Visit, sheet: Sheet) -> str:
        key, locale = sheet.entry.key, sheet.entry.locale
        await self._catalogue.delete(
            key, locale, author=visit.name, why=visit.field("why"), expected=sheet.expected, draft=sheet.draft
        )
        return message_address(key, locale, said="default")
