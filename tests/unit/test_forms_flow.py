"""The conversation of a form, run as Rasa runs it: answers, commands, pages, doubts, corrections."""

from __future__ import annotations

from typing import Any

import pytest

from haptik_actions.actions import Runtime, configure
from haptik_actions.forms import FormSpec, State, answer
from haptik_actions.messages import MessageStore, packaged_copy
from haptik_actions.render import Offer
from tests.support.form_chat import FormChat
from tests.unit.forms_bot import (
    CITIES,
    EVERY_ANSWERS,
    EveryForm,
    VisitForm,
    field,
    form_of,
)
from tests.unit.test_forms_reading import at

COPY = packaged_copy()
ANSWERS = ["goa", "3 Apr 2027", "5 pm", "Pool, Gym", "asha@example.org", "24 May 1990"]


@pytest.fixture(autouse=True)
def runtime() -> Any:
    configure(lambda: Runtime(messages=MessageStore()))
    yield
    configure()


async def filled(chat: FormChat, *answers: str) -> list[str]:
    await chat.start()
    said: list[str] = []
    for text in answers:
        said = await chat.say(text)
    return said


# The whole way


async def test_every_field_then_a_summary_then_the_values() -> None:
    chat = FormChat(VisitForm)
    assert await chat.start() == [
        "*Book a visit*",
        "I have 6 questions. At any time you can write “Back” or “Cancel”.",
        "City?",
    ]
    for text in ANSWERS:
        said = await chat.say(text)
    assert said == [
        "Is this right?\nCity: Goa\nDay: Apr 3, 2027\nTime: 5:00 PM\nExtras: Pool, Gym\nE-mail: asha@example.org\n"
        "Date of birth: May 24, 1990"
    ]
    assert chat.chips() == ["Confirm", "Edit", "Cancel"]
    assert await chat.say("yes") == []
    assert (chat.active, chat.asked, chat.followup) == (False, None, None)
    assert {name: chat.slots[name] for name in VisitForm.spec.slots} == {
        "visit_form_city": "Goa",
        "visit_form_day": "2027-04-03",
        "visit_form_time": "17:00",
        "visit_form_extras": ["Pool", "Gym"],
        "visit_form_e_mail": "asha@example.org",
        "visit_form_date_of_birth": "1990-05-24",
        "visit_form_confirmed": True,
    }


async def test_a_second_run_takes_nothing_from_the_first() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, *ANSWERS, "yes")
    assert (await chat.start())[-1] == "City?"
    assert {chat.slots[name] for name in VisitForm.spec.slots if not isinstance(chat.slots[name], list)} == {None}


async def test_what_the_bot_knows_before_is_not_asked_for() -> None:
    known = {"visit_form_city": "goa", "visit_form_day": "no date", "visit_form_e_mail": "a@b.org"}
    chat = FormChat(VisitForm, slots=known)
    said = await chat.start()
    assert (chat.slots["visit_form_city"], chat.slots["visit_form_day"]) == ("Goa", None)
    assert said[-1].startswith("Day?")
    await chat.say("tomorrow")
    await chat.say("noon")
    await chat.say("skip")
    assert chat.asked == "visit_form_date_of_birth"


# Commands


async def test_pages_of_options() -> None:
    chat = FormChat(VisitForm)
    await chat.start()
    assert chat.chips() == [*CITIES[:8], "More"]
    await chat.say("More")
    assert chat.chips() == ["Surat", "Indore", "More"]
    await chat.say("show more")
    assert chat.chips() == [*CITIES[:8], "More"]
    await chat.say("more")
    # A number counts what is on the screen, a name is found on every page.
    await chat.say("2")
    assert chat.slots["visit_form_city"] == "Indore"


async def test_back_goes_one_question_back_and_at_the_first_says_so() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, "Goa", "tomorrow")
    assert (await chat.say("go back"))[-1].startswith("Day?")
    assert await chat.say("Back") == ["City?"]
    assert await chat.say("back") == [COPY["haptik_form_error_first"], "City?"]
    await chat.say("Pune")
    assert chat.asked == "visit_form_day"
    await chat.say("friday")
    assert (chat.slots["visit_form_city"], chat.slots["visit_form_day"]) == ("Pune", "2026-11-27")


