"""A form within Rasa: search, own checks, interruptions, definitions, every channel."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from haptik_actions.actions import HaptikForm, Runtime, configure
from haptik_actions.errors import ConfigurationError
from haptik_actions.forms import FormSpec
from haptik_actions.messages import MessageStore, packaged_copy
from haptik_actions.render import CHANNELS
from tests.support.form_chat import FormChat
from tests.unit.forms_bot import (
    EVERY_ANSWERS,
    VISIT,
    BracesForm,
    CheckedForm,
    EveryForm,
    PickedForm,
    VisitForm,
    field,
    form_of,
)

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


# Search


async def test_a_search_is_followed_by_a_choice() -> None:
    chat = FormChat(EveryForm)
    await filled(chat, *EVERY_ANSWERS[:12])
    assert await chat.say("gate") == ["I found these for “gate”. Choose one, or write other words."]
    assert chat.chips() == ["Gateway of India", "Gate 4", "Back"]
    assert (await chat.say("xyz"))[0] == "I found nothing for “xyz”. Please try other words."
    assert chat.asked == "every_form_place"
    await chat.say("gate")
    await chat.say("2")
    assert chat.slots["every_form_place"] == "Gate 4"


async def test_an_editable_search_takes_what_was_typed() -> None:
    for texts, value in ((["xyz"], "xyz"), (["gate", "gate"], "gate"), (["gate", "1"], "Gateway of India")):
        chat = FormChat(EveryForm)
        await filled(chat, *EVERY_ANSWERS[:13], *texts)
        assert chat.slots["every_form_street"] == value


async def test_a_failing_search_hands_over_where_the_field_needs_it() -> None:
    chat = FormChat(EveryForm)
    said = await filled(chat, *EVERY_ANSWERS[:12], "down")
    assert said[0] == COPY["haptik_handoff_unavailable"]
    assert chat.slots["haptik_handoff"]["error"] == "SearchUnavailable"
    # Nobody can take over, so the form goes on, and nothing unread stays.
    assert (chat.slots["every_form_place"], chat.asked) == (None, "every_form_place")
    await chat.say("marine drive")
    await chat.say("down")
    assert chat.slots["every_form_street"] == "down"


# The bot's own checks


async def test_the_bots_own_check_refuses_with_a_message_of_its_own() -> None:
    CheckedForm.asked.clear()
    configure(lambda: Runtime(messages=MessageStore(defaults={"en": {"order_unknown": "No such {label}."}})))
    chat = FormChat(CheckedForm)
    assert await filled(chat, "0000") == ["No such Order.", "Order?"]
    assert chat.slots["checked_form_order"] is None
    await chat.say("1001")
    await chat.say("tomorrow")
    assert CheckedForm.asked == [("Order", "0000"), ("Order", "1001"), ("Day", "2026-11-26")]
    assert chat.slots["checked_form_order"] == "1001"
    assert not chat.active


async def test_a_check_that_fails_leaves_no_value() -> None:
    chat = FormChat(CheckedForm)
    assert (await filled(chat, "broken"))[0] == COPY["haptik_handoff_unavailable"]
    assert (chat.slots["checked_form_order"], chat.asked) == (None, "checked_form_order")


# Around it


async def test_what_is_no_answer_leaves_the_question_to_rasa() -> None:
    chat = FormChat(VisitForm)
    await filled(chat, "Goa")
    state = dict(chat.slots)
    await chat.say("will it rain", candidates={})
    assert chat.slots == state


async def test_an_entity_fills_another_field_only_where_it_can_be_read() -> None:
    chat = FormChat(VisitForm)
    await chat.start()
    await chat.say("", candidates={"visit_form_e_mail": "a@b.org", "visit_form_day": "some day"})
    assert (chat.slots["visit_form_e_mail"], chat.slots["visit_form_day"]) == ("a@b.org", None)
    assert chat.asked == "visit_form_city"


async def test_a_form_filled_in_as_a_whole() -> None:
    chat = FormChat(VisitForm)
    await chat.start()
    given = {
        "City": "Goa",
        "Day": "tomorrow",
        "Time": "soon",
        "Extras": ["Spa"],
        "E-mail": "a@b.org",
        "Date of birth": "24 May 1990",
    }
    said = await chat.say(json.dumps(given))
    assert said[0] == COPY["haptik_form_error_time"]
    assert chat.asked == "visit_form_time"
    assert "Is this right?" in (await chat.say("noon"))[-1]


async def test_the_questions_are_copy_and_can_be_the_forms_own() -> None:
    own = {"ask_visit_form_city": "Which town shall we come to?", "haptik_form_word_back": "Zurück, geh zurück"}
    configure(lambda: Runtime(messages=MessageStore(defaults={"de": own})))
    chat = FormChat(VisitForm, language_code="de")
    assert (await chat.start())[-1] == "Which town shall we come to?"
    await chat.say("Goa")
    assert "Zurück" in chat.chips()
    assert (await chat.say("zurück"))[-1] == "Which town shall we come to?"


async def test_a_state_that_somebody_broke_costs_the_question_and_nothing_else() -> None:
    broken: Any
    for broken in ("x", 7, [], {"about": 3}, {"page": "x"}):
        chat = FormChat(VisitForm)
        await chat.start()
        chat.slots["visit_form_state"] = broken
        await chat.say("Goa")
        assert chat.slots["visit_form_city"] == "Goa"


def test_rasa_sdk_can_pickle_the_actions_and_finds_one_for_each_name() -> None:
    asks = [getattr(VisitForm, f"action_ask_{slot}")() for slot in VisitForm.spec.slots]
    names = [action.name() for action in (VisitForm(), *asks)]
    assert names == ["validate_visit_form", *(f"action_ask_{slot}" for slot in VisitForm.spec.slots)]
    for action in (VisitForm(), *asks):
        copied = pickle.loads(pickle.dumps(action))
        assert (type(copied), copied.name()) == (type(action), action.name())


def test_a_form_inside_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="top of the module"):
        type("Inner", (HaptikForm,), {"form": VISIT, "form_name": "a_form", "__qualname__": "make.<locals>.Inner"})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([], "at least one field"),
        ([field("", "text")], "`key` is empty"),
        ([field("City", "picker")], "without `options`"),
        ([field("Place", "search")], "needs a `search_source`"),
        ([field("Pin", "text", rules={"longst": 4})], "longst"),
        ([field("Pin", "text", rules={"pattern": "("})], "rules"),
        ([field("Day", "date", rules={"earliest": "soon"})], "'soon'"),
        ([field("Place", "search", search_source="http://places.example.org")], "use https"),
        ([field("Place", "search", search_source="ftp://places.example.org")], "https address"),
        ([field("Place", "search", search_source="https://u:p@places.example.org")], "https address"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_form_that_cannot_be_asked_for_is_refused_with_its_place(fields: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(ConfigurationError, match="a_form") as caught:
        type("Bad", (HaptikForm,), {"form": form_of(*fields), "form_name": "a_form", "__qualname__": "Bad"})
    assert problem in str(caught.value)


def test_slots_of_fields_whose_keys_are_alike_or_not_latin() -> None:
    form = FormSpec.read(
        "a_form", form_of(*(field(key, "text") for key in ("E-mail", "e mail", "नाम", "State", "Größe")))
    )
    assert form.slots[:-1] == ("a_form_e_mail", "a_form_e_mail_2", "a_form_field_3", "a_form_state_4", "a_form_groe")


# Every channel


async def test_haptik_shows_the_form_itself_and_what_is_wrong_in_it_is_asked_for() -> None:
    chat = FormChat(VisitForm, channel="haptik")
    shown = json.loads((await chat.start())[-1])
    fields = shown["data"]["fields"]
    assert (shown["type"], [each["key"] for each in fields]) == (
        "FORM",
        [each["key"] for each in VISIT["data"]["fields"]],
    )
    # Our own key is none of the platform's.
    assert all("rules" not in each for each in fields)
    filled = {"City": "Goa", "Day": "some day", "Time": "5 pm", "E-mail": "a@b.org", "Date of birth": "24 May 1990"}
    [wrong, question] = await chat.say(json.dumps({**filled, "Extras": []}))
    assert json.loads(wrong)["text"] == COPY["haptik_form_error_date"]
    assert json.loads(question)["text"].startswith("Day?")
    assert (chat.slots["visit_form_time"], chat.slots["visit_form_extras"]) == ("17:00", [])
    await chat.say("friday")
    assert (chat.asked, chat.slots["visit_form_day"]) == ("visit_form_confirmed", "2026-11-27")


@pytest.mark.parametrize("channel", sorted({*CHANNELS} - {"haptik"}))
async def test_a_form_is_filled_by_what_each_channel_offers(channel: str) -> None:
    chat = FormChat(PickedForm, channel=channel)
    await chat.start()
    for label in ("City 9", "Friday"):
        for _ in range(12):
            if any(label in offer["label"] for offer in chat.offers()):
                break
            await chat.say(answer_of(next(offer for offer in chat.offers() if offer["label"] == "More")))
        await chat.say(answer_of(next(offer for offer in chat.offers() if label in offer["label"])))
    values = {slot: chat.slots[slot] for slot in PickedForm.spec.slots}
    assert values == {"picked_form_city": "City 9", "picked_form_day": "2026-11-27"}


def answer_of(offer: dict[str, Any]) -> str:
    """What comes back for an option: its number where one is shown, or what a tap sends."""
    return str(offer["number"]) if offer.get("number") else str(offer.get("sent") or offer["label"])


async def test_options_in_braces_can_be_shown_and_chosen() -> None:
    chat = FormChat(BracesForm)
    await chat.start()
    assert chat.chips() == ["(a)", "b (c)"]
    await chat.say("b (c)")
    assert chat.slots["braces_form_it"] == "b {c}"
