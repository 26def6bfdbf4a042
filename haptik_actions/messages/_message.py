"""What stands in one Redis string: a text, an HSL object, a response as Rasa writes it, or a list of these.

    Hello {name}!
    {"type": "TEXT", "text": "Hello", "data": {"quick_replies": [...]}}
    {"text": "Hello", "buttons": [{"title": "Order", "payload": "/order"}]}
    ["Hello!", "Hi there!", {"channel": "slack", "text": "Hey"}]

What begins as JSON does (`{"`, `["`, `[{`) and is none of these is refused; every other string is a text.

HSL in a message has placeholders. Whether it is an element is known once they are filled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import msgspec

from haptik_actions._from_outside import without_halves
from haptik_actions.config import nearest
from haptik_actions.errors import InvalidElement, InvalidMessage
from haptik_actions.hsl import Unknown, parse
from haptik_actions.messages._template import Template

__all__ = [
    "KEYS",
    "SAMPLES",
    "Fill",
    "Finding",
    "Message",
    "Variation",
    "can_be_evaluated",
    "filled",
    "filled_strictly",
    "mistake_in",
    "predicate",
]

Fill: TypeAlias = Callable[[str, Mapping[str, Any]], str]
"""Fills the placeholders of a text from values."""

# Stands for every value: a bare host is an address, so that a placeholder may be a whole link or the end of one.
_SAMPLE = "x.example"
_LINKS = frozenset({"url", "link", "image", "image_url", "menu_url", "profile_image", "search_source"})


def mistake_in(item: Mapping[str, Any]) -> InvalidElement | None:
    """Return what keeps an HSL object with placeholders from being an element, or None."""
    try:
        element = parse(filled(item, filled_strictly, SAMPLES))
    except InvalidElement as error:
        return error
    if isinstance(element, Unknown):
        return InvalidElement("type", f"{element.type!r} is no element of HSL")
    return None


def filled(value: Any, fill: Fill, values: Mapping[str, Any], key: str = "") -> Any:
    """Return a copy of `value` in which every string, in lists and objects too, has its placeholders filled."""
    if isinstance(value, str):
        # A placeholder that begins an address is the address.
        encoded = key in _LINKS and not value.lstrip().startswith("{")
        return fill(value, _Encoded(values)) if encoded else fill(value, values)
    if isinstance(value, Mapping):
        return {name: filled(member, fill, values, str(name)) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(member, fill, values, key) for member in value]
    return value


def filled_strictly(text: str, values: Mapping[str, Any]) -> str:
    """Return `text` with its placeholders filled; one without a value is an error."""
    return Template.parse(text).fill(values)


class _Encoded(dict[str, Any]):
    """Values as they stand in an address."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({name: quote(str(value), safe="") for name, value in values.items() if value is not None})


