"""`utter`: the form of the channel, the words of the store, and what is offered on its way to the next turn."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import ActionHaptikOpen, Runtime, chosen, configure, utter
from haptik_actions.answers import ANSWER_KEY, METADATA_KEY
from haptik_actions.errors import ConfigurationError, InvalidElement
from haptik_actions.hsl import Actionable, Text
from haptik_actions.messages import MessageStore, packaged_copy

SIZES = Text("Which size?", [Actionable.reply("Small", "/size_s"), Actionable.reply("Large", "/size_l")])
COPY = {"en": {"hello": "Hello {name}!"}, "de": {"hello": "Hallo {name}!", "haptik_answer_last": "letzte"}}


@pytest.fixture(autouse=True)
def runtime() -> Any:
    configure(lambda: Runtime(messages=MessageStore(defaults=COPY)))
    yield
    configure()


def tracker(
    *events: dict[str, Any], text: str = "hi", channel: str = "rest", parsed: dict[str, Any] | None = None, **slots: Any
) -> Tracker:
    user = {"event": "user", "text": text, "input_channel": channel, "metadata": {}}
    return Tracker("u", slots, {"text": text, **(parsed or {})}, [*events, user], False, None, {}, "action_listen")


def bot(dispatcher: CollectingDispatcher) -> dict[str, Any]:
    """The event that Rasa makes of the latest message."""
    return {"event": "bot", "metadata": {METADATA_KEY: dispatcher.messages[-1].get(METADATA_KEY)}}


async def test_an_element_in_the_form_of_the_channel() -> None:
    rest, text = CollectingDispatcher(), CollectingDispatcher()
    await utter(rest, tracker(), SIZES)
    assert [button["title"] for button in rest.messages[0]["buttons"]] == ["Small", "Large"]
    await utter(text, tracker(channel="some_sms"), SIZES)
    assert text.messages[0]["text"].startswith("Which size?\n1. Small\n2. Large")


async def test_text_json_and_a_message_of_the_store() -> None:
    dispatcher = CollectingDispatcher()
    await utter(dispatcher, tracker(), "Hello {name}!")
    await utter(dispatcher, tracker(), {"type": "TEXT", "text": "Hi", "data": {"quick_replies": []}})
    await utter(dispatcher, tracker(), key="hello", name="Asha")
    await utter(dispatcher, tracker(language_code="de-AT"), key="hello", name="Asha")
    await utter(dispatcher, tracker(), key="hello", locale="de", name="{name}")
    said = [message["text"] for message in dispatcher.messages]
    assert said == ["Hello {name}!", "Hi", "Hello Asha!", "Hallo Asha!", "Hallo {name}!"]
    assert all(METADATA_KEY not in message for message in dispatcher.messages)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"element": "x", "key": "hello"}, {"element": "x", "name": "Asha"}],
    ids=["nothing", "both", "values"],
)
async def test_what_cannot_be_said(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await utter(CollectingDispatcher(), tracker(), **arguments)


async def test_a_blank_text_is_refused() -> None:
    with pytest.raises(InvalidElement):
        await utter(CollectingDispatcher(), tracker(), " ")


@pytest.mark.parametrize("answer", ["2", "the last one", "large", "/size_l"])
async def test_the_answer_in_the_next_turn(answer: str) -> None:
    dispatcher = CollectingDispatcher()
    await utter(dispatcher, tracker(), SIZES)
    offer = chosen(tracker(bot(dispatcher), text=answer))
    assert offer is not None
    assert (offer.payload, offer.label) == ("/size_l", "Large")


async def test_what_was_offered_last_wins_and_a_new_session_forgets() -> None:
    first, second = CollectingDispatcher(), CollectingDispatcher()
    await utter(first, tracker(), SIZES)
    await utter(second, tracker(), Text("Which colour?", [Actionable.reply("Red"), Actionable.reply("Blue")]))
    offer = chosen(tracker(bot(first), {"event": "user"}, bot(second), text="2"))
    assert offer is not None
    assert offer.label == "Blue"
    older = chosen(tracker(bot(first), {"event": "user"}, bot(second), text="large"))
    assert older is not None
    assert older.payload == "/size_l"
    assert chosen(tracker(bot(first), {"event": "session_started"}, text="large")) is None
    assert chosen(tracker(bot(first), text="medium")) is None
    assert chosen(tracker(text="2")) is None


async def test_what_the_bot_has_said_since_is_not_what_was_answered() -> None:
    before, since = CollectingDispatcher(), CollectingDispatcher()
    await utter(before, tracker(), SIZES)
    await utter(since, tracker(), Text("And?", [Actionable.reply("Yes"), Actionable.reply("No")]))
    now = tracker(bot(before), text="2")
    now.events.append(bot(since))
    offer = chosen(now)
    assert offer is not None
    assert offer.label == "Large"


async def test_the_words_for_counting_are_those_of_the_users_language() -> None:
    dispatcher = CollectingDispatcher()
    await utter(dispatcher, tracker(language_code="de"), SIZES)
    offer = chosen(tracker(bot(dispatcher), text="Letzte"))
    assert offer is not None
    assert offer.label == "Large"


async def test_the_text_that_counts_is_the_users_own() -> None:
    dispatcher = CollectingDispatcher()
    await utter(dispatcher, tracker(), SIZES)
    now = tracker(bot(dispatcher), text="2")
    now.latest_message = {"text": "/something_else"}
    offer = chosen(now)
    assert offer is not None
    assert offer.label == "Large"


MANY = Text("Which?", [Actionable.reply(f"Choice {number}") for number in range(1, 31)])


async def test_pages_are_offered_where_somebody_resolves_and_the_ready_action_turns_them() -> None:
    alone, resolved = CollectingDispatcher(), CollectingDispatcher()
    without = await utter(alone, tracker(channel="facebook"), MANY)
    assert "more" not in {offer.kind for offer in without.replies}
    opens = {ANSWER_KEY: {"opens": True}}
    first = await utter(resolved, tracker(channel="facebook", parsed=opens), MANY)
    assert first.replies[-1].kind == "more"

    seen = [offer.label for offer in first.replies[:-1]]
    for _ in range(5):
        now = tracker(bot(resolved), text=first.replies[-1].label, channel="facebook", parsed=opens)
        offer = chosen(now)
        if offer is None or offer.opens is None:
            break
        await ActionHaptikOpen().run(resolved, now, {})
        page = [each["label"] for each in resolved.messages[-1][METADATA_KEY]["offers"]]
        seen += [label for label in page if label.startswith("Choice")]
        if len(seen) == 30:
            break
    assert seen == [f"Choice {number}" for number in range(1, 31)]


async def test_the_ready_action_asks_to_rephrase_where_nothing_opens() -> None:
    dispatcher = CollectingDispatcher()
    await ActionHaptikOpen().run(dispatcher, tracker(text="?"), {})
    assert [message["text"] for message in dispatcher.messages] == [packaged_copy()["haptik_fallback_rephrase"]]
