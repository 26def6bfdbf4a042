"""Saying something: an element, a text, or a message of the store, in the best form of the user's channel."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._runtime import current_runtime
from haptik_actions.actions._tracker import deliver, language_of
from haptik_actions.answers import ANSWER_KEY, WORD_KEYS, AnswerWords
from haptik_actions.errors import ConfigurationError
from haptik_actions.hsl import Element, Text, parse
from haptik_actions.messages import MessageStore, Template
from haptik_actions.render import Conversion, Copy, render

__all__ = ["utter"]


async def utter(
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    element: Element | str | Mapping[str, object] | None = None,
    *,
    key: str | None = None,
    locale: str | None = None,
    resolves: bool | None = None,
    **values: object,
) -> Conversion:
    """Say an element in the best form of the channel that the user writes on, and remember what it offers.

        await utter(dispatcher, tracker, Text("Which size?", [Actionable.reply("Small"), Actionable.reply("Large")]))
        await utter(dispatcher, tracker, key="order_sent", order=order_id)

    The replies that it offers go along as metadata of the bot's message, so that `chosen(tracker)`, forms, and the NLU
    component `haptik_actions.channel.OfferedReplies` know in the next turn what "2" or "the last one" means.

    Args:
        dispatcher: Rasa's dispatcher.
        tracker: Rasa's tracker; its latest input channel decides the form.
        element: An element, its JSON as an object, or plain text.
        key: A message of the store, in place of `element`. It may be text or an element.
        locale: The language of the message; the user's (see `docs/configuration.md`) where it is not given.
        resolves: Whether what comes back is resolved, so that pages with "More" and short ids can be offered. None:
            where the component `OfferedReplies` says so.
        values: What fills the placeholders of the message `key`; slots fill what is left, and decide its variation.

    Returns:
        What was said, with notes on what the channel cannot show.

    Raises:
        ConfigurationError: both or neither of `element` and `key` are given, or values without a key.
        InvalidElement: `element` is JSON that is no element, or a blank text.
    """
    if (element is None) == (key is None) or (values and key is None):
        raise ConfigurationError("utter() takes an element, or the key of a message with values for its placeholders.")
    messages = current_runtime().messages()
    spoken, channel = locale or language_of(tracker), tracker.get_latest_input_channel()
    if key is not None:
        shown = await messages.element(key, spoken, channel=channel, slots=tracker.slots, **values)
    else:
        shown = _element(element or "")
    resolving = _resolves(tracker) if resolves is None else resolves
    conversion = render(shown, channel, copy=await _copy(messages, spoken), resolves=resolving)
    deliver(dispatcher, conversion, await _words(messages, spoken) if conversion.replies else None)
    return conversion


def _element(element: Element | str | Mapping[str, object]) -> Element:
    if isinstance(element, Mapping):
        return parse(element)
    return Text(element) if isinstance(element, str) else element


async def _copy(messages: MessageStore, locale: str | None) -> Copy:
    keys = Copy.message_keys()
    # The renderer fills these placeholders, so each is filled with itself.
    names = {name: f"{{{name}}}" for field in keys for name in Template.parse(getattr(Copy.default(), field)).names}
    return Copy.of(await _texts(messages, keys.values(), locale, names))


async def _words(messages: MessageStore, locale: str | None) -> AnswerWords:
    texts = await _texts(messages, WORD_KEYS.values(), locale)
    return AnswerWords.parse({field: texts[key] for field, key in WORD_KEYS.items()})


async def _texts(
    messages: MessageStore, keys: Collection[str], locale: str | None, values: Mapping[str, str] = {}
) -> dict[str, str]:
    texts = await asyncio.gather(*(messages.text(key, locale, **values) for key in keys))
    return dict(zip(keys, texts, strict=True))


def _resolves(tracker: Tracker) -> bool:
    told = (tracker.latest_message or {}).get(ANSWER_KEY)
    return isinstance(told, dict) and bool(told.get("opens"))
