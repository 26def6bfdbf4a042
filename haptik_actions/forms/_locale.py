"""What CLDR says about a language: names of days, parts of the day, the order of a date, the hours of a clock."""

from __future__ import annotations

from datetime import date, time
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from haptik_actions.answers import fold
from haptik_actions.errors import ConfigurationError
from haptik_actions.forms._spec import FormSpec

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["Calendar", "calendar_of", "require_calendars"]

_FALLBACK = "en"
_NEED_CALENDARS = frozenset({"date", "startdate", "enddate", "dob", "multidaypicker", "time"})
_SHORTEST_DAY_NAME = 2


class Calendar:
    """How one language writes dates and times."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self.language: str = locale.language
        pattern = str(locale.date_formats["short"].pattern)
        self.day_first = pattern.lower().find("d") < pattern.lower().find("m")
        self.dots = "." in pattern
        self.clock_of_24 = "H" in str(locale.time_formats["short"].pattern)
        self.months = _months(locale)
        # "mar" is Tuesday and March in Spanish.
        self.weekdays = {name: day for name, day in _weekdays(locale).items() if name not in self.months}
        self.periods = _periods(locale)

    def show_date(self, day: date) -> str:
        """Write a date as people of the language do, the month as a word."""
        from babel.dates import format_date

        return _plain(format_date(day, "medium", locale=self._locale))

    def show_weekday(self, day: date) -> str:
        """Write a date with its day of the week."""
        from babel.dates import format_date

        return f"{format_date(day, 'EEEE', locale=self._locale)}, {self.show_date(day)}"

    def show_time(self, at: time) -> str:
        """Write a time as people of the language do."""
        from babel.dates import format_time

        return _plain(format_time(at, "short", locale=self._locale))


@lru_cache(maxsize=64)
def calendar_of(tag: str) -> Calendar:
    """Return the calendar of a language tag such as `en-IN`; of its language, or English, where CLDR has none of it."""
    from babel import Locale, UnknownLocaleError

    for name in (tag.replace("_", "-"), tag.replace("_", "-").split("-")[0]):
        try:
            return Calendar(Locale.parse(name, sep="-"))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Calendar(Locale.parse(_FALLBACK))


def require_calendars(form: FormSpec) -> None:
    """Check that the libraries for dates are there, if the form has any.

    Raises:
        ConfigurationError: they are not; names the form and what to install.
    """
    dated = [field.key for field in form.fields if field.type in _NEED_CALENDARS]
    missing = [name for name in ("babel", "dateparser") if find_spec(name) is None]
    if dated and missing:
        raise ConfigurationError(
            f"The form {form.name!r} asks for dates or times ({', '.join(dated)}), and {' and '.join(missing)} cannot "
            'be imported. Install "haptik-actions[forms]".'
        )


def _weekdays(locale: Locale) -> dict[str, int]:
    """Folded name -> 0 for Monday."""
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated", "short"):
            days: Any = locale.days.get(context, {}).get(width, {})
            for number, name in days.items():
                if len(fold(name)) >= _SHORTEST_DAY_NAME:
                    names.setdefault(fold(name), int(number))
    return names


def _months(locale: Locale) -> dict[str, int]:
    """Folded name -> 1 for January."""
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            months: Any = locale.months.get(context, {}).get(width, {})
            for number, name in months.items():
                names.setdefault(fold(str(name)), int(number))
    return {name: number for name, number in names.items() if name and not name.isdecimal()}


def _periods(locale: Locale) -> dict[str, str]:
    """Folded name -> `am`, `pm`, `noon` or `midnight`."""
    names = {"am": "am", "a m": "am", "pm": "pm", "p m": "pm"}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            parts: Any = locale.day_periods.get(context, {}).get(width, {})
            for period in ("am", "pm", "noon", "midnight"):
                if parts.get(period):
                    names.setdefault(fold(str(parts[period])), period)
    return names


def _plain(text: str) -> str:
    # CLDR writes spaces that do not break, which nobody can type.
    return text.replace("\u202f", " ").replace("\u00a0", " ")
