"""The actionable: one thing that a user can tap, in every element the same object.

Members, types and uris are those of Haptik's documentation ("HSL properties", "Text", "Button") and of the platform's
builder library `hsl_builder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._braces import strip_braces
from haptik_actions.hsl._links import absolute, check_link

ActionableType: TypeAlias = Literal[
    "APP_ACTION",
    "APP_FEEDBACK",
    "FORM_SHOW",
    "MESSAGE_BAR",
    "SHARE",
    "SHARE_RECEIPT",
    "SHARE_REFERRAL",
    "TAB_LIST_TEXT_ONLY",
    "TEXT",
    "TEXT_ONLY",
]
"""What a tap does: `TEXT` and `TEXT_ONLY` send a message, `APP_ACTION` does what the uri names."""

ActionableUri: TypeAlias = Literal[
    "",
    "CALL",
    "CAROUSEL_DEFAULT",
    "CAROUSEL_DETAIL",
    "DOCUMENT_PICKER",
    "GALLERY_PICKER",
    "IMAGE_UPLOAD",
    "LAUNCH_CHANNEL",
    "LINK",
    "SAVED_ADDRESSES",
    "SELF_SERVE_WEB",
    "SEND_LOCATION",
    "SEND_MULTIPLE_LOCATIONS",
]
"""Which screen a tap opens; the empty string stays in the chat."""

_TYPES = frozenset(get_args(ActionableType))
_URIS = frozenset(get_args(ActionableUri))
_WEB_URIS = frozenset({"LINK", "SELF_SERVE_WEB"})
_LINK_KEYS = frozenset({"url", "link"})
_MESSAGE_KEYS = frozenset({"message", "gogo_message"})
_FLAGS = (False, True)


class Actionable(msgspec.Struct, frozen=True, kw_only=True):
    """A button or a quick reply. Build the common kinds with `Actionable.reply` and `Actionable.link`.

    Attributes:
        actionable_text: The label. It shows something besides brace groups.
        type: What a tap does.
        uri: Which screen it opens; empty where it stays in the chat.
        is_default: The label is bold, and a tap on the bubble around it counts as a tap on it.
        location_required: The tap sends the user's location (deprecated by the platform).
        payload: Data of the action: `message` is what the user appears to say, `gogo_message` what the backend gets
            instead (empty: the message), `url` the address of a `LINK`. Other keys are handed on as they are. The
            mapping is copied; read it, never change it.

    Raises:
        InvalidElement: with a path that starts at the actionable, such as `payload.url`.
    """

    actionable_text: str
    type: ActionableType
    uri: ActionableUri = ""
    is_default: bool = False
    location_required: bool = False
    payload: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        if not isinstance(self.actionable_text, str) or not strip_braces(self.actionable_text):
            raise InvalidElement("actionable_text", "a label that shows nothing")
        if self.type not in _TYPES:
            raise InvalidElement("type", f"{self.type!r} is not one of {', '.join(sorted(_TYPES))}")
        if self.uri not in _URIS:
            raise InvalidElement("uri", f"{self.uri!r} is not one of {', '.join(sorted(filter(None, _URIS)))}")
        if self.is_default not in _FLAGS:
            raise InvalidElement("is_default", f"{self.is_default!r} is neither true nor false")
        if self.location_required not in _FLAGS:
            raise InvalidElement("location_required", f"{self.location_required!r} is neither true nor false")
        msgspec.structs.force_setattr(self, "payload", _checked_payload(self.payload))
        if self.uri in _WEB_URIS and not self._address:
            raise InvalidElement("payload.url", f"{self.uri} opens an address, and there is none")

    @classmethod
    def reply(
        cls, label: str, message: str | None = None, gogo_message: str | None = None, *, is_default: bool = False
    ) -> Actionable:
        """Send a message as the user: `message`, or the label where there is none.

        `gogo_message` is what the backend gets in its place.
        """
        payload = {"message": label if message is None else message, "gogo_message": gogo_message or ""}
        return cls(actionable_text=label, type="TEXT_ONLY", is_default=is_default, payload=payload)

    @classmethod
    def link(
        cls,
        label: str,
        url: str,
        message: str | None = None,
        gogo_message: str | None = None,
        *,
        is_default: bool = False,
    ) -> Actionable:
        """Open an address (http, https, or a bare host, which is https).

        `message` is said in the chat in the user's name when the link is tapped.
        """
        said = {} if message is None else {"message": message}
        payload = {**said, "url": url, "gogo_message": gogo_message or ""}
        return cls(actionable_text=label, type="APP_ACTION", uri="LINK", is_default=is_default, payload=payload)

    @property
    def label(self) -> str:
        """The label as it is shown: one line, without brace groups; never empty."""
        return " ".join(strip_braces(self.actionable_text).split())

    @property
    def message(self) -> str:
        """The message as it is sent, brace groups included; the label where the payload has none (or a blank one)."""
        message: str = self.payload.get("message") or ""
        return message if message.strip() else self.actionable_text

    @property
    def url(self) -> str | None:
        """The address that a tap opens, with its scheme; None where a tap opens none."""
        return absolute(self._address) if self.uri in _WEB_URIS else None

    @property
    def _address(self) -> str:
        # `link` is the platform's older name of `url`.
        return self.payload.get("url") or self.payload.get("link") or ""

    def to_hsl(self) -> dict[str, Any]:
        """The documented JSON of a button: all six members."""
        return {
            "actionable_text": self.actionable_text,
            "type": self.type,
            "uri": self.uri,
            "is_default": 1 if self.is_default else 0,
            "location_required": bool(self.location_required),
            "payload": msgspec.to_builtins(self.payload),
        }


def _checked_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    # The first test is for speed: that of an abstract class takes as long as all the rest of a reply.
    if payload.__class__ is not dict and not isinstance(payload, Mapping):
        raise InvalidElement("payload", f"an object is wanted, not {type(payload).__name__}")
    return _checked_copy(payload, "payload")


def _checked_copy(payload: Mapping[str, Any], path: str) -> dict[str, Any]:
    copied = {**payload}
    for key, value in copied.items():
        if key in _LINK_KEYS:
            if value:
                check_link(value, f"{path}.{key}")
        elif value.__class__ is not str:
            if key in _MESSAGE_KEYS and not (value is None or isinstance(value, str)):
                raise InvalidElement(f"{path}.{key}", f"a message is a string, not {type(value).__name__}")
            copied[key] = _checked_value(value, f"{path}.{key}")
    return copied


def _checked_value(value: Any, path: str) -> Any:
    """Detail screens nest actionables in the payload: their links are as clickable as the outer one."""
    if isinstance(value, Mapping):
        return _checked_copy(value, path)
    if isinstance(value, (list, tuple)):
        return [_checked_value(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise InvalidElement(path, f"{type(value).__name__} is no value of JSON")
