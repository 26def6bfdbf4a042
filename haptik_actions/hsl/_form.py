"""The form: questions with an answer each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._json import check_link
from haptik_actions.hsl._value import (
    Envelope,
    Value,
    check_one_of,
    check_says_something,
    check_string,
    set_once,
    several,
)

FieldType: TypeAlias = Literal[
    "text",
    "picker",
    "multiselectpicker",
    "time",
    "date",
    "startdate",
    "enddate",
    "dob",
    "multidaypicker",
    "contactpicker",
    "search",
    "searcheditable",
    "savedaddress",
]
"""How a field is filled; the platform's thirteen."""

KeyboardType: TypeAlias = Literal["normal", "number", "email"]
"""The keyboard that a text field opens. It checks nothing."""

FIELD_TYPES = frozenset(get_args(FieldType))
KEYBOARD_TYPES = frozenset(get_args(KeyboardType))
_TEXTS = ("icon", "hint", "search_source", "search_placeholder", "autofill", "autofill_source")
_PICKERS = ("picker", "multiselectpicker")


class FormField(Value, frozen=True, repr_omit_defaults=True):
    """One question of a form.

    Attributes:
        key: The label above the field, and the name under which the answer comes back; unique in its form.
        type: How it is filled.
        keyboard_type: The keyboard of a `text`; it checks nothing.
        order: Place in the form, 0 first. None: the place that it has in the list.
        icon: A name of the platform's own list, which is not published.
        hint: What an empty field shows.
        options: What there is to choose of a `picker` and a `multiselectpicker`, which need at least one. A list is
            kept as a tuple.
        search_source: Where a `search` and a `searcheditable` look up what is typed:
            `GET {search_source}?query=…` answers `{"success": true, "data": [{"title": "…"}]}`. A `search` needs it.
        search_placeholder: What an empty search box shows.
        autofill: An attribute of the user's profile (`user_name`, `user_email`, …), or the value to start with.
        autofill_source: The platform's documentation doubts that it is still used.

    Raises:
        InvalidElement: with a path that starts at the field, such as `options[2]`.
    """

    key: str
    type: FieldType = "text"
    keyboard_type: KeyboardType = "normal"
    order: int | None = None
    icon: str = ""
    hint: str = ""
    options: Sequence[str] = ()
    search_source: str = ""
    search_placeholder: str = ""
    autofill: str = ""
    autofill_source: str = ""

    def __post_init__(self) -> None:
        check_says_something(self.key, "key", "a field without a label")
        check_one_of(self.type, FIELD_TYPES, "type")
        check_one_of(self.keyboard_type, KEYBOARD_TYPES, "keyboard_type")
        if self.order is not None and (isinstance(self.order, bool) or not isinstance(self.order, int)):
            raise InvalidElement("order", f"{self.order!r} is no whole number")
        for name in _TEXTS:
            check_string(getattr(self, name), name)
        set_once(self, "options", self._checked_options())
        if self.search_source:
            check_link(self.search_source, "search_source")
        elif self.type == "search":
            raise InvalidElement("search_source", "a search needs an address to look things up at")
        self._check_extra()

    def _checked_options(self) -> tuple[str, ...]:
        options = several(self.options, str, "options")
        seen: set[str] = set()
        for index, option in enumerate(options):
            check_says_something(option, f"options[{index}]", "an option that shows nothing")
            if option in seen:
                raise InvalidElement(f"options[{index}]", f"{option!r} is there twice")
            seen.add(option)
        if not options and self.type in _PICKERS:
            raise InvalidElement("options", f"a {self.type} without options to pick")
        return options

    def _documented(self) -> JsonObject:
        return {
            "key": self.key,
            "type": self.type,
            "keyboard_type": self.keyboard_type,
            "order": 0 if self.order is None else self.order,
            "icon": self.icon,
            "hint": self.hint,
            "options": list(self.options),
            "search_source": self.search_source,
            "search_placeholder": self.search_placeholder,
            "autofill": self.autofill,
            "autofill_source": self.autofill_source,
        }


class Form(Envelope, frozen=True, repr_omit_defaults=True):
    """Questions that are answered together, or one after another where a channel has no forms.

    Attributes:
        title: What the form is about; not blank. A FORM has no `text` of its own.
        fields: The questions, at least one. A list is kept as a tuple; fields without an order get their place.
        subtitle: A line below the title.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.fields[1].key`.
    """

    title: str
    fields: Sequence[FormField]
    subtitle: str = ""

    def __post_init__(self) -> None:
        check_says_something(self.title, "title", "a form without a title")
        check_string(self.subtitle, "subtitle")
        fields = several(self.fields, FormField, "data.fields")
        if not fields:
            raise InvalidElement("data.fields", "a FORM without fields")
        _check_keys(fields)
        numbered = (
            field if field.order is not None else msgspec.structs.replace(field, order=place)
            for place, field in enumerate(fields)
        )
        set_once(self, "fields", tuple(numbered))
        self._check_envelope()

    @property
    def text(self) -> str:
        """The title, since other elements have a `text` and a FORM has none."""
        return self.title

    @property
    def ordered(self) -> tuple[FormField, ...]:
        """The fields in the order in which they are asked: by `order`, and as they are listed where that is equal."""
        return tuple(sorted(self.fields, key=lambda field: field.order or 0))

    def _documented(self) -> JsonObject:
        fields = [field.to_hsl() for field in self.fields]
        members = {"title": self.title, "type": "FORM", "subtitle": self.subtitle, "data": {"fields": fields}}
        return self._with_flags(members)


def _check_keys(fields: Sequence[FormField]) -> None:
    keys: set[str] = set()
    for index, field in enumerate(fields):
        if field.key in keys:
            raise InvalidElement(f"data.fields[{index}].key", f"{field.key!r} is there twice: answers would mix")
        keys.add(field.key)
