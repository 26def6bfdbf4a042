"""One utterance, as the object that Rasa takes for an answer.

Rasa takes an object, with a `text` that is a string and `buttons` that are a list. It loses an utterance of another
shape, so every answer here has that one. `{}` says nothing, as Rasa does where no variation fits.

A response may have translations of its own, as Rasa Pro writes them beside its text and in its buttons:

    {"text": "Hello", "translation": {"de": "Hallo"}, "buttons": [{"title": "Yes", "payload": "/yes",
     "translation": {"de": {"title": "Ja"}}}]}

Source: https://rasa.com/docs/pro/build/translating-your-assistant

Of what Rasa posts for each utterance only what is needed is decoded, for the body grows with the conversation.

Source: `rasa/core/nlg/callback.py` of Rasa 3.6.21.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions._from_outside import without_halves
from haptik_actions._log import get_logger
from haptik_actions.errors import HaptikError, InvalidElement
from haptik_actions.messages import (
    Message,
    MessageStore,
    Template,
    Variation,
    element_of,
    locale_chain,
    locale_of,
    packaged_copy,
    suitable,
)

if TYPE_CHECKING:
    from haptik_actions.render import Copy

__all__ = ["Answer", "Call", "answer", "last_resort", "translated"]

logger = get_logger(__name__)


class _Tracker(msgspec.Struct):
    slots: dict[str, Any] | None = None
    latest_message: Any = None


class _Channel(msgspec.Struct):
    name: str | None = None


class Call(msgspec.Struct):
    """One utterance that Rasa asks for.

    Attributes:
        response: Its name in the domain, `utter_greet`.
        arguments: Values that the caller gave; they go before slots.
        tracker: The conversation, of which slots and the metadata of the latest message are kept.
        channel: Where it is said: the name of the output channel, `collector` for plain REST.
    """

    response: str
    arguments: dict[str, Any] | None = None
    tracker: _Tracker | None = None
    channel: _Channel | None = None

    @classmethod
    def of(
        cls,
        response: str,
        *,
        slots: Mapping[str, Any],
        metadata: Mapping[str, Any] | None,
        channel: str | None,
        arguments: Mapping[str, Any],
    ) -> Call:
        """Return the call that `HaptikNLG` makes in Rasa's own process. `metadata` is that of the latest message."""
        tracker = _Tracker(slots=dict(slots), latest_message={"metadata": metadata})
        return cls(response, arguments=dict(arguments), tracker=tracker, channel=_Channel(channel))

    @classmethod
    def decode(cls, body: bytes) -> Call:
        """Read what Rasa posts. Python's json wrote it, so it may hold NaN, Infinity and halves of surrogate pairs.

        Raises:
            ValueError: the body is no call of Rasa.
        """
        try:
            return _decode(body)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError) as strict:
            try:
                return msgspec.convert(without_halves(json.loads(body)), cls)
            except (ValueError, RecursionError):
                raise strict from None

    @property
    def slots(self) -> Mapping[str, Any]:
        """All slots, also those that were never set."""
        return (self.tracker.slots if self.tracker else None) or {}

    @property
    def values(self) -> Mapping[str, Any]:
        """The values that fill placeholders: arguments before slots."""
        return {**self.slots, **(self.arguments or {})}

    @property
    def channel_name(self) -> str | None:
        """The name of the output channel."""
        return self.channel.name if self.channel else None

    @property
    def locale(self) -> str | None:
        """The user's language, where slot or metadata `language_code` names one."""
        latest = self.tracker.latest_message if self.tracker else None
        metadata = latest.get("metadata") if isinstance(latest, dict) else None
        return locale_of(self.slots, metadata if isinstance(metadata, dict) else None)


_decode = msgspec.json.Decoder(Call).decode


_KEY = "translation"


def translated(variation: Variation, locale: str, wanted: str | None) -> tuple[Variation, str]:
    """Return what is said of a message in `locale` to a user whose language is `wanted`, and the language of that.

    A message in the user's own language needs no translation, nor one whose user's language nobody knows. What is
    not translated stays. The result has no `translation`: it is for nobody's eyes.
    """
    buttons = variation.extra.get("buttons") or ()
    if _KEY not in variation.extra and not any(isinstance(each, Mapping) and _KEY in each for each in buttons):
        return variation, locale
    tags = _before(locale, locale_chain(wanted, locale) if wanted else ())
    extra = {key: value for key, value in variation.extra.items() if key != _KEY}
    if buttons:
        extra["buttons"] = [_button(button, tags) for button in buttons]
    tag, text = _first(variation.extra.get(_KEY), tags, str)
    said = replace(variation, text=variation.text if text is None else text, extra=extra)
    return said, tag or locale


def _before(locale: str, chain: Sequence[str]) -> Sequence[str]:
    """The languages that the user would rather read than `locale`."""
    return chain[: chain.index(locale)] if locale in chain else chain


def _button(button: Any, tags: Sequence[str]) -> Any:
    if not isinstance(button, Mapping):
        return button
    _, other = _first(button.get(_KEY), tags, Mapping)
    return {key: (other or {}).get(key, value) for key, value in button.items() if key != _KEY}


def _first(translations: Any, tags: Sequence[str], kind: type) -> tuple[str | None, Any]:
    if isinstance(translations, Mapping):
        for tag in tags:
            if isinstance(translations.get(tag), kind):
                return tag, translations[tag]
    return None, None


Answer = dict[str, Any]

