"""What users type for each type of field, and the value that it is."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from haptik_actions.forms import (
    Address,
    Doubt,
    FormSpec,
    FormWords,
    Invalid,
    Outcome,
    Situation,
    Valid,
    read_answer,
    read_words,
)
from haptik_actions.messages import packaged_copy
from tests.unit.forms_bot import NOW, field, form_of


async def _packaged(key: str) -> str:
    return packaged_copy()[key]


WORDS: FormWords = asyncio.run(read_words(_packaged))


def at(locale: str = "en-IN", now: datetime = NOW) -> Situation:
    addresses = (Address("Home", "1 High Street, Goa"), Address("Work", "5 Park Road"))
    return Situation(locale=locale, now=now, words=WORDS, addresses=addresses)


def read(kind: str, text: str, *, locale: str = "en-IN", values: dict[str, Any] | None = None, **more: Any) -> Outcome:
    fields = (
        [field("Start", "startdate"), field("It", kind, **more)] if kind == "enddate" else [field("It", kind, **more)]
    )
    form = FormSpec.read("a_form", form_of(*fields))
    return read_answer(form, form.fields[-1], text, values or {}, at(locale))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2027-04-03", "2027-04-03"),
        ("2027/4/3", "2027-04-03"),
        ("31/12/2026", "2026-12-31"),
        ("31-12-26", "2026-12-31"),
        ("5/5/2027", "2027-05-05"),
        ("١٢ أغسطس", None),
        ("१२ August", "2027-08-12"),
        ("12 Aug", "2027-08-12"),
        ("Aug 12th", "2027-08-12"),
        ("on 12 August 2028", "2028-08-12"),
        ("today", "2026-11-25"),
        ("Tomorrow!", "2026-11-26"),
        ("day after tomorrow", "2026-11-27"),
        ("in 3 days", "2026-11-28"),
        ("friday", "2026-11-27"),
        ("on Wed", "2026-12-02"),
        ("31/2/2027", None),
        ("32 Aug", None),
        ("12", None),
        ("7", None),
        ("hello", None),
        ("may", None),
        ("", None),
        ("9" * 200, None),
    ],
)
def test_dates(text: str, value: str | None) -> None:
    outcome = read("date", text)
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "locale", "days"),
    [
        ("03/04/2027", "en-IN", ("2027-04-03", "2027-03-04")),
        ("03/04/2027", "en-US", ("2027-03-04", "2027-04-03")),
        ("3 4 27", "en-GB", ("2027-04-03", "2027-03-04")),
        ("3/4", "en-IN", ("2027-04-03", "2027-03-04")),
        ("next friday", "en-IN", ("2026-11-27", "2026-12-04")),
        # That day is a Saturday.
        ("Monday 3 April 2027", "en-IN", ("2027-04-03",)),
    ],
)
def test_what_can_be_two_days_is_asked_about(text: str, locale: str, days: tuple[str, ...]) -> None:
    assert read("date", text, locale=locale) == Doubt(days)


def test_dots_are_written_day_first_where_dates_have_dots() -> None:
    assert read("date", "03.04.2027", locale="de") == Valid("2027-04-03")
    assert isinstance(read("date", "03.04.2027", locale="en-US"), Doubt)


@pytest.mark.parametrize(
    ("locale", "text", "value"),
    [
        ("de", "morgen", "2026-11-26"),
        ("de", "12. August", "2027-08-12"),
        ("de", "Freitag", "2026-11-27"),
        ("hi", "शुक्रवार", "2026-11-27"),
        ("hi", "१२ अगस्त", "2027-08-12"),
        ("es", "12 de agosto", "2027-08-12"),
        ("fr", "demain", "2026-11-26"),
        ("ar", "١٢ أغسطس", "2027-08-12"),
        ("xx-unknown", "12 August", "2027-08-12"),
        ("../etc", "12 August", "2027-08-12"),
    ],
)
def test_dates_in_other_languages(locale: str, text: str, value: str) -> None:
    assert read("date", text, locale=locale) == Valid(value)


def test_tomorrow_begins_where_the_user_is() -> None:
    late = datetime(2026, 11, 25, 20, 0, tzinfo=timezone.utc)
    form = FormSpec.read("a_form", form_of(field("It", "date")))
    for offset, day in ((0, "2026-11-26"), (5.5, "2026-11-27"), (-21, "2026-11-25")):
        moment = late.astimezone(timezone(timedelta(hours=offset)))
        assert read_answer(form, form.fields[0], "tomorrow", {}, at(now=moment)) == Valid(day)


@pytest.mark.parametrize(
    ("text", "rules", "key"),
    [
        ("yesterday", {"earliest": "today"}, "haptik_form_error_earliest"),
        ("1 Jan 2028", {"latest": "+30"}, "haptik_form_error_latest"),
        ("1 Jan 2028", {"latest": "2027-12-31"}, "haptik_form_error_latest"),
        ("1 Jan 2020", {"earliest": "-7"}, "haptik_form_error_earliest"),
    ],
)
def test_bounds_of_dates(text: str, rules: dict[str, Any], key: str) -> None:
    outcome = read("date", text, rules=rules)
    assert isinstance(outcome, Invalid)
    assert outcome.key == key


def test_of_two_days_only_one_lies_in_the_bounds_and_it_is_still_confirmed() -> None:
    assert read("date", "5/12/2026", rules={"earliest": "today", "latest": "+30"}) == Doubt(("2026-12-05",))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 days", "2027-04-06"),
        ("for a week", "2027-04-10"),
        ("2 weeks", "2027-04-17"),
        ("3 April 2027", "2027-04-03"),
        ("2 April 2027", None),
        # Said about today, not about the start.
        ("tomorrow", None),
    ],
)
def test_the_end_of_a_pair(text: str, value: str | None) -> None:
    outcome = read("enddate", text, values={"a_form_start": "2027-04-03"})
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("24 May 1990", "1990-05-24"),
        ("24/5/1990", "1990-05-24"),
        ("24.5.90", "1990-05-24"),
        ("24/5/01", "2001-05-24"),
        ("1990-05-24", "1990-05-24"),
        ("24 May", None),
        ("tomorrow", None),
        ("1 Jan 2030", None),
        ("1 Jan 1850", None),
        ("1990", None),
    ],
)
def test_dates_of_birth(text: str, value: str | None) -> None:
    outcome = read("dob", text)
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


def test_a_date_of_birth_that_can_be_two_is_asked_about() -> None:
    assert read("dob", "3/4/1990") == Doubt(("1990-04-03", "1990-03-04"))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("12, 14 and 16 Aug", ["2027-08-12", "2027-08-14", "2027-08-16"]),
        ("12-15 Aug", ["2027-08-12", "2027-08-13", "2027-08-14", "2027-08-15"]),
        ("12 – 14 Aug", ["2027-08-12", "2027-08-13", "2027-08-14"]),
        ("12 Aug to 14 Aug", ["2027-08-12", "2027-08-13", "2027-08-14"]),
        ("Mon, Wed", ["2026-11-30", "2026-12-02"]),
        ("tomorrow and 16 Aug", ["2026-11-26", "2027-08-16"]),
        ("16 Aug, 12 Aug, 16 Aug", ["2027-08-12", "2027-08-16"]),
        ("2027-04-03, 2027-04-05", ["2027-04-03", "2027-04-05"]),
        ("3/4/2027, 12 Aug", None),
        ("16 Aug to 12 Aug", None),
        ("1 Jan 2027 to 31 Dec 2027", None),
        ("12, foo", None),
    ],
)
def test_several_days(text: str, days: list[str] | None) -> None:
    outcome = read("multidaypicker", text)
    assert outcome == Valid(days) if days else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "locale", "values"),
    [
        ("11:45 pm", "en-IN", ["23:45"]),
        ("11.45pm", "en-IN", ["23:45"]),
        ("11:45 P.M.", "en-US", ["23:45"]),
        ("at 5 pm", "en-IN", ["17:00"]),
        ("23:45", "en-US", ["23:45"]),
        ("07:30", "en-US", ["07:30"]),
        ("noon", "en-IN", ["12:00"]),
        ("midnight", "en-IN", ["00:00"]),
        ("12 am", "en-IN", ["00:00"]),
        ("7", "en-IN", ["07:00", "19:00"]),
        ("5:30", "en-IN", ["17:30", "05:30"]),
        ("12", "en-IN", ["12:00", "00:00"]),
        ("7", "de", ["07:00"]),
        ("19:30 Uhr", "de", ["19:30"]),
        ("१०:३० am", "en-IN", ["10:30"]),
        ("T05:30", "en-IN", ["05:30"]),
        ("25:00", "en-IN", []),
        ("10:75", "en-IN", []),
        ("soon", "en-IN", []),
        ("10 and 11", "en-IN", []),
    ],
)
def test_times(text: str, locale: str, values: list[str]) -> None:
    outcome = read("time", text, locale=locale)
    assert outcome == (Valid(values[0]) if len(values) == 1 else Doubt((*values,)) if values else outcome)
    assert isinstance(outcome, Invalid) == (not values)


@pytest.mark.parametrize(
    ("rules", "text", "problem"),
    [
        ({}, "  Any thing, at all!  ", None),
        ({"content": "letters"}, "Zoë", None),
        ({"content": "letters"}, "हिन्दी", None),
        ({"content": "letters"}, "two words", "letters"),
        ({"content": "letters_spaces"}, "two words", None),
        ({"content": "letters_spaces"}, "word 2", "letters_spaces"),
        ({"content": "alphanumeric"}, "A1", None),
        ({"content": "alphanumeric"}, "A 1", "alphanumeric"),
        ({"content": "alphanumeric_spaces"}, "A 1", None),
        ({"content": "alphanumeric_spaces"}, "A-1", "alphanumeric_spaces"),
        ({"content": "numeric"}, "12a", "number"),
        ({"content": "email"}, "a@b", "email"),
        ({"content": "regex", "pattern": "[A-Z]{2}\\d"}, "AB1", None),
        ({"content": "regex", "pattern": "[A-Z]{2}\\d"}, "AB1 ", None),
        ({"content": "regex", "pattern": "[A-Z]{2}\\d"}, "AB12", "pattern"),
        ({"shortest": 6, "longest": 6}, "12345", "length"),
        ({"shortest": 2, "longest": 3}, "1234", "length_range"),
        ({}, "x" * 3000, "too_long"),
        ({}, "   ", "required"),
    ],
)
def test_texts(rules: dict[str, Any], text: str, problem: str | None) -> None:
    outcome = read("text", text, rules=rules)
    if problem is None:
        assert outcome == Valid(text.strip())
    else:
        assert isinstance(outcome, Invalid)
        assert outcome.key == f"haptik_form_error_{problem}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0042", "0042"),
        ("1 234", "1234"),
        ("+91 98765-43210", "+919876543210"),
        ("४२", "42"),
        ("(040) 123", "040123"),
        ("twelve", None),
        ("-5", None),
        ("1.5.", None),
        ("1.5", None),
        ("1,234,567", "1234567"),
        ("24.5.1990", None),
    ],
)
def test_numbers_stay_texts(text: str, value: str | None) -> None:
    outcome = read("text", text, keyboard_type="number")
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("asha@example.org", "asha@example.org"),
        ("it is asha@example.org.", "asha@example.org"),
        ("<asha@mail.example.org>", "asha@mail.example.org"),
        ("asha@example", None),
        ("asha at example.org", None),
    ],
)
def test_emails(text: str, value: str | None) -> None:
    outcome = read("text", text, keyboard_type="email")
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("mumbai", Valid("Mumbai")),
        ("MUMBAI!", Valid("Mumbai")),
        ("mum", Valid("Mumbai")),
        ("new", Doubt(("New Delhi", "New York"))),
        ("mumbay", Doubt(("Mumbai",))),
        ("paris", Invalid("haptik_form_error_option")),
    ],
)
def test_one_option(text: str, outcome: Outcome) -> None:
    assert read("picker", text, options=["Mumbai", "New Delhi", "New York"]) == outcome


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("pool and gym", ["Pool", "Gym"]),
        ("gym, pool", ["Pool", "Gym"]),
        ("Gym\nSpa", ["Spa", "Gym"]),
        ("all", ["Pool", "Spa", "Gym"]),
        ("none", []),
        ("pool, sauna", None),
    ],
)
def test_several_options(text: str, chosen: list[str] | None) -> None:
    outcome = read("multiselectpicker", text, options=["Pool", "Spa", "Gym"])
    assert outcome == Valid(chosen) if chosen is not None else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Asha +91 98765 43210", {"name": "Asha", "phone": "+919876543210"}),
        ("(040) 1234567, Ben", {"name": "Ben", "phone": "0401234567"}),
        ("९८७६५४३२१०", {"name": "", "phone": "9876543210"}),
        ("Asha 12345", None),
        ("Asha", None),
    ],
)
def test_contacts(text: str, value: dict[str, str] | None) -> None:
    outcome = read("contactpicker", text)
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("home", {"label": "Home", "text": "1 High Street, Goa"}),
        ("5 park road", {"label": "Work", "text": "5 Park Road"}),
        ("7 New Lane,\nPune", {"text": "7 New Lane, Pune"}),
        ('{"lng": 72.8, "lat": 18.9}', {"lat": "18.9", "lng": "72.8", "text": "18.9,72.8"}),
        (
            "/locationData{'Latitude': 18.9, 'Longitude': 72.8, 'Address': 'x'}",
            {"lat": "18.9", "lng": "72.8", "text": "18.9,72.8"},
        ),
        ("x", None),
    ],
)
def test_addresses(text: str, value: dict[str, str] | None) -> None:
    outcome = read("savedaddress", text)
    assert outcome == Valid(value) if value else isinstance(outcome, Invalid)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,00,000", "100000"),
        ("१,००,०००", "100000"),
        ("12,34,56,789", "123456789"),
        ("1.00.000", None),
        ("1,00", None),
        ("1,00,00", None),
    ],
)
def test_digits_grouped_as_in_india(text: str, value: str | None) -> None:
    expected = Invalid("haptik_form_error_number") if value is None else Valid(value)
    assert read("text", text, keyboard_type="number") == expected


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Salt and pepper", ["Salt and pepper"]),
        ("Salt, vinegar", ["Salt, vinegar"]),
        ("Bread & butter", ["Bread & butter"]),
        ("oil & mint", ["Oil", "Mint"]),
        ("oil + mint", ["Oil", "Mint"]),
    ],
)
def test_an_option_may_look_like_a_list(text: str, chosen: list[str]) -> None:
    options = ["Salt and pepper", "Bread & butter", "Salt, vinegar", "Oil", "Mint"]
    assert read("multiselectpicker", text, options=options) == Valid(chosen)


def test_two_fields_never_share_a_slot() -> None:
    fields = FormSpec.read("a_form", form_of(*(field(key, "text") for key in ("a", "a 3", "a", "State")))).fields
    assert [each.slot for each in fields] == ["a_form_a", "a_form_a_3", "a_form_a_3_3", "a_form_state_4"]
