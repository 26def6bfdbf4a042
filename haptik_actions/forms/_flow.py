"""The form's conversation: an answer, and the values and the question after it.

Nothing of it waits between two turns. All it knows comes from slots, and goes back there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from haptik_actions._log import get_logger
from haptik_actions.answers import fold
from haptik_actions.errors import SearchUnavailable
from haptik_actions.forms._days import as_date
from haptik_actions.forms._locale import Command
from haptik_actions.forms._question import ChipReader, Say, State, chips_of
from haptik_actions.forms._read import LONGEST_ANSWER, read_answer, show, wire
from haptik_actions.forms._situation import Doubt, Invalid, Outcome, Situation, Valid, Value
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.forms._texts import read_choice
from haptik_actions.forms._turn import Turn, asking, complaint, fill, skipped_value
from haptik_actions.render import Offer

__all__ = ["answer"]

logger = get_logger(__name__)

_PATIENCE = 3
_CHOICES = ("picker", "multiselectpicker", "search", "searcheditable")
_SEVERAL = ("multiselectpicker", "multidaypicker")


async def answer(
    form: FormSpec,
    slot: str,
    text: str,
    values: Mapping[str, Value | None],
    state: State,
    at: Situation,
    *,
    offers: Sequence[Offer] | None = None,
    older: Sequence[Offer] = (),
) -> Turn:
    """Take an answer, whatever it says, and tell how it goes on.

    Args:
        form: The form.
        slot: The slot that was asked for.
        text: The user's words, or the payload of a chip.
        values: The values so far, without that of `slot`.
        state: The state of the question.
        at: The user and the moment.
        offers: The chips that the user sees; None where that is not known.
        older: Chips of messages before.

    Raises:
        SearchUnavailable: the service of a `search` field failed, so that the field cannot be filled.
    """
    seen = chips_of(form, slot, values, state, at) if offers is None else offers
    known = {**dict.fromkeys(form.slots), **values, slot: None}
    return await _Answer(form, slot, known, state, at, ChipReader(seen, older, at.words)).to(text)


class _Answer:
    """One answer, with all that it depends on."""

    def __init__(
        self,
        form: FormSpec,
        slot: str,
        values: dict[str, Value | None],
        state: State,
        at: Situation,
        chip_reader: ChipReader,
    ) -> None:
        self._form, self._slot, self._values, self._state, self._at = form, slot, values, state, at
        self._chip_reader = chip_reader

    async def to(self, text: str) -> Turn:
        """Take the answer."""
        filled = fill(self._form, text, self._values, self._at)
        if filled is not None:
            return filled
        field = self._form.field_of(self._slot)
        if len(text) > LONGEST_ANSWER:
            return self._too_long(field)
        if field is None:
            return self._confirming(self._chip_reader.any_chip(text))
        options = (*field.options, *self._state.titles)
        said = (
            self._chip_reader.chosen(text, options) if self._chooses(field) else self._chip_reader.spoken(text, field)
        )
        command = None if said in options else self._at.words.command(said)
        done = self._command(command, field) if command is not None else None
        return done or await self._field(field, said)

    def _chooses(self, field: FieldSpec) -> bool:
        return field.type in _CHOICES or bool(self._state.doubt)

    async def _field(self, field: FieldSpec, said: str) -> Turn:
        meant = self._meant(field, said)
        if meant is not None:
            return await self._outcome(field, said, meant)
        if field.type in ("search", "searcheditable"):
            return await self._search(field, said)
        outcome = self._read(field, said)
        if isinstance(outcome, Invalid) and not self._chooses(field):
            # "2" is no date, so it is the second chip.
            said = self._chip_reader.chosen(said)
            command = self._at.words.command(said)
            done = self._command(command, field) if command is not None else None
            if done is not None:
                return done
            outcome = self._read(field, said) if command is None else outcome
        return await self._outcome(field, said, outcome)

    def _read(self, field: FieldSpec, said: str) -> Outcome:
        def at(number: str) -> str | None:
            return self._chip_reader.option(number, field.options)

        return read_answer(self._form, field, said, self._values, self._at, at=at)

    def _meant(self, field: FieldSpec, said: str) -> Outcome | None:
        doubt = self._state.doubt
        if len(doubt) == 1 and self._at.words.means("confirm", said):
            return Valid(doubt[0])
        for value in doubt:
            if fold(said) in (fold(wire(field, value)), fold(show(field, value, self._at))):
                return Valid(value)
        return None

    async def _outcome(self, field: FieldSpec, said: str, outcome: Outcome) -> Turn:
        if isinstance(outcome, Invalid):
            return self._wrong(field, outcome)
        if isinstance(outcome, Doubt):
            return self._again(doubt=outcome.values)
        if field.type in _SEVERAL:
            return self._several(field, said, outcome.value)
        return self._accept(field, outcome.value)

    def _several(self, field: FieldSpec, said: str, given: list[str]) -> Turn:
        if not given:
            return self._accept(field, []) if field.rules.optional else self._needed(field)
        if len(given) > 1 or self._at.words.means("all", said):
            return self._accept(field, self._in_order(field, {*given, *self._state.chosen}))
        chosen = {*self._state.chosen} ^ {*given}
        return self._again(chosen=tuple(self._in_order(field, chosen)), page=self._state.page)

    @staticmethod
    def _in_order(field: FieldSpec, chosen: set[str]) -> list[str]:
        return [option for option in field.options if option in chosen] if field.options else sorted(chosen)

    async def _search(self, field: FieldSpec, said: str) -> Turn:
        known = read_choice(self._state.titles, said)
        if isinstance(known, Valid):
            return self._accept(field, known.value)
        query = " ".join(said.split())[:200]
        free = field.type == "searcheditable"
        if free and query and query == self._state.query:
            return self._accept(field, query)
        if not query:
            return self._wrong(field, Invalid("haptik_form_error_required"))
        titles = await self._titles(field, query)
        same = [title for title in titles if fold(title) == fold(query)]
        if same or (free and not titles):
            return self._accept(field, same[0] if same else query)
        if not titles:
            return self._wrong(field, Invalid("haptik_form_error_no_results", {"query": query}))
        return self._again(titles=tuple(titles), query=query)

    async def _titles(self, field: FieldSpec, query: str) -> list[str]:
        try:
            return await self._at.search(field, query) if self._at.search and field.search_source else []
        except SearchUnavailable as error:
            if field.type != "searcheditable":
                raise
            logger.warning("%s What the user typed for the field %r is taken as it is.", error, field.key)
            return []

    def _command(self, command: Command, field: FieldSpec) -> Turn | None:
        """Do what was said; None where it is no command here."""
        if command in ("cancel", "restart"):
            return self._leave(command)
        if command == "back":
            return self._back()
        if command == "skip":
            return self._accept(field, skipped_value(field)) if field.rules.optional else self._needed(field)
        if command == "more" and (field.options or self._state.titles):
            return asking(self._form, self._values, slot=self._slot, state=self._turned())
        if command == "done" and field.type in _SEVERAL:
            return self._accept(field, [*self._state.chosen]) if self._state.chosen else self._needed(field)
        return None

    def _leave(self, command: Command) -> Turn:
        nothing: dict[str, Value | None] = dict.fromkeys(self._form.slots)
        if command == "restart":
            return asking(self._form, nothing, Say("haptik_form_restarted"))
        return Turn(values=nothing, state=State(), says=(Say("haptik_form_cancelled"),), ended="cancelled")

    def _back(self) -> Turn:
        if self._state.doubt or self._state.titles:
            return asking(self._form, self._values, slot=self._slot, state=self._kept())
        if self._state.kept is not None:
            return asking(self._form, {**self._values, self._slot: self._state.kept})
        place = self._form.slots.index(self._slot)
        if place == 0:
            return self._again(Say("haptik_form_error_first"))
        before = self._form.slots[place - 1]
        return asking(self._form, {**self._values, before: None}, slot=before)

    def _accept(self, field: FieldSpec, value: Value) -> Turn:
        values = {**self._values, field.slot: value}
        says = []
        for end in self._form.fields:
            if end.type == "enddate" and self._form.start_of(end) == field and _is_before(values.get(end.slot), value):
                # The pair has to be asked for again, and the user has to know why.
                values[end.slot] = None
                says.append(Say("haptik_form_end_again", {"label": end.key}))
        return asking(self._form, values, *says)

    def _confirming(self, said: str) -> Turn:
        words = self._at.words
        command = words.command(said)
        if command in ("cancel", "restart"):
            return self._leave(command)
        if command == "back":
            return asking(self._form, self._values, slot=self._slot) if self._state.choosing else self._back()
        if command == "confirm" and not self._state.choosing:
            return asking(self._form, {**self._values, self._slot: True})
        if command == "edit":
            return self._again(choosing=True)
        found = read_choice([field.key for field in self._form.fields], said)
        if isinstance(found, Valid):
            field = next(field for field in self._form.fields if field.key == found.value)
            return self._edit(field)
        return self._again(complaint(None, Invalid("haptik_form_error_option")), choosing=self._state.choosing)

    def _edit(self, field: FieldSpec) -> Turn:
        kept = self._values.get(field.slot)
        values = {**self._values, field.slot: None}
        return asking(self._form, values, slot=field.slot, state=State(about=field.slot, kept=kept))

    def _needed(self, field: FieldSpec) -> Turn:
        return self._wrong(field, Invalid("haptik_form_error_needed"))

    def _too_long(self, field: FieldSpec | None) -> Turn:
        invalid = Invalid("haptik_form_error_too_long", {"longest": LONGEST_ANSWER})
        if field is None:
            return self._again(complaint(None, invalid), choosing=self._state.choosing)
        return self._wrong(field, invalid)

    def _wrong(self, field: FieldSpec, invalid: Invalid) -> Turn:
        says = [complaint(field, invalid)]
        errors = self._state.errors + 1
        if errors >= _PATIENCE:
            words = {word: self._at.words.label(word) for word in ("skip", "cancel")}
            says.append(Say("haptik_form_stuck_optional" if field.rules.optional else "haptik_form_stuck", words))
        state = msgspec.structs.replace(self._kept(), errors=errors, chosen=self._state.chosen, page=self._state.page)
        return asking(self._form, self._values, *says, slot=self._slot, state=state)

    def _again(self, *says: Say, **changes: object) -> Turn:
        state = msgspec.structs.replace(self._kept(), **changes)
        return asking(self._form, self._values, *says, slot=self._slot, state=state)

    def _turned(self) -> State:
        return msgspec.structs.replace(self._state, about=self._slot, page=self._state.page + 1, errors=0)

    def _kept(self) -> State:
        """What outlasts every answer to the same question."""
        return State(about=self._slot, kept=self._state.kept)


def _is_before(end: Value, start: Value) -> bool:
    first, last = as_date(start), as_date(end)
    return first is not None and last is not None and last < first
