"""HSL itself, as the platform's own clients draw it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import (
    Actionable,
    Button,
    Card,
    Carousel,
    Form,
    Image,
    NativeAction,
    Receipt,
    System,
    TabItem,
    TabList,
    Text,
    parse,
    strip_braces,
)
from haptik_actions.preview._marks import Marker, plain
from haptik_actions.preview._parts import (
    Bubble,
    Chips,
    Line,
    Menu,
    Part,
    Questions,
    Strip,
    Tap,
    calls,
    opens,
    tap,
    text,
    unseen,
)

_DOES = MappingProxyType(
    {
        "APP_FEEDBACK": "asks for feedback",
        "CAROUSEL_DEFAULT": "opens cards",
        "CAROUSEL_DETAIL": "opens details",
        "DOCUMENT_PICKER": "uploads a document",
        "FORM_SHOW": "opens a form",
        "GALLERY_PICKER": "picks a picture",
        "IMAGE_UPLOAD": "uploads a picture",
        "LAUNCH_CHANNEL": "opens another chat",
        "SAVED_ADDRESSES": "opens saved addresses",
        "SEND_LOCATION": "sends a place",
        "SEND_MULTIPLE_LOCATIONS": "sends two places",
        "SHARE": "shares",
        "SHARE_RECEIPT": "shares the receipt",
        "SHARE_REFERRAL": "shares the referral",
    }
)


def haptik(payload: Mapping[str, object] | str, mark: Marker) -> Iterator[Part]:
    """An element as the platform's own clients draw it. Of an unknown one, its text and its JSON are shown."""
    try:
        element = parse(payload)
    except InvalidElement:
        yield unseen(payload)
        return
    for kind, draw in _DRAWERS.items():
        if isinstance(element, kind):
            yield from draw(element, mark)
            return
    if element.text:
        yield Bubble(text=_words(element.text, mark))
    yield unseen(element.to_hsl())


def _words(words: str, mark: Marker) -> Any:
    return mark(strip_braces(words))


def _text(element: Text, mark: Marker) -> Iterator[Part]:
    yield Bubble(text=_words(element.text, mark))
    if element.quick_replies:
        yield Chips(taps=_taps(element.quick_replies))


def _button(element: Button, mark: Marker) -> Iterator[Part]:
    yield Bubble(text=_words(element.text, mark), taps=_taps(element.items))


def _carousel(element: Carousel | Image, mark: Marker) -> Iterator[Part]:
    cards = tuple(_card(card, mark, images=element.shows_images) for card in element.items)
    yield Strip(cards=cards) if len(cards) > 1 else cards[0]


def _card(card: Card, mark: Marker, *, images: bool) -> Bubble:
    rating = f"★ {card.meta}" if card.meta not in (None, "") else ""
    words = [card.sub_title, card.description, rating, card.tool_name and f"powered by {card.tool_name}"]
    minis = [card.mini_actionable] if card.mini_actionable else []
    return Bubble(
        title=_words(card.title, mark),
        text=_words("\n".join(filter(None, words)), mark),
        image=card.image_url or "" if images else "",
        taps=_taps([*card.actionables, *minis]),
    )


def _form(element: Form, mark: Marker) -> Iterator[Part]:
    fields = tuple((field.key, field.type, field.hint, tuple(field.options)) for field in element.ordered)
    yield Questions(title=_words(element.title, mark), subtitle=_words(element.subtitle, mark), fields=fields)


def _system(element: System, mark: Marker) -> Iterator[Part]:
    agent = text(element.payload.get("agent_name"))
    yield Line(text=_words(element.text or (f"{agent} has joined" if agent else element.event_name or "…"), mark))


def _native_action(element: NativeAction, mark: Marker) -> Iterator[Part]:
    if element.text:
        yield Bubble(text=_words(element.text, mark))
    yield unseen(element.to_hsl()["data"])


def _tab_list(element: TabList, mark: Marker) -> Iterator[Part]:
    if element.text:
        yield Bubble(text=_words(element.text, mark))
    sections = tuple(
        (
            " · ".join(filter(None, (tab.title, tab.sub_title))),
            tuple(map(_row, tab.tab_items)),
        )
        for tab in element.tabs
    )
    yield Menu(label=element.actionable.option_unselected_text or element.actionable.label, sections=sections)


def _row(row: TabItem) -> Tap:
    return tap(strip_braces(row.title) or row.title, detail=" · ".join(filter(None, (row.price, row.caption))))


def _receipt(element: Receipt, mark: Marker) -> Iterator[Part]:
    rows = [(" – ".join(filter(None, (row.title, row.header))), row.body) for row in element.order_items]
    yield Bubble(
        title=plain(element.header),
        text=_words(element.text, mark),
        facts=(*((fact.header, fact.body) for fact in element.subheader), *rows),
        total=("Total", element.amount) if element.amount else None,
        below=_words(element.offer_text, mark),
        taps=_taps(element.actionables),
    )


def _taps(actionables: Sequence[Actionable]) -> tuple[Tap, ...]:
    return tuple(tap(actionable.label, _does(actionable)) for actionable in actionables)


def _does(actionable: Actionable) -> str:
    if actionable.url:
        return opens(actionable.url)
    if actionable.uri == "CALL":
        return calls(next((value for value in actionable.payload.values() if isinstance(value, str) and value), ""))
    return _DOES.get(actionable.uri) or _DOES.get(actionable.type, "")


_DRAWERS: Mapping[type, Callable[[Any, Marker], Iterator[Part]]] = MappingProxyType(
    {
        Text: _text,
        Button: _button,
        Carousel: _carousel,
        Image: _carousel,
        Form: _form,
        System: _system,
        NativeAction: _native_action,
        TabList: _tab_list,
        Receipt: _receipt,
    }
)
