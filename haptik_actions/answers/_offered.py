"""What was offered, on its way to the next turn: metadata of the bot's message.

Rasa keeps every key of an utterance that it does not know as metadata of the `bot` event, hands it to the channel as a
keyword argument that its connectors ignore, and sends it back with the tracker of every action call (rasa 3.6.21,
`create_bot_utterance` in `core/actions/action.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from haptik_actions.answers._words import AnswerWords
from haptik_actions.render import Offer

__all__ = ["ANSWER_KEY", "METADATA_KEY", "Offered", "read_offers", "to_metadata"]

METADATA_KEY = "haptik_offers"
"""Key of the bot's message under which Rasa's tracker keeps what was offered with it."""

ANSWER_KEY = "haptik_answer"
"""Key of the user's parsed message that the component `OfferedReplies` sets, so that others see that it has run."""

_MOST_MESSAGES = 10


class Offered(msgspec.Struct, frozen=True, omit_defaults=True):
    """The options of one message, in the order shown, and the words of its language for counting them."""

    offers: tuple[Offer, ...]
    words: AnswerWords = AnswerWords()


def to_metadata(offers: Sequence[Offer], words: AnswerWords = AnswerWords()) -> dict[str, Any]:  # noqa: B008
    """Return the keyword argument of `dispatcher.utter_message` that keeps `offers`; none where there are none."""
    if not offers:
        return {}
    # An offer may hold read-only mappings, which msgspec writes only with this hook.
    return {METADATA_KEY: msgspec.to_builtins(Offered(tuple(offers), words.first(len(offers))), enc_hook=dict)}


def read_offers(metadata: Iterable[Any]) -> list[Offered]:
    """Return what was offered, latest first, given the metadata of the bot's messages, latest first.

    At most ten messages are read. Metadata that this library has not written is ignored.
    """
    found: list[Offered] = []
    for entry in metadata:
        kept = entry.get(METADATA_KEY) if isinstance(entry, dict) else None
        if kept is not None:
            found += _read(kept)
        if len(found) == _MOST_MESSAGES:
            break
    return found


def _read(kept: Any) -> list[Offered]:
    try:
        return [msgspec.convert(kept, Offered)]
    except msgspec.ValidationError:
        return []
