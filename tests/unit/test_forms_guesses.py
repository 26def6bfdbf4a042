"""What a guess would take for a day, and what may well say something else."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.forms import Doubt, Invalid, Valid
from tests.unit.forms_bot import NOW
from tests.unit.test_forms_reading import read

TODAY = NOW.date()

NO_DAY = {
    "en-IN": [
        # Several days.
        *("12-15 August", "12.-15. August", "12/15 August", "12 to 15 August", "August 12-15", "12 & 13 August"),
        *("24-27 August", "dec 24 25", "24+25 dec", "12 August 13 August", "12 or 13 August", "3/4 may", "Aug 12 27"),
        *("today tomorrow", "today and tomorrow", "tomorrow friday", "monday tuesday", "monday to wednesday"),
        # Months and words that are something else as well.
        *(
            "may",
            "I may",
            "may I",
            "march",
            "in march",
            "mar",
            "sec",
            "min",
            "second",
            "the second",
            "may 2027",
            "august",
        ),
        # Moments and lengths below a day.
        *("now", "a sec", "1 sec", "a min", "a minute", "5 min", "5 minutes", "in 5 minutes", "an hour", "2 hours"),
        *("in 30 hours", "1 m", "3m", "10 sec", "at 5", "5pm", "noon", "2.5 days", "2 days 3 hours", "half an hour"),
        # Longer than a day.
        *("week", "next week", "last week", "this week", "next month", "this month", "next year", "last year"),
        # A number that nothing explains.
        *("12 August 5", "12 August 15", "13 august 12", "tomorrow 2", "tomorrow 2027", "tomorrow at 5", "friday 13"),
        *(
            "2 rooms may",
            "2 people on may 3",
            "12 august for 2",
            "12 August 15 2027",
            "12 August 2027 2028",
            "12 Aug 99",
        ),
        *("12 August 0027", "1700000000", "20270403", "2nd of next month", "3 may or 4"),
        # Words for numbers, in a place of a month or beside a day.
        *("3 a", "2 one", "27 by a", "tomorrow two"),
        # Counted twice, or not at all.
        *(
            "2 3 weeks",
            "now now",
            "now, weeks",
            "yesterday weeks ago",
            "one day hour",
            "august 15 min",
            "march hour 12",
        ),
        # Before, after, not.
        *("tomorrow before noon",),
        *("after 3 March", "before 3 March", "not 12 August", "12 August not 13", "end of august", "friday next week"),
    ],
    "de": [
        *(
            "12.-15. August",
            "12-15 August",
            "12./13. August",
            "3. Mai 14",
            "jetzt",
            "eine Minute",
            "5 min",
            "diese Woche",
        ),
        *(
            "nächste Woche",
            "nächsten Monat",
            "dieses Jahr",
            "heute morgen",
            "vor morgen",
            "2 15 Woche",
            "in 2 Stunden",
            "Mai",
        ),
    ],
    "hi": [
        "12-15 अगस्त",
        "12 से 15 अगस्त",
        "अब",
        "2 3 सप्ताह",
        "परसों से",
        "कल पहले",
        "5 मिनट",
        "2 घंटे",
        "5 से",
        "इस सप्ताह",
        "अगले साल",
        "मई",
    ],
    "fr": [
        *("12-15 août", "12 et 13 août", "12 août 14", "du 12 au 15 août", "maintenant", "une minute", "5 min"),
        *(
            "2 heures",
            "dans 2 heures",
            "cette semaine",
            "la semaine prochaine",
            "le mois prochain",
            "l'année prochaine",
        ),
        *("mai", "mars", "après le 3 mars", "demain vendredi", "vendredi prochain"),
    ],
    "es": [
        *(
            "12-15 de agosto",
            "12 y 13 de agosto",
            "del 12 al 15 de agosto",
            "ahora",
            "un minuto",
            "5 min",
            "en 2 horas",
        ),
        *(
            "esta semana",
            "la próxima semana",
            "el próximo mes",
            "el próximo año",
            "mar",
            "mayo",
            "mañana por la mañana",
        ),
        "viernes o sábado",
    ],
}
NO_DAYS = [(locale, text) for locale, texts in NO_DAY.items() for text in texts]


@pytest.mark.parametrize(("locale", "text"), NO_DAYS)
def test_what_is_not_clearly_one_day_is_none(locale: str, text: str) -> None:
    assert read("date", text, locale=locale) == Invalid("haptik_form_error_date")


@pytest.mark.parametrize(
    ("locale", "text", "day"),
    [
        *(
            ("en-IN", text, "2027-08-12")
            for text in ("12 Aug 27", "12-Aug-2027", "12aug2027", "2027 Aug 12", "12 Aug '27")
        ),
        *(("en-IN", text, "2027-08-12") for text in ("12 Aug at 2 pm", "12 August 15:30", "August 12th, 2027")),
        *(("en-IN", text, "2026-11-26") for text in ("tomorrow 5 pm", "thurs", "in 1 day")),
        *(("en-IN", text, "2026-12-04") for text in ("1 week and 2 days", "1 week 2 days")),
        ("en-IN", "2027-04-03T10:00", "2027-04-03"),
        ("de", "zwei Wochen", "2026-12-09"),
        ("de", "Montag, 12. April 2027", "2027-04-12"),
        ("hi", "3 दिन बाद", "2026-11-28"),
        ("fr", "12 août à 14h", "2027-08-12"),
        ("fr", "après-demain", "2026-11-27"),
        ("fr", "il y a 3 jours", "2026-11-22"),
        ("es", "12 de agosto de 2027", "2027-08-12"),
        ("es", "en una semana", "2026-12-02"),
        ("es", "pasado mañana", "2026-11-27"),
        ("bg", "3.04.2027 г.", "2027-04-03"),
        ("vi", "3 thg 4, 2027", "2027-04-03"),
        ("zh", "2027年4月3日", "2027-04-03"),
        ("ja", "4月3日", "2027-04-03"),
        ("ko", "2027년 4월 3일", "2027-04-03"),
        ("pt", "1 de ago. de 2027", "2027-08-01"),
    ],
)
def test_what_is_clearly_one_day_still_is(locale: str, text: str, day: str) -> None:
    assert read("date", text, locale=locale) == Valid(day)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("12 August 2150", "2150-08-12"),
        ("12 August 1850", "1850-08-12"),
        ("13/12/2927", "2927-12-13"),
        ("in 500 years", "2526-11-25"),
        ("Saturday 3/4/2027", "2027-04-03"),
        # Two days of a month, perhaps.
        ("12 13", "2026-12-13"),
        ("12-13", "2026-12-13"),
        # "Two may come."
        ("two may", "2027-05-02"),
    ],
)
def test_a_day_that_is_hardly_meant_is_asked_about(text: str, day: str) -> None:
    assert read("date", text) == Doubt((day,))
    outcome = read("multidaypicker", text)
    assert outcome == Invalid("haptik_form_error_days_doubt", {"piece": text})


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("12.-15. August", ["2027-08-12", "2027-08-13", "2027-08-14", "2027-08-15"]),
        ("August 12-13, 20 Sep", ["2027-08-12", "2027-08-13", "2027-09-20"]),
        ("from 12 to 13 August", ["2027-08-12", "2027-08-13"]),
        ("from Monday to Wednesday", ["2026-11-30", "2026-12-01", "2026-12-02"]),
        ("Friday, 13 August", ["2027-08-13"]),
        ("Friday, August 13, 2027", ["2027-08-13"]),
        ("Fri, 27 Nov, Sat, 28 Nov", ["2026-11-27", "2026-11-28"]),
        ("Monday, Wednesday and 14 Aug", ["2026-11-30", "2026-12-02", "2027-08-14"]),
        # That day is a Saturday.
        ("Mon, 14 Aug", None),
        ("12/15 August", None),
        ("12-15", None),
        ("now", None),
    ],
)
def test_several_days_and_their_day_of_the_week(text: str, days: list[str] | None) -> None:
    outcome = read("multidaypicker", text)
    assert outcome == Valid(days) if days else isinstance(outcome, Invalid)


NAMES = {
    "en-IN": ("August", "days", "weeks", "tomorrow", "Friday", "min", "of", "to", "at", "h", "next", "sec", "am"),
    "de": ("August", "Tage", "Wochen", "morgen", "Freitag", "min", "bis", "Uhr", "vor", "in", "heute", "sek"),
    "hi": ("अगस्त", "दिन", "सप्ताह", "शुक्रवार", "मिनट", "से", "बजे", "में", "आज", "पहले"),
    "fr": ("août", "jours", "semaines", "demain", "vendredi", "min", "au", "h", "dans", "le"),
    "es": ("agosto", "días", "semanas", "mañana", "viernes", "min", "al", "de", "en", "h"),
}


@settings(max_examples=300, deadline=None)
@given(data=st.data(), locale=st.sampled_from([*NAMES]))
def test_every_number_of_a_day_on_the_calendar_is_said_by_its_text(data: st.DataObject, locale: str) -> None:
    numbers = st.integers(1, 99).map(str)
    parts = data.draw(st.lists(st.sampled_from(NAMES[locale]) | numbers, min_size=1, max_size=5))
    text = "".join(part + data.draw(st.sampled_from([" ", " ", "-", ".-", "/", ", "])) for part in parts).strip(" -,./")
    outcome = read("date", text, locale=locale)
    if not isinstance(outcome, Valid):
        return
    assert isinstance(outcome.value, str)
    day, said = date.fromisoformat(outcome.value), [int(number) for number in re.findall(r"\d+", text)]
    month = NAMES[locale][0]
    if month in parts:
        # One day of that month: its number, a year, a time of day, and nothing besides.
        assert day.month == 8
        assert day.day in said
        assert abs(day.year - TODAY.year) <= 20
        assert len(said) <= 2 + ("h" in text or "Uhr" in text or "am" in text)
    elif not said:
        assert abs(day - TODAY) <= timedelta(days=14)
