"""The list of messages, found by their words, and the state of each language."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from haptik_actions.messages import Catalogue
from haptik_actions.studio._door import Door
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["ListPages"]

_ROWS = 50
_Only: TypeAlias = Literal["missing", "draft", "edited"]


class ListPages:
    """`/` and `/languages`."""

    def __init__(self, door: Door, catalogue: Catalogue) -> None:
        self._door = door
        self._catalogue = catalogue

    def routes(self) -> list[BaseRoute]:
        """Return the pages."""
        return [
            Route("/", self._door.opens("read", self._list), methods=["GET"]),
            Route("/languages", self._door.opens("read", self._languages), methods=["GET"]),
            Route("/new", self._door.opens("edit", self._new), methods=["GET"]),
        ]

    async def _list(self, visit: Visit) -> Response:
        only = _only(visit.asked("only"))
        locale = visit.asked("locale") or self._catalogue.locale
        number = visit.asked("page")
        page = max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else 1
        words = visit.asked("q")
        found = await self._catalogue.search(words, locale=locale, only=only, offset=(page - 1) * _ROWS, limit=_ROWS)
        return render(
            visit,
            "list_results.html" if visit.is_scripted else "list.html",
            found=found,
            words=words,
            only=only,
            locale=locale,
            locales=[] if visit.is_scripted else await self._locales(locale),
            page=page,
            strays=[] if visit.is_scripted else await self._catalogue.strays(),
            pages=max(1, -(-found.total // _ROWS)),
            here="/",
        )

    async def _locales(self, chosen: str) -> list[str]:
        return list(dict.fromkeys([*await self._catalogue.locales(), chosen]))

    async def _languages(self, visit: Visit) -> Response:
        counts = await self._catalogue.summary()
        return render(visit, "languages.html", counts=counts, here="/languages")

    async def _new(self, visit: Visit) -> Response:
        chosen = {"key": visit.asked("key").strip(), "locale": visit.asked("locale") or self._catalogue.locale}
        return RedirectResponse(f"/message?{urlencode(chosen)}" if chosen["key"] else "/", 303)


def _only(text: str) -> _Only | None:
    return next((only for only in get_args(_Only) if only == text), None)
