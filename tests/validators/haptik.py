"""Haptik itself: HSL as docs.haptik.ai describes it, and as `hsl_builder` builds it where that is silent."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.validators._place import Place
from tests.validators._platform import OwnConnector

_KNOWN = ("TEXT", "BUTTON", "CAROUSEL", "FORM", "SYSTEM", "SILENT", "NATIVE_ACTION", "TAB_LIST", "RECEIPT")
_FIELDS = (
    "text", "picker", "multiselectpicker", "time", "date", "startdate", "enddate", "dob", "multidaypicker",
    "contactpicker", "search", "searcheditable", "savedaddress",
)  # fmt: skip


class Haptik(OwnConnector):
    """An element as the platform's front ends read it; types that nobody knows pass as they are."""

    name = "haptik"

    def text(self, text: Place) -> Iterator[Place]:
        """An element serialised to a string, as the external chat tool's API carries it, or a plain line."""
        try:
            element = json.loads(text.text())
        except ValueError:
            element = None
        if not (isinstance(element, dict) and "type" in element):
            element = {"text": text.value, "type": "TEXT", "data": {"quick_replies": []}}
        elif "\n\n" in text.value:
            text.refuse("Rasa cuts at the blank line")
        yield Place(element, text.path)

    def payload(self, payload: Place) -> None:
        kind = payload["type"].text()
        if kind not in _KNOWN:
            return
        if kind == "FORM":
            payload["title"].text(blank=True)
        elif kind != "CAROUSEL" or "text" in payload:
            payload["text"].text(blank=kind not in ("TEXT", "BUTTON"))
        data = payload["data"]
        data.has(optional=data.value)
        if kind == "TEXT":
            self._actionables(data["quick_replies"], "payload")
        elif kind == "BUTTON":
            self._actionables(data["items"], "payload", "uri", "type")
        elif kind == "CAROUSEL":
            self._cards(data)
        elif kind == "FORM":
            self._fields(data["fields"])
        elif kind == "NATIVE_ACTION":
            data["method"].text()
        elif kind == "SILENT":
            data["silent_actions"].items(0)

    def _cards(self, data: Place) -> None:
        for width in data.given("width"):
            width.one_of("THIN", "MEDIUM", "FAT", "BIG")
        for card in data["items"].items(1):
            for key in ("title", "sub_title", "description"):
                for text in card.given(key):
                    text.text(blank=True)
            for actionables in card.given("actionables"):
                self._actionables(actionables, "payload")
            for actionable in card.given("mini_actionable"):
                self._actionables(Place([actionable.value], actionable.path), "payload")

    def _actionables(self, actionables: Place, *required: str) -> None:
        for actionable in actionables.items(0):
            actionable["actionable_text"].text()
            for key in required:
                actionable[key]
            for flag in actionable.given("is_default"):
                flag.one_of(0, 1)

    def _fields(self, fields: Place) -> None:
        for field in fields.items(0):
            field["key"].text()
            field["type"].one_of(*_FIELDS)
            for order in field.given("order"):
                order.whole(-(2**31), 2**31)
