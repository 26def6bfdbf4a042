"""One function for each element and each part of one: it reads the JSON into a value, with the help of `Source`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._actionable import TYPES, URIS, Actionable, strip_braces
from haptik_actions.hsl._bubbles import Button, Text
from haptik_actions.hsl._carousel import WIDTHS, Card, Carousel, Image, is_image
from haptik_actions.hsl._form import FIELD_TYPES, KEYBOARD_TYPES, Form, FormField
from haptik_actions.hsl._json import ADDRESS_KEYS
from haptik_actions.hsl._receipt import ORDINALS, Receipt, ReceiptFact, ReceiptItem
from haptik_actions.hsl._signals import SYSTEM_EVENTS, NativeAction, Silent, SilentAction, System
from haptik_actions.hsl._source import Source, read
from haptik_actions.hsl._tab_list import SELECTIONS, Tab, TabItem, TabList
from haptik_actions.hsl._value import Value

V = TypeVar("V", bound=Value)
_URI_ALIASES = MappingProxyType({"WEBVIEW": "SELF_SERVE_WEB", "WEB_VIEW": "SELF_SERVE_WEB"})
_WIDTH_ALIASES = MappingProxyType({"SMALL": "THIN", "SQUARE": "MEDIUM", "LARGE": "BIG"})
_LISTS_OF_ACTIONABLES = ("actionables", "actionable", "items")


def _envelope(source: Source) -> JsonObject:
    """The members that every element may have. Call it last: members that nobody has read by then are unknown."""
    return {
        "is_new": source.flag("isNew"),
        "mic_auto_open": source.flag("mic_auto_open"),
        "extra": _rest(source),
    }


def _rest(source: Source) -> JsonObject:
    source.take("type")
    return source.rest()


def _list(found: list[tuple[str, Any]], build: Callable[[Source], V], serialise: Callable[[V], JsonObject]) -> list[V]:
    return [read(Source(item), build, serialise, path) for path, item in _objects(found)]


def _objects(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    for path, item in found:
        if not isinstance(item, Mapping):
            raise InvalidElement(path, f"an object is wanted, not {type(item).__name__}")
    return found


def text(source: Source) -> Text:
    """A TEXT."""
    data = source.inner("data")
    return Text(
        source.text("text"),
        _actionables(data.several("quick_replies"), quick=True),
        source.optional_text("voice_text"),
        **_envelope(source),
    )


def button(source: Source) -> Button:
    """A BUTTON."""
    data = source.inner("data")
    return Button(
        source.text("text"),
        _actionables(data.several("items", "actionables", "actionable")),
        source.optional_text("voice_text"),
        **_envelope(source),
    )


def carousel(source: Source) -> Carousel | Image:
    """A CAROUSEL, which is an Image where its cards have nothing but a picture."""
    data = source.inner("data")
    items = _list(data.several("items"), _card, Card.to_hsl)
    members = {
        "image_aspect_ratio": data.number("image_aspect_ratio"),
        "width": data.choice("width", WIDTHS, _WIDTH_ALIASES),
    }
    kind = Image if items and is_image(items) else Carousel
    return kind(
        items,
        source.text("text"),
        voice_text=source.optional_text("voice_text"),
        **{name: value for name, value in members.items() if value is not None},  # type: ignore[arg-type]
        **_envelope(source),
    )


def _card(source: Source) -> Card:
    mini = source.take("mini_actionable")
    return Card(
        title=source.text("title"),
        sub_title=source.text("sub_title"),
        description=source.text("description"),
        image=source.inner("thumbnail").address("image"),
        actionables=_actionables(source.several(*_LISTS_OF_ACTIONABLES)),
        mini_actionable=next(iter(_actionables([("mini_actionable", mini)])), None) if mini else None,
        meta=source.take("meta"),
        tool_name=source.text("tool_name"),
        extra=source.rest(),
    )


def _actionables(found: list[tuple[str, Any]], *, quick: bool = False) -> list[Actionable]:
    """The actionables that have something to show. One without label, message and address is left out."""
    shown = [(path, item) for path, item in _objects(found) if _label(item)]
    if quick:
        return _list(shown, _quick_reply, Actionable.as_quick_reply)
    return _list(shown, actionable, Actionable.to_hsl)


def _label(members: Mapping[str, object]) -> str:
    """What an actionable shows: its label, or else its message, its emoji, or its address."""
    payload = members.get("payload")
    inner = payload if isinstance(payload, Mapping) else {}
    candidates = (members.get("actionable_text"), inner.get("message"), members.get("emoji"), inner.get("url"))
    return next((label for label in map(_words, candidates) if strip_braces(label)), "")


def _words(value: object) -> str:
    return value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""


def actionable(source: Source) -> Actionable:
    """An actionable of any kind."""
    members = _actionable_members(source)
    return Actionable(**members, extra=source.rest())


def _quick_reply(source: Source) -> Actionable:
    members = _actionable_members(source)
    if not members["uri"] and members["type"] in ("TEXT", "APP_ACTION"):
        members["type"] = "TEXT_ONLY"
    message = members["payload"].get("message")
    if message is None or (isinstance(message, str) and not message.strip()):
        members["payload"]["message"] = members["actionable_text"]
    return Actionable(**members, extra=source.rest())


def _actionable_members(source: Source) -> JsonObject:
    payload = _payload(source)
    source.text("actionable_text")
    uri = source.choice("uri", URIS, _URI_ALIASES)
    if uri is None:
        uri = "LINK" if payload.get("url") or payload.get("link") else ""
    return {
        "actionable_text": _label(source.members),
        "type": source.choice("type", TYPES) or ("APP_ACTION" if uri else "TEXT_ONLY"),
        "uri": uri,
        "is_default": source.flag("is_default") or False,
        "location_required": source.flag("location_required") or False,
        "payload": payload,
        "emoji": source.text("emoji"),
        "option_unselected_text": source.text("option_unselected_text"),
        "option_selected_text": source.text("option_selected_text"),
        "expired_text": source.text("expired_text"),
    }


def _payload(source: Source) -> JsonObject:
    payload = source.take("payload")
    if payload is None or payload in ("", []):
        return {}
    if not isinstance(payload, Mapping):
        raise InvalidElement(source.at("payload"), f"an object is wanted, not {type(payload).__name__}")
    unescaped: JsonObject = _unescaped(payload)
    return unescaped


def _unescaped(value: object, key: str = "") -> Any:
    """The same JSON with its addresses free of HTML's `&amp;`."""
    if isinstance(value, Mapping):
        return {name: _unescaped(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [_unescaped(item, key) for item in value]
    return value.replace("&amp;", "&") if isinstance(value, str) and key in ADDRESS_KEYS else value


def form(source: Source) -> Form:
    """A FORM. Where it has no title, its `text` is taken: people write one because all other elements have it."""
    found = source.inner("data").several("fields")
    fields = [
        read(Source(item), partial(_field, place=place), FormField.to_hsl, path)
        for place, (path, item) in enumerate(_objects(found))
    ]
    return Form(source.text("title", "text"), fields, source.text("subtitle"), **_envelope(source))


def _field(source: Source, place: int) -> FormField:
    order = source.integer("order")
    kind = source.choice("type", FIELD_TYPES)
    if kind is None:
        raise InvalidElement("type", f"{source.members.get('type')!r} is not one of {', '.join(sorted(FIELD_TYPES))}")
    return FormField(
        source.text("key"),
        type=kind,  # type: ignore[arg-type]
        keyboard_type=source.choice("keyboard_type", KEYBOARD_TYPES) or "normal",  # type: ignore[arg-type]
        order=place if order is None else order,
        icon=source.text("icon"),
        hint=source.text("hint"),
        options=_options(source.take("options")),
        search_source=source.address("search_source"),
        search_placeholder=source.text("search_placeholder"),
        autofill=source.text("autofill"),
        autofill_source=source.text("autofill_source"),
        extra=source.rest(),
    )


def _options(value: object) -> list[Any]:
    """The admin of the platform takes the options as one text with commas, its library as a list."""
    if isinstance(value, str):
        return [option.strip() for option in value.split(",") if option.strip()]
    if not isinstance(value, list):
        return []
    return [str(o) if isinstance(o, (int, float)) and not isinstance(o, bool) else o for o in value]


def system(source: Source) -> System:
    """A SYSTEM; its `data` may be empty."""
    data = source.inner("data")
    return System(
        source.text("text"),
        data.choice("event_name", SYSTEM_EVENTS),  # type: ignore[arg-type]
        data.take("payload") or {},
        source.optional_text("voice_text"),
        **_envelope(source),
    )


def silent(source: Source) -> Silent:
    """A SILENT."""
    actions = _list(source.inner("data").several("silent_actions"), _silent_action, SilentAction.to_hsl)
    return Silent(actions, source.text("text"), source.optional_text("voice_text"), **_envelope(source))


def _silent_action(source: Source) -> SilentAction:
    return SilentAction(source.text("type"), source.take("data") or {}, extra=source.rest())


def native_action(source: Source) -> NativeAction:
    """A NATIVE_ACTION."""
    method = source.inner("data").text("method")
    return NativeAction(method, source.text("text"), source.optional_text("voice_text"), **_envelope(source))


def tab_list(source: Source) -> TabList:
    """A TAB_LIST."""
    data = source.inner("data")
    buttons = _actionables(data.several("actionables", "actionable"))
    if len(buttons) != 1:
        raise InvalidElement("data.actionables", f"a TAB_LIST has one button, not {len(buttons)}")
    return TabList(
        source.text("text"),
        _list(data.several("tabs"), _tab, Tab.to_hsl),
        buttons[0],
        data.choice("selection", SELECTIONS) or "SELECT_ONE",  # type: ignore[arg-type]
        data.integer("expiry"),
        data.take("analytics") or {},
        data.text("tool_name"),
        data.text("category"),
        source.optional_text("voice_text"),
        **_envelope(source),
    )


def _tab(source: Source) -> Tab:
    rows = _list(source.several("tab_items"), _tab_item, TabItem.to_hsl)
    unselected = source.text("unselected_text")
    return Tab(source.text("title"), rows, source.text("sub_title"), unselected, extra=source.rest())


def _tab_item(source: Source) -> TabItem:
    return TabItem(
        source.text("title"),
        source.text("message"),
        source.text("price"),
        source.text("caption"),
        source.text("meta"),
        source.text("emoji"),
        extra=source.rest(),
    )


def receipt(source: Source) -> Receipt:
    """A RECEIPT."""
    data = source.inner("data")
    footer = data.inner("footer")
    return Receipt(
        data.text("header"),
        _list(data.several("order_items"), _receipt_item, ReceiptItem.to_hsl),
        source.text("text"),
        [fact for _, item in _objects(data.several("subheader")) for fact in _facts(item)],
        data.integer("total_item_count"),
        footer.text("amount"),
        footer.text("offer_text"),
        _actionables(footer.several(*_LISTS_OF_ACTIONABLES)),
        source.optional_text("voice_text"),
        **_envelope(source),
    )


def _facts(members: Mapping[str, object]) -> list[ReceiptFact]:
    facts = [(members.get(f"header_{ordinal}"), members.get(f"body_{ordinal}")) for ordinal in ORDINALS]
    return [ReceiptFact(str(header), "" if body is None else str(body)) for header, body in facts if header]


def _receipt_item(source: Source) -> ReceiptItem:
    return ReceiptItem(
        title=source.text("title"),
        header=source.text("header"),
        body=source.text("body"),
        image_url=source.address("image_url"),
        extra=source.rest(),
    )
