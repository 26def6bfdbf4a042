"""Parts of an element that are longer than anybody writes by hand: addresses with tokens, payloads, labels, crowds."""

from __future__ import annotations

import pytest

from haptik_actions.hsl import Actionable, Button, Card, Carousel, Element, Image, TabItem, TabList, Text
from haptik_actions.hsl import Tab as TabOf
from haptik_actions.render import CHANNELS, LOSSES, render
from tests.validators import platform
from tests.validators._shown import read

ADDRESS = "https://example.org/" + "y" * 3100
FAMILY = "👨‍👩‍👧‍👦"
ESCAPED = "<b>&" * 250
MANY = 101

_book = Actionable(actionable_text="Book", type="TAB_LIST_TEXT_ONLY")
LONG: dict[str, Element] = {
    "a link": Button("Where?", [Actionable.link("Open", ADDRESS)]),
    "links": Button("Where?", [Actionable.link(f"Open {number}", ADDRESS + str(number)) for number in range(6)]),
    "a picture": Image.of(ADDRESS, text="The way"),
    "a picture of a card": Carousel([Card(title="A", image=ADDRESS, actionables=[Actionable.link("Open", ADDRESS)])]),
    "a label of escapes on a number": Button("Whom?", [Actionable.call(ESCAPED, "+911140001234")]),
    "labels and payloads of families": Button(
        "Which?", [Actionable.reply(f"{number} {FAMILY * 160}", f"{number} {FAMILY * 160}") for number in range(6)]
    ),
    "payloads of Hindi": Text("Which?", [Actionable.reply(f"{n}", f"{n} " + "नमस्ते" * 300) for n in range(6)]),
    "a card of families": Carousel(
        [Card(title=FAMILY * 40, actionables=[Actionable.reply(f"{FAMILY * 160} {n}", f"{n}") for n in range(6)])]
    ),
    "cards of Hindi": Carousel(
        [Card(title="नमस्ते " * 90, sub_title="नमस्ते " * 90, description="नमस्ते " * 280) for _ in range(12)]
    ),
    "rows of families": TabList(
        "Which?", [TabOf("A", [TabItem(f"{number} {FAMILY * 160}", "m") for number in range(6)])], _book
    ),
}
CROWDS: dict[str, Element] = {
    "pictures": Image.of(*[f"https://a.bc/{number}" for number in range(MANY)]),
    "cards": Carousel([Card(title=f"Card {number}") for number in range(MANY)]),
}


@pytest.mark.parametrize("resolves", [False, True], ids=["alone", "resolved"])
@pytest.mark.parametrize("channel", [name for name in CHANNELS if name not in ("rasa", "cmdline")])
@pytest.mark.parametrize("long", LONG | CROWDS)
def test_the_platform_takes_it_however_long_a_part_is(long: str, channel: str, resolves: bool) -> None:
    conversion = render((LONG | CROWDS)[long], channel, resolves=resolves)

    platform(channel).check(conversion.messages)


@pytest.mark.parametrize("channel", ["slack", "viber"])
def test_a_picture_whose_address_is_too_long_is_its_address(channel: str) -> None:
    conversion = render(LONG["a picture"], channel)

    assert "yyyyyyyyyy" in read(conversion.messages)
    assert [note.path for note in conversion.notes if note.code == "replaced"] == ["data.items[0].thumbnail.image"]


def test_a_label_too_long_for_a_link_on_slack_stands_beside_its_number() -> None:
    seen = read(render(LONG["a label of escapes on a number"], "slack").messages)

    assert "+911140001234" in seen
    assert "tel:" not in seen


def test_google_chat_shows_a_hundred_cards_and_says_how_many_it_does_not() -> None:
    for element in CROWDS.values():
        conversion = render(element, "hangouts")

        assert sum(len(message["json_message"]["cards"]) for message in conversion.messages) == 100
        [lost] = [note for note in conversion.notes if note.code in LOSSES]
        assert (lost.code, lost.detail[:8]) == ("dropped", "1 cards ")
