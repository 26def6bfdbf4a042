"""Reads an HSL object, which may hold anything anywhere, into flat values for the agents' page.

Source: Haptik's documentation, HSL, and the platform's builder library. What the catalogue does not know is shown as
its text and as JSON; nothing raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Actionable, strip_braces

__all__ = ["ElementView", "view"]

_DRAWN = frozenset({"TEXT", "BUTTON", "CAROUSEL", "FORM", "SYSTEM"})
_WHAT_A_TAP_DOES = {
    "CALL": "calls",
    "CAROUSEL_DEFAULT": "opens cards",
    "CAROUSEL_DETAIL": "opens details",
    "DOCUMENT_PICKER": "uploads a document",
    "GALLERY_PICKER": "picks an image",
    "IMAGE_UPLOAD": "uploads an image",
    "LAUNCH_CHANNEL": "opens another chat",
    "LINK": "opens a link",
    "SAVED_ADDRESSES": "opens saved addresses",
    "SELF_SERVE_WEB": "opens a web view",
    "SEND_LOCATION": "sends a place",
    "SEND_MULTIPLE_LOCATIONS": "sends two places",
    "FORM_SHOW": "opens a form",
    "SHARE": "shares",
    "SHARE_RECEIPT": "shares the receipt",
    "SHARE_REFERRAL": "shares the referral",
    "APP_FEEDBACK": "asks for feedback",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TapView:
    """A quick reply or a button: its label, what a tap does besides sending a message, and a safe address or None."""

    label: str
    does: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """A card of a carousel; `image` is its address as text, to be named and never loaded."""

    image: str
    lines: tuple[str, ...]
    taps: tuple[TapView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A field of a form."""

    label: str
    kind: str
    hint: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementView:
    """What an agent sees of one message. `raw` is the whole object as JSON where it cannot be drawn, else empty."""

    kind: str
    text: str
    subtitle: str = ""
    replies: tuple[TapView, ...] = ()
    buttons: tuple[TapView, ...] = ()
    cards: tuple[CardView, ...] = ()
    fields: tuple[FieldView, ...] = ()
    raw: str = ""


def view(body: Mapping[str, object]) -> ElementView:
    """Return what an agent sees of an HSL object."""
    kind, data = _text(body.get("type")), _mapping(body.get("data"))
    text = _text(body.get("text")) or (_text(body.get("title")) if kind == "FORM" else "")
    return ElementView(
        kind=kind,
        text=strip_braces(text),
        subtitle=_text(body.get("subtitle")),
        replies=_taps(data.get("quick_replies")) if kind == "TEXT" else (),
        buttons=_taps(data.get("items")) if kind == "BUTTON" else (),
        cards=tuple(_card(item) for item in _mappings(data.get("items"))) if kind == "CAROUSEL" else (),
        fields=_form_fields(data.get("fields")) if kind == "FORM" else (),
        raw="" if kind in _DRAWN else json.dumps(body, indent=2, ensure_ascii=False, default=str),
    )


def _taps(values: object) -> tuple[TapView, ...]:
    return tuple(_tap(value) for value in _mappings(values))


def _tap(value: Mapping[str, object]) -> TapView:
    payload = _mapping(value.get("payload"))
    does = _WHAT_A_TAP_DOES.get(_text(value.get("uri"))) or _WHAT_A_TAP_DOES.get(_text(value.get("type")), "")
    # `link` is the platform's older name of `url`.
    url = _safe(_text(payload.get("url")) or _text(payload.get("link"))) if does else None
    return TapView(label=strip_braces(_text(value.get("actionable_text"))) or "(no label)", does=does, url=url)


def _card(item: Mapping[str, object]) -> CardView:
    lines = (strip_braces(_text(item.get(key))) for key in ("title", "sub_title", "description", "meta"))
    more = [value for value in (item.get("mini_actionable"),) if isinstance(value, Mapping)]
    return CardView(
        # The platform's own samples hold addresses that were escaped for HTML.
        image=_text(_mapping(item.get("thumbnail")).get("image")).replace("&amp;", "&"),
        lines=tuple(filter(None, lines)),
        taps=(*_taps(item.get("actionables")), *_taps(more)),
    )


def _form_fields(values: object) -> tuple[FieldView, ...]:
    return tuple(_field(value) for value in sorted(_mappings(values), key=_order))


def _field(value: Mapping[str, object]) -> FieldView:
    options = value.get("options")
    # The platform's admin takes the options as one text with commas, its library as a list.
    listed = options.split(",") if isinstance(options, str) else options if isinstance(options, (list, tuple)) else ()
    return FieldView(
        label=_text(value.get("key")),
        kind=_text(value.get("type")),
        hint=_text(value.get("hint")),
        options=tuple(filter(None, (_text(option).strip() for option in listed))),
    )


def _order(value: Mapping[str, object]) -> float:
    order = value.get("order")
    return order if isinstance(order, (int, float)) else 0


def _safe(url: str) -> str | None:
    try:
        return Actionable.link("link", url).url
    except InvalidElement:
        return None


def _mappings(values: object) -> Iterator[Mapping[str, object]]:
    for value in values if isinstance(values, (list, tuple)) else ():
        if isinstance(value, Mapping):
            yield value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
