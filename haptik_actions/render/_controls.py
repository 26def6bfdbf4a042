"""An actionable, read for channels that do not know HSL: what a tap does, and what it sends, opens or calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from haptik_actions.hsl import Actionable, strip_braces
from haptik_actions.render._content import NOTHING, Control, Kind
from haptik_actions.render._conversion import Note

_BY_URI: Mapping[str, Kind] = {
    "CALL": "call",
    "CAROUSEL_DEFAULT": "list",
    "CAROUSEL_DETAIL": "detail",
    "DOCUMENT_PICKER": "upload",
    "GALLERY_PICKER": "upload",
    "IMAGE_UPLOAD": "upload",
    "LAUNCH_CHANNEL": "channel",
    "LINK": "url",
    "SAVED_ADDRESSES": "address",
    "SELF_SERVE_WEB": "url",
    "SEND_LOCATION": "location",
    "SEND_MULTIPLE_LOCATIONS": "locations",
}
_BY_TYPE: Mapping[str, Kind] = {
    "APP_FEEDBACK": "feedback",
    "FORM_SHOW": "form",
    "SHARE": "share",
    "SHARE_RECEIPT": "share",
    "SHARE_REFERRAL": "share",
}
# The platform does not document the key of a CALL's number; these occur.
_NUMBER_KEYS = ("phone", "phone_number", "number", "contact", "tel", "message")
_NUMBER = re.compile(r"\+?\d(?:[\d\s().-]*\d)?")
_UNDIALLED = re.compile(r"[\s().-]+")
_MESSAGE_KEYS = frozenset({"message", "gogo_message"})
_GROUP = re.compile(r"\{([^{}]*)\}")
# Where the platform's app puts the address that the user chose.
_CHOSEN = "%s"


def control(actionable: Actionable, path: str, notes: list[Note]) -> Control:
    """Read an actionable; what the reading changes is added to `notes`."""
    kind = _kind(actionable)
    if kind == "reply":
        return _answer("reply", actionable, path, notes)
    if kind == "url":
        return _link(actionable, path, notes)
    if kind == "call":
        return _call(actionable, path, notes)
    return _answer(kind, actionable, path, notes)


def _kind(actionable: Actionable) -> Kind:
    uri = actionable.uri
    if not uri:
        kind = _BY_TYPE.get(actionable.type, "reply")
        return "location" if actionable.location_required and kind == "reply" else kind
    return _BY_URI.get(uri, "app")


def _link(actionable: Actionable, path: str, notes: list[Note]) -> Control:
    url = actionable.url or ""
    payload = actionable.payload
    if url != payload.get("url") and url != payload.get("link"):
        notes.append(Note("coerced", f"{path}.payload.url", url))
    if payload.get("message") or payload.get("gogo_message"):
        notes.append(Note("dropped", f"{path}.payload", "what the tap says in the chat"))
    return Control(_scheme_kind(url), actionable.label, url, path, actionable.is_default)


def _scheme_kind(url: str) -> Kind:
    if url[:4].lower() == "http":
        return "url"
    return "call" if url[:4].lower() == "tel:" else "contact"


def _call(actionable: Actionable, path: str, notes: list[Note]) -> Control:
    number = dialled(actionable.payload)
    if number:
        return Control("call", actionable.label, number, path, actionable.is_default)
    notes.append(Note("replaced", path, "call without a number by a reply"))
    return _answer("reply", actionable, path, notes)


def dialled(payload: Mapping[str, Any]) -> str:
    """The number that a CALL dials: digits, perhaps behind a plus; empty where the payload has none."""
    for key in _NUMBER_KEYS:
        value = str(payload.get(key) or "").strip()
        if _NUMBER.fullmatch(value):
            return _UNDIALLED.sub("", value)
    return ""


def _answer(kind: Kind, actionable: Actionable, path: str, notes: list[Note]) -> Control:
    label = actionable.label
    payload = actionable.payload
    sent = _sent(payload).strip()
    if not sent or (kind == "share" and not payload.get("gogo_message")):
        value, meta = label, NOTHING  # the message of a SHARE is what is shared
    elif sent[0] == "/":
        value, meta = sent, NOTHING  # Rasa reads `/intent{"order": 1}` itself: these braces are JSON
    elif "{" in sent:
        value, meta = strip_braces(sent) or label, metadata(sent)
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


def metadata(message: str) -> dict[str, Any]:
    """What brace groups hold: `{sku: l1, size: 2}{task}` gives `{"sku": "l1", "size": "2", "task": True}`."""
    found: dict[str, Any] = {}
    for group in _GROUP.findall(message):
        for item in filter(None, map(str.strip, group.split(","))):
            key, colon, value = item.partition(":")
            found[key.strip()] = value.strip() if colon else True
    return found


def _with_keys(meta: Mapping[str, Any], payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**meta, **{key: value for key, value in payload.items() if key not in _MESSAGE_KEYS}}


def _opened(kind: Kind, payload: Mapping[str, Any], label: str) -> Mapping[str, Any] | None:
    if kind == "detail":
        return _detail(payload, label)
    if kind == "list" and payload.get("items"):
        data = {"image_aspect_ratio": 1.0, "width": "MEDIUM", "items": payload["items"]}
        return {"text": payload.get("title") or label, "type": "CAROUSEL", "data": data}
    if kind == "share":
        return _shared(payload)
    return None


def _detail(payload: Mapping[str, Any], label: str) -> Mapping[str, Any] | None:
    """The screen behind a card: its first picture above its words and buttons, the others as cards of their own."""
    words = {key: payload[key] for key in ("title", "sub_title", "description") if payload.get(key)}
    images = payload.get("images") or []
    actionables = payload.get("actionables") or []
    if not (words or images or actionables):
        return None
    first: dict[str, Any] = {**(words or {"title": label}), "actionables": actionables}
    if images:
        first["thumbnail"] = {"image": images[0]}
    others = [{"thumbnail": {"image": image}, "actionables": []} for image in images[1:]]
    data = {"image_aspect_ratio": 1.0, "width": "BIG", "items": [first, *others]}
    return {"text": payload.get("title") or label, "type": "CAROUSEL", "data": data}


def _shared(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a SHARE shares, as a message that the user can forward."""
    message, image = payload.get("message") or "", payload.get("image") or ""
    if image:
        item: dict[str, Any] = {
            "thumbnail": {"image": image},
            "actionables": [],
            **({"title": message} if message else {}),
        }
        data = {"image_aspect_ratio": 1.0, "width": "BIG", "items": [item]}
        return {"text": message, "type": "CAROUSEL", "data": data}
    return {"text": message, "type": "TEXT", "data": {"quick_replies": []}} if message else None
