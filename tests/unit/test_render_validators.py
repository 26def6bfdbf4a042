"""What the renderers make of any element is what each platform takes, and nothing that the author offered is lost.

The validators (`tests/validators`) know the platforms and nothing of the renderers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.errors import ConversionLoss
from haptik_actions.hsl import (
    Actionable,
    Button,
    Card,
    Carousel,
    Element,
    Form,
    Image,
    Receipt,
    Text,
    parse,
)
from haptik_actions.hsl._form import FieldType
from haptik_actions.render import CHANNELS, LOSSES, Conversion, render
from tests.support.elements import ELEMENTS, PAIRS, elements, of_pair, samples, with_controls
from tests.validators import PLATFORMS, platform
from tests.validators._shown import bare, read, shown, strings

EVERY_CHANNEL = [*PLATFORMS, "callback", "gbm", "unheard of"]
FOREIGN = [name for name in EVERY_CHANNEL if name != "haptik"]
SPOKEN = ("twilio_voice",)
# The same elements in every run: a find belongs to the change that causes it.
thorough = settings(max_examples=40, derandomize=True)
careful = settings(max_examples=25, derandomize=True)
brief = settings(max_examples=15, derandomize=True)
# What can be told in words wherever words can be sent.
_PLAIN_TYPES = ("TEXT", "TEXT_ONLY")
_PLAIN_URIS = ("LINK", "CALL")
# A native control of these kinds sends something of its own, such as coordinates.
_ASKED_BY_THE_CLIENT = ("location", "locations", "upload")
# The platform's editor writes it in front of labels; nobody else knows it.
_SHORTCODE = ":share:"
# Some groups in braces are commands, which are carried out and not shown.
_BRACES = frozenset("{}")
_END = 12


def controls(element: Element) -> Iterator[tuple[str, Actionable]]:
    """The actionables that an element shows, each with its path."""
    if isinstance(element, Text):
        yield from ((f"data.quick_replies[{n}]", control) for n, control in enumerate(element.quick_replies))
    elif isinstance(element, Button):
        yield from ((f"data.items[{n}]", control) for n, control in enumerate(element.items))
    elif isinstance(element, Receipt):
        yield from ((f"data.footer.actionables[{n}]", control) for n, control in enumerate(element.actionables))
    elif isinstance(element, Carousel):
        for index, card in enumerate(element.items):
            yield from (
                (f"data.items[{index}].actionables[{n}]", control) for n, control in enumerate(card.actionables)
            )
            if card.mini_actionable is not None:
                yield f"data.items[{index}].mini_actionable", card.mini_actionable


def lost(conversion: Conversion, path: str) -> bool:
    """Whether a note admits a loss at the path, around it, or of the label that stands there."""
    label = f"{path}.actionable_text."
    return any(note.code in LOSSES and label.startswith(f"{note.path}.") for note in conversion.notes)


def left_for_later(conversion: Conversion, path: str) -> bool:
    """Whether it can be said although it is not read out, and a note tells so."""
    paths = {offer.path for offer in conversion.replies}
    return path in paths and any(note.code == "paginated" for note in conversion.notes)


def pages(element: Element, channel: str, *, resolves: bool) -> Iterator[Conversion]:
    """A conversion and those behind its "More"."""
    conversion = render(element, channel, resolves=resolves)
    yield conversion
    for offer in conversion.replies:
        if offer.kind == "more":
            rest = parse(offer.opens or {})
            assert not isinstance(rest, list)
            yield from pages(rest, channel, resolves=resolves)


def lines_of(element: Element) -> Iterator[tuple[str, str]]:
    """What an element says, each with its path."""
    if isinstance(element, (Text, Button)):
        yield "text", element.text
    elif isinstance(element, Carousel):
        for index, card in enumerate(element.items):
            for name in ("title", "sub_title", "description"):
                yield f"data.items[{index}].{name}", getattr(card, name)
    elif isinstance(element, Receipt):
        yield "data.header", element.header
        for index, row in enumerate(element.order_items):
            yield f"data.order_items[{index}].title", row.title


@pytest.mark.parametrize("kind", ELEMENTS)
@pytest.mark.parametrize("channel", EVERY_CHANNEL)
@brief
@given(data=st.data(), resolves=st.booleans())
def test_the_platform_takes_what_is_rendered(channel: str, kind: str, data: st.DataObject, resolves: bool) -> None:
    messages = render(data.draw(ELEMENTS[kind]), channel, resolves=resolves).messages

    platform(channel if channel in PLATFORMS or channel in CHANNELS else None).check(messages)


@pytest.mark.parametrize("channel", EVERY_CHANNEL)
def test_every_type_with_every_uri_is_taken_and_shown(channel: str) -> None:
    takes = platform(channel if channel in PLATFORMS or channel in CHANNELS else None)
    for kind, uri in PAIRS:
        control = of_pair(kind, uri, "Open the door", "open it")
        for element in (
            Button("Which?", [control]),
            Button("Which?", [Actionable.reply("Yes"), control]),
            Carousel([Card(title="A", actionables=[control], mini_actionable=control)]),
        ):
            conversion = render(element, channel)
            takes.check(conversion.messages)
            written = "".join(map(str, conversion.messages))
            assert "Open the door" in written or conversion.notes, f"{kind} {uri}"
            assert channel in SPOKEN or "Open the door" in written, f"{kind} {uri}: {conversion}"


def test_the_strategies_reach_every_type_uri_and_field() -> None:
    wanted = {each for pair in PAIRS for each in pair} | set(get_args(FieldType)) | set(ELEMENTS)
    reached: set[str] = set()
    # What a number of examples holds depends on the modules that are loaded, so more are drawn where something misses.
    for turn in range(20):
        for kind, count in (("BUTTON", 300), ("FORM", 80), *((kind, 1) for kind in ELEMENTS)):
            for element in samples(count, kind, seed=turn):
                reached.add(kind)
                reached.update(*((control.type, control.uri) for _, control in controls(element)))
                reached.update(field.type for field in (element.fields if isinstance(element, Form) else ()))
        if reached >= wanted:
            return
    assert reached >= wanted


@thorough
@given(element=elements)
def test_haptik_gets_the_element_itself(element: Element) -> None:
    (message,) = render(element, "haptik").messages

    assert json.loads(message["text"]) == element.to_hsl()


@pytest.mark.parametrize("channel", FOREIGN)
@careful
@given(element=with_controls)
def test_no_control_is_lost(channel: str, element: Element) -> None:
    conversion = render(element, channel)
    seen = read(
        [*conversion.messages, *(message.get("json_message", {}).get("hsl") for message in conversion.messages)]
    )
    for path, control in controls(element):
        label = bare(control.label.replace(_SHORTCODE, ""))
        if label in seen or (channel in SPOKEN and left_for_later(conversion, path)):
            continue
        assert lost(conversion, path), f"{control.label!r} at {path} is nowhere in {conversion}"
        told = (control.type in _PLAIN_TYPES and not control.uri) or control.uri in _PLAIN_URIS
        assert not told or channel in SPOKEN or label[:5] in seen, f"{control.label!r} at {path}: {conversion}"


@pytest.mark.parametrize("channel", [name for name in FOREIGN if name not in SPOKEN])
@careful
@given(element=with_controls)
def test_no_words_are_lost(channel: str, element: Element) -> None:
    conversion = render(element, channel)
    seen = read(conversion.messages)
    for path, line in lines_of(element):
        for word in (bare(word) for word in line.split() if not _BRACES & set(word)):
            assert (word[:_END] in seen and word[-_END:] in seen) or lost(conversion, path), (
                f"{word!r} of {path}: {conversion}"
            )


@pytest.mark.parametrize("channel", FOREIGN)
@careful
@given(element=elements, resolves=st.booleans())
def test_what_is_offered_can_be_answered(channel: str, element: Element, resolves: bool) -> None:
    for conversion in pages(element, channel, resolves=resolves):
        check_answers(channel, conversion)


def check_answers(channel: str, conversion: Conversion) -> None:
    delivered, seen = set(strings(list(conversion.messages))), read(conversion.messages)
    for offer in conversion.replies:
        assert offer.payload.strip()
        assert offer.label.strip()
        if offer.sent is None:
            tapped = offer.number is None and offer.kind in _ASKED_BY_THE_CLIENT
            assert offer.number is not None or tapped or channel in SPOKEN, f"no way to answer {offer}"
        elif offer.kind not in _ASKED_BY_THE_CLIENT:
            assert offer.sent in delivered, f"{offer} is not in {conversion.messages}"
        if offer.number is not None:
            assert f"{offer.number}." in seen, f"{offer} has no number in {conversion.messages}"
    numbers = Counter(offer.number for offer in conversion.replies if offer.number is not None)
    assert not numbers or max(numbers.values()) == 1


@pytest.mark.parametrize("channel", FOREIGN)
@careful
@given(element=with_controls, resolves=st.booleans())
def test_every_reply_is_offered(channel: str, element: Element, resolves: bool) -> None:
    all_pages = list(pages(element, channel, resolves=resolves))
    offered = {offer.label for conversion in all_pages for offer in conversion.replies}
    for path, control in controls(element):
        if control.type in _PLAIN_TYPES and not (control.uri or control.location_required):
            label = " ".join(control.label.replace(_SHORTCODE, "").split())
            assert label in offered or not label or lost(all_pages[0], path), f"{label!r} at {path} is not in {offered}"


@pytest.mark.parametrize("channel", EVERY_CHANNEL)
@brief
@given(element=elements)
def test_rendering_repeats_itself_and_changes_nothing(channel: str, element: Element) -> None:
    before = element.to_hsl()
    first = render(element, channel)

    assert render(element, channel) == first
    assert element.to_hsl() == before
    if any(note.code in LOSSES for note in first.notes):
        with pytest.raises(ConversionLoss):
            render(element, channel, strict=True)
    else:
        assert render(element, channel, strict=True) == first


@pytest.mark.parametrize("channel", FOREIGN)
@pytest.mark.parametrize("tag", ["{task}", "{sku: 12, name: a b}", "{sku: 12}{task}"])
def test_metadata_is_neither_shown_nor_sent(channel: str, tag: str) -> None:
    control = Actionable.reply(f"Know more{tag}", f"more{tag}")
    for element in (
        Text("Which?", [control]),
        Button("Which?", [control] * 5),
        Carousel([Card(title="A", actionables=[control], mini_actionable=control)]),
    ):
        conversion = render(element, channel)
        written = list(strings([{**message, "json_message": ""} for message in conversion.messages]))
        assert not [text for text in (*written, *shown(list(conversion.messages))) if "{" in text]
        assert {offer.payload for offer in conversion.replies} <= {"more"}


def test_every_channel_has_a_validator() -> None:
    named = {channel.name for channel in CHANNELS.values()}
    assert named - {"callback", "rasa", "cmdline", "gbm", "voice"} <= PLATFORMS.keys()


@pytest.mark.parametrize("channel", EVERY_CHANNEL)
def test_an_image_is_not_forgotten(channel: str) -> None:
    messages = render(Image.of("https://example.org/a.png", text="Our shop"), channel).messages

    platform(channel if channel in PLATFORMS or channel in CHANNELS else None).check(messages)
    assert channel in SPOKEN or any("example.org/a.png" in text for text in strings(list(messages)))
