"""What all values of HSL have in common: unknown members, and the form in which they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._json import NOTHING, checked_copy, same, within

AsRead: TypeAlias = Mapping[tuple[str, ...], tuple[Any, Mapping[str, Any]]]
"""Where a member stands in the JSON -> what `to_hsl` would write there, and what was written there."""

FLAGS = (False, True)
T = TypeVar("T")


class Value(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """The base of every value.

    Attributes:
        extra: Members that are not documented, as they are in the JSON; those of an object that has no value of its
            own are below its name (`{"data": {"analytics_id": 7}}`).
        as_read: Filled by `parse` where the JSON was written in another way than `to_hsl` writes it (`"1.77"` for a
            number, `data` left out), so that it is written the same way again. A member that was replaced since is
            written as documented.
    """

    extra: Mapping[str, Any] = NOTHING
    as_read: AsRead | None = None

    def to_hsl(self) -> JsonObject:
        """The documented JSON; members that are optional and empty are left out."""
        members = self._documented()
        return self._finished(members) if self.extra or self.as_read else members

    def _documented(self) -> JsonObject:
        """The JSON without `extra`, in the documented form; a new object each time."""
        raise NotImplementedError

    def keep_form(self, as_read: AsRead) -> None:
        """Keep how the value was written. Only the reading code calls it, before anybody else has the value."""
        set_once(self, "as_read", as_read)
        self._mark()

    def _mark(self) -> None:
        """Note that `to_hsl` has to look for `extra` or `as_read`, which usual values do not have."""

    def _check_extra(self) -> None:
        if self.extra is NOTHING:
            return
        if not isinstance(self.extra, Mapping):
            raise InvalidElement("extra", f"an object is wanted, not {type(self.extra).__name__}")
        extra = checked_copy(self.extra, "")
        if extra:
            set_once(self, "extra", NOTHING)
            _merge(self.to_hsl(), extra, "")
        set_once(self, "extra", extra or NOTHING)

    def _finished(self, members: JsonObject) -> JsonObject:
        """The JSON with `extra`, in the form in which it was read."""
        if self.extra:
            _merge(members, msgspec.to_builtins(self.extra), "")
        for (*parents, key), (documented, written) in (self.as_read or {}).items():
            place = _below(members, parents)
            if place is not None and same(place.get(key, msgspec.UNSET), documented):
                place.pop(key, None)
                place.update(msgspec.to_builtins(written))
        return members


def _merge(members: JsonObject, extra: JsonObject, path: str) -> None:
    for key, value in extra.items():
        present = members.setdefault(key, value)
        if present is value:
            continue
        if not (isinstance(present, dict) and isinstance(value, dict)):
            raise InvalidElement(within(path, key), "is documented: set the member itself, not `extra`")
        _merge(present, value, within(path, key))


def _below(members: JsonObject, parents: Sequence[str]) -> JsonObject | None:
    for parent in parents:
        below = members.get(parent)
        if not isinstance(below, dict):
            return None
        members = below
    return members


class Envelope(Value, frozen=True, kw_only=True, repr_omit_defaults=True):
    """The base of every element.

    Attributes:
        is_new: Bookkeeping of the platform's editor (`isNew`); carried, never interpreted. None: not there.
        mic_auto_open: Open the microphone after the message, where the client listens. None: not there.
    """

    is_new: bool | None = None
    mic_auto_open: bool | None = None

    @property
    def _words(self) -> str:
        """What the element says, for lists in which people choose an element."""
        return str(getattr(self, "text", ""))

    def __hash__(self) -> int:
        return hash((type(self), self._words))

    def _envelope(self, kind: str, text: str, voice_text: str | None, data: JsonObject) -> JsonObject:
        members: JsonObject = {"text": text, "type": kind}
        if voice_text is not None:
            members["voice_text"] = voice_text
        members["data"] = data
        return self._with_flags(members)

    def _with_flags(self, members: JsonObject) -> JsonObject:
        if self.is_new is not None:
            members["isNew"] = self.is_new
        if self.mic_auto_open is not None:
            members["mic_auto_open"] = self.mic_auto_open
        return members

    def _check_envelope(self) -> None:
        if self.is_new is not None or self.mic_auto_open is not None:
            for flag, path in ((self.is_new, "isNew"), (self.mic_auto_open, "mic_auto_open")):
                if flag is not None and not isinstance(flag, bool):
                    raise InvalidElement(path, f"{flag!r} is neither true nor false")
        if self.extra is not NOTHING:
            self._check_extra()


def check_string(value: object, path: str) -> str:
    """The string as a plain `str`, not as a subclass such as an enumeration. Anything else is refused."""
    if not isinstance(value, str):
        raise InvalidElement(path, f"a string is wanted, not {type(value).__name__}")
    return str.__str__(value)


def check_says_something(value: object, path: str, problem: str) -> None:
    """Refuse what is no string, and a blank one with the words `problem`."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidElement(path, problem)


def check_voice_text(value: object) -> None:
    """Refuse what is neither a string nor None."""
    if value is not None:
        check_string(value, "voice_text")


def check_one_of(value: object, allowed: frozenset[str], path: str) -> str:
    """The string as a plain `str`. What is not one of the documented names is refused."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidElement(path, f"{value!r} is not one of {', '.join(sorted(filter(None, allowed)))}")
    return str.__str__(value)


def several(values: object, kind: type[T], path: str) -> tuple[T, ...]:
    """The values of a list as a tuple; each is checked to be of `kind`."""
    if values.__class__ is not list and not isinstance(values, (list, tuple)):
        raise InvalidElement(path, f"a list of {kind.__name__} is wanted, not {type(values).__name__}")
    for value in values:
        if value.__class__ is not kind and not isinstance(value, kind):
            index = next(index for index, other in enumerate(values) if other is value)
            raise InvalidElement(f"{path}[{index}]", f"{kind.__name__} is wanted, not {type(value).__name__}")
    return tuple(values)


set_once = msgspec.structs.force_setattr
"""Set a member of a frozen value while the value is being built, such as a list that becomes a tuple."""
