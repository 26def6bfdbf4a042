"""Elements of HSL for property tests: every type, with texts, counts and payloads that have broken chat bots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from haptik_actions.hsl import (
    Actionable,
    ActionableType,
    ActionableUri,
    Button,
    Card,
    Carousel,
    Element,
    Form,
    FormField,
    Image,
    NativeAction,
    Receipt,
    ReceiptFact,
    ReceiptItem,
    Silent,
    SilentAction,
    System,
    Tab,
    TabItem,
    TabList,
    Text,
    Unknown,
    strip_braces,
)

_PIECES = (
    "a", "Hello", "Zürich", "👨‍👩‍👧‍👦", "🇮🇳", "👍🏽", "नमस्ते", "क्षत्रिय", "مرحبا بكم", "\u202eabc", "e\u0301\u0323",
    "한국어", "𝒜", "\u200d", "*bold*", "_it_", "~s~", "`u`", "**", "a*b", "snake_case_name", "2*3*4", "<b>", "</b>",
    "<3", "&", "&amp;", "|", "<!channel>", "<@U1>", "<https://evil.example|click>", "@all", "[x](https://example.org/y)",
    "https://example.org/a_b_c", "#", ">", "\\", "{task}", "{sku: 12, name: a b}", "}", "{", "\t", "₹799", "1.", "2",
    "%s", ":share:",
)  # fmt: skip
# Just within and just beyond a limit that some platform has.
_LENGTHS = (20, 21, 24, 25, 40, 41, 60, 72, 75, 80, 81, 120, 160, 161, 200, 250, 255, 300, 301, 400)
_BUBBLES = (*_LENGTHS, 640, 641, 1000, 1001, 1024, 1600, 2000, 2001, 3000, 3072, 4096, 4097, 5001, 7001)
_COUNTS = (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 24, 26, 31)
_FIELD_TYPES = (
    "text", "picker", "multiselectpicker", "time", "date", "startdate", "enddate", "dob", "multidaypicker",
    "contactpicker", "search", "searcheditable", "savedaddress",
)  # fmt: skip

urls: SearchStrategy[str] = st.sampled_from(
    [
        "https://example.org/a.png",
        "http://example.org/a.jpg?w=1&h=2",
        "www.example.org",
        "example.org/पथ",
        "https://example.org/" + "x" * 1100,
        "https://www.youtube.com/embed/abcdefghijk",
        "HTTPS://EXAMPLE.ORG/(a)_b*c",
    ]
)
numbers = st.sampled_from(["+911140001234", "tel:+911140001234", "011 4000 1234", "1800-300-500"])


def _repeated(piece: str, length: int) -> str:
    return piece * max(1, length // len(piece))


words: SearchStrategy[str] = st.sampled_from(_PIECES) | st.text(max_size=8)
lines: SearchStrategy[str] = st.lists(words, min_size=1, max_size=5).map(" ".join)


def long(lengths: tuple[int, ...]) -> SearchStrategy[str]:
    """One piece over and over, to about such a length in code points."""
    return st.builds(_repeated, st.sampled_from(_PIECES), st.sampled_from(lengths))


texts: SearchStrategy[str] = lines | long(_LENGTHS)
paragraphs: SearchStrategy[str] = st.lists(lines | st.just(""), min_size=1, max_size=4).map("\n\n".join)
bubbles: SearchStrategy[str] = (lines | paragraphs | long(_BUBBLES)).filter(lambda text: bool(text.strip()))
maybe: SearchStrategy[str] = st.just("") | texts
voices: SearchStrategy[str | None] = st.none() | st.just("<speak>Say <break/> this</speak>") | lines
said: SearchStrategy[str] = st.sampled_from(["Yes", "Yes", "yes", "No", ":share: Share", "Know more{api_name: plan}"])
labels: SearchStrategy[str] = (said | texts).filter(lambda label: bool(strip_braces(label)))
titles: SearchStrategy[str] = texts.filter(lambda title: bool(title.strip()))
_MESSAGES = (
    "buy kurta", '/order{"id": 1}', "Large please{sku: l1}{task}", "x" * 64, "x" * 65, "न" * 22, "x" * 301, "y" * 1001,
    "z" * 2049, "I am at %s", "1", "/x{", "{task}",
)  # fmt: skip
messages: SearchStrategy[str] = st.sampled_from(_MESSAGES) | texts


def _reply(label: str, message: str | None, gogo: str | None, is_default: bool) -> Actionable:
    message = message if message is None or message.strip() else None
    return Actionable.reply(label, message, gogo, is_default=is_default)


replies: SearchStrategy[Actionable] = st.builds(
    _reply, labels, st.none() | messages, st.none() | messages, st.booleans()
)


def _opening(uri: ActionableUri, payload: SearchStrategy[dict[str, Any]]) -> SearchStrategy[Actionable]:
    return st.builds(
        lambda label, payload: Actionable(actionable_text=label, type="APP_ACTION", uri=uri, payload=payload),
        labels,
        payload,
    )


def _doing(kind: ActionableType, payload: SearchStrategy[dict[str, Any]]) -> SearchStrategy[Actionable]:
    return st.builds(
        lambda label, payload: Actionable(actionable_text=label, type=kind, payload=payload), labels, payload
    )


_places = st.just({"location": [{"lat_key": "lat", "lng_key": "lng", "index": 0}], "message": "I am at %s"})
_nothing: SearchStrategy[dict[str, Any]] = st.just({})
_detail = st.fixed_dictionaries(
    {"title": maybe, "sub_title": maybe, "description": maybe, "images": st.lists(urls, max_size=2)},
    optional={"actionables": st.lists(replies.map(Actionable.to_hsl), max_size=2), "message": messages},
)
_cards_of_a_list = st.fixed_dictionaries({"items": st.lists(st.fixed_dictionaries({"title": titles}), max_size=3)})
links: SearchStrategy[Actionable] = st.builds(Actionable.link, labels, urls)


def _any_payload(uri: str) -> dict[str, Any]:
    return {"url": "example.org"} if uri in ("LINK", "SELF_SERVE_WEB") else {}


PAIRS: tuple[tuple[ActionableType, ActionableUri], ...] = tuple(
    product(get_args(ActionableType), get_args(ActionableUri))
)
"""What an actionable may be: every type with every uri."""


def of_pair(
    kind: ActionableType, uri: ActionableUri, label: str, message: str, *, location_required: bool = False
) -> Actionable:
    """An actionable of a type and a uri, with an address where it opens one."""
    return Actionable(
        actionable_text=label,
        type=kind,
        uri=uri,
        location_required=location_required,
        payload={**_any_payload(uri), "message": message},
    )


odd: SearchStrategy[Actionable] = st.builds(
    lambda pair, label, message, located: of_pair(pair[0], pair[1], label, message, location_required=located),
    st.sampled_from(PAIRS),
    labels,
    messages,
    st.booleans(),
)
_usual: SearchStrategy[Actionable] = st.one_of(
    replies,
    links,
    _opening("CALL", st.fixed_dictionaries({"number": numbers})),
    _opening("SEND_LOCATION", _places),
    _opening("SEND_MULTIPLE_LOCATIONS", _places),
    _opening("SAVED_ADDRESSES", _nothing),
    _opening("GALLERY_PICKER", _nothing),
    _opening("DOCUMENT_PICKER", _nothing),
    _opening("LAUNCH_CHANNEL", st.just({"via_name": "shop"})),
    _opening("CAROUSEL_DETAIL", _detail),
    _opening("CAROUSEL_DEFAULT", _cards_of_a_list),
    _opening("EMAIL", st.just({"url": "mailto:care@example.org"})),
    _opening("SMS", st.just({"url": "sms:+911140001234"})),
    _doing("FORM_SHOW", st.just({"id": 12})),
    _doing("SHARE", st.fixed_dictionaries({"message": messages, "image": urls})),
    _doing("APP_FEEDBACK", _nothing),
)
# As one of the usual ones, most pairs would never be drawn.
actionables: SearchStrategy[Actionable] = st.booleans().flatmap(lambda pair: odd if pair else _usual)


@st.composite
def _several(draw: DrawFn, kind: SearchStrategy[Actionable], low: int = 0) -> list[Actionable]:
    """A few of any sort, or many with short labels: few platforms take both a crowd and a novel."""
    if draw(st.booleans()):
        return draw(st.lists(kind, min_size=low, max_size=4))
    word = draw(st.sampled_from(_PIECES).filter(lambda piece: bool(strip_braces(piece))))
    first = draw(st.lists(kind, min_size=low, max_size=2))
    count = draw(st.sampled_from(_COUNTS))
    return [*first, *(Actionable.reply(f"{word} {number}", f"/pick{{{number}}}") for number in range(count))]


cards: SearchStrategy[Card] = st.builds(
    lambda title, **lines: Card(title=title if title.strip() or lines["image"] else "Card", **lines),
    title=maybe,
    sub_title=maybe,
    description=maybe,
    image=st.just("") | urls,
    actionables=st.lists(actionables, max_size=4),
    mini_actionable=st.none() | actionables,
    meta=st.none() | st.sampled_from([4.5, 5, "4.5", ""]),
    tool_name=st.just("") | lines,
)


@st.composite
def _carousels(draw: DrawFn) -> Carousel:
    some = draw(st.lists(cards, max_size=3))
    like = draw(st.sampled_from([*some, Card(title="A", image="https://example.org/a.png", actionables=[_BUY])]))
    ratios = st.sampled_from([0.5, 1.0, 1.77, 1000.1])
    many = [like] * draw(st.sampled_from((0, 1, 2, 9, 10, 11, 13)))
    shown = [Card(title=draw(titles)), *some, *many] if draw(st.booleans()) else [*some, *many, Card(title="Last")]
    return Carousel(shown, draw(maybe), draw(ratios), draw(st.sampled_from(("THIN", "MEDIUM", "FAT", "BIG"))))


_BUY = Actionable.reply("Buy", "buy")

fields: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "type": st.sampled_from(_FIELD_TYPES),
        "keyboard_type": st.sampled_from(("normal", "number", "email")),
        "hint": maybe,
        "options": st.lists(titles, min_size=1, max_size=4, unique=True)
        | st.sampled_from((13, 14, 31)).map(lambda count: [f"Option {number}" for number in range(count)]),
        "search_source": st.just("https://example.org/search"),
        "autofill": st.sampled_from(("", "user_name", "Asha")),
    }
)


def _form(title: str, subtitle: str, fields: list[tuple[str, dict[str, Any]]]) -> Form:
    return Form(title, [FormField(key, **members) for key, members in fields], subtitle)


def _form_fields() -> SearchStrategy[list[tuple[str, dict[str, Any]]]]:
    return st.lists(st.tuples(titles, fields), min_size=1, max_size=5, unique_by=lambda field: field[0])


rows = st.builds(TabItem, titles, maybe, st.sampled_from(("", "₹4200")), maybe)
tabs = st.builds(Tab, titles, st.lists(rows, min_size=1, max_size=6), maybe, maybe)
_choice = st.builds(
    lambda label, unselected, expired: Actionable(
        actionable_text=label,
        type="TAB_LIST_TEXT_ONLY",
        option_unselected_text=unselected,
        expired_text=expired,
        payload={"expired_message": "search again", "price_enabled": True},
    ),
    labels,
    maybe,
    maybe,
)
_receipt_rows = st.builds(
    lambda title, header, body, image: ReceiptItem(title=title, header=header, body=body, image_url=image),
    titles,
    maybe,
    maybe,
    st.just("") | urls,
)
_values: SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | texts
_objects = st.dictionaries(st.sampled_from(("Id", "via_name", "note")), _values, max_size=2)

ELEMENTS: Mapping[str, SearchStrategy[Element]] = {
    "TEXT": st.builds(Text, bubbles, st.one_of(st.just([]), _several(replies)), voices),
    "BUTTON": st.builds(Button, bubbles, _several(actionables, 1), voices),
    "CAROUSEL": _carousels(),
    "IMAGE": st.builds(
        lambda addresses, text: Image.of(*addresses, text=text),
        st.lists(urls, min_size=1, max_size=12),
        maybe,
    ),
    "FORM": st.builds(_form, titles, maybe, _form_fields()),
    "SYSTEM": st.builds(
        System,
        maybe,
        st.sampled_from(("chat_pinned", "chat_complete", None)),
        st.just({})
        | st.just({"agent_name": "Asha", "team_name": "Care", "profile_image": "https://example.org/p.png"}),
    ),
    "SILENT": st.builds(Silent, st.lists(st.builds(SilentAction, titles, _objects), min_size=1, max_size=2), maybe),
    "NATIVE_ACTION": st.builds(NativeAction, st.sampled_from(("openCart", "नया")), maybe),
    "TAB_LIST": st.builds(
        TabList, maybe, st.lists(tabs, min_size=1, max_size=3), _choice, st.sampled_from(("SELECT_ONE", "SELECT_ALL"))
    ),
    "RECEIPT": st.builds(
        Receipt,
        titles,
        st.lists(_receipt_rows, min_size=1, max_size=4),
        maybe,
        st.lists(st.builds(ReceiptFact, titles, maybe), max_size=2),
        amount=st.sampled_from(("", "₹240")),
        offer_text=maybe,
        actionables=st.lists(actionables, max_size=3),
    ),
    "UNKNOWN": st.builds(lambda text, more: Unknown({"type": "HOLOGRAM", "text": text, "data": more}), maybe, _objects),
}
"""A strategy for each type of element."""

elements: SearchStrategy[Element] = st.one_of(*ELEMENTS.values())

with_controls: SearchStrategy[Element] = st.one_of(
    *(ELEMENTS[name] for name in ("TEXT", "BUTTON", "CAROUSEL", "RECEIPT"))
)
"""The elements whose controls no channel may lose."""


def samples(count: int, *types: str, seed: int = 0) -> list[Element]:
    """Elements of every type alike, or of those that are named; others with another `seed`."""
    drawn: list[Element] = []
    wanted = types or tuple(ELEMENTS)
    for name in wanted:
        _collect(ELEMENTS[name], drawn.append, -(-count // len(wanted)), seed)
    return drawn


def _collect(strategy: SearchStrategy[Element], keep: Callable[[Element], None], count: int, seed: int) -> None:
    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(element: Element) -> None:
        keep(element)

    draw()
