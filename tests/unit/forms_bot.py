"""Forms that the tests talk to. Actions, so they stand at the top of a module."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from rasa_sdk import Tracker

from haptik_actions.actions import HaptikForm
from haptik_actions.errors import SearchUnavailable
from haptik_actions.forms import FieldSpec

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=timezone.utc)
"""A Wednesday."""


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, **more}


def form_of(*fields: dict[str, Any], title: str = "Book a visit") -> dict[str, Any]:
    ordered = [{**each, "order": number} for number, each in enumerate(fields)]
    return {"title": title, "subtitle": "", "type": "FORM", "data": {"fields": ordered}}


CITIES = ["Mumbai", "Delhi", "Pune", "Chennai", "Goa", "Agra", "Kochi", "Jaipur", "Surat", "Indore"]

VISIT = form_of(
    field("City", "picker", options=CITIES),
    field("Day", "date", rules={"earliest": "today"}),
    field("Time", "time"),
    field("Extras", "multiselectpicker", options=["Pool", "Spa", "Gym"], rules={"optional": True}),
    field("E-mail", "text", keyboard_type="email"),
    field("Date of birth", "dob"),
)

EVERY_TYPE = form_of(
    field("Name", "text", rules={"content": "letters_spaces", "longest": 20}),
    field("Pin", "text", keyboard_type="number", rules={"shortest": 4, "longest": 6}),
    field("E-mail", "text", keyboard_type="email"),
    field("City", "picker", options=CITIES),
    field("Extras", "multiselectpicker", options=["Pool", "Spa", "Gym"]),
    field("Time", "time"),
    field("Day", "date"),
    field("From", "startdate"),
    field("Till", "enddate"),
    field("Date of birth", "dob"),
    field("Days", "multidaypicker"),
    field("Friend", "contactpicker"),
    field("Place", "search", search_source="https://places.example.org/find"),
    field("Street", "searcheditable", search_source="https://places.example.org/streets"),
    field("Address", "savedaddress"),
)


class Timed(HaptikForm):
    """What the forms below share: a clock that stands."""

    def now(self) -> datetime:
        return NOW


class VisitForm(Timed):
    form_name = "visit_form"
    form = VISIT
    timezone = "Asia/Kolkata"


class EveryForm(Timed):
    form_name = "every_form"
    form = EVERY_TYPE

    async def search(self, field: FieldSpec, query: str, tracker: Tracker) -> list[str]:
        if query == "down":
            raise SearchUnavailable("down")
        known = ["Gateway of India", "Gate 4", "Marine Drive"]
        return [title for title in known if query.lower() in title.lower()]


class CheckedForm(Timed):
    form_name = "checked_form"
    form = form_of(field("Order", "text"), field("Day", "date"))
    asked: list[tuple[str, Any]] = []  # noqa: RUF012

    async def check(self, key: str, value: Any, tracker: Tracker) -> str | None:
        self.asked.append((key, value))
        if value == "broken":
            raise RuntimeError("the orders service is down")
        return "order_unknown" if value == "0000" else None


class PickedForm(Timed):
    form_name = "picked_form"
    form = form_of(field("City", "picker", options=[f"City {number}" for number in range(1, 31)]), field("Day", "date"))


class BracesForm(Timed):
    form_name = "braces_form"
    form = form_of(field("It", "picker", options=["{a}", "b {c}"]))


EVERY_ANSWERS = [
    "Asha Rao",
    "0123",
    "asha@example.org",
    "Goa",
    "pool, gym",
    "5 pm",
    "12 Aug 2027",
    "1 Jan 2027",
    "a week",
    "24 May 1990",
    "12, 14 and 16 Aug",
    "Ben 040 1234567",
    "marine drive",
    "Marine Drive",
    "1 High Street",
]
"""An answer for each field of `EveryForm`, in order."""
