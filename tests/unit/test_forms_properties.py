"""Whatever is typed: a form asks or ends, and holds nothing but values of its fields."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.actions import Runtime, configure
from haptik_actions.forms import Doubt, FormSpec, State, Valid, answer, begin, read_answer, show, wire
from haptik_actions.messages import MessageStore
from tests.support.form_chat import FormChat
from tests.unit.forms_bot import (
    EVERY_ANSWERS,
    EveryForm,
    field,
    form_of,
)
from tests.unit.test_forms_reading import at, read

WORDS = [
    "back",
    "cancel",
    "skip",
    "more",
    "done",
    "restart",
    "edit",
    "confirm",
    "yes",
    "no",
    "all",
    "none",
    "1",
    "2",
    "9",
]
TYPED = st.one_of(
    st.text(max_size=15), st.sampled_from([*WORDS, *EVERY_ANSWERS, "3/4/2027", "7", "gate", "1-3", "{", '{"City": 1}'])
)


@settings(max_examples=60)
@given(typed=st.lists(TYPED, max_size=25), locale=st.sampled_from(["en-IN", "en-US", "de", "hi"]))
def test_whatever_is_typed_the_form_asks_or_ends_and_holds_only_values(typed: list[str], locale: str) -> None:
    form, here = EveryForm.spec, at(locale)

    async def talk() -> None:
        turn = begin(form, {}, None, here)
        for text in typed:
            if turn.ask is None:
                assert turn.ended in ("submitted", "cancelled")
                break
            state = State.read(json.loads(json.dumps(turn.state.to_slot())), turn.ask)
            turn = await answer(form, turn.ask, text, turn.values, state, here)
            assert (turn.ask is None) == (turn.ended is not None)
            for each in form.fields:
                value = turn.values[each.slot]
                assert value is None or read_back(each, value, turn.values) == Valid(value)

    def read_back(each: Any, value: Any, values: Any) -> Any:
        titles = (value,) if each.type in ("search", "searcheditable") else ()
        if each.type == "savedaddress":
            return Valid(value)
        return read_answer(form, each, wire(each, value), values, here, titles=titles)

    asyncio.run(talk())


@settings(max_examples=25)
@given(
    typed=st.lists(TYPED, max_size=12), channel=st.sampled_from(["rest", "facebook", "twilio", "whatsapp", "telegram"])
)
def test_whatever_is_typed_can_be_asked_on_the_channel(typed: list[str], channel: str) -> None:
    async def talk() -> None:
        configure(lambda: Runtime(messages=MessageStore()))
        chat = FormChat(EveryForm, channel=channel)
        await chat.start()
        for text in typed:
            if not chat.active:
                break
            said = [event for event in chat.events if event["event"] == "bot"]
            await chat.say(text)
            assert [event for event in chat.events if event["event"] == "bot"][len(said) :]
            assert chat.slots["haptik_handoff"] is None

    asyncio.run(talk())


DAYS = st.dates(date(1950, 1, 1), date(2060, 12, 31))
LOCALES = ["en-IN", "en-US", "de", "fr", "es", "pt", "it", "nl", "hi"]


@settings(max_examples=40)
@given(day=DAYS, locale=st.sampled_from(LOCALES))
def test_a_date_that_the_form_shows_is_read_back(day: date, locale: str) -> None:
    form = FormSpec.read("a_form", form_of(field("It", "date")))
    value = day.isoformat()
    for text in (wire(form.fields[0], value), show(form.fields[0], value, at(locale))):
        assert read_answer(form, form.fields[0], text, {}, at(locale)) == Valid(value), text


@settings(max_examples=100)
@given(day=DAYS, locale=st.sampled_from(["en-IN", "en-US", "fr"]), separator=st.sampled_from("/- ."))
def test_two_numbers_are_never_put_in_order_by_guessing(day: date, locale: str, separator: str) -> None:
    text = separator.join((str(day.day), str(day.month), str(day.year)))
    outcome = read("date", text, locale=locale)
    if day.day > 12 or day.day == day.month:
        assert outcome == Valid(day.isoformat())
    else:
        assert isinstance(outcome, Doubt)
        assert set(outcome.values) == {day.isoformat(), date(day.year, day.day, day.month).isoformat()}


@settings(max_examples=60)
@given(at_time=st.times(), locale=st.sampled_from([*LOCALES, "ja", "ar"]))
def test_a_time_that_the_form_shows_is_read_back(at_time: Any, locale: str) -> None:
    form = FormSpec.read("a_form", form_of(field("It", "time")))
    value = at_time.strftime("%H:%M")
    assert read_answer(form, form.fields[0], wire(form.fields[0], value), {}, at(locale)) == Valid(value)
    shown = show(form.fields[0], value, at(locale))
    assert read_answer(form, form.fields[0], shown, {}, at(locale)) == Valid(value), shown