class _Samples(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return _SAMPLE


SAMPLES = _Samples()


_BEGINS_AS_JSON = re.compile(r'\s*(?:\{\s*"|\[\s*["{])')
_LIST_KEYS = ("buttons", "elements", "quick_replies")
_OBJECT_KEYS = ("custom", "attachment")
# `metadata` is any value to Rasa. The two behind it mean nothing here: Rasa, or Rasa Pro, reads them. `translation` is
# Rasa Pro's, and said by the NLG endpoint where nothing is written in the user's language.
_EXTRA = (*_LIST_KEYS, *_OBJECT_KEYS, "image", "id", "metadata", "button_type", "allow_interruptions", "translation")
KEYS = ("text", "hsl", "channel", "condition", *_EXTRA)
"""The keys of a response."""
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
# Rasa Pro's `condition: 'slots.tier is "gold"'`.
_PREDICATE = "predicate"
# What a user sees or hears of a response.
_SHOWING = ("text", "hsl", "image", "custom", "attachment", "elements", "buttons", "quick_replies")


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at before a message is published.

    Attributes:
        severity: An `error` keeps it from being published; a `warning` does not.
        path: Where: `text`, `[1].buttons[0].title`, `data.items[2]`; empty for the whole.
        words: What it is, and what helps.
        channel: The channel that it is about, None for all.
        code: `form`, `blank`, `placeholder`, `group`, `hsl`, `length` or `channel`.
    """

    severity: Severity
    path: str
    words: str
    channel: str | None = None
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """One way to say a message.

    Attributes:
        text: What it says; None where it is an HSL object, or shows something else than text.
        hsl: An HSL object as JSON, with placeholders in its texts.
        channel: It is for this channel of Rasa alone.
        condition: As in Rasa's responses: every `{"type": "slot", "name": …, "value": …}` has to hold. What cannot be
            evaluated here, such as Rasa Pro's `slots.tier is "gold"`, is a `{"type": "predicate", "value": …}`, and
            never holds.
        extra: The response's other keys: `buttons`, `image`, `custom`, `attachment`, `elements`, `quick_replies`,
            `metadata`, `id`, and what Rasa alone reads.
    """

    text: str | None = None
    hsl: Mapping[str, Any] | None = None
    channel: str | None = None
    condition: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What it says, in one line; for lists and searches."""
        return " ".join(" ".join(_texts([self.text, self.hsl, self.extra])).split())

    @property
    def said(self) -> str:
        """Its text with placeholders, where it has one; or else what it shows."""
        text = self.text or (self.hsl or {}).get("text")
        return text if isinstance(text, str) and text.strip() else self.shown

    @property
    def templates(self) -> list[Template]:
        """The templates of every text in it, links and payloads included."""
        return [Template.parse(text) for text in strings_of([self.text, self.hsl, self.extra])]

    def dump(self) -> Any:
        """The JSON of this variation: a string where it is nothing but a text."""
        if self.text is not None and not (self.channel or self.condition or self.extra):
            return self.text
        if self.hsl is not None and not (self.channel or self.condition or self.extra):
            return dict(self.hsl)
        members: dict[str, Any] = {"text": self.text, "hsl": self.hsl, "channel": self.channel}
        if self.condition:
            members["condition"] = list(self.condition)
        return {name: value for name, value in members.items() if value is not None} | dict(self.extra)


@dataclass(frozen=True, slots=True)
class Message:
    """What stands under one key: one variation or several."""

    variations: tuple[Variation, ...]

    @classmethod
    def parse(cls, value: str) -> Message:
        """Read a value as it stands in Redis.

        Raises:
            InvalidMessage: it is blank, or begins like JSON and is none of the four forms; says where and why.
        """
        return _parse(value)

    @classmethod
    def from_responses(cls, responses: Sequence[Any]) -> Message:
        """Read a list of responses as a Rasa domain holds it.

        Raises:
            InvalidMessage: as `parse`.
        """
        if not responses:
            raise _refused("", "it has no variation")
        return cls(tuple(_variation(item, f"[{index}]") for index, item in enumerate(responses)))

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that any variation asks for."""
        return frozenset(
            name for variation in self.variations for template in variation.templates for name in template.names
        )

    @property
    def shown(self) -> str:
        """What it says, in one line, the variations behind each other."""
        return " | ".join(filter(None, (variation.shown for variation in self.variations)))

    def dump(self) -> str:
        """Return the shortest value for it: a single text is that text, several variations are a JSON list."""
        dumped = [variation.dump() for variation in self.variations]
        if len(dumped) == 1 and isinstance(dumped[0], str) and not _BEGINS_AS_JSON.match(dumped[0]):
            return dumped[0]
        if len(dumped) == 1 and isinstance(dumped[0], dict):
            return _encode(dumped[0])
        return _encode(dumped)


@lru_cache(maxsize=4096)
def _parse(value: str) -> Message:
    value = without_halves(value)
    if not value.strip():
        raise _refused("", "it is blank, and a blank message is silence")
    if not _BEGINS_AS_JSON.match(value):
        return Message((Variation(text=value),))
    try:
        decoded = _decoded(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refused("", f"it begins like JSON and is not: {_plainly(error)}") from None
    except RecursionError:
        raise _refused("", "it is nested too deeply") from None
    items = decoded if isinstance(decoded, list) else [decoded]
    paths = [f"[{index}]" for index in range(len(items))] if isinstance(decoded, list) else [""]
    return Message(tuple(_variation(item, path) for item, path in zip(items, paths, strict=True)))


def _decoded(value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        if not _ESCAPED_HALF.search(value):
            raise
        # Python writes and reads half of a surrogate pair; msgspec does neither.
        try:
            return without_halves(json.loads(value))
        except ValueError:
            pass
        raise


def _variation(item: Any, path: str) -> Variation:
    if isinstance(item, str):
        item = {"text": item}
    if not isinstance(item, dict):
        raise _refused(path, "a variation is a text or an object")
    if "type" in item:
        return Variation(hsl=_checked_hsl(item, path))
    for key in item:
        if key not in KEYS:
            raise _refused(_join(path, key), f"{key!r} is not known here.{nearest(str(key), KEYS)}")
    _check_kinds(item, path)
    if not any(item.get(key) for key in _SHOWING):
        raise _refused(path, "it shows nothing, and a blank message is silence")
    return Variation(
        text=item.get("text"),
        hsl=None if item.get("hsl") is None else _checked_hsl(item["hsl"], _join(path, "hsl")),
        channel=item.get("channel"),
        condition=_condition(item.get("condition"), _join(path, "condition")),
        extra={key: item[key] for key in _EXTRA if item.get(key) is not None},
    )


def _check_kinds(item: Mapping[str, Any], path: str) -> None:
    for key in ("text", "channel", "image", "id"):
        if not isinstance(item.get(key), (str, type(None))):
            raise _refused(_join(path, key), "a text is wanted")
    if "text" in item and isinstance(item["text"], str) and not item["text"].strip():
        raise _refused(_join(path, "text"), "it is blank, and a blank message is silence")
    for key in _LIST_KEYS:
        if not _is_list_of_objects(item.get(key)):
            raise _refused(_join(path, key), "a list of objects is wanted")
    for key in (*_OBJECT_KEYS, "hsl"):
        if not isinstance(item.get(key), (dict, type(None))):
            raise _refused(_join(path, key), "an object is wanted")
    for index, button in enumerate(item.get("buttons") or ()):
        if not (isinstance(button.get("title"), str) and button["title"].strip()):
            raise _refused(_join(path, f"buttons[{index}].title"), "a button needs a label")


def _is_list_of_objects(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(member, dict) for member in value))


def _condition(value: Any, path: str) -> tuple[Mapping[str, Any], ...]:
    if isinstance(value, str) and value.strip():
        return (predicate(value),)
    if not _is_list_of_objects(value):
        raise _refused(path, "a list of conditions is wanted")
    for index, constraint in enumerate(value or ()):
        if not can_be_evaluated(constraint) and constraint.get("type") != _PREDICATE:
            raise _refused(f"{path}[{index}]", "a condition has `type: slot`, a `name` and a `value`")
    return tuple(value or ())


def predicate(written: Any) -> Mapping[str, Any]:
    """Return a condition that cannot be evaluated here as what `Variation` holds for it. It never holds."""
    return {"type": _PREDICATE, "value": written}


def can_be_evaluated(constraint: Any) -> bool:
    """Tell whether a condition compares a slot with a value, which is all that is evaluated here."""
    return isinstance(constraint, Mapping) and isinstance(constraint.get("name"), str) and "value" in constraint


def _checked_hsl(item: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    mistake = mistake_in(item)
    if mistake is not None:
        raise _refused(_join(path, mistake.path), mistake.problem)
    return item


def strings_of(value: Any) -> list[str]:
    """Return every string in a value made of lists and objects, in order; keys are not among them."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for member in value.values() for text in strings_of(member)]
    if isinstance(value, (list, tuple)):
        return [text for member in value for text in strings_of(member)]
    return []


# Where people read: the other strings of an element are types, addresses and payloads.
_READ = ("text", "title", "subtitle", "actionable_text", "description", "label", "placeholder", "voice_text", "name")


def _texts(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [text for member in value for text in ([member] if isinstance(member, str) else _texts(member))]
    if not isinstance(value, Mapping):
        return []
    return [
        text
        for key, member in value.items()
        for text in ([member] if isinstance(member, str) and key in _READ else _nested(member))
    ]


def _nested(member: Any) -> list[str]:
    return [] if isinstance(member, str) else _texts(member)


def _refused(path: str, problem: str) -> InvalidMessage:
    place = f"{path}: " if path else ""
    return InvalidMessage(f"{place}{_sentence(problem)}", (Finding("error", path, _sentence(problem), code="form"),))


def _sentence(problem: str) -> str:
    return f"{problem[0].upper()}{problem[1:]}{'' if problem[-1] in '.?!' else '.'}"


def _plainly(error: Exception) -> str:
    words = str(error)
    return words.removeprefix("JSON is malformed: ") if isinstance(error, msgspec.DecodeError) else "no UTF-8"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()