# The keys in which Rasa's own generator fills placeholders.
_FILLED = ("text", "image", "custom", "buttons", "attachment", "quick_replies")
# Rasa says these responses only where the domain has them, so a missing one is no mistake.
_OPTIONAL = frozenset({"utter_back", "utter_restart"})
# Without these Rasa would say nothing to a user who was not understood.
_STANDS_IN = {"utter_default": "haptik_fallback_rephrase", "utter_ask_rephrase": "haptik_fallback_rephrase"}
# Rasa's REST channel answers through an output channel that is named `collector`.
_REST = ("collector", "rest")


async def answer(
    store: MessageStore, call: Call, otherwise: Callable[[], Awaitable[Answer | None]] | None = None
) -> Answer:
    """Return what the bot says: the store's message or, where that cannot be used, its default.

    `otherwise` is asked where the store has neither; it returns None where it does not know the response.
    """
    return without_halves(await _answer(store, call, otherwise))


async def _answer(store: MessageStore, call: Call, otherwise: Callable[[], Awaitable[Answer | None]] | None) -> Answer:
    found = await store.located(call.response, call.locale)
    try:
        if found is not None:
            said = _said(*found, call, await _copy(store, found[0], call))
            if said is not None:
                return said
    except (HaptikError, ArithmeticError, LookupError, TypeError, ValueError):
        logger.exception("The message %r could not be said; the default is said instead.", call.response)
    default = store.default(call.response, call.locale)
    if default is not None:
        return _said(*default, call, await _copy(store, default[0], call)) or {}
    said = await otherwise() if otherwise is not None else None
    if said is not None:
        return said
    return {} if found is not None else await _nothing(store, call)


async def _nothing(store: MessageStore, call: Call) -> Answer:
    if call.response in _OPTIONAL:
        return {}
    return {"text": await store.text(_STANDS_IN.get(call.response, call.response), call.locale)}


async def _copy(store: MessageStore, message: Message, call: Call) -> Copy | None:
    """The words that rendering adds to an element, in the user's language. None where there is no element."""
    if all(variation.hsl is None for variation in message.variations):
        return None
    from haptik_actions.render import Copy

    keys, english = Copy.message_keys(), Copy.default()
    # The renderer fills these placeholders later, so here each is replaced by itself.
    names = {name: f"{{{name}}}" for field in keys for name in Template.parse(getattr(english, field)).names}
    return Copy.of({key: await store.text(key, call.locale, **names) for key in keys.values()})


def _said(message: Message, locale: str, call: Call, copy: Copy | None) -> Answer | None:
    """The answer; None where no variation fits this conversation."""
    fitting = suitable(message, call.channel_name, call.slots)
    if call.channel_name == _REST[0] and any(v.channel == _REST[1] for v in message.variations):
        fitting = [v for v in suitable(message, _REST[1], call.slots) if v.channel == _REST[1]] or fitting
    if not fitting:
        return None
    variation, locale = translated(random.choice(fitting) if len(fitting) > 1 else fitting[0], locale, call.locale)
    values = call.values
    gaps = [name for name in Template.parse(variation.said).names if name not in values]
    if gaps:
        logger.warning("The message %r has no value for %s.", call.response, ", ".join(sorted(gaps)))

    def fill(text: str, given: Mapping[str, Any] = values) -> str:
        return Template.parse_rasa(text).fill_all(given, locale) if "{" in text else text

    if variation.hsl is None:
        return _response(variation, fill)
    return _native(variation, fill, call, copy)


def _response(variation: Variation, fill: Callable[..., str]) -> Answer:
    members = dict(variation.extra)
    if variation.text is not None:
        members["text"] = variation.text
    return {key: _filled(value, fill) if key in _FILLED else value for key, value in members.items()}


def _native(variation: Variation, fill: Callable[..., str], call: Call, copy: Copy | None) -> Answer:
    """An element of HSL in the form of the channel."""
    from haptik_actions.render import render

    channel = _REST[1] if call.channel_name == _REST[0] else call.channel_name
    try:
        element = element_of(variation, fill, call.values)
    except InvalidElement as error:
        logger.error("The message %r is no element with these values: %s. Its text is said.", call.response, error)
        element = None
    if element is None:
        return {"text": fill(variation.said)}
    extra = {key: variation.extra[key] for key in ("id", "metadata") if key in variation.extra}
    shown = (merged(render(element, on, copy=copy).messages) for on in (channel, None))
    return extra | next(filter(None, shown), {})


def merged(messages: Sequence[Mapping[str, Any]]) -> Answer | None:
    """Return the messages of a conversion as one, for Rasa takes one; None where one cannot hold them all.

    Texts stand one blank line apart, where most of Rasa's connectors cut them into bubbles again.
    """
    answer: Answer = {}
    for message in messages:
        for key, value in message.items():
            if value is None:
                continue
            name = "custom" if key == "json_message" else key
            if name not in answer:
                answer[name] = value
            elif name == "text":
                answer[name] = f"{answer[name]}\n\n{value}"
            elif isinstance(value, list):
                answer[name] = [*answer[name], *value]
            else:
                return None
    return answer


def _filled(value: Any, fill: Callable[..., str]) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: _filled(member, fill) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, fill) for member in value]
    return value


def last_resort(response: str) -> Answer:
    """The package's own sentence, for when making the answer has failed."""
    copy = packaged_copy()
    return {"text": copy.get(response, copy["haptik_message_missing"])}
