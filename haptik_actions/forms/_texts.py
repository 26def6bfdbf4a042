"""Answers that are not days or times: texts, numbers, addresses, contacts, and options that are named."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from haptik_actions.answers import fold, matching
from haptik_actions.forms._lexicon import plain_text
from haptik_actions.forms._locale import FormWords
from haptik_actions.forms._situation import Doubt, Invalid, Outcome, Situation, Valid
from haptik_actions.forms._spec import FieldSpec, Rules

__all__ = ["pieces", "read_address", "read_choice", "read_choices", "read_contact", "read_text"]

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


# Digits, and what stands between the digits of one number or of two.
_RUN = re.compile(r"[+(]*\d[\d\s().\-‐–/,;]*")
_BETWEEN_NUMBERS = re.compile(r"[/,;\n]")
_DATE = re.compile(r"(\d{1,2})[.\-/](\d{1,2})[.\-/](?:\d{4}|\d{2})")
_NAME_EDGES = " ,;:-–()/&+\n\t"
# A phone number has so many digits (E.164), and fewer than seven are none that can be called from elsewhere.
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
# A group as long as this is a whole number: what stands before or behind it may count something else.
_WHOLE_NUMBER = 10
_LONGEST_AREA_CODE = 5


class _Number(NamedTuple):
    """What one number can be, likeliest first; none where digits are no phone number."""

    readings: tuple[str, ...]
    start: int
    end: int


def read_contact(text: str) -> Outcome:
    """Read a name and a number, in any order; the name may be missing. A name has no digits."""
    plain = plain_text(text)
    runs = [*_RUN.finditer(plain)]
    numbers = [number for run in runs for number in _numbers(run[0], run.start())]
    glued = any(plain[run.start() - 1 : run.start()].isalpha() for run in runs)
    if not numbers or glued or not all(number.readings for number in numbers):
        return Invalid("haptik_form_error_contact")
    first, last = numbers[0], numbers[-1]
    if plain[first.end : last.start].strip(_NAME_EDGES) and any(map(str.isalpha, plain[first.end : last.start])):
        # Two people, each with a number.
        return Invalid("haptik_form_error_contact")
    name = " ".join((plain[: first.start] + " " + plain[last.end :]).split()).strip(_NAME_EDGES)
    phones = [*dict.fromkeys(reading for number in numbers for reading in number.readings)]
    contacts = [{"name": name, "phone": phone} for phone in phones]
    return Valid(contacts[0]) if len(contacts) == 1 else Doubt(tuple(contacts))


def digits_of(number: str) -> str:
    """Return a number's digits, and the plus before them."""
    return ("+" if number.startswith("+") else "") + "".join(filter(str.isdecimal, number))


def _numbers(run: str, start: int) -> list[_Number]:
    """Read the numbers of a run of digits: one, or several with a slash or a comma between them."""
    pieces = [piece.strip() for piece in _BETWEEN_NUMBERS.split(run)]
    pieces = [piece for piece in pieces if any(map(str.isdecimal, piece))]
    if len(pieces) == 2 and _is_area_code(pieces[0]):
        pieces = [" ".join(pieces)]
    return [_Number(_readings(piece), start, start + len(run.rstrip(_NAME_EDGES))) for piece in pieces]


def _is_area_code(piece: str) -> bool:
    digits = digits_of(piece.lstrip("("))
    return digits.startswith(("0", "+")) and len(digits) <= _LONGEST_AREA_CODE


def _readings(piece: str) -> tuple[str, ...]:
    number = digits_of(piece.lstrip("("))
    groups = piece.split()
    if not _FEWEST_DIGITS <= len(number.lstrip("+")) <= _MOST_DIGITS or any(map(_is_date, groups)):
        return ()
    whole = [group for group in groups if len(digits_of(group)) >= _WHOLE_NUMBER]
    if len(groups) > 1 and whole and not number.startswith(("+", "0")):
        # "91 9876543210" is one number, and "25 9876543210" may be an age and a number.
        return _distinct([number, *map(digits_of, whole)])
    return (number,)


def _distinct(numbers: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(numbers))


def _is_date(group: str) -> bool:
    match = _DATE.fullmatch(group)
    return match is not None and 1 <= int(match[1]) <= 31 and 1 <= int(match[2]) <= 31


