"""From what the user typed to the option that is meant.

The steps go from sure to vague, and the first step that finds an option decides. A step that finds two different
options finds none: it is better to ask than to guess.

What was offered travels to the next turn as metadata of the bot's message: Rasa keeps every key of an utterance that
it does not know as metadata of the `bot` event, hands it to the channel as a keyword argument that its connectors
ignore, and sends it back with the tracker of every action call (rasa 3.6.21, `create_bot_utterance` in
`core/actions/action.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, TypeAlias

import msgspec

from haptik_actions.answers._words import AnswerWords, fold
from haptik_actions.render import Offer

__all__ = [
    "ANSWER_KEY",
    "METADATA_KEY",
    "Likeness",
    "Offered",
    "candidates",
    "choose",
    "matching",
    "read_offers",
    "resolve",
    "to_metadata",
]

Likeness: TypeAlias = Literal["same", "begins", "close"]
"""How a text resembles a label: the same when folded, its beginning, or with a few wrong letters."""

_NO_WORDS = AnswerWords()
_NUMBER = re.compile(r"(?:(?P<word>\D+?) ?)?0*(?P<number>\d{1,4})")
# Beginnings count from three letters on: "ye" hardly ever stands for a longer word, and "y" may be an answer itself.
_SHORTEST_BEGINNING = 3
_SHORTEST_CLOSE = 5
_CLOSE = 0.8
# In characters. A longer text has to equal an option exactly, as a payload can.
_LONGEST = 1000


def resolve(
    text: str, offers: Sequence[Offer], older: Iterable[Offer] = (), *, words: AnswerWords = _NO_WORDS
) -> str | None:
    """Return the payload of the option that `text` means, or None where it means none of them, or several.

    Args:
        text: What the user typed, or what the channel sends for a tap: a payload, a shortened payload, the visible
            title, a label (case, accents, punctuation and emoji do not count; a beginning or a few wrong letters will
            do where only one label is like it), a number ("2", "2.", "#2", "option 2", in any script), an ordinal.
        offers: The options offered last.
        older: Options offered before those. They are found by payload and label, never by number.
        words: The words of the user's language for places in the list.
    """
    chosen = choose(text, offers, older, words=words)
    return None if chosen is None else chosen.payload


def choose(
    text: str, offers: Sequence[Offer], older: Iterable[Offer] = (), *, words: AnswerWords = _NO_WORDS
) -> Offer | None:
    """As `resolve`, and return the option itself."""
    found = candidates(text, offers, words=words)
    if not found:
        before = [*older]
        found = _literally(text.strip(), before) or ([] if len(text) > _LONGEST else _exact(fold(text), before))
    return found[0] if len({(offer.payload, str(offer.opens)) for offer in found}) == 1 else None


def candidates(text: str, offers: Sequence[Offer], *, words: AnswerWords = _NO_WORDS) -> list[Offer]:
    """Return every option that `text` can mean: none, one, or those that only the user can tell apart."""
    literally = _literally(text.strip(), offers)
    if len(text) > _LONGEST:
        return literally
    folded = fold(text)
    # "2" can be the number of one option and the label of another.
    if literally and not folded.isdecimal():
        return literally
    by_number = _numbered(folded, offers, words)
    by_label = literally or _exact(folded, offers)
    if by_number or by_label:
        return [offer for offer in offers if offer in by_number or offer in by_label]
    if words.counts(folded):
        return []
    bare = words.bare(folded)
    return _placed(_place_named(folded, words) or bare, offers, words) or _like(bare, offers, words)


def matching(text: str, labels: Sequence[str]) -> tuple[Likeness, list[int]]:
    """Return how `text` is like some of the labels, and the places of those; an empty list where it is like none."""
    if len(text) > _LONGEST:
        return "same", [place for place, label in enumerate(labels) if text == label]
    folded, names = fold(text), [fold(label) for label in labels]
    tests: list[tuple[Likeness, Callable[[str], bool]]] = [
        ("same", lambda name: name == folded),
        ("begins", lambda name: len(folded) >= _SHORTEST_BEGINNING and name.startswith(folded)),
        ("close", lambda name: _is_close(folded, name)),
    ]
    for likeness, test in tests:
        places = [place for place, name in enumerate(names) if folded and test(name)]
        if places:
            return likeness, places
    return "same", []


def _literally(text: str, offers: Sequence[Offer]) -> list[Offer]:
    return [offer for offer in offers if text and text in (offer.payload, offer.sent, offer.label, offer.shown)]


def _exact(folded: str, offers: Sequence[Offer]) -> list[Offer]:
    return [offer for offer in offers if folded and folded in _names(offer)]


def _names(offer: Offer) -> set[str]:
    names = {fold(offer.label), fold(offer.shown)}
    return names if offer.number is None else {*names, fold(f"{offer.number} {offer.label}")}


def _numbered(folded: str, offers: Sequence[Offer], words: AnswerWords) -> list[Offer]:
    for said in (folded, words.bare(folded)):
        match = _NUMBER.fullmatch(said)
        # "2 please" and "I want option 2" mean the second option. "I want 2" may mean how many.
        if match and (match["word"] in words.option or (not match["word"] and folded[0].isdecimal())):
            return _at(int(match["number"]), offers)
    return []


def _at(number: int, offers: Sequence[Offer]) -> list[Offer]:
    shown = [offer for offer in offers if offer.number == number]
    if shown or any(offer.number is not None for offer in offers):
        return shown
    # The screen shows no numbers, so "2" means that the user counts.
    return [*offers[number - 1 : number]] if number else []


def _place_named(folded: str, words: AnswerWords) -> str:
    """Return the "two" of "number two": what follows a word for options. Empty where there is no such word.

    A word as short as "no" counts only before digits ("no 2"): "no one" means nobody.
    """
    said = folded.split()
    first = next((place for place, part in enumerate(said) if part not in words.fillers), 0)
    parts = said[first:]
    if len(parts) < 2 or len(parts[0]) < _SHORTEST_BEGINNING or parts[0] not in words.option:
        return ""
    last = next((place for place in range(len(parts) - 1, 1, -1) if parts[place] not in words.fillers), 1)
    return " ".join(parts[1 : last + 1])


def _placed(bare: str, offers: Sequence[Offer], words: AnswerWords) -> list[Offer]:
    # "The second option" means the second one.
    front, _, behind = bare.rpartition(" ")
    bare = front if front and len(behind) >= _SHORTEST_BEGINNING and behind in words.option else bare
    if bare in words.last:
        return [*offers[-1:]]
    places = [place for place, names in enumerate(words.ordinals) if bare in names]
    return [offers[place] for place in places if place < len(offers)]


def _like(bare: str, offers: Sequence[Offer], words: AnswerWords) -> list[Offer]:
    return [offers[place] for place in matching(bare, [words.bare(fold(offer.label)) for offer in offers])[1]]


def _is_close(folded: str, name: str) -> bool:
    if len(folded) < _SHORTEST_CLOSE or abs(len(folded) - len(name)) > 2 or any(map(str.isdigit, folded)):
        return False
    return SequenceMatcher(None, folded, name).ratio() >= _CLOSE


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


def _read(kept: object) -> list[Offered]:
    try:
        return [msgspec.convert(kept, Offered)]
    except msgspec.ValidationError:
        return []
