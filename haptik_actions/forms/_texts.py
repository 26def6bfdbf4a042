"""Answers in the user's own words: texts, numbers, e-mail addresses, addresses."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from haptik_actions.answers import fold
from haptik_actions.forms._contacts import digits_of
from haptik_actions.forms._lexer import plain_text
from haptik_actions.forms._outcome import Doubt, Invalid, Outcome, Valid
from haptik_actions.forms._situation import Situation
from haptik_actions.forms._spec import FieldSpec, Rules

__all__ = ["read_address", "read_text"]

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
