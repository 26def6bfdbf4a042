"""The actionable: one thing that a user can tap, in every element the same object.

Members, types and uris are those of Haptik's documentation ("HSL properties", "Text", "Button") and of the platform's
builder library `hsl_builder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from msgspec import to_builtins

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._json import NOTHING, Peculiar, absolute, checked_copy, is_flat, is_plain
from haptik_actions.hsl._value import FLAGS, Value, check_one_of, check_string, set_once

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
    "APP_AUTHENTICATE",
    "CALL",
    "CAROUSEL_DEFAULT",
    "CAROUSEL_DETAIL",
    "DOCUMENT_PICKER",
    "DTH",
    "ELECTRICITY",
    "EMAIL",
    "GALLERY_PICKER",
    "IMAGE_UPLOAD",
    "LAUNCH_CHANNEL",
    "LINK",
    "PROFILE",
    "RECHARGE",
    "REFERRAL",
    "SAVED_ADDRESSES",
    "SELF_SERVE_RECHARGE",
    "SELF_SERVE_WEB",
    "SEND_LOCATION",
    "SEND_MULTIPLE_LOCATIONS",
    "SHOPPING_DETAIL",
    "SHOWTIME_DETAIL",
    "SMS",
    "TRANSACTION_HISTORY",
    "VIDEO_PLAYER",
    "WALLET",
    "WALLET_HISTORY",
]
"""Which screen a tap opens; the empty string stays in the chat.