# Each piece between these is looked at once: a search for addresses would begin anew at every letter of a long word.
_BETWEEN_EMAILS = re.compile(r"[\s<>(),;:\"“”‘’`|]+")
_EMAIL = re.compile(r"[^@]+@[^@]+\.[^@.]{2,}")
_DIGITS = re.compile(r"\+?\(?\d(?:[\d\s().,/\-']*\d)?")
# Before three digits, or as in India (1,00,000) before pairs and three, a point or a comma separates thousands.
_DECIMAL = re.compile(r"\.(?!\d{3}(?!\d))|,(?!\d{3}(?!\d)|(?:\d{2},)+\d{3}(?!\d))")
_LONGEST_NUMBER = 60
_LONGEST = 2000
# Twilio's connector writes it so; Telegram's writes JSON with `lng` and `lat`.
_LOCATION = re.compile(r"/locationData\{'Latitude': (?P<lat>-?[\d.]+), 'Longitude': (?P<lng>-?[\d.]+)")


def read_text(field: FieldSpec, text: str) -> Outcome:
    """Read a `text` field: trimmed; digits alone on the number keyboard; the address alone on the e-mail keyboard."""
    content = field.rules.content
    if content == "email" or (content == "any" and field.keyboard == "email"):
        return _email(text)
    if content == "numeric" or (content == "any" and field.keyboard == "number"):
        return _number(field.rules, text)
    plain = text.strip()
    if len(plain) > _LONGEST:
        return Invalid("haptik_form_error_too_long", {"longest": _LONGEST})
    return _length(field.rules, plain) or _content(field.rules, plain) or Valid(plain)


def read_address(text: str, situation: Situation) -> Outcome:
    """Read an address: one of the stored ones by its name, a location that the channel sent, or free text."""
    for address in situation.addresses:
        if fold(text) in (fold(address.label), fold(address.text)):
            return Valid({"label": address.label, "text": address.text})
    place = _location(text)
    if place is not None:
        return Valid(place)
    plain = " ".join(text.split())
    return Valid({"text": plain}) if 3 <= len(plain) <= _LONGEST else Invalid("haptik_form_error_address")


def _email(text: str) -> Outcome:
    pieces = (piece.strip("'").rstrip(".!?'") for piece in _BETWEEN_EMAILS.split(text))
    found = [*dict.fromkeys(piece for piece in pieces if _EMAIL.fullmatch(piece))]
    if not found:
        return Invalid("haptik_form_error_email")
    return Valid(found[0]) if len(found) == 1 else Doubt(tuple(found))


def _number(rules: Rules, text: str) -> Outcome:
    # Kept as text: 007 is not 7, and a phone number is nothing to calculate with.
    plain = plain_text(text)
    if len(plain) > _LONGEST_NUMBER or not _DIGITS.fullmatch(plain) or _DECIMAL.search(plain):
        return Invalid("haptik_form_error_number")
    digits = digits_of(plain)
    return _length(rules, digits.lstrip("+")) or Valid(digits)


def _length(rules: Rules, text: str) -> Invalid | None:
    shortest, longest = rules.shortest or 1, rules.longest or _LONGEST
    if shortest <= len(text) <= longest:
        return None
    if not text:
        return Invalid("haptik_form_error_required")
    if shortest == longest:
        return Invalid("haptik_form_error_length", {"length": shortest})
    return Invalid("haptik_form_error_length_range", {"shortest": shortest, "longest": longest})


def _content(rules: Rules, text: str) -> Invalid | None:
    if rules.pattern is not None and not re.fullmatch(rules.pattern, text):
        return Invalid("haptik_form_error_pattern")
    if rules.content in ("any", "regex"):
        return None
    kinds = "LM" if rules.content.startswith("letters") else "LMN"
    spaces = rules.content.endswith("_spaces")
    if all(unicodedata.category(c)[0] in kinds or (spaces and c.isspace()) for c in text):
        return None
    return Invalid(f"haptik_form_error_{rules.content}")


def _location(text: str) -> dict[str, Any] | None:
    match = _LOCATION.match(text)
    if match:
        return {"lat": match["lat"], "lng": match["lng"], "text": f"{match['lat']},{match['lng']}"}
    if not text.lstrip().startswith("{"):
        return None
    try:
        place = json.loads(text)
        lat, lng = str(float(place["lat"])), str(float(place["lng"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return {"lat": lat, "lng": lng, "text": f"{lat},{lng}"}
