"""A form in Rasa from one FORM definition: validation, questions, and everything a user can say in between."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from haptik_actions.actions._guard import escalate_on_error
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.actions._runtime import current_runtime
from haptik_actions.actions._server_hooks import start_with_server
from haptik_actions.actions._tracker import conversation_of, language_of, offered_last
from haptik_actions.actions._utter import utter
from haptik_actions.answers import choose
from haptik_actions.errors import ConfigurationError
from haptik_actions.forms import (
    Address,
    FieldSpec,
    FormSpec,
    Question,
    Say,
    Situation,
    State,
    Turn,
    answer,
    ask,
    asking,
    begin,
    check_source,
    read_words,
    require_calendars,
    search_titles,
    take,
)
from haptik_actions.forms import Search as Search
from haptik_actions.hsl import Actionable, Text
from haptik_actions.render import channel_of

__all__ = ["HaptikForm"]

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


def values_of(form: FormSpec, tracker: Tracker) -> dict[str, object]:
    """Return what the form's slots hold."""
    held = tracker.slots or {}
    return {slot: held.get(slot) for slot in form.slots}


def user_name_of(tracker: Tracker) -> str:
    """Return the user's name at Haptik, empty where nobody knows it."""
    return _known(tracker, "user_name")


def events_of_turn(form: FormSpec, tracker: Tracker, turn: Turn, after_cancel: str) -> Events:
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
    sources: list[Mapping[str, object]] = [tracker.slots or {}, *conversation_of(tracker).metadata]
    return next((str(source[name]) for source in sources if source.get(name)), "")


def _zone(users: str, forms: str) -> ZoneInfo | timezone:
    for name in (users, forms):
        try:
            return ZoneInfo(name) if name else timezone.utc
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return timezone.utc


def _addresses(stored: object) -> Iterable[Address]:
    for entry in stored if isinstance(stored, list) else []:
        if isinstance(entry, str) and entry.strip():
            yield Address(entry.strip(), entry.strip())
        elif isinstance(entry, dict) and str(entry.get("text") or "").strip():
            yield Address(str(entry.get("label") or entry["text"]), str(entry["text"]))


class HaptikForm(Action, ABC):
    """A FORM, asked for in the conversation. One class is `validate_<form>` and every `action_ask_<form>_<field>`.

        class VisitForm(HaptikForm):
            form_name = "visit_form"
            form = parse(Path("forms/visit.json").read_text(encoding="utf-8"))

    The class stands at the top of its module. `haptik-actions hsl form-to-domain` writes the domain for it.

    Attributes:
        form_name: The form's name in Rasa.
        form: The FORM: an element of `haptik_actions.hsl`, or its JSON as an object.
        confirm: Whether the user confirms at the end; None: where there are three fields or more.
        timezone: Where "tomorrow" begins for users of whom no `timezone` is known (slot or metadata), an IANA name.
        search_hosts: The hosts that fields may search at (`places.example.org`, `localhost:8000`); None: any, by https.
        search_seconds: The time that a search may take.
        addresses_slot: The slot with the user's stored addresses: a list of texts, or of `{"label", "text"}`.
        after_cancel: The action that follows when the user has cancelled.
    """

    form_name: ClassVar[str]
    form: ClassVar[Any]
    confirm: ClassVar[bool | None] = None
    timezone: ClassVar[str] = "UTC"
    search_hosts: ClassVar[Collection[str] | None] = None
    search_seconds: ClassVar[float] = 5.0
    addresses_slot: ClassVar[str] = "saved_addresses"
    after_cancel: ClassVar[str] = "action_listen"

    spec: ClassVar[FormSpec]

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Read the FORM and make the actions that ask for its fields.

        Raises:
            ConfigurationError: it cannot be asked for, or the class does not stand at the top of its module.
        """
        super().__init_subclass__(**kwargs)
        if not (hasattr(cls, "form") and hasattr(cls, "form_name")):
            return
        if "<locals>" in cls.__qualname__:
            raise ConfigurationError(
                f"{cls.__qualname__} stands inside a function, where rasa-sdk's workers cannot find it. Move it to the "
                "top of the module."
            )
        start_with_server()
        cls.spec = FormSpec.read(cls.form_name, cls.form, confirm=cls.confirm)
        require_calendars(cls.spec)
        for field in cls.spec.fields:
            if field.search_source:
                check_source(f"The form {cls.form_name!r}, field {field.key!r}", field.search_source, cls.search_hosts)
        cls.name = _name_of_validation  # type: ignore[method-assign, assignment]
        for slot in cls.spec.slots:
            setattr(cls, f"action_ask_{slot}", _asking(cls, slot))

    def name(self) -> str:
        """Return `validate_<form>`."""
        return f"validate_{self.form_name}"

    if not TYPE_CHECKING:
        # rasa-sdk registers every action that is not abstract: one without a `form` has to be.
        name = abstractmethod(name)

    def now(self) -> datetime:
        """Return the moment, with a time zone. Tests replace it."""
        return datetime.now(timezone.utc)

    async def search(self, field: FieldSpec, query: str, tracker: Tracker) -> list[str]:
        """Return the titles that a `search` field finds. Override it to search without the field's `search_source`.

        Raises:
            SearchUnavailable: the service did not answer as documented, or not in time.
        """
        return await search_titles(
            field.search_source,
            query,
            user_id=tracker.sender_id,
            user_name=user_name_of(tracker),
            seconds=self.search_seconds,
        )

    async def check(self, key: str, value: Any, tracker: Tracker) -> str | None:
        """Return the key of a message that says why a value is not accepted, None where it is. For your own rules.

        `key` is the field's key in the FORM; `value` has been read and fits the field.
        """
        return None

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Take the user's answer and tell Rasa how the form goes on."""
        at = await self.situation(tracker)
        turn = await self._turn(tracker, at)
        if turn is None:
            # The user said something else, which a rule may answer. The question stays open.
            return [SlotSet(REQUESTED_SLOT, tracker.get_slot(REQUESTED_SLOT))]
        turn = await self._checked(turn, tracker, at)
        await tell(dispatcher, tracker, turn.says)
        return events_of_turn(self.spec, tracker, turn, self.after_cancel)

    async def situation(self, tracker: Tracker) -> Situation:
        """Return who answers, when, and in which language."""

        async def search(field: FieldSpec, query: str) -> list[str]:
            return await self.search(field, query, tracker)

        return await situation_of(self.spec, tracker, self.now(), self.timezone, self.addresses_slot, search)

    async def _turn(self, tracker: Tracker, at: Situation) -> Turn | None:
        form, values, asked = self.spec, values_of(self.spec, tracker), tracker.get_slot(REQUESTED_SLOT)
        if asked not in form.slots:
            return begin(form, values, tracker.get_slot(form.state_slot), at)
        candidates = tracker.slots_to_validate()
        state = State.read(tracker.get_slot(form.state_slot), asked)
        unread = {slot: value for slot, value in candidates.items() if slot in form.slots}
        said = unread.pop(asked, None)
        # Nothing of what came in besides is a value before it has been read.
        values = {**values, asked: None, **take(form, unread, values, at)}
        if said is None:
            return asking(form, values) if unread else None
        offers = offered_last(tracker)
        chosen = choose(str(said), offers or (), words=at.words.answers)
        if chosen is not None and chosen.opens is not None:
            return asking(form, values, slot=asked, state=state.opening(chosen.opens))
        return await answer(form, asked, str(said), values, state, at, offers=offers)

    async def _checked(self, turn: Turn, tracker: Tracker, at: Situation) -> Turn:
        for field in self.spec.fields:
            value = turn.values.get(field.slot)
            if value in (None, "", []) or not _is_new(field, value, tracker):
                continue
            wrong = await self.check(field.key, value, tracker)
            if wrong is not None:
                values = {**turn.values, field.slot: None}
                return asking(self.spec, values, *turn.says, Say(wrong, {"label": field.key}), slot=field.slot)
        return turn


