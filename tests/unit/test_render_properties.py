"""What holds for every element on every channel: total, the same each time, strict exactly where something is lost."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from haptik_actions.errors import ConversionLoss
from haptik_actions.hsl import Actionable, Button, Carousel, Element, Receipt, Text, parse
from haptik_actions.render import CHANNELS, LOSSES, Offer, render
from tests.support.elements import elements

SPELLED = ("LINK", "SELF_SERVE_WEB", "SMS", "EMAIL", "CALL")


@pytest.mark.parametrize("channel", CHANNELS)
@settings(max_examples=30, deadline=None)
@given(element=elements, resolves=st.booleans())
def test_the_same_element_gives_the_same_messages_and_stays_as_it_is(
    channel: str, element: Element, resolves: bool
) -> None:
    before = json.dumps(element.to_hsl())

    first = render(element, channel, resolves=resolves)
    kept = json.dumps(first.messages)
    for message in first.messages:
        message.clear()

    assert json.dumps(render(element, channel, resolves=resolves).messages) == kept
    assert json.dumps(element.to_hsl()) == before


@pytest.mark.parametrize("channel", CHANNELS)
@settings(max_examples=30, deadline=None)
@given(element=elements)
def test_strict_raises_exactly_where_something_is_lost(channel: str, element: Element) -> None:
    conversion = render(element, channel)
    lost = [note for note in conversion.notes if note.code in LOSSES]

    if not lost:
        assert render(element, channel, strict=True) == conversion
        return
    with pytest.raises(ConversionLoss) as raised:
        render(element, channel, strict=True)
    assert len(raised.value.losses) == len(lost)
    assert all(note.path in str(raised.value) for note in lost)


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name != "haptik"])
@settings(max_examples=30, deadline=None)
@given(element=elements)
def test_every_answer_is_offered_and_every_address_is_sent(channel: str, element: Element) -> None:
    conversion = render(element, channel)
    sent = json.dumps(conversion.messages, ensure_ascii=False)
    offered = {offer.path for offer in conversion.replies}
    lost = [note.path for note in conversion.notes if note.code in LOSSES]

    for path, control in controls(element):
        url = control.url
        if url is not None:
            written = json.dumps(url, ensure_ascii=False)[1:-1]
            assert written in sent.replace("&amp;", "&") or any(map(path.startswith, lost)) or cut(path, lost)
        elif control.uri not in SPELLED:
            assert path in offered


def cut(path: str, lost: list[str]) -> bool:
    """Whether a note below a path tells that what stands there is longer than a text of the channel."""
    return any(place.startswith(f"{path}.payload") for place in lost)


def controls(element: Element) -> Iterator[tuple[str, Actionable]]:
    if isinstance(element, Text):
        yield from ((f"data.quick_replies[{n}]", control) for n, control in enumerate(element.quick_replies))
    elif isinstance(element, Button):
        yield from ((f"data.items[{n}]", control) for n, control in enumerate(element.items))
    elif isinstance(element, Receipt):
        yield from ((f"data.footer.actionables[{n}]", control) for n, control in enumerate(element.actionables))
    elif isinstance(element, Carousel):
        for index, card in enumerate(element.items):
            yield from ((f"data.items[{index}].actionables[{n}]", c) for n, c in enumerate(card.actionables))


@pytest.mark.parametrize("channel", CHANNELS)
@settings(max_examples=30, deadline=None)
@given(element=elements, resolves=st.booleans())
def test_a_reply_survives_a_slot_and_says_what_it_opens(channel: str, element: Element, resolves: bool) -> None:
    conversion = render(element, channel, resolves=resolves)
    numbers = [offer.number for offer in conversion.replies if offer.number is not None]

    assert len(set(numbers)) == len(numbers)
    for offer in conversion.replies:
        assert msgspec.convert(json.loads(json.dumps(msgspec.to_builtins(offer))), Offer) == offer
        assert offer.label == " ".join(offer.label.split()) != ""
        assert offer.payload
        if offer.opens is not None:
            parse(offer.opens)


plain = st.text(st.characters(exclude_characters="*_~`{}", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)
texts = st.builds(lambda text, times: text * times, plain, st.sampled_from([1, 50, 700])).filter(str.strip)


@pytest.mark.parametrize(
    "channel", ["facebook", "instagram", "twilio", "line", "rcs", "viber", "slack", "twilio_voice"]
)
@settings(max_examples=40, deadline=None)
@given(text=texts)
def test_a_cut_loses_nothing_but_space_and_is_between_characters(channel: str, text: str) -> None:
    limit = CHANNELS[channel].limits.get("message", CHANNELS[channel].limits["text"])
    messages = [message["text"] for message in render(Text(text), channel).messages]

    whole = "".join(messages)
    read = whole.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") if channel == "slack" else whole
    assert "".join(read.split()) == "".join(text.split())
    assert all(limit.measure(message) <= limit.size for message in messages)
    longest = max(map(len, iter_graphemes(text)))
    for message in messages[1:]:
        assert longest > 50 or not unicodedata.category(message[0]).startswith("M")


@pytest.mark.parametrize("channel", CHANNELS)
@settings(max_examples=15, deadline=None)
@given(
    text=st.text(st.characters(), min_size=1, max_size=40).filter(str.strip), label=st.text(st.characters(), min_size=1)
)
def test_no_text_makes_it_raise(channel: str, text: str, label: str) -> None:
    render(Text(text), channel)
    if label.strip() and "{" not in label:
        render(Button(text, [Actionable.reply(label)]), channel, resolves=True)