async def test_cancel_forgets_everything_and_no_rule_submits() -> None:
    chat = FormChat(VisitForm)
    assert await filled(chat, "Goa", "cancel") == [COPY["haptik_form_cancelled"]]
    assert (chat.active, chat.followup) == (False, "action_listen")
    assert {chat.slots[name] for name in VisitForm.spec.slots} == {None}


async def test_restart_and_skip() -> None:
    chat = FormChat(VisitForm)
    assert await filled(chat, "Goa", "start over") == [COPY["haptik_form_restarted"], "City?"]
    assert (await chat.say("skip"))[0].startswith("I need this one")
    for text in ("Goa", "tomorrow", "noon"):
        await chat.say(text)
    assert "Skip" in chat.chips()
    await chat.say("Skip")
    assert chat.slots["visit_form_extras"] == []
    assert chat.asked == "visit_form_e_mail"


async def test_an_option_that_is_called_like_a_command_is_an_option() -> None:
    form = FormSpec.read("a_form", form_of(field("Where", "picker", options=["Front", "Back"]), field("Name", "text")))
    turn = await answer(form, "a_form_where", "Back", {}, State(), at())
    assert turn.values["a_form_where"] == "Back"


# Several


async def test_options_are_chosen_one_by_one_and_taken_back() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, "Goa", "tomorrow", "noon", "Spa")
    assert chat.chips() == ["Pool", "✓ Spa", "Gym", "Done", "Skip", "Back"]
    await chat.say("3")
    await chat.say("Spa")
    assert chat.chips() == ["Pool", "Spa", "✓ Gym", "Done", "Skip", "Back"]
    await chat.say("done")
    assert chat.slots["visit_form_extras"] == ["Gym"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1, 3", ["Pool", "Gym"]),
        ("1-2", ["Pool", "Spa"]),
        ("all", ["Pool", "Spa", "Gym"]),
        ("none", []),
        ("3 and 1", ["Pool", "Gym"]),
    ],
)
async def test_a_list_ends_the_choosing(text: str, chosen: list[str]) -> None:
    chat = FormChat(VisitForm)
    await filled(chat, "Goa", "tomorrow", "noon", text)
    assert (chat.slots["visit_form_extras"], chat.asked) == (chosen, "visit_form_e_mail")


async def test_a_number_beyond_the_options_is_refused() -> None:
    chat = FormChat(VisitForm)
    assert "I did not find “7”" in (await filled(chat, "Goa", "tomorrow", "noon", "1, 7"))[0]


async def test_days_are_chosen_one_by_one() -> None:
    chat = FormChat(EveryForm)
    await filled(chat, *EVERY_ANSWERS[:10])
    assert chat.asked == "every_form_days"
    await chat.say("Today")
    await chat.say("16 Aug")
    assert chat.chips()[0] == "✓ Today"
    await chat.say("Today")
    await chat.say("done")
    assert chat.slots["every_form_days"] == ["2027-08-16"]


# Doubts and mistakes


async def test_a_doubt_is_asked_about_and_answered_by_tap_number_or_words() -> None:
    for choice, value in (("1", "2027-03-04"), ("Apr 3, 2027", "2027-04-03"), ("the second one", "2027-04-03")):
        chat = FormChat(VisitForm, language_code="en-US")
        assert await filled(chat, "Goa", "3/4/2027") == [COPY["haptik_form_doubt"]]
        assert chat.chips() == ["Mar 4, 2027", "Apr 3, 2027", "Back"]
        await chat.say(choice)
        assert chat.slots["visit_form_day"] == value


async def test_one_suspicion_is_confirmed_with_yes() -> None:
    chat = FormChat(VisitForm)
    await chat.start()
    # Two letters away, and not on this page.
    await chat.say("inddore")
    assert chat.chips() == ["Indore", "Back"]
    await chat.say("yes")
    assert chat.slots["visit_form_city"] == "Indore"


async def test_a_doubt_can_be_answered_with_something_else() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, "Goa", "3/4/2027", "5 May 2027")
    assert chat.slots["visit_form_day"] == "2027-05-05"


async def test_a_number_that_is_no_answer_is_the_chip_of_that_number() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, "Goa")
    assert chat.chips()[:2] == ["Today", "Tomorrow"]
    await chat.say("2")
    assert chat.slots["visit_form_day"] == "2026-11-26"


