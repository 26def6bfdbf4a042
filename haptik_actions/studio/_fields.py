"""A message as fields of a form, and back: variations, each with texts, rows and choices, or with JSON.

What has no field (other keys of a response) is carried along as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import msgspec

from haptik_actions.studio._buttons import ButtonRow
from haptik_actions.studio._conditions import ConditionRow
from haptik_actions.studio._plural import (
    Around,
    CaseRow,
    case_problems,
    in_language,
    read_plural,
    split_text,
    without_number,
    write_plural,
)

__all__ = ["MOST_ROWS", "STYLES", "Fields", "Style", "VariationFields"]

MOST_ROWS = 50
"""More than any channel shows. Further ways are carried along unseen, further buttons are JSON."""

Style: TypeAlias = Literal["quick_replies", "buttons", "rasa"]
"""How buttons are shown: replies that vanish after a tap, buttons that stay, or the buttons of Rasa's responses."""

STYLES: Mapping[Style, str] = {
    "quick_replies": "Quick replies, which vanish after a tap",
    "buttons": "Buttons, which stay",
    "rasa": "Rasa's buttons, each channel's way",
}

_FORM_HSL = {"TEXT": "quick_replies", "BUTTON": "items"}
"""HSL that the form can show -> the key of its buttons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariationFields:
    """One way to say it.

    Where `around` is given, the text depends on a number: `cases` is what is said for which, and `text` is not used.
    `origin` is the response object behind it; `json` is its text where only an expert edits it.
    """

    text: str = ""
    around: Around | None = None
    cases: tuple[CaseRow, ...] = ()
    style: Style = "quick_replies"
    buttons: tuple[ButtonRow, ...] = ()
    image: str = ""
    channel: str = ""
    conditions: tuple[ConditionRow, ...] = ()
    json: str | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """The text, put together from its cases where it depends on a number."""
        return self.text if self.around is None else write_plural(self.around, self.cases)

    @property
    def case_problems(self) -> tuple[str, ...]:
        """For each of the cases what is wrong with it; empty where nothing is."""
        return case_problems(self.cases)

    @property
    def is_splittable(self) -> bool:
        """Whether the text can be shown as cases of a number, or made to depend on one."""
        return self.by_number() is not self or not any(case_problems(split_text(self.text)[1]))

    def by_number(self) -> VariationFields:
        """Return it with a plural in the text as rows; as it is where rows would not show all of the text."""
        found = read_plural(self.text, MOST_ROWS) if self.json is None else None
        return replace(self, around=found[0], cases=found[1]) if found else self

    def in_language(self, locale: str) -> VariationFields:
        """Return it with a row for each plural category of the language."""
        return self if self.around is None else replace(self, cases=in_language(self.cases, locale))

    def without_mistakes(self) -> VariationFields:
        """Return it without conditions, and without cases that are half written: what a preview can show of it."""
        cases = tuple(row for row, problem in zip(self.cases, self.case_problems, strict=True) if not problem)
        if self.around is not None and self.around.problem:
            return replace(self, conditions=(), around=None, text=without_number(self.around, cases))
        return replace(self, conditions=(), cases=cases)

    @classmethod
    def of(cls, response: Mapping[str, Any], *, new_style: Style) -> VariationFields:
        """Read a response object; `new_style` is that of buttons where there are none yet."""
        return cls._of(response, new_style).by_number()

    @classmethod
    def _of(cls, response: Mapping[str, Any], new_style: Style) -> VariationFields:
        channel = response.get("channel")
        known = cls(channel=channel if isinstance(channel, str) else "", origin=response)
        conditions = _conditions(response.get("condition"))
        if conditions is None:
            return replace(known, json=_pretty(response))
        known = replace(known, conditions=conditions)
        if "hsl" in response:
            return known._of_hsl(response["hsl"])
        text, buttons, image = response.get("text"), response.get("buttons"), response.get("image")
        if not _is_simple(text, buttons, image) or "custom" in response or "elements" in response:
            return replace(known, json=_pretty(response))
        is_rasas = bool(buttons) or bool(set(response) - {"text", "channel", "condition", "id"})
        rows = tuple(ButtonRow.of_rasa(button) for button in buttons or ())
        style: Style = "rasa" if is_rasas else new_style
        return replace(known, text=text or "", image=image or "", buttons=rows, style=style)

    def _of_hsl(self, hsl: Any) -> VariationFields:
        data = hsl.get("data") if isinstance(hsl, Mapping) else None
        key = _FORM_HSL.get(hsl.get("type", "")) if isinstance(hsl, Mapping) else None
        rows = data.get(key, []) if isinstance(data, Mapping) and key else None
        if not _is_simple(hsl.get("text") if key else 1, rows, None):
            is_bare = set(self.origin) == {"hsl"}
            return replace(self, json=_pretty(hsl if is_bare else self.origin))
        buttons = tuple(ButtonRow.of_hsl(row) for row in rows or ())
        return replace(self, text=hsl["text"], buttons=buttons, style="buttons" if key == "items" else "quick_replies")

    def response(self) -> dict[str, Any]:
        """Return the response object; raises `ValueError` where the expert's JSON is none, or a condition."""
        if self.json is not None:
            return _parsed(self.json)
        self._check_cases()
        response = {key: value for key, value in self.origin.items() if key not in ("text", "hsl", "buttons", "image")}
        response.pop("channel", None)
        if self.channel:
            response["channel"] = self.channel
        response["condition"] = self._conditions()
        if not self.conditions:
            del response["condition"]
        if self.image:
            response["image"] = self.image
        return self._as_rasa(response) if self._is_rasas else self._as_hsl(response)

    def _check_cases(self) -> None:
        if self.around is None:
            return
        if self.around.problem:
            raise ValueError(self.around.problem)
        for row, problem in zip(self.cases, self.case_problems, strict=True):
            if problem:
                raise ValueError(f"{'Exactly ' if row.is_exact else ''}{row.key or '…'}: {problem}")

    def _conditions(self) -> list[dict[str, Any]]:
        found = []
        for number, row in enumerate(self.conditions, 1):
            if row.problem:
                raise ValueError(f"Condition {number}: {row.problem}")
            found.append(row.to_condition())
        return found

    @property
    def _is_rasas(self) -> bool:
        # An element of HSL has no place for an image beside it, and Rasa's buttons open no address on most channels.
        opens = any(row.kind == "link" and row.origin.get("type") != "web_url" for row in self.buttons)
        return (self.style == "rasa" and not opens) or bool(self.image and self.buttons)

    def _as_rasa(self, response: dict[str, Any]) -> dict[str, Any]:
        if self.said or not self.image:
            response["text"] = self.said
        if self.buttons or "buttons" in self.origin:
            response["buttons"] = [row.to_rasa() for row in self.buttons]
        return response

    def _as_hsl(self, response: dict[str, Any]) -> dict[str, Any]:
        before = self.origin.get("hsl")
        hsl = dict(before) if isinstance(before, Mapping) else {}
        if not self.buttons and not set(hsl) - {"text", "type", "data"}:
            return {"text": self.said, **response}
        data = dict(hsl["data"]) if isinstance(hsl.get("data"), Mapping) else {}
        rows = [row.to_hsl() for row in self.buttons]
        # A quick reply says something and nothing else.
        stay = bool(rows) and (self.style == "buttons" or any(row.kind != "reply" for row in self.buttons))
        for key in _FORM_HSL.values():
            data.pop(key, None)
        data["items" if stay else "quick_replies"] = rows
        return {"hsl": {**hsl, "text": self.said, "type": "BUTTON" if stay else "TEXT", "data": data}, **response}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A whole message: at least one variation. `rest` are response objects beyond those that the form shows."""

    variations: tuple[VariationFields, ...]
    rest: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, responses: list[dict[str, Any]], *, new_style: Style = "quick_replies") -> Fields:
        """Read response objects; none of them gives one empty variation."""
        shown, rest = responses[:MOST_ROWS], responses[MOST_ROWS:]
        read = tuple(VariationFields.of(response, new_style=new_style) for response in shown)
        return cls(variations=read or (VariationFields(style=new_style),), rest=tuple(rest))

    def responses(self) -> list[dict[str, Any]]:
        """Return the response objects; raises `ValueError`, naming the variation, where JSON or a condition is none."""
        found = []
        for number, variation in enumerate(self.variations):
            try:
                found.append(variation.response())
            except ValueError as error:
                where = f"Variation {number + 1}: " if len(self.variations) > 1 else ""
                raise ValueError(f"{where}{error}") from error
        return found + [dict(response) for response in self.rest]


def _conditions(found: Any) -> tuple[ConditionRow, ...] | None:
    """Read conditions; None where rows cannot show every one of them."""
    if not isinstance(found, list | None) or len(found or ()) > MOST_ROWS:
        return None
    rows = [ConditionRow.of(condition) for condition in found or ()]
    return None if None in rows else tuple(row for row in rows if row)


def _is_simple(text: Any, buttons: Any, image: Any) -> bool:
    are_rows = buttons is None or (isinstance(buttons, list) and all(isinstance(row, Mapping) for row in buttons))
    are_rows = are_rows and len(buttons or ()) <= MOST_ROWS
    return are_rows and isinstance(text, str | None) and isinstance(image, str | None)


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text.encode("utf-8", "replace"))
    except msgspec.DecodeError as error:
        raise ValueError(f"This is not JSON ({error}).") from error
    if not isinstance(found, dict):
        raise ValueError("The JSON has to be one object, in braces.")
    # Both ways to write HSL are read: bare, as the platform documents it, and inside a response.
    return {"hsl": found} if isinstance(found.get("type"), str) and "hsl" not in found else found
