"""What the reading of an answer depends on besides the answer, and what it comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

import msgspec

from haptik_actions.forms._locale import Calendar, FormWords, calendar_of
from haptik_actions.forms._spec import FieldSpec

__all__ = ["Address", "Doubt", "Invalid", "Outcome", "Search", "Situation", "Valid", "Value"]

Value: TypeAlias = Any
"""A field's value, as JSON: a string, a list or an object of strings. Dates are `2027-04-03`, times `23:45`."""


class Valid(msgspec.Struct, frozen=True):
    """The answer is a value of the field."""

    value: Value


class Doubt(msgspec.Struct, frozen=True):
    """The answer can be any of these values, likeliest first; only the user knows which."""

    values: tuple[Value, ...]


class Invalid(msgspec.Struct, frozen=True):
    """The answer is none. `key` is the message that says why, `values` fill its placeholders."""

    key: str
    values: Mapping[str, object] = {}


Outcome: TypeAlias = Valid | Doubt | Invalid
"""What reading an answer comes to."""


Search: TypeAlias = Callable[[FieldSpec, str], Awaitable[list[str]]]
"""Asks the search service of a field for titles.

Raises:
    SearchUnavailable: it did not answer as its protocol says, or not in time.
"""


class Address(msgspec.Struct, frozen=True):
    """A stored address: how the user calls it, and the address itself."""

    label: str
    text: str


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """One user at one moment.

    Attributes:
        locale: Language tag such as `en-IN`.
        now: The moment, in the user's time zone.
        words: The language's words.
        profile: What is known of the user, by the names that `autofill` uses.
        addresses: The user's stored addresses.
        search: How a search service is asked.
    """

    locale: str
    now: datetime
    words: FormWords
    profile: Mapping[str, str] = {}
    addresses: tuple[Address, ...] = ()
    search: Search | None = None

    @property
    def today(self) -> date:
        """The day it is for the user."""
        return self.now.date()

    @property
    def calendar(self) -> Calendar:
        """How the user's language writes dates and times."""
        return calendar_of(self.locale)
