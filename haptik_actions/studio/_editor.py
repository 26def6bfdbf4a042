"""One message in one language, on one page: its form, what users would see, and the other languages beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from haptik_actions.messages import Catalogue, Entry, plural_examples
from haptik_actions.render import Copy
from haptik_actions.studio._conditions import CONDITION_KINDS
from haptik_actions.studio._door import Door
from haptik_actions.studio._fields import MOST_ROWS, STYLES
from haptik_actions.studio._form import reshape
from haptik_actions.studio._preview import Previews
from haptik_actions.studio._sheet import Sheet, Sheets
from haptik_actions.studio._values import shown_text
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["EditorPage"]

_SAID = {
    "saved": "The draft is saved. Users read it once it is published.",
    "published": "Published: this is what users read now.",
    "discarded": "The draft is gone.",
    "default": "Users read the default again.",
    "rolled-back": "Rolled back: this is what users read now.",
}


class EditorPage:
    """`/message`, the part of it that changes while typing, and whether somebody else has been there."""

    def __init__(self, door: Door, catalogue: Catalogue, sheets: Sheets, previews: Previews) -> None:
        self._door = door
        self._catalogue = catalogue
        self._sheets = sheets
        self._previews = previews

    def routes(self) -> list[BaseRoute]:
        """Return the page and its parts."""
        opens = self._door.opens
        return [
            Route("/message", opens("read", self._show), methods=["GET"]),
            Route("/message/form", opens("read", self._form), methods=["POST"]),
            Route("/message/state", opens("read", self._state), methods=["GET"]),
        ]

    async def page(self, visit: Visit, sheet: Sheet, status: int = 200) -> Response:
        """Return the whole page with this sheet in its form."""
        entries = await self._catalogue.locales_of(sheet.entry.key)
        seen = {
            **await self._seen(visit, sheet),
            "entries": _beside(entries, sheet.entry, self._catalogue.locale),
            "shown": shown_text,
        }
        return render(visit, "message.html", status, **seen, said=_SAID.get(visit.asked("said"), ""))

    async def reshaped(self, visit: Visit, sheet: Sheet) -> Sheet:
        """Return the sheet after the form's button that adds, removes or moves something."""
        fields, focus = reshape(sheet.fields, visit.field("shape"))
        changed = self._sheets.valued(replace(sheet, fields=fields, focus=focus, is_dirty=True))
        return self._sheets.checked(changed)

    async def _show(self, visit: Visit) -> Response:
        return await self.page(visit, await self._sheets.stored(visit))

    async def _form(self, visit: Visit) -> Response:
        sheet = await self.reshaped(visit, await self._sheets.sent(visit))
        return render(visit, "message_parts.html", **await self._seen(visit, sheet))

    async def _state(self, visit: Visit) -> Response:
        entry = await self._sheets.entry(visit)
        draft = entry.draft.revision if entry.draft else ""
        is_outdated = (visit.asked("expected"), visit.asked("draft")) != (entry.revision, draft)
        return render(visit, "message_others.html", entry=entry, is_outdated=is_outdated)

    async def _seen(self, visit: Visit, sheet: Sheet) -> dict[str, Any]:
        names = sheet.entry.placeholders
        samples = {name: visit.field(f"sample.{name}") for name in names}
        copy = Copy.of(await self._catalogue.texts(Copy.message_keys().values(), sheet.entry.locale))
        return {
            "sheet": sheet,
            "entry": sheet.entry,
            "names": msgspec.json.encode(names).decode(),
            "samples": samples,
            "previews": self._previews.of(sheet.shown, sheet.entry.locale, samples, copy),
            "styles": STYLES,
            "condition_kinds": CONDITION_KINDS,
            "examples": plural_examples(sheet.entry.locale),
            "channels": self._previews.channels,
            "most_rows": MOST_ROWS,
            "encode": lambda value: msgspec.json.encode(value).decode(),
        }


def _beside(entries: Mapping[str, Entry], chosen: Entry, first: str) -> dict[str, Entry]:
    return dict(sorted({**entries, chosen.locale: chosen}.items(), key=lambda item: (item[0] != first, item[0])))