class AskSlot(Action, ABC):
    """Asks for one slot of a form. Made by `HaptikForm`, one for each slot."""

    form_class: ClassVar[type[HaptikForm]]
    slot: ClassVar[str]

    @abstractmethod
    def name(self) -> str:
        """Return `action_ask_<form>_<field>`."""

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Ask; as the platform's own form where the channel has it."""
        owner = self.form_class()
        form, values = owner.spec, values_of(owner.spec, tracker)
        state = State.read(tracker.get_slot(form.state_slot), self.slot)
        if state.opened is not None:
            await utter(dispatcher, tracker, state.opened, resolves=True)
        elif "FORM" in channel_of(tracker.get_latest_input_channel()).native and state.is_fresh(values):
            await utter(dispatcher, tracker, _for_the_platform(owner.form), resolves=True)
        else:
            question = ask(form, self.slot, {**values, self.slot: None}, state, await owner.situation(tracker))
            await put(dispatcher, tracker, question, self.slot)
        return []


def _for_the_platform(form: Any) -> dict[str, Any]:
    """The FORM without the key that is ours."""
    hsl: dict[str, Any] = dict(form) if isinstance(form, Mapping) else form.to_hsl()
    fields = [{key: value for key, value in each.items() if key != "rules"} for each in hsl["data"]["fields"]]
    return {**hsl, "data": {**hsl["data"], "fields": fields}}


def _name_of_validation(form: HaptikForm) -> str:
    return f"validate_{form.form_name}"


def _asking(owner: type[HaptikForm], slot: str) -> type[AskSlot]:
    name = f"action_ask_{slot}"
    members: dict[str, object] = {"form_class": owner, "slot": slot, "name": lambda self: name}
    # rasa-sdk pickles actions into its workers: there this class is found as an attribute of the form's class.
    members |= {"__module__": owner.__module__, "__qualname__": f"{owner.__qualname__}.{name}"}
    return type(name, (AskSlot,), {**members, "__doc__": f"Asks for the slot `{slot}`."})


def _is_new(field: FieldSpec, value: object, tracker: Tracker) -> bool:
    # The candidate of this turn has replaced the slot's value; an older event tells what it held.
    candidates = tracker.slots_to_validate()
    return field.slot in candidates or tracker.get_slot(field.slot) != value
