"""What a user's words mean among the options that were offered."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.answers import (
    METADATA_KEY,
    WORD_KEYS,
    AnswerWords,
    candidates,
    choose,
    fold,
    matching,
    read_offers,
    resolve,
    to_metadata,
)
from haptik_actions.hsl import Actionable, Button, Text
from haptik_actions.messages import packaged_copy
from haptik_actions.render import CHANNELS, Offer, render

WORDS = AnswerWords.parse({field: packaged_copy()[key] for field, key in WORD_KEYS.items()})


def offer(label: str, payload: str | None = None, *, number: int | None = None, sent: str | None = None) -> Offer:
    return Offer(
        kind="reply", label=label, payload=payload or label, path="data", shown=label, number=number, sent=sent
    )


SIZES = [offer("Small"), offer("Größe L 👗", '/size{"is": "l"}'), offer("Extra large, please", "xl")]
ORDERS = [
    offer("Order 1001", '/track{"id": 1001}', number=1),
    offer("Order 1002", '/track{"id": 1002}', number=2, sent="~3f9a"),
    offer("बंद करें", "/close", number=3),
]


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("2", '/track{"id": 1002}'),
        ("2.", '/track{"id": 1002}'),
        ("2)", '/track{"id": 1002}'),
        ("#2", '/track{"id": 1002}'),
        ("no. 2", '/track{"id": 1002}'),
        ("Option 2", '/track{"id": 1002}'),
        ("02", '/track{"id": 1002}'),
        ("２", '/track{"id": 1002}'),
        ("२", '/track{"id": 1002}'),
        ("٢", '/track{"id": 1002}'),
        ("2️⃣", '/track{"id": 1002}'),
        ("2. Order 1002", '/track{"id": 1002}'),
        ("second", '/track{"id": 1002}'),
        ("The second one, please!", '/track{"id": 1002}'),
        ("two", '/track{"id": 1002}'),
        ("I want the last one", "/close"),
        ("order 1001", '/track{"id": 1001}'),
        ("ORDER  1001!", '/track{"id": 1001}'),
        ("~3f9a", '/track{"id": 1002}'),
        ('/track{"id": 1002}', '/track{"id": 1002}'),
        ("बंद करें", "/close"),
        ("बंद करें।", "/close"),
        ("4", None),
        ("0", None),
        ("22", None),
        ("order", None),
        ("not the second one", None),
        ("", None),
        ("   ", None),
        ("?", None),
    ],
)
def test_numbers_ordinals_labels_and_ids(text: str, payload: str | None) -> None:
    assert resolve(text, ORDERS, words=WORDS) == payload


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("small", "Small"),
        ("smal", "Small"),
        ("smalll", "Small"),
        ("sm", None),
        ("größe l", '/size{"is": "l"}'),
        ("GROSSE L", '/size{"is": "l"}'),
        ("grosse l", '/size{"is": "l"}'),
        ("extra", "xl"),
        ("extra large", "xl"),
        ("extra larg please", "xl"),
        ("3", "xl"),
        ("last", "xl"),
    ],
)
def test_labels_without_their_accents_and_emoji_and_places_where_nothing_is_numbered(
    text: str, payload: str | None
) -> None:
    assert resolve(text, SIZES, words=WORDS) == payload


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        # "5" is the number of one and the label of another.
        ("2", [offer("5", number=1), offer("7", number=2), offer("2", number=3)]),
        ("LARGE", [offer("Large"), offer("large", "l2")]),
        ("wher", [offer("Where is A?"), offer("Where is B?")]),
    ],
    ids=["number and label", "labels", "beginnings"],
)
def test_what_can_be_two_options_is_none_of_them(text: str, offers: list[Offer]) -> None:
    assert resolve(text, offers, words=WORDS) is None
    assert len(candidates(text, offers, words=WORDS)) == 2


def test_two_controls_that_send_the_same_are_one_option() -> None:
    twice = [offer("Buy", "buy a"), offer("Buy", "buy a")]
    assert resolve("buy", twice) == "buy a"


def test_a_number_that_is_also_the_label_of_the_same_option() -> None:
    assert resolve("2", [offer("1", number=1), offer("2", number=2)]) == "2"


def test_older_options_are_found_by_label_and_payload_and_never_by_number() -> None:
    assert resolve("order 1002", SIZES, ORDERS, words=WORDS) == '/track{"id": 1002}'
    assert resolve("~3f9a", SIZES, ORDERS, words=WORDS) == '/track{"id": 1002}'
    assert resolve("2", [], ORDERS, words=WORDS) is None
    assert resolve("second", [], ORDERS, words=WORDS) is None
    # What was offered last wins.
    assert resolve("small", SIZES, [offer("Small", "old")], words=WORDS) == "Small"


def test_another_language_counts_in_its_own_words() -> None:
    german = AnswerWords.parse(
        {
            "ordinals": "erste, erster; zweite, zweiter",
            "last": "letzte",
            "option": "nummer",
            "fillers": "die, der, bitte",
        }
    )
    for text in ("die zweite bitte", "der letzte", "nummer 2", "Die Letzte!"):
        assert resolve(text, SIZES[:2], words=german) in ('/size{"is": "l"}', None)
    assert resolve("die zweite bitte", SIZES, words=german) == '/size{"is": "l"}'
    assert resolve("die letzte", SIZES, words=german) == "xl"
    assert resolve("the second", SIZES, words=german) is None


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_what_each_channel_shows_comes_back(channel: str) -> None:
    labels = [f"Answer number {letter} to a long question" for letter in "ABCDE"]
    element = Button("Which?", [Actionable.reply(label, f"payload of {label}" * 4) for label in labels])
    replies = render(element, channel, resolves=True).replies
    assert [reply.label for reply in replies] == labels
    for reply in replies:
        number = None if reply.number is None else str(reply.number)
        for text in filter(None, (reply.sent, reply.shown, reply.label, number)):
            assert resolve(text, replies, words=WORDS) == reply.payload


def test_offers_survive_the_way_through_the_tracker() -> None:
    replies = render(Text("Which?", [Actionable.reply("Yes", "/yes"), Actionable.reply("No")]), "telegram").replies
    extra = to_metadata(replies, WORDS)
    kept = msgspec.json.decode(msgspec.json.encode(extra))
    [offered] = read_offers([{"utter_action": "utter_x"}, kept, None])
    assert offered.offers == replies
    assert resolve("the second one", offered.offers, words=offered.words) == "No"
    # Only as many ordinals as there are options.
    assert len(offered.words.ordinals) == 2
    assert to_metadata(()) == {}


@pytest.mark.parametrize("kept", [None, 1, [], {}, {"offers": 1}, {"offers": [{"label": "x"}]}], ids=str)
def test_metadata_of_somebody_else_is_passed_over(kept: object) -> None:
    assert read_offers([{METADATA_KEY: kept}]) == []


def test_how_a_text_is_like_labels() -> None:
    assert matching("pool", ["Pool", "Spa"]) == ("same", [0])
    assert matching("poo", ["Pool", "Poodle"]) == ("begins", [0, 1])
    assert matching("mumbay", ["Mumbai", "Delhi"]) == ("close", [0])
    assert matching("paris", ["Mumbai", "Delhi"]) == ("same", [])


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ágil", "agil"), ("ＡＢＣ", "abc"), ("can't", "cant"), ("İstanbul", "istanbul"), ("a\u200db", "ab")],
)
def test_texts_that_are_the_same_for_a_person(one: str, other: str) -> None:
    assert fold(one) == fold(other)


LABELS = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8)


@settings(max_examples=150)
@given(text=st.text(max_size=20), labels=LABELS, numbered=st.booleans())
def test_whatever_is_typed_means_an_option_or_nothing(text: str, labels: list[str], numbered: bool) -> None:
    offers = [offer(label, f"p{place}", number=place + 1 if numbered else None) for place, label in enumerate(labels)]
    chosen = choose(text, offers, words=WORDS)
    assert chosen is None or chosen in offers
    assert fold(fold(text)) == fold(text)
    for place, each in enumerate(offers):
        assert resolve(each.payload, offers, words=WORDS) in (each.payload, None)
        by_number = resolve(str(place + 1), offers, words=WORDS)
        assert by_number in (each.payload, None) or fold(str(place + 1)) in map(fold, labels)


@pytest.mark.parametrize("text", ["बड़ा", "बडा", "ब\u095cा"], ids=["nukta", "no nukta", "one character"])
def test_a_nukta_does_not_count(text: str) -> None:
    assert resolve(text, [offer("बड़ा"), offer("छोटा")]) == "बड़ा"
