"""Copy in and out of the studio as a file: CSV for spreadsheets, YAML for translators' tools and for git.

An import is looked at before it counts: what is new, what changes, what is refused and why. The plan waits in this
process for an hour.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Literal, TypeAlias

from cachetools import TTLCache
from starlette.datastructures import UploadFile
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from haptik_actions.errors import HaptikError
from haptik_actions.messages import Catalogue, ImportPlan
from haptik_actions.studio._door import Door
from haptik_actions.studio._values import shown_text
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["TransferPages"]

_Format: TypeAlias = Literal["csv", "yaml"]

_PLAN_SECONDS = 3_600
_PLANS = 20
_SHOWN = 500


class TransferPages:
    """`/transfer` and what belongs to it."""

    def __init__(self, door: Door, catalogue: Catalogue, timer: Callable[[], float] = time.monotonic) -> None:
        self._door = door
        self._catalogue = catalogue
        self._plans: TTLCache[tuple[str, str], ImportPlan] = TTLCache(_PLANS, _PLAN_SECONDS, timer)

    def routes(self) -> list[BaseRoute]:
        """Return the pages and where their forms go."""
        opens = self._door.opens
        return [
            Route("/transfer", opens("read", self._page), methods=["GET"]),
            Route("/transfer/export", opens("read", self._export), methods=["GET"]),
            Route("/transfer", opens("edit", self._plan), methods=["POST"]),
            Route("/transfer/apply", opens("edit", self._apply), methods=["POST"]),
        ]

    async def _page(self, visit: Visit, problem: str = "", status: int = 200) -> Response:
        locales = await self._catalogue.locales()
        return render(visit, "transfer.html", status, locales=locales, problem=problem, here="/transfer")

    async def _export(self, visit: Visit) -> Response:
        kind: _Format = "yaml" if visit.asked("format") == "yaml" else "csv"
        locale = visit.asked("locale") or None
        data = await self._catalogue.export(kind, locale)
        day = datetime.now(timezone.utc).date().isoformat()
        name = f"messages-{locale if locale and locale.isascii() else 'all'}-{day}.{kind}"
        media_type = "text/csv; charset=utf-8" if kind == "csv" else "application/yaml; charset=utf-8"
        headers = {"Content-Disposition": f'attachment; filename="{_plain(name)}"'}
        return Response(data, media_type=media_type, headers=headers)

    async def _plan(self, visit: Visit) -> Response:
        file = visit.form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return await self._page(visit, "Choose a file first.", 400)
        kind: _Format = "yaml" if file.filename.lower().endswith((".yaml", ".yml")) else "csv"
        try:
            plan = await self._catalogue.plan_import(await file.read(), kind)
        except HaptikError as error:
            if error.temporary:
                raise
            return await self._page(visit, str(error), 400)
        ticket = secrets.token_urlsafe(16)
        self._plans[visit.name, ticket] = plan
        return self._planned(visit, plan, ticket)

    def _planned(self, visit: Visit, plan: ImportPlan, ticket: str) -> Response:
        rows = [row for row in plan.rows if row.state != "unchanged"]
        counts = {state: plan.count(state) for state in _STATES}
        return render(
            visit,
            "transfer_plan.html",
            rows=rows[:_SHOWN],
            left_out=max(0, len(rows) - _SHOWN),
            counts=counts,
            doubt=plan.doubt,
            shown=shown_text,
            ticket=ticket,
            here="/transfer",
        )

    async def _apply(self, visit: Visit) -> Response:
        as_draft = visit.field("do") != "publish"
        if not as_draft and not visit.may("publish"):
            return self._door.refuse(visit)
        plan = self._plans.pop((visit.name, visit.field("ticket")), None)
        if plan is None:
            return await self._page(visit, "This import has been done, or is too long ago. Choose the file again.", 409)
        why = visit.field("why") or "import"
        applied = await self._catalogue.apply_import(plan, author=visit.name, why=why, as_draft=as_draft)
        return render(visit, "transfer_done.html", applied=applied, as_draft=as_draft, here="/transfer")


_STATES = ("added", "changed", "unchanged", "refused")


def _plain(name: str) -> str:
    return "".join(character for character in name if character.isalnum() or character in "-._")
