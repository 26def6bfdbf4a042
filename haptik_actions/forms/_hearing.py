"""What a user's words mean among the chips that they see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from haptik_actions.answers import choose, fold
from haptik_actions.forms._outcome import Value
from haptik_actions.forms._question import ask
from haptik_actions.forms._situation import Situation
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.forms._state import State
from haptik_actions.forms._words import FormWords
from haptik_actions.render import Offer

__all__ = ["Hearing", "chips_of"]

_NUMERIC = ("numeric", "alphanumeric", "alphanumeric_spaces")


class Hearing:
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