`SMS` and `EMAIL` are kinds of button in the platform's editor whose JSON is not published: these two names are ours.
The screens of the platform's own consumer app (`WALLET`, `RECHARGE`, …) are those of its documentation of 2018.
"""

TYPES = frozenset(get_args(ActionableType))
URIS = frozenset(get_args(ActionableUri))
WEB_URIS = frozenset({"LINK", "SELF_SERVE_WEB"})


def strip_braces(message: str) -> str:
    """The message as the user sees it: without its `{...}` groups and without space around it.

    A brace without a partner is text and stays. Do not pass Rasa's `/intent{"order": 1}`: it is no message of HSL.
    """
    if "{" not in message:
        return message.strip()
    shown: list[str] = []
    opened: list[int] = []
    for character in message:
        if character == "}" and opened:
            del shown[opened.pop() :]
            continue
        if character == "{":
            opened.append(len(shown))
        shown.append(character)
    return "".join(shown).strip()


class Actionable(Value, frozen=True, kw_only=True, repr_omit_defaults=True):
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
        emoji: A name of the platform's emoji framework (its list is not published), shown beside the label.
        option_unselected_text: The label while no row of a TAB_LIST is chosen; only there, as the next two.
        option_selected_text: The label once a row is chosen.
        expired_text: The label after the list's `expiry`.

    Raises:
        InvalidElement: with a path that starts at the actionable, such as `payload.url`.
    """

    actionable_text: str
    type: ActionableType
    uri: ActionableUri = ""
    is_default: bool = False
    location_required: bool = False
    payload: Mapping[str, Any] = {}
    emoji: str = ""
    option_unselected_text: str = ""
    option_selected_text: str = ""
    expired_text: str = ""

    def __post_init__(self) -> None:
        # A carousel builds dozens of these, so one quick test passes the usual ones.
        # All others are checked member by member.
        label, uri, payload = self.actionable_text, self.uri, self.payload
        if (
            (label.__class__ is str and label and "{" not in label and not label.isspace())
            and (self.is_default is self.location_required is False and self.extra is NOTHING and self.as_read is None)
            and (self.emoji is self.expired_text is self.option_unselected_text is self.option_selected_text is _EMPTY)
            and (self.type.__class__ is str and uri.__class__ is str and self.type in TYPES and is_flat(payload))
            and (uri == "" or (uri in WEB_URIS and "url" in payload))
        ):
            set_once(self, "payload", {**payload})
        else:
            self._check()

    def _check(self) -> None:
        if not isinstance(self.actionable_text, str) or not strip_braces(self.actionable_text):
            raise InvalidElement("actionable_text", "a label that shows nothing")
        check_one_of(self.type, TYPES, "type")
        check_one_of(self.uri, URIS, "uri")
        for name in ("is_default", "location_required"):
            set_once(self, name, _flag(getattr(self, name), name))
        set_once(self, "payload", _checked_payload(self.payload, self.uri))
        if self.uri in WEB_URIS and not self._address:
            raise InvalidElement("payload.url", f"{self.uri} opens an address, and there is none")
        for name in _TEXTS:
            check_string(getattr(self, name), name)
        self._check_extra()

    @staticmethod
    def reply(
        label: str, message: str | None = None, gogo_message: str | None = None, *, is_default: bool = False
    ) -> Actionable:
        """Send a message as the user: `message`, or the label where there is none.

        `gogo_message` is what the backend gets in its place.
        """
        said = label if message is None else message
        if (label.__class__ is said.__class__ is str and gogo_message is None and is_default is False) and (
            label and "{" not in label and not label.isspace()
        ):
            # This checks the same as __post_init__, in half the time.
            made = _another_reply()
            set_once(made, "actionable_text", label)
            set_once(made, "payload", {"message": said, "gogo_message": ""})
            return made
        payload = {"message": said, "gogo_message": gogo_message or ""}
        return Actionable(actionable_text=label, type="TEXT_ONLY", is_default=is_default, payload=payload)

    @staticmethod
    def link(
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
        if (label.__class__ is url.__class__ is str and message is gogo_message is None and is_default is False) and (
            label and "{" not in label and not label.isspace() and is_plain(url)
        ):
            made = _another_link()
            set_once(made, "actionable_text", label)
            set_once(made, "payload", {"url": url, "gogo_message": ""})
            return made
        said = {} if message is None else {"message": message}
        payload = {**said, "url": url, "gogo_message": gogo_message or ""}
        return Actionable(actionable_text=label, type="APP_ACTION", uri="LINK", is_default=is_default, payload=payload)

    @classmethod
    def call(cls, label: str, number: str, *, is_default: bool = False) -> Actionable:
        """Call a phone number; the platform does not publish under which key of the payload, so it is `number`."""
        return cls(
            actionable_text=label, type="APP_ACTION", uri="CALL", is_default=is_default, payload={"number": number}
        )

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
        return absolute(self._address) if self.uri in WEB_URIS else None

    @property
    def _address(self) -> str:
        # `link` is the platform's older name of `url`.
        return self.payload.get("url") or self.payload.get("link") or ""

    def to_hsl(self) -> JsonObject:
        """The documented JSON of a button: all six members, and those that are optional and not empty."""
        payload = self.payload
        if payload.__class__ is not dict:
            return self._completed({"uri": self.uri}, {"location_required": self.location_required})
        members = _usual_members()
        members["actionable_text"] = self.actionable_text
        members["type"] = self.type
        members["uri"] = self.uri
        members["payload"] = {**payload}
        return members

    def as_quick_reply(self) -> JsonObject:
        """The documented JSON of a quick reply, which has neither `uri` nor `location_required`."""
        payload = self.payload
        if payload.__class__ is not dict:
            return self._completed({}, {})
        return {"actionable_text": self.actionable_text, "type": self.type, "is_default": 0, "payload": {**payload}}

    def _completed(self, screen: JsonObject, place: JsonObject) -> JsonObject:
        texts = {name: getattr(self, name) for name in _TEXTS if getattr(self, name)}
        documented = {
            "actionable_text": self.actionable_text,
            "type": self.type,
            **screen,
            "is_default": 1 if self.is_default else 0,
            **place,
            "payload": to_builtins(self.payload),
            **texts,
        }
        return self._finished(documented)

    def _mark(self) -> None:
        set_once(self, "payload", Peculiar(self.payload))


_EMPTY = ""
# Copying this dict and setting members takes less time than building a new one.
_usual_members = dict[str, Any](
    {"actionable_text": "", "type": "", "uri": "", "is_default": 0, "location_required": False, "payload": {}}
).copy
_TEXTS = ("emoji", "option_unselected_text", "option_selected_text", "expired_text")


def _flag(flag: object, path: str) -> bool:
    if flag not in FLAGS:
        raise InvalidElement(path, f"{flag!r} is neither true nor false")
    return bool(flag)


def _checked_payload(payload: Mapping[str, object], uri: str) -> JsonObject:
    if not isinstance(payload, Mapping):
        raise InvalidElement("payload", f"an object is wanted, not {type(payload).__name__}")
    checked = checked_copy(payload, "payload", uri)
    for key in ("message", "gogo_message"):
        if not (checked.get(key) is None or isinstance(checked[key], str)):
            raise InvalidElement(f"payload.{key}", f"a message is a string, not {type(checked[key]).__name__}")
    return Peculiar(checked)


def _copier(checked: Any) -> Callable[[], Actionable]:
    copier: Callable[[], Actionable] = checked.__copy__
    return copier


_another_reply = _copier(Actionable(actionable_text="reply", type="TEXT_ONLY"))
_another_link = _copier(
    Actionable(actionable_text="link", type="APP_ACTION", uri="LINK", payload={"url": "https://example.org"})
)