async def test_wrong_answers_get_a_reason_and_the_third_a_way_out() -> None:
    chat = FormChat(VisitForm)
    reason = COPY["haptik_form_error_option"]
    assert await filled(chat, "Paris") == [reason, "City?"]
    assert await chat.say("Rome") == [reason, "City?"]
    assert await chat.say("Oslo") == [reason, "If you would rather stop, write “Cancel”.", "City?"]
    assert chat.slots["visit_form_city"] is None


async def test_the_field_can_have_a_message_of_its_own() -> None:
    form = FormSpec.read("a_form", form_of(field("Pin", "text", rules={"shortest": 4, "error": "pin_help"})))
    turn = await answer(form, "a_form_pin", "1", {}, State(), at())
    assert [say.key for say in turn.says] == ["pin_help"]


# Changing what was answered


async def test_an_answer_is_changed_at_the_end_and_nothing_else_is_asked_again() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, *ANSWERS)
    await chat.say("Edit")
    assert chat.chips() == ["City", "Day", "Time", "Extras", "E-mail", "Date of birth", "Back"]
    await chat.say("Time")
    assert chat.asked == "visit_form_time"
    assert "Time: 6:00 PM" in (await chat.say("6 pm"))[-1]
    await chat.say("confirm")
    assert chat.slots["visit_form_time"] == "18:00"


async def test_a_change_can_be_taken_back() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, *ANSWERS, "no", "City", "nowhere", "back")
    assert (chat.slots["visit_form_city"], chat.asked) == ("Goa", "visit_form_confirmed")
    await chat.say("edit")
    assert "Is this right?" in (await chat.say("back"))[-1]


async def test_a_new_start_asks_for_the_end_again_where_it_no_longer_fits() -> None:
    chat = FormChat(EveryForm, slots={"saved_addresses": ["1 High Street"]})
    await filled(chat, *EVERY_ANSWERS)
    assert chat.asked == "every_form_confirmed"
    await chat.say("From")
    assert (await chat.say("1 Jan 2028"))[0] == "“Till” would now lie before the start, so I need it again."
    await chat.say("3 days")
    await chat.say("yes")
    assert (chat.slots["every_form_from"], chat.slots["every_form_till"]) == ("2028-01-01", "2028-01-04")


async def test_turning_pages_forgets_neither_what_is_chosen_nor_what_was_found() -> None:
    options = [f"Extra {number}" for number in range(1, 12)]
    form = FormSpec.read("a_form", form_of(field("Extras", "multiselectpicker", options=options)))
    turn = await answer(form, "a_form_extras", "Extra 2", {}, State(), at())
    turn = await answer(form, "a_form_extras", "more", turn.values, turn.state, at())
    assert (turn.state.page, turn.state.chosen) == (1, ("Extra 2",))
    turn = await answer(form, "a_form_extras", "1", turn.values, turn.state, at())
    assert turn.state.chosen == ("Extra 2", "Extra 9")

    search = FormSpec.read("a_form", form_of(field("Place", "search", search_source="https://places.example.org")))
    found = State(about="a_form_place", query="x", titles=tuple(f"Place {number}" for number in range(1, 12)))
    turn = await answer(search, "a_form_place", "more", {}, found, at())
    turn = await answer(search, "a_form_place", "2", turn.values, turn.state, at())
    assert turn.values["a_form_place"] == "Place 10"


async def test_a_number_that_is_wrong_does_not_go_back() -> None:
    chat = FormChat(EveryForm)
    await filled(chat, "Asha")
    assert chat.chips() == ["Back"]
    assert (await chat.say("1"))[0] == "That should have 4 to 6 characters."
    assert chat.asked == "every_form_pin"


async def test_a_number_beside_a_chip_is_the_chip_where_a_number_is_no_answer() -> None:
    numbered = [
        Offer(kind="reply", label="Skip", payload="Skip", path="", shown="Skip", number=1),
        Offer(kind="reply", label="Back", payload="Back", path="", shown="Back", number=2),
    ]
    form = FormSpec.read(
        "a_form",
        form_of(field("Note", "text", rules={"optional": True}), field("Age", "text", keyboard_type="number")),
    )
    turn = await answer(form, "a_form_note", "1", {}, State(), at(), offers=numbered)
    assert turn.values["a_form_note"] == ""
    turn = await answer(form, "a_form_age", "2", {"a_form_note": ""}, State(), at(), offers=numbered)
    assert turn.values["a_form_age"] == "2"
