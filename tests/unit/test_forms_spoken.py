"""Times, days and choices as people say them, in the words of a store and of CLDR; and what only looks like them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.answers import WORD_KEYS, AnswerWords, resolve
from haptik_actions.forms import Doubt, FormSpec, Invalid, Outcome, Valid, read_answer, show
from haptik_actions.messages import packaged_copy
from haptik_actions.render import Offer
from tests.unit.forms_bot import field, form_of
from tests.unit.test_forms_reading import WORDS, at

SAID: dict[str, dict[str, tuple[str, ...]]] = {
    "de": {
        "clock": ("um", "gegen"),
        "hours": ("eins 1", "zwei 2", "drei 3"),
        "minutes": ("halb -30", "viertel nach 15", "viertel vor -15"),
    },
    "fr": {"clock": ("heures", "à"), "hours": ("cinq 5",), "minutes": ("et demie 30",)},
    "hi": {"clock": ("बजे",), "hours": ("पाँच 5",), "minutes": ("साढ़े 30",)},
}
LOCALES = ["en", "en-IN", "de", "fr", "hi", "es", "ar", "ja"]


def read(kind: str, text: str, locale: str = "en-IN", **more: Any) -> Outcome:
    words = msgspec.structs.replace(WORDS, said={**WORDS.said, **SAID.get(locale, {})})
    here = msgspec.structs.replace(at(locale), words=words)
    form = FormSpec.read("a_form", form_of(field("It", kind, **more)))
    options = form.fields[0].options

    def shown(number: str) -> str | None:
        return options[int(number) - 1] if number.isdecimal() and 0 < int(number) <= len(options) else None

    return read_answer(form, form.fields[0], text, {}, here, at=shown)


@pytest.mark.parametrize(
    ("locale", "text", "values"),
    [
        ("de", "14 Uhr", ["14:00"]),
        ("de", "um 14 Uhr 30", ["14:30"]),
        ("de", "halb drei", ["14:30", "02:30"]),
        ("de", "halb eins", ["12:30", "00:30"]),
        ("de", "viertel nach 3", ["15:15", "03:15"]),
        ("de", "viertel vor drei", ["14:45", "02:45"]),
        ("de", "3 Uhr nachmittags", ["15:00"]),
        ("de", "8 Uhr abends", ["20:00"]),
        ("fr", "14 h 30", ["14:30"]),
        ("fr", "14h30", ["14:30"]),
        ("fr", "5 heures du matin", ["05:00"]),
        ("fr", "cinq heures et demie", ["17:30", "05:30"]),
        ("en-IN", "14h30", ["14:30"]),
        ("en-IN", "half past two", ["14:30", "02:30"]),
        ("en-IN", "half past two in the afternoon", ["14:30"]),
        ("en-IN", "quarter to five pm", ["16:45"]),
        ("en-IN", "quarter to one am", ["00:45"]),
        ("en-IN", "quarter past 5", ["17:15", "05:15"]),
        ("en-IN", "1730", ["17:30"]),
        ("en-IN", "0530", ["05:30"]),
        ("en-IN", "1130", ["11:30", "23:30"]),
        ("en-IN", "5 o'clock", ["17:00", "05:00"]),
        ("en-IN", "five o'clock in the evening", ["17:00"]),
        ("en-IN", "9 in the morning", ["09:00"]),
        ("en-IN", "12 noon", ["12:00"]),
        ("en-IN", "at one", ["13:00", "01:00"]),
        ("en-IN", "midday", ["12:00"]),
        ("en-IN", "at noon", ["12:00"]),
        ("en-IN", "tonight at 9", ["21:00"]),
        ("en-IN", "1 at lunchtime", ["13:00"]),
        ("hi", "शाम 5 बजे", ["17:00"]),
        ("hi", "सुबह 9 बजे", ["09:00"]),
        ("hi", "दोपहर 2 बजे", ["14:00"]),
        ("hi", "रात 12 बजे", ["00:00"]),
        ("hi", "रात 10 बजे", ["22:00"]),
        ("hi", "शाम साढ़े पाँच बजे", ["17:30"]),
        ("hi", "5 in the evening", ["17:00"]),
        ("es", "5 de la tarde", ["17:00"]),
        ("ar", "٥ مساءً", ["17:00"]),
        ("ja", "午後3時", ["15:00"]),
    ],
)
def test_times_as_people_say_them(locale: str, text: str, values: list[str]) -> None:
    assert read("time", text, locale) == (Valid(values[0]) if len(values) == 1 else Doubt((*values,)))


NO_TIMES = [
    "that one",
    "I want this one",
    "at first",
    "the second",
    "half past",
    "quarter to 25",
    "quarter past 5:30",
    "15 am",
    "13 noon",
    "-5",
    "$5",
    "5%",
    "5th",
    "5 people",
    "5 30",
    "123",
    "12345",
    "1990",
    "24:00",
    "evening",
    "tomorrow evening",
    "not at 5",
    "5 or 6",
    "no one",
    "two of us",
    # 4:30 for Britons, 5:30 for others.
    "half 5",
    "5,30",
    "tonight",
    "lunchtime",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_only_looks_like_a_time(text: str) -> None:
    assert read("time", text) == Invalid("haptik_form_error_time")


@pytest.mark.parametrize(
    ("locale", "text", "days"),
    [
        ("de", "3. Maerz 2027", ["2027-03-03"]),
        ("de", "3. März 2027", ["2027-03-03"]),
        ("de", "in zwei Wochen", ["2026-12-09"]),
        ("de", "morgen", ["2026-11-26"]),
        ("en-IN", "3rd of March", ["2027-03-03"]),
        ("en-IN", "in two weeks", ["2026-12-09"]),
        ("en-IN", "next Friday", ["2026-11-27", "2026-12-04"]),
        ("hi", "कल", ["2026-11-26", "2026-11-24"]),
        ("hi", "परसों", ["2026-11-27", "2026-11-23"]),
        ("hi", "tomorrow", ["2026-11-26"]),
    ],
)
def test_days_as_people_say_them(locale: str, text: str, days: list[str]) -> None:
    assert read("date", text, locale) == (Valid(days[0]) if len(days) == 1 else Doubt((*days,)))


@pytest.mark.parametrize(
    "text", ["not tomorrow", "I have 2 dogs", "the 3rd", "two", "before 3 March", "3rd or 4th of May"]
)
def test_what_only_looks_like_a_day(text: str) -> None:
    assert read("date", text) == Invalid("haptik_form_error_date")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("number two", 1),
        ("the number two", 1),
        ("option one", 0),
        ("number one please", 0),
        ("option 2", 1),
        ("I want option 2", 1),
        ("2 please", 1),
        ("no. 2", 1),
        ("the second one", 1),
        ("no one", None),
        ("no two", None),
        ("I want 2", None),
        ("not option 2", None),
        ("option", None),
        ("number", None),
    ],
)
def test_places_with_the_word_for_options_before_them(text: str, place: int | None) -> None:
    words = AnswerWords.parse({name: packaged_copy()[key] for name, key in WORD_KEYS.items()})
    offers = [
        Offer(kind="reply", label=label, payload=label, path="", shown=label, number=number)
        for number, label in enumerate(["Pool", "Gym", "Spa"], 1)
    ]
    assert resolve(text, offers, words=words) == (None if place is None else offers[place].payload)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1 3", ["Pool", "Spa"]),
        ("1/3", ["Pool", "Spa"]),
        ("3  1", ["Pool", "Spa"]),
        ("1, 2 and 3", ["Pool", "Gym", "Spa"]),
        ("all", ["Pool", "Gym", "Spa"]),
        ("none", []),
        ("both", None),
        ("1 9", None),
        ("1 3 people", None),
    ],
)
def test_several_choices(text: str, chosen: list[str] | None) -> None:
    outcome = read("multiselectpicker", text, options=["Pool", "Gym", "Spa"])
    assert isinstance(outcome, Invalid) if chosen is None else outcome == Valid(chosen)


def test_both_is_all_of_two() -> None:
    assert read("multiselectpicker", "Both of them", options=["Pool", "Gym"]) == Valid(["Pool", "Gym"])


@settings(max_examples=80, deadline=None)
@given(moment=st.times(), day=st.dates(), locale=st.sampled_from(LOCALES))
def test_what_a_language_writes_is_read_back(moment: Any, day: Any, locale: str) -> None:
    here = at(locale)
    form = FormSpec.read("a_form", form_of(field("At", "time"), field("On", "date")))
    value = moment.strftime("%H:%M")
    assert read("time", show(form.fields[0], value, here), locale) == Valid(value)
    if day.year >= 1000:
        outcome = read("date", show(form.fields[1], day.isoformat(), here), locale)
        assert day.isoformat() in (outcome.values if isinstance(outcome, Doubt) else (getattr(outcome, "value", None),))


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=45), locale=st.sampled_from(LOCALES))
def test_reading_never_raises(text: str, locale: str) -> None:
    for kind in ("time", "date"):
        assert isinstance(read(kind, text, locale), (Valid, Doubt, Invalid))


NO_CLOCK = ["people", "want", "the", "this", "blue", "shop", "order", "my", "is", "please", "first", "because", "car"]


@settings(max_examples=80, deadline=None)
@given(words=st.lists(st.sampled_from(NO_CLOCK), min_size=1, max_size=7), locale=st.sampled_from(LOCALES))
def test_a_sentence_without_a_time_is_none(words: list[str], locale: str) -> None:
    assert isinstance(read("time", " ".join(words), locale), Invalid)
