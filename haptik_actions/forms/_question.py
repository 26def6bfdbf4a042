"""What the user is asked: words by their message keys, and chips."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from haptik_actions.forms._days import as_date
from haptik_actions.forms._outcome import Value
from haptik_actions.forms._read import SKIPPED, show, wire
from haptik_actions.forms._situation import Situation
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.forms._state import State

__all__ = ["Chip", "Question", "Say", "ask"]

PAGE = 8
"""Options on a page: with More, Skip and Back it stays within the eleven chips that Rasa's Messenger channel takes."""

_MARK = "✓ "
_HOURS = (9, 11, 13, 15, 17, 19)
_END_AFTER = (1, 2, 3, 7)
_ASK_BY_TYPE = {
    "time": "time",
    "date": "date",
    "startdate": "date",
    "enddate": "date",
    "dob": "dob",
    "multidaypicker": "days",
    "multiselectpicker": "several",
    "contactpicker": "contact",
    "search": "search",
    "searcheditable": "search",
    "savedaddress": "address",
}


class Say(msgspec.Struct, frozen=True):
    """A message of the store, by its key, and what fills its placeholders."""

    key: str
    values: Mapping[str, Any] = {}


class Chip(msgspec.Struct, frozen=True):
    """A quick reply: what is on it, and what a tap sends."""

    label: str
    payload: str


class Question(msgspec.Struct, frozen=True):
    """What is said, the last of it with chips below. `plain` where it asks for a field and for nothing in between."""

    says: tuple[Say, ...]
    chips: tuple[Chip, ...] = ()
    plain: bool = False


def ask(form: FormSpec, slot: str, values: Mapping[str, Value], state: State, at: Situation) -> Question:
    """Return the question for a slot, whatever state its asking is in."""
    field = form.field_of(slot)
    if field is None:
        return _which_field(form, at) if state.choosing else _summary(form, values, at)
    if state.doubt:
        return _which_is_meant(field, state, at)
    chips = _chips(form, field, values, state, at)
    plain = not state.titles and not state.chosen
    return Question(_prompt(field, state, at), (*chips, *_ways_out(form, field, at)), plain)


def _prompt(field: FieldSpec, state: State, at: Situation) -> tuple[Say, ...]:
    if state.titles:
        return (Say("haptik_form_found", {"query": state.query}),)
    kind = _ASK_BY_TYPE.get(field.type, "")
    hint = field.search_placeholder or field.hint
    if hint:
        asked = Say("haptik_form_ask_hint", {"label": field.key, "hint": hint})
    else:
        asked = Say(f"haptik_form_ask_{kind}" if kind else "haptik_form_ask", {"label": field.key})
    if not state.chosen:
        return (asked,)
    return (Say("haptik_form_chosen", {"chosen": show(field, list(state.chosen), at)}),)


def _chips(
    form: FormSpec, field: FieldSpec, values: Mapping[str, Value], state: State, at: Situation
) -> tuple[Chip, ...]:
    if field.type in ("picker", "multiselectpicker"):
        return _page([Chip(_marked(option, state), option) for option in field.options], state, at, field)
    if state.titles:
        again = [Chip(title, title) for title in state.titles]
        return _page(again, state, at, field)
    if state.query and field.type == "searcheditable":
        return (Chip(state.query, state.query),)
    suggested = _suggestions(form, field, values, state, at)
    own = at.profile.get(field.autofill, field.autofill if not _is_attribute(field.autofill) else "")
    return (*([Chip(own, own)] if own else []), *suggested, *_done(state, at))


def _suggestions(
    form: FormSpec, field: FieldSpec, values: Mapping[str, Value], state: State, at: Situation
) -> list[Chip]:
    if field.type == "savedaddress":
        return [Chip(address.label, address.text) for address in at.addresses[:PAGE]]
    if field.type == "time":
        full_hours = (f"{hour:02}:00" for hour in _HOURS)
        return [Chip(show(field, hour, at), wire(field, hour)) for hour in full_hours]
    if field.type not in ("date", "startdate", "enddate", "multidaypicker"):
        return []
    begins = form.start_of(field) if field.type == "enddate" else None
    start = as_date(values.get(begins.slot)) if begins else None
    if start is not None:
        days = [start + timedelta(days=ahead) for ahead in _END_AFTER]
        return [Chip(at.calendar.show_weekday(day), day.isoformat()) for day in days]
    days = [at.today + timedelta(days=ahead) for ahead in range(4)]
    labels = [at.words.label("today"), at.words.label("tomorrow"), *map(at.calendar.show_weekday, days[2:])]
    chosen = [_MARK * (day.isoformat() in state.chosen) for day in days]
    return [Chip(mark + label, day.isoformat()) for mark, label, day in zip(chosen, labels, days, strict=True)]


def _page(chips: list[Chip], state: State, at: Situation, field: FieldSpec) -> tuple[Chip, ...]:
    pages = max(1, -(-len(chips) // PAGE))
    first = state.page % pages * PAGE
    more = [_chip("more", at)] if pages > 1 else []
    return (*chips[first : first + PAGE], *more, *_done(state, at))


def _done(state: State, at: Situation) -> list[Chip]:
    return [_chip("done", at)] if state.chosen else []


def _marked(option: str, state: State) -> str:
    return _MARK + option if option in state.chosen else option


def _ways_out(form: FormSpec, field: FieldSpec, at: Situation) -> list[Chip]:
    skip = [_chip("skip", at)] if field.rules.optional else []
    return [*skip, *([_chip("back", at)] if field != form.fields[0] else [])]


def _which_is_meant(field: FieldSpec, state: State, at: Situation) -> Question:
    shown = [show(field, value, at) for value in state.doubt]
    chips = [Chip(label, wire(field, value)) for label, value in zip(shown, state.doubt, strict=True)]
    if len(chips) == 1:
        return Question((Say("haptik_form_did_you_mean", {"value": shown[0]}),), (chips[0], _chip("back", at)))
    return Question((Say("haptik_form_doubt"),), (*chips[: PAGE + 1], _chip("back", at)))


def _summary(form: FormSpec, values: Mapping[str, Value], at: Situation) -> Question:
    lines = []
    for field in form.fields:
        value = values.get(field.slot)
        lines.append((field.key, "–" if value in (None, SKIPPED, []) else show(field, value, at)))
    summary = "\n".join(f"{label}: {value}" for label, value in lines)
    chips = (_chip("confirm", at), _chip("edit", at), _chip("cancel", at))
    return Question((Say("haptik_form_summary", {"summary": summary}),), chips)


def _which_field(form: FormSpec, at: Situation) -> Question:
    fields = [Chip(field.key, field.key) for field in form.fields]
    return Question((Say("haptik_form_edit_which"),), (*fields, _chip("back", at)))


def _chip(word: str, at: Situation) -> Chip:
    return Chip(at.words.label(word), at.words.label(word))


def _is_attribute(autofill: str) -> bool:
    """Tell a name of the platform's profile attributes from a default value."""
    return autofill in ("age", "gender", "star_sign") or autofill.startswith("user_")
