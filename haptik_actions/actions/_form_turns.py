"""A form's conversation in Rasa's terms: the tracker translated in, events and messages translated out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from haptik_actions.actions._runtime import current_runtime
from haptik_actions.actions._tracker import conversation_of, language_of
from haptik_actions.actions._utter import utter
from haptik_actions.forms import Address, FormSpec, Question, Say, Situation, Turn, read_words
from haptik_actions.forms import Search as Search
from haptik_actions.hsl import Actionable, Text

__all__ = ["events_of_turn", "put", "situation_of", "tell", "user_name_of", "values_of"]

_OWN_QUESTION = "ask_"
_BRACES = str.maketrans("{}", "()")


async def situation_of(
    form: FormSpec, tracker: Tracker, now: datetime, zone: str, addresses_slot: str, search: Search
) -> Situation:
    """Return who answers, when, and in which language."""
    messages = current_runtime().messages()
    locale = language_of(tracker) or messages.locale
    return Situation(
        locale=locale,
        now=now.astimezone(_zone(_known(tracker, "timezone"), zone)),
        words=await read_words(lambda key: messages.text(key, locale)),
        profile={name: known for name in _autofills(form) if (known := _known(tracker, name))},
        addresses=tuple(_addresses((tracker.slots or {}).get(addresses_slot))),
        search=search,
    )


def values_of(form: FormSpec, tracker: Tracker) -> dict[str, Any]:
    """Return what the form's slots hold."""
    held = tracker.slots or {}
    return {slot: held.get(slot) for slot in form.slots}


def user_name_of(tracker: Tracker) -> str:
    """Return the user's name at Haptik, empty where nobody knows it."""
    return _known(tracker, "user_name")


def events_of_turn(form: FormSpec, tracker: Tracker, turn: Turn, after_cancel: str) -> list[dict[str, Any]]:
    """Return the events for Rasa: every slot that changes, the state, and the next question or the end."""
    held, unread = values_of(form, tracker), tracker.slots_to_validate()
    changed = [slot for slot in form.slots if slot in unread or held[slot] != turn.values.get(slot)]
    events = [SlotSet(slot, turn.values.get(slot)) for slot in changed]
    events += [SlotSet(form.state_slot, turn.state.to_slot()), SlotSet(REQUESTED_SLOT, turn.ask)]
    if turn.ended == "cancelled":
        # Without the follow-up Rasa would take the rule that submits the form.
        events += [ActiveLoop(None), FollowupAction(after_cancel)]
    return events


async def tell(dispatcher: CollectingDispatcher, tracker: Tracker, says: Iterable[Say]) -> None:
    """Say messages of the store."""
    for say in says:
        await utter(dispatcher, tracker, key=say.key, resolves=True, **say.values)


async def put(dispatcher: CollectingDispatcher, tracker: Tracker, question: Question, slot: str) -> None:
    """Ask a question, its chips below the last message. A message `ask_<slot>` of the store is asked in its place."""
    await tell(dispatcher, tracker, question.says[:-1])
    messages = current_runtime().messages()
    say, locale = question.says[-1], language_of(tracker)
    asked = await messages.find(_OWN_QUESTION + slot, locale, **say.values) if question.plain else None
    text = asked or await messages.text(say.key, locale, **say.values)
    replies = [Actionable.reply(_shown(chip.label), _shown(chip.payload)) for chip in question.chips]
    await utter(dispatcher, tracker, Text(text, replies), resolves=True)


def _shown(text: str) -> str:
    # HSL hides what stands in braces. Reading takes no notice of either kind.
    return text.translate(_BRACES)


def _autofills(form: FormSpec) -> set[str]:
    return {field.autofill for field in form.fields if field.autofill}


def _known(tracker: Tracker, name: str) -> str:
    sources: list[Mapping[str, Any]] = [tracker.slots or {}, *conversation_of(tracker).metadata]
    return next((str(source[name]) for source in sources if source.get(name)), "")


def _zone(users: str, forms: str) -> ZoneInfo | timezone:
    for name in (users, forms):
        try:
            return ZoneInfo(name) if name else timezone.utc
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return timezone.utc


def _addresses(stored: Any) -> Iterable[Address]:
    for entry in stored if isinstance(stored, list) else []:
        if isinstance(entry, str) and entry.strip():
            yield Address(entry.strip(), entry.strip())
        elif isinstance(entry, dict) and str(entry.get("text") or "").strip():
            yield Address(str(entry.get("label") or entry["text"]), str(entry["text"]))
