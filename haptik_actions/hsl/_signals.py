"""Elements that talk to the client more than to the user: SYSTEM, SILENT, NATIVE_ACTION."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._json import checked_copy
from haptik_actions.hsl._value import (
    Envelope,
    Value,
    check_one_of,
    check_says_something,
    check_string,
    check_voice_text,
    set_once,
    several,
)

SystemEvent: TypeAlias = Literal["chat_complete", "chat_pinned"]
"""`chat_pinned`: an agent has taken over the chat. `chat_complete`: the chat is over."""

SYSTEM_EVENTS = frozenset(get_args(SystemEvent))


class System(Envelope, frozen=True, repr_omit_defaults=True):
    """A line of the platform itself: an agent has joined, the chat is complete.

    Attributes:
        text: What the line says; may be empty.
        event_name: What happened; None where only the text tells (the platform's own completion has empty `data`).
        payload: Of `chat_pinned`: `agent_name`, `team_name`, `profile_image`. The mapping is copied.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.event_name`.
    """

    text: str = ""
    event_name: SystemEvent | None = None
    payload: Mapping[str, Any] = {}
    voice_text: str | None = None

    def __post_init__(self) -> None:
        check_string(self.text, "text")
        check_voice_text(self.voice_text)
        if self.event_name is not None:
            check_one_of(self.event_name, SYSTEM_EVENTS, "data.event_name")
        set_once(self, "payload", _copied(self.payload, "data.payload"))
        self._check_envelope()

    def _documented(self) -> JsonObject:
        data: JsonObject = {} if self.event_name is None else {"event_name": self.event_name}
        if self.payload or data:
            data["payload"] = msgspec.to_builtins(self.payload)
        return self._envelope("SYSTEM", self.text, self.voice_text, data)


class SilentAction(Value, frozen=True, repr_omit_defaults=True):
    """One instruction to the client application.

    Attributes:
        type: Its name, agreed with the client; the platform publishes none.
        data: Its data; the platform's builder library writes `Id` (a number) and `via_name`. The mapping is copied.
    """

    type: str
    data: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        check_says_something(self.type, "type", "an instruction without a name")
        set_once(self, "data", _copied(self.data, "data"))
        self._check_extra()

    def _documented(self) -> JsonObject:
        return {"type": self.type, "data": msgspec.to_builtins(self.data)}


class Silent(Envelope, frozen=True, repr_omit_defaults=True):
    """Instructions to the client application, of which the user sees nothing.

    Attributes:
        silent_actions: The instructions, at least one. A list is kept as a tuple.
        text: Normally empty.
        voice_text: Normally None.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.silent_actions`.
    """

    silent_actions: Sequence[SilentAction]
    text: str = ""
    voice_text: str | None = None

    def __post_init__(self) -> None:
        check_string(self.text, "text")
        check_voice_text(self.voice_text)
        actions = several(self.silent_actions, SilentAction, "data.silent_actions")
        if not actions:
            raise InvalidElement("data.silent_actions", "a SILENT without instructions")
        set_once(self, "silent_actions", actions)
        self._check_envelope()

    def _documented(self) -> JsonObject:
        actions = [action.to_hsl() for action in self.silent_actions]
        return self._envelope("SILENT", self.text, self.voice_text, {"silent_actions": actions})


class NativeAction(Envelope, frozen=True, repr_omit_defaults=True):
    """A call of a method of the application that the chat is built into.

    Attributes:
        method: The method's name, agreed with the application. Where its parameters go is not published: `extra` takes
            them (`{"data": {"parameters": …}}`).
        text: What the bubble says; may be empty.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element: `data.method`.
    """

    method: str
    text: str = ""
    voice_text: str | None = None

    def __post_init__(self) -> None:
        check_string(self.text, "text")
        check_voice_text(self.voice_text)
        check_says_something(self.method, "data.method", "a call without the name of a method")
        self._check_envelope()

    def _documented(self) -> JsonObject:
        return self._envelope("NATIVE_ACTION", self.text, self.voice_text, {"method": self.method})


def _copied(members: object, path: str) -> JsonObject:
    if not isinstance(members, Mapping):
        raise InvalidElement(path, f"an object is wanted, not {type(members).__name__}")
    return checked_copy(members, path)
