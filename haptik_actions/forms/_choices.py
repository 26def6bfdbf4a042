"""Answers that name options: one of them, or several."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from haptik_actions.answers import fold, matching
from haptik_actions.forms._outcome import Doubt, Invalid, Outcome, Valid
from haptik_actions.forms._spec import FieldSpec
from haptik_actions.forms._words import FormWords

__all__ = ["pieces", "read_choice", "read_choices"]

_RANGE = re.compile(r"(\d{1,3}) ?[-–—] ?(\d{1,3})")

# "1 3" and "1/3". Three digits are enough for a number of an option.
_NUMBERS = re.compile(r"\d{1,3}(?:(?: ?/ ?| )\d{1,3})+")


def read_choice(options: Sequence[str], text: str) -> Outcome:
    """Read one option by its name; a beginning is enough, and a few wrong letters are asked about."""
    if text.strip() in options:
        return Valid(text.strip())
    likeness, places = matching(text, options)
    found = tuple(options[place] for place in places)
    if not found:
        return Invalid("haptik_form_error_option")
    return Valid(found[0]) if len(found) == 1 and likeness != "close" else Doubt(found)


def read_choices(field: FieldSpec, text: str, words: FormWords, at: Callable[[str], str | None]) -> Outcome:
    """Read several options: names and numbers with commas, "and" or line feeds between them, ranges, "1 3", "1/3",
    "all", "both" of two, "none".

    `at` gives the option that a number stands for on the user's screen.
    """
    if text.strip() in field.options:
        # "Salt and pepper" may be one of them.
        return Valid([text.strip()])
    if words.means("all", text):
        return Valid(list(field.options))
    if words.means("none", text):
        return Valid([])
    if words.means("both", text):
        return Valid(list(field.options)) if len(field.options) == 2 else _nothing()
    chosen: set[str] = set()
    plain = " ".join(text.split())
    if _NUMBERS.fullmatch(plain) and at(plain) is None:
        text = ",".join(re.split(r"\D+", plain))
    for piece in pieces(text, words):
        found = _piece(field, piece, at)
        if not found:
            return Invalid("haptik_form_error_options", {"piece": piece})
        chosen |= {*found}
    return Valid([option for option in field.options if option in chosen]) if chosen else _nothing()


def pieces(text: str, words: FormWords) -> list[str]:
    """Cut a list into its parts."""
    joined = "|".join(re.escape(word) for word in words.said["and"])
    parts = re.split(rf"[,;\n،、]|\s(?:{joined}|[&+])\s", text, flags=re.IGNORECASE)
    return [part.strip() for part in parts if part and part.strip()]


def _piece(field: FieldSpec, piece: str, at: Callable[[str], str | None]) -> list[str]:
    if piece in field.options:
        return [piece]
    numbers = _RANGE.fullmatch(" ".join(piece.split()))
    if numbers:
        found = [at(str(number)) for number in range(int(numbers[1]), int(numbers[2]) + 1)]
        return [option for option in found if option] if all(found) else []
    option = at(piece)
    if option is not None:
        return [option]
    likeness, places = matching(fold(piece), field.options)
    return [field.options[places[0]]] if len(places) == 1 and likeness != "close" else []


def _nothing() -> Invalid:
    return Invalid("haptik_form_error_option")
