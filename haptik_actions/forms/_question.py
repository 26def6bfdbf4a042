"""What the user is asked: words by their message keys, and chips; and what the user's words mean among those chips."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from haptik_actions.answers import choose, fold
from haptik_actions.forms._days import as_date
from haptik_actions.forms._locale import FormWords
from haptik_actions.forms._read import SKIPPED, show, wire
from haptik_actions.forms._situation import Situation, Value
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.render import Offer

__all__ = ["Chip", "ChipReader", "Question", "Say", "State", "ask", "chips_of"]


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it belongs to the question of the slot `about`; for any other slot it is as new.

    Attributes:
        about: The slot that was asked for.
        page: Which page of the options is shown, from 0.
        errors: How many answers in a row could not be read.
        chosen: What is chosen so far where several can be.
        doubt: Values of which the user has to say which is meant.
        query: What was searched for.
        titles: What the search found.
        choosing: The user is asked which field to change.
        kept: The value of a field that is being changed, for the way back.
        opened: An element, as JSON of HSL, that is shown in place of the question: the next page of its chips.
        submitted: The values that the last completed run ended with.
    """

    about: str = ""
    page: int = 0
    errors: int = 0
    chosen: tuple[str, ...] = ()
    doubt: tuple[Any, ...] = ()
    query: str = ""
    titles: tuple[str, ...] = ()
    choosing: bool = False
    kept: Any = None
    opened: dict[str, Any] | None = None
    submitted: dict[str, Any] | None = None

    @classmethod
    def read(cls, slot: Any, about: str) -> State:
        """Read what the state slot holds for a question; anything that is no state of that question is a new one."""
        try:
            state = msgspec.convert(slot, cls)
        except msgspec.ValidationError:
            return cls(about=about)
        return state if state.about == about else cls(about=about)

    def opening(self, element: Mapping[str, Any]) -> State:
        """Return the state in which `element` is shown in place of the question."""
        return msgspec.structs.replace(self, opened=dict(element))

    def is_fresh(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the form has just begun: nothing is answered, and nothing was wrong."""
        return not self.errors and not self.doubt and all(value is None for value in values.values())

    def to_slot(self) -> dict[str, Any]:
        """Return the value of the state slot."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        return value


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


_NUMERIC = ("numeric", "alphanumeric", "alphanumeric_spaces")


class ChipReader:
    """The chips of one question, and the words of the user's language."""

    def __init__(self, offers: Sequence[Offer], older: Sequence[Offer], words: FormWords) -> None:
        self._offers, self._older, self._words = offers, older, words
        # "9" counts to an option. Where no numbers are shown nobody counts on to "Back".
        self._counted = [each for each in offers if each.number is not None or words.command(each.payload) is None]

    def chosen(self, text: str, options: Collection[str] = ()) -> str:
        """Return the payload that the text means, by whatever it names it; the text itself where it means none.

        `options` may be called like commands.
        """
        offers = [each for each in self._offers if each in self._counted or each.payload in options]
        return self._choose(text, offers)

    def any_chip(self, text: str) -> str:
        """As `chosen`, where the chips are commands and nothing else."""
        return self._choose(text, self._offers)

    def spoken(self, text: str, field: FieldSpec) -> str:
        """Return the payload of the chip whose very words were said: any other text is an answer of its own.

        So is a number, but for a text that is none and stands above numbered chips.
        """
        folded, stripped = fold(text), text.strip()
        if folded.isdecimal():
            return self._numbered(folded, text) if _is_prose(field) else text
        for each in self._offers:
            if stripped in (each.payload, each.sent) or (folded and folded in (fold(each.label), fold(each.shown))):
                return each.payload
        return text

    def option(self, number: str, options: Collection[str]) -> str | None:
        """Return the option that a number stands for on the screen."""
        offers = [each for each in self._offers if each.payload in options]
        chosen = choose(number, offers, words=self._words.answers)
        return None if chosen is None else chosen.payload

    def _choose(self, text: str, offers: Sequence[Offer]) -> str:
        chosen = choose(text, offers, self._older, words=self._words.answers)
        return text if chosen is None else chosen.payload

    def _numbered(self, number: str, text: str) -> str:
        return next((each.payload for each in self._offers if str(each.number) == number), text)


def chips_of(
    form: FormSpec, slot: str, values: Mapping[str, Value | None], state: State, at: Situation
) -> tuple[Offer, ...]:
    """Return the chips that a question has, for a user whose screen is not known."""
    chips = ask(form, slot, values, state, at).chips
    return tuple(
        Offer(kind="reply", label=chip.label, payload=chip.payload, path="", shown=chip.label) for chip in chips
    )


def _is_prose(field: FieldSpec) -> bool:
    return field.type == "text" and field.keyboard == "normal" and field.rules.content not in _NUMERIC
