"""A TAB_LIST where tabs are one list: every row can be told from the others, and is answered by what stands on it."""

from __future__ import annotations

import pytest

from haptik_actions.answers import resolve
from haptik_actions.hsl import Actionable, Tab, TabItem, TabList
from haptik_actions.render import CHANNELS, render

BOOK = Actionable(actionable_text="Book", type="TAB_LIST_TEXT_ONLY")
TWO_DAYS = TabList(
    "Flights",
    [
        Tab("DEL-BOM", [TabItem("06:10", "/book{1}", price="₹4200"), TabItem("09:30", "/book{2}")], "12 Aug"),
        Tab("DEL-BOM", [TabItem("06:10", "/book{3}", price="₹3100")], "13 Aug"),
    ],
    BOOK,
)
# Rows that differ in the price, in nothing, and not in their tab.
ONE_DAY = TabList(
    "Flights",
    [
        Tab("Today", [TabItem("06:10", "/book{1}", price="₹4200"), TabItem("06:10", "/book{2}", price="₹3100")]),
        Tab("Today", [TabItem("06:10", "/book{3}", price="₹3100"), TabItem("Today – 06:10 – ₹3100 (2)", "/book{4}")]),
    ],
    BOOK,
)
# WhatsApp's list has the heads of the tabs between its rows, Haptik's own client has tabs.
WITH_HEADS = ("haptik", "whatsapp")


@pytest.mark.parametrize("channel", ["rest", "socketio", "mattermost", "rocketchat", "hangouts", "twilio_voice"])
def test_rows_of_two_tabs_that_look_the_same_get_the_heads_of_their_tabs(channel: str) -> None:
    assert [offer.shown for offer in render(TWO_DAYS, channel).replies] == [
        "DEL-BOM · 12 Aug – 06:10",
        "09:30",
        "DEL-BOM · 13 Aug – 06:10",
    ]


def test_rows_that_look_the_same_below_one_head_get_what_else_is_said_of_them() -> None:
    assert [offer.shown for offer in render(ONE_DAY, "rest").replies] == [
        "Today – 06:10 – ₹4200",
        "Today – 06:10 – ₹3100",
        "Today – 06:10 – ₹3100 (3)",
        "Today – 06:10 – ₹3100 (2)",
    ]


def test_speech_names_the_day_where_the_time_is_not_enough() -> None:
    [message] = render(TWO_DAYS, "twilio_voice").messages

    assert "DEL-BOM · 12 Aug – 06:10 ₹4200, 09:30, DEL-BOM · 13 Aug – 06:10 ₹3100" in message["text"]


@pytest.mark.parametrize("element", [TWO_DAYS, ONE_DAY], ids=["two days", "one day"])
@pytest.mark.parametrize("channel", [name for name in CHANNELS if name not in WITH_HEADS])
def test_what_stands_on_a_row_answers_for_it_alone(element: TabList, channel: str) -> None:
    offers = render(element, channel).replies
    seen = [(offer.number, offer.shown) for offer in offers]

    assert len(set(seen)) == len(seen)
    for offer in offers:
        typed = offer.shown if offer.number is None else f"{offer.number}"
        assert resolve(typed, offers) == offer.payload
