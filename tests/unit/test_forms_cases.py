"""What people said in the field that was taken for something else, and its neighbours."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.answers import resolve
from haptik_actions.forms import Doubt, FormSpec, Invalid, State, Valid, answer, ask, begin
from tests.unit.forms_bot import EVERY_TYPE, field, form_of
from tests.unit.test_answers import WORDS, offer
from tests.unit.test_forms_reading import at, read

NO_DAY = {
    "en-IN": [
        *("next month 12th", "5th of the month", "6th month", "next week 5th", "tomorrow 10th", "a week after the 5th"),
        *(
            "4th friday of december",
            "7th monday of december",
            "first monday of may",
            "december 4th friday",
            "last friday",
        ),
        *(
            "12th of this month",
            "the 5th",
            "5th week",
            "3rd year",
            "2nd of next year",
            "next year 5th",
            "5th next month",
        ),
        *(
            "6 month",
            "10th tomorrow",
            "today 5th",
            "5th day",
            "a week before 3 May",
            "3 days before friday",
            "friday week",
        ),
        *(
            "2 weeks from friday",
            "two days after tomorrow",
            "within the week",
            "week 5",
            "5 12 2027 3",
            "12 or 13 august",
        ),
    ],
    "de": [
        "5. Monat",
        "5. Woche",
        "der 5. des Monats",
        "nächsten Monat am 12.",
        "morgen 10.",
        "4. Freitag im Dezember",
    ],
    "hi": ["5वां महीना", "अगले महीने 12", "कल 10", "5 तारीख", "6 महीना"],
    "fr": [
        "5e mois",
        "le 5 du mois",
        "le mois prochain le 12",
        "demain 10",
        "2e semaine",
        "le 4e vendredi de décembre",
    ],
    "es": ["5º mes", "el 5 del mes", "mañana 10", "el cuarto viernes de diciembre", "2ª semana"],
    "ar": ["الشهر 5", "غدا 10", "الأسبوع القادم 5", "يوم"],
    "pt": ["5º mês", "dia 5 do mês", "amanhã 10"],
}


@pytest.mark.parametrize(("locale", "text"), [(locale, text) for locale, texts in NO_DAY.items() for text in texts])
def test_an_ordinal_beside_something_else_is_no_day(locale: str, text: str) -> None:
    assert read("date", text, locale=locale) == Invalid("haptik_form_error_date")


@pytest.mark.parametrize(
    ("locale", "text", "day"),
    [
        *(
            ("en-IN", text, "2026-11-28")
            for text in ("3 days later", "in three days", "3 days from now", "after 3 days")
        ),
        *(("en-IN", text, "2026-12-09") for text in ("in two weeks' time", "in a fortnight", "2 weeks")),
        *(
            ("en-IN", text, "2026-11-26")
            for text in ("tomorrow evening", "tomorrow please", "17:00 tomorrow", "in a day")
        ),
        *(
            ("en-IN", text, "2026-11-27")
            for text in ("friday evening", "Friday 27/11", "27/11/2026 friday", "27 Nov, Friday")
        ),
        *(
            ("en-IN", text, "2027-03-03")
            for text in ("the 3rd of March please", "March the 3rd", "3rd march", "3-Mar-2027")
        ),
        ("en-IN", "in a month", "2026-12-25"),
        ("en-IN", "the day before yesterday", "2026-11-23"),
        ("de", "in drei Tagen", "2026-11-28"),
        ("de", "vor drei Tagen", "2026-11-22"),
        ("de", "uebermorgen", "2026-11-27"),
        ("fr", "dans deux semaines", "2026-12-09"),
        ("fr", "le 1er mai", "2027-05-01"),
        ("fr", "avant-hier", "2026-11-23"),
        ("es", "dentro de dos semanas", "2026-12-09"),
        ("es", "el 3 de mayo", "2027-05-03"),
        ("hi", "तीन दिन में", "2026-11-28"),
        ("ar", "غدا", "2026-11-26"),
        ("ar", "بعد ثلاثة أيام", "2026-11-28"),
        ("ar", "يوم الجمعة", "2026-11-27"),
        ("pt", "depois de amanhã", "2026-11-27"),
        ("ja", "2026年12月24日木曜日", "2026-12-24"),
        ("ko", "3일 후", "2026-11-28"),
        ("ta", "நாளை", "2026-11-26"),
    ],
)
def test_a_day_in_the_words_of_a_language_is_read(locale: str, text: str, day: str) -> None:
    assert read("date", text, locale=locale) == Valid(day)


@pytest.mark.parametrize("text", ["first of March", "march first", "Monday 3 March 2027"])
def test_what_may_be_meant_otherwise_is_asked_about(text: str) -> None:
    assert isinstance(read("date", text), Doubt)


def test_a_length_with_in_counts_from_today_or_from_the_start_of_a_pair() -> None:
    values = {"a_form_start": "2026-11-26"}
    assert read("enddate", "3 days", values=values) == Valid("2026-11-29")
    assert read("enddate", "in 3 days", values=values) == Doubt(("2026-11-29", "2026-11-28"))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "22:33 am",
            "13 am",
            "22 in the morning",
            "13 in the morning",
            "13:00 a.m.",
            "0 pm",
            "00:30 pm",
            "14 am",
            "23 am",
        ),
        *("22:33 AM", "24 am", "15 in the morning", "0 in the afternoon", "10 at noon", "14:30 at night"),
    ],
)
def test_an_hour_that_its_part_of_the_day_does_not_have_is_no_time(text: str) -> None:
    assert read("time", text) == Invalid("haptik_form_error_time")


def test_an_hour_of_the_night_may_be_called_morning() -> None:
    assert read("time", "1 in the morning") == Valid("01:00")


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("Asha 9876543210/9876543211", ("9876543210", "9876543211")),
        ("Asha 9876543210, 9876543211", ("9876543210", "9876543211")),
        ("Asha +919876543210 +919876543211", ("+919876543210", "+919876543211")),
        ("Asha 25 9876543210", ("259876543210", "9876543210")),
        ("Asha +91 98765 43210", ("+919876543210",)),
        ("Asha 0711/1234567", ("07111234567",)),
        ("06.12.34.56.78 Asha", ("0612345678",)),
        ("Asha 123456789012345", ("123456789012345",)),
    ],
)
def test_two_numbers_are_two(text: str, phones: tuple[str, ...]) -> None:
    contacts = tuple({"name": "Asha", "phone": phone} for phone in phones)
    assert read("contactpicker", text) == (Valid(contacts[0]) if len(contacts) == 1 else Doubt(contacts))


@pytest.mark.parametrize(
    "text",
    [
        *("Asha born 12.03.1990 9876543210", "Asha 1.2.90 987654321", "Asha 12-03-1990", "Asha 1234567890123456"),
        *("Asha2 9876543210", "Asha 9876543210 ext 5", "Asha 040-1234567/8", "Asha born 1990, 9876543210"),
        *("Asha 9876543210 Ben 9876543211", "9876543210 9876543211", "a1@x.org 9876543210"),
    ],
)
def test_other_digits_make_it_no_contact(text: str) -> None:
    assert read("contactpicker", text) == Invalid("haptik_form_error_contact")


def test_two_addresses_are_asked_about() -> None:
    assert read("text", "a@b.org or c@d.org", keyboard_type="email") == Doubt(("a@b.org", "c@d.org"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        *(
            (text, None)
            for text in ("one second please", "a second", "just a second", "1 second", "2 seconds", "a third")
        ),
        *((text, None) for text in ("one second", "I want a second one", "a 2nd", "one moment")),
        *(
            (text, 1)
            for text in ("the second option", "second", "the second one please", "second choice", "2nd option")
        ),
        *((text, 2) for text in ("the last option", "third")),
    ],
)
def test_words_that_count_something_else_choose_nothing(text: str, place: int | None) -> None:
    offers = [offer("Pool", number=1), offer("Gym", number=2), offer("Spa", number=3)]
    assert resolve(text, offers, words=WORDS) == (None if place is None else offers[place].payload)


@pytest.mark.parametrize("kind", ["text", "date", "time", "multidaypicker", "contactpicker", "savedaddress"])
def test_a_long_answer_is_asked_again_with_its_limit(kind: str) -> None:
    form = FormSpec.read("a_form", form_of(field("It", kind)))
    turn = asyncio.run(answer(form, "a_form_it", "a" * 2001, {}, State(), at()))
    assert turn.ask == "a_form_it"
    assert [(say.key, say.values["longest"]) for say in turn.says] == [("haptik_form_error_too_long", 2000)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
EVERY = FormSpec.read("every_form", EVERY_TYPE)


@settings(max_examples=60, deadline=None)
@given(held=st.dictionaries(st.sampled_from(EVERY.slots), JSON, max_size=15))
def test_whatever_stands_in_the_slots_a_form_begins_and_can_show_it(held: dict[str, Any]) -> None:
    turn = begin(EVERY, held, None, at())
    assert turn.ask is not None
    # Rasa, or another action, may have put them there meanwhile.
    assert ask(EVERY, EVERY.confirm_slot, held, State(), at()).says


@pytest.mark.parametrize("value", [5, 5.5, ["17:00"], {"at": "17:00"}, True, "soon", None, [[[[]]]]])
@pytest.mark.parametrize("kind", ["time", "date", "dob", "contactpicker", "multidaypicker"])
def test_a_value_of_any_kind_in_a_slot_is_asked_again(kind: str, value: Any) -> None:
    form = FormSpec.read("a_form", form_of(field("It", kind)))
    turn = begin(form, {"a_form_it": value}, None, at())
    assert turn.ask == "a_form_it" or isinstance(turn.values["a_form_it"], (str, list, dict))
