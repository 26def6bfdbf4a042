"""An actionable, read for channels that do not know HSL: what a tap does, and what it sends, opens or calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.hsl import Actionable, strip_braces
from haptik_actions.render._content import NOTHING, Control, Kind
from haptik_actions.render._conversion import Note

_BY_URI: Mapping[str, Kind] = {
    "CALL": "call",
    "CAROUSEL_DEFAULT": "list",
    "CAROUSEL_DETAIL": "detail",
    "DOCUMENT_PICKER": "upload",
    "EMAIL": "contact",
    "GALLERY_PICKER": "upload",
    "IMAGE_UPLOAD": "upload",
    "LAUNCH_CHANNEL": "channel",
    "LINK": "url",
    "SAVED_ADDRESSES": "address",
    "SELF_SERVE_WEB": "url",
    "SEND_LOCATION": "location",
    "SEND_MULTIPLE_LOCATIONS": "locations",
    "SMS": "contact",
}
_BY_TYPE: Mapping[str, Kind] = {
    "APP_FEEDBACK": "feedback",
    "FORM_SHOW": "form",
    "SHARE": "share",
    "SHARE_RECEIPT": "share",
    "SHARE_REFERRAL": "share",
}
# The platform does not document the key of a CALL's number. These keys occur in its samples.
_NUMBER_KEYS = ("phone", "phone_number", "number", "contact", "tel", "url", "link", "message")
_NUMBER = re.compile(r"\+?\d(?:[\d\s().-]*\d)?")
_UNDIALLED = re.compile(r"[\s().-]+")
_SCHEMES = frozenset({"mailto", "sms", "tel"})
_EMAIL_KEYS = ("email", "to", "url", "link", "message")
_EMAIL = re.compile(r"[^\s@:/?]+@[^\s@:/?]+")
_MESSAGE_KEYS = frozenset({"message", "gogo_message"})
_UNTIDY = re.compile(r"^ |  | $|\{|:share:").search
# The platform's shortcode for the picture on a button that shares. Other clients would show it as text.
_SHARE = ":share:"
_SHARE_SIGN = "↗"
_LINES = ("title", "sub_title", "description")
_GROUP = re.compile(r"\{([^{}]*)\}")
# The platform's app puts the address that the user chose here.
_CHOSEN = "%s"


def control(actionable: Actionable, path: str, notes: list[Note]) -> Control:
    """Read an actionable; what the reading changes is added to `notes`."""
    kind = _kind(actionable)
    if kind == "url":
        return _link(actionable, path, notes)
    if kind == "call" or kind == "contact":
        return _reached(kind, actionable, path, notes)
    return _answer(kind, actionable, path, notes)


def _kind(actionable: Actionable) -> Kind:
    uri = actionable.uri
    if not uri:
        kind = _BY_TYPE.get(actionable.type, "reply")
        return "location" if actionable.location_required and kind == "reply" else kind
    return _BY_URI.get(uri, "app")


def _label(actionable: Actionable) -> str:
    text = actionable.actionable_text
    # Most labels can be used as they are.
    if text.isprintable() and not _UNTIDY(text):
        return text
    label = actionable.label
    return " ".join(label.replace(_SHARE, " ").split()) or _SHARE_SIGN if _SHARE in label else label


def _link(actionable: Actionable, path: str, notes: list[Note]) -> Control:
    url = actionable.url or ""
    payload = actionable.payload
    if url != payload.get("url") and url != payload.get("link"):
        notes.append(Note("coerced", f"{path}.payload.url", url))
    if payload.get("message") or payload.get("gogo_message"):
        notes.append(Note("dropped", f"{path}.payload", "what the tap says in the chat"))
    return Control("url", _label(actionable), url, path, bool(actionable.is_default))


def _reached(kind: Kind, actionable: Actionable, path: str, notes: list[Note]) -> Control:
    """A number to call or to text, or an address to write to."""
    payload = actionable.payload
    value = _mailbox(payload) if actionable.uri == "EMAIL" else _dialled(payload)
    if value:
        return Control(kind, _label(actionable), value, path, bool(actionable.is_default))
    notes.append(Note("replaced", path, f"{kind} without a number or an address by a reply"))
    return _answer("reply", actionable, path, notes)


def _dialled(payload: Mapping[str, object]) -> str:
    """The number of a CALL or an SMS: digits, perhaps behind a plus; empty where the payload has none."""
    for value in _values(payload, _NUMBER_KEYS):
        if _NUMBER.fullmatch(value):
            return _UNDIALLED.sub("", value)
    return ""


def _mailbox(payload: Mapping[str, object]) -> str:
    return next(filter(_EMAIL.fullmatch, _values(payload, _EMAIL_KEYS)), "")


def _values(payload: Mapping[str, object], keys: Sequence[str]) -> Iterator[str]:
    """Numbers or addresses without their scheme, and without what a mail or an SMS starts with."""
    for key in keys:
        if key in payload:
            value = str(payload[key] or "").partition("?")[0].strip()
            scheme, colon, rest = value.partition(":")
            yield rest if colon and scheme.lower() in _SCHEMES else value


def _answer(kind: Kind, actionable: Actionable, path: str, notes: list[Note]) -> Control:
    label = _label(actionable)
    payload = actionable.payload
    sent = _sent(payload).strip()
    if not sent or (kind == "share" and not payload.get("gogo_message")):
        value, meta = label, NOTHING  # The message of a SHARE is what the user shares, not an answer.
    elif sent[0] == "/":
        value, meta = sent, NOTHING  # The braces of `/intent{"order": 1}` are JSON that Rasa reads, not brace groups.
    elif "{" in sent:
        value, meta = _without_braces(sent) or label, metadata(sent)
        notes.append(Note("coerced", f"{path}.payload", "metadata in braces is kept out of the message"))
    else:
        value, meta = sent, NOTHING
    if _CHOSEN in value and kind in ("location", "locations"):
        value = label
    if kind == "reply":
        return Control(kind, label, value, path, bool(actionable.is_default), meta)
    payload = msgspec.to_builtins(payload)
    return Control(
        kind, label, value, path, bool(actionable.is_default), _with_keys(meta, payload), _opened(kind, payload, label)
    )


def _sent(payload: Mapping[str, Any]) -> str:
    """What the backend gets: `gogo_message`, unless that is empty or only metadata to append to the message.

    Two editions of the platform's documentation disagree on whether `gogo_message` replaces or is appended; both hold
    with this rule.
    """
    behind: str = payload.get("gogo_message") or ""
    said: str = payload.get("message") or ""
    if not behind:
        return said
    if behind.lstrip()[:1] == "/" or "{" not in behind or strip_braces(behind):
        return behind
    return f"{said}{behind}"


def _without_braces(message: str) -> str:
    shown = _GROUP.sub("", message).strip()
    # Most messages have no group within another, and the regular expression alone is faster.
    return strip_braces(shown) if "{" in shown else shown


def metadata(message: str) -> JsonObject:
    """What brace groups hold: `{sku: l1, size: 2}{task}` gives `{"sku": "l1", "size": "2", "task": True}`."""
    found: JsonObject = {}
    for group in _GROUP.findall(message):
        for item in filter(None, map(str.strip, group.split(","))):
            key, colon, value = item.partition(":")
            found[key.strip()] = value.strip() if colon else True
    return found


def _with_keys(meta: Mapping[str, object], payload: Mapping[str, object]) -> Mapping[str, Any]:
    return {**meta, **{key: value for key, value in payload.items() if key not in _MESSAGE_KEYS}}


def _opened(kind: Kind, payload: Mapping[str, object], label: str) -> Mapping[str, Any] | None:
    if kind == "detail":
        return _detail(payload, label)
    if kind == "list":
        return _cards(_said(payload, "title") or label, list(filter(_shows_something, _several(payload, "items"))))
    if kind == "share":
        return _shared(payload)
    return None


def _cards(text: str, items: list[Any], width: str = "MEDIUM") -> Mapping[str, Any] | None:
    if not items:
        return None
    return {"text": text, "type": "CAROUSEL", "data": {"image_aspect_ratio": 1.0, "width": width, "items": items}}


def _detail(payload: Mapping[str, object], label: str) -> Mapping[str, Any] | None:
    """The screen behind a card: its first picture above its words and buttons, the others as cards of their own."""
    words = {key: payload[key] for key in _LINES if _said(payload, key)}
    images = _several(payload, "images")
    actionables = _several(payload, "actionables")
    if not (words or images or actionables):
        return None
    first: JsonObject = {**(words or {"title": label}), "actionables": actionables}
    if images:
        first["thumbnail"] = {"image": images[0]}
    others = [{"thumbnail": {"image": image}, "actionables": []} for image in images[1:]]
    return _cards(_said(payload, "title") or label, [first, *others], "BIG")


def _shared(payload: Mapping[str, object]) -> Mapping[str, Any] | None:
    """What a SHARE shares, as a message that the user can forward."""
    message, image = _said(payload, "message"), _said(payload, "image")
    if image:
        item: JsonObject = {"thumbnail": {"image": image}, "actionables": []}
        if message:
            item["title"] = message
        return _cards(message, [item], "BIG")
    return {"text": message, "type": "TEXT", "data": {"quick_replies": []}} if message else None


def _said(payload: Mapping[str, object], key: str) -> str:
    value = payload.get(key)
    return value.strip() if isinstance(value, str) else ""


def _several(payload: Mapping[str, object], key: str) -> list[Any]:
    value = payload.get(key) or []
    return value if isinstance(value, list) else [value]


def _shows_something(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    thumbnail = item.get("thumbnail")
    pictured = isinstance(thumbnail, dict) and _said(thumbnail, "image")
    return bool(pictured or any(_said(item, key) for key in _LINES) or item.get("actionables"))
