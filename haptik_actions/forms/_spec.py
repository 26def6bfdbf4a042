"""A FORM, read for asking: its fields in their order, the slot of each, the rules that HSL has no keys for.

Also what such a form needs in the domain and in the rules of a Rasa bot.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from haptik_actions.errors import ConfigurationError
from haptik_actions.hsl import FieldType

__all__ = ["FieldSpec", "FormSpec", "Rules", "form_to_domain", "form_to_rules"]

Content: TypeAlias = Literal[
    "any", "letters", "letters_spaces", "alphanumeric", "alphanumeric_spaces", "numeric", "email", "regex"
]
"""What a text may hold: the choices of the platform's own form editor."""

_TYPES = frozenset(get_args(FieldType))
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_CHOICES = ("picker", "multiselectpicker")


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a field's answer must be. In a FORM's JSON this is the field's key `rules`: ours, not the platform's.

    Attributes:
        optional: The user may skip the field.
        content: What a text may hold; `regex` goes by `pattern`.
        pattern: A regular expression that the whole text must match.
        shortest, longest: Number of characters of a text; the same number in both is a fixed length.
        earliest, latest: Bounds of dates: `2027-04-03`, `today`, or days from today such as `+30` or `-7`.
        error: Key of a message to read in place of the general ones.
    """

    optional: bool = False
    content: Content = "any"
    pattern: str | None = None
    shortest: int | None = None
    longest: int | None = None
    earliest: str | None = None
    latest: str | None = None
    error: str | None = None


class FieldSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One field. `key` is its label and its name on the platform, `slot` its name in Rasa; the rest as in HSL."""

    key: str
    slot: str
    type: str
    keyboard: str = "normal"
    hint: str = ""
    options: tuple[str, ...] = ()
    search_source: str = ""
    search_placeholder: str = ""
    autofill: str = ""
    rules: Rules = Rules()


class FormSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A form of that name in Rasa: `fields` in the order of asking; `confirm` asks whether all is right at the end."""

    name: str
    title: str
    subtitle: str
    fields: tuple[FieldSpec, ...]
    confirm: bool

    @classmethod
    def read(cls, name: str, form: Any, *, confirm: bool | None = None) -> FormSpec:
        """Read a FORM: an element of `haptik_actions.hsl`, or its JSON as an object.

        `confirm` None means: ask for a confirmation where there are three fields or more.

        Raises:
            ConfigurationError: it cannot be asked for; names the form, the field and the remedy.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name of a form: use lower-case letters, digits and underscores.")
        hsl: Mapping[str, Any] = form if isinstance(form, Mapping) else form.to_hsl()
        members = (hsl.get("data") or {}).get("fields") or []
        if str(hsl.get("type", "")).upper() != "FORM" or not members:
            raise ConfigurationError(f"The form {name!r} is not a FORM with at least one field.")
        fields = _fields(name, members)
        title = str(hsl.get("title") or hsl.get("text") or "")
        confirming = len(fields) >= 3 if confirm is None else confirm
        return cls(name=name, title=title, subtitle=str(hsl.get("subtitle") or ""), fields=fields, confirm=confirming)

    @property
    def state_slot(self) -> str:
        """The slot that keeps how far the asking is."""
        return f"{self.name}_state"

    @property
    def confirm_slot(self) -> str:
        """The slot that is true once the user has confirmed."""
        return f"{self.name}_confirmed"

    @property
    def slots(self) -> tuple[str, ...]:
        """Every slot that Rasa asks for, in order."""
        return (*(field.slot for field in self.fields), *([self.confirm_slot] if self.confirm else []))

    def field_of(self, slot: str) -> FieldSpec | None:
        """Return the field of a slot."""
        return next((field for field in self.fields if field.slot == slot), None)

    def start_of(self, end: FieldSpec) -> FieldSpec | None:
        """Return the `startdate` that an `enddate` belongs to: the nearest before it."""
        before = self.fields[: self.fields.index(end)]
        return next((field for field in reversed(before) if field.type == "startdate"), None)


def _fields(name: str, members: Sequence[Mapping[str, Any]]) -> tuple[FieldSpec, ...]:
    # Equal orders keep their places: sorted() is stable.
    in_order = sorted(members, key=lambda member: _order(member.get("order")))
    fields: list[FieldSpec] = []
    for number, member in enumerate(in_order, start=1):
        fields.append(_field(name, number, member, {field.slot for field in fields}))
    return tuple(fields)


def _field(name: str, number: int, member: Mapping[str, Any], taken: set[str]) -> FieldSpec:
    key = str(member.get("key") or "").strip()
    where = f"The form {name!r}, field {key or number!r}"
    if not key:
        raise ConfigurationError(f"{where}: `key` is empty, and it is what the user is asked for.")
    kind = str(member.get("type") or "text").lower()
    options = _options(member.get("options"))
    if kind in _CHOICES and not options:
        raise ConfigurationError(f"{where}: a {kind} without `options` has nothing to choose from.")
    if kind == "search" and not member.get("search_source"):
        raise ConfigurationError(f"{where}: a search needs a `search_source`, the address to ask.")
    return FieldSpec(
        key=key,
        slot=_slot(name, key, number, taken),
        type=kind if kind in _TYPES else "text",
        keyboard=str(member.get("keyboard_type") or "normal").lower(),
        hint=str(member.get("hint") or "").strip(),
        options=options,
        search_source=str(member.get("search_source") or ""),
        search_placeholder=str(member.get("search_placeholder") or "").strip(),
        autofill=str(member.get("autofill") or "").strip(),
        rules=_rules(where, member.get("rules") or {}),
    )


def _rules(where: str, given: Any) -> Rules:
    try:
        rules = msgspec.convert(given, Rules)
        re.compile(rules.pattern or "")
    except (msgspec.ValidationError, re.error) as error:
        raise ConfigurationError(f"{where}: `rules` cannot work: {error}.") from error
    if rules.content == "regex" and not rules.pattern:
        raise ConfigurationError(f"{where}: `rules.content` is regex, so `rules.pattern` is wanted.")
    for bound in (rules.earliest, rules.latest):
        if bound is not None and not re.fullmatch(r"today|[+-]\d{1,5}|\d{4}-\d\d-\d\d", bound):
            raise ConfigurationError(f"{where}: {bound!r} is neither a date, nor `today`, nor days such as `+30`.")
    return rules


def _options(given: Any) -> tuple[str, ...]:
    """The platform's editor takes text with commas, its library a list."""
    parts = given.split(",") if isinstance(given, str) else given or ()
    return tuple(dict.fromkeys(filter(None, (str(part).strip() for part in parts))))


def _order(given: Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError):
        return 0.0


def _slot(name: str, key: str, number: int, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or f"field_{number}"
    while slug in ("state", "confirmed") or f"{name}_{slug}" in taken:
        # Once more where somebody calls a field "a 3".
        slug = f"{slug}_{number}"
    return f"{name}_{slug}"


_VERSION = "3.1"


def form_to_domain(form: FormSpec, *, not_intents: Sequence[str] = ()) -> dict[str, Any]:
    """Return the part of a domain: slots, the form, and its actions.

    The values are slots of type `any`: Rasa keeps them as they are and lets no policy see them. A message of one of
    `not_intents` is no answer to the form (for example that of a user who asks for an agent).
    """
    slots = {slot: _answered(form, slot, not_intents) for slot in form.slots}
    slots[form.state_slot] = {"type": "any", "influence_conversation": False, "mappings": [{"type": "custom"}]}
    asking = [f"action_ask_{slot}" for slot in form.slots]
    return {
        "version": _VERSION,
        "slots": slots,
        "forms": {form.name: {"required_slots": [*form.slots]}},
        "actions": [f"validate_{form.name}", *asking],
    }


def form_to_rules(form: FormSpec, *, start_intent: str, submit_action: str) -> dict[str, Any]:
    """Return two rules: one starts the form, the other runs `submit_action` when it is complete.

    A form that the user cancels ends without a rule.
    """
    done = [{"action": form.name}, {"active_loop": None}, {"slot_was_set": [{"requested_slot": None}]}]
    start = [{"intent": start_intent}, {"action": form.name}, {"active_loop": form.name}]
    rules: list[dict[str, Any]] = [
        {"rule": f"Start {form.name}", "steps": start},
        {
            "rule": f"Submit {form.name}",
            "condition": [{"active_loop": form.name}],
            "steps": [*done, {"action": submit_action}],
        },
    ]
    return {"version": _VERSION, "rules": rules}


def _answered(form: FormSpec, slot: str, not_intents: Sequence[str]) -> dict[str, Any]:
    mapping: dict[str, Any] = {"type": "from_text"}
    if not_intents:
        mapping["not_intent"] = [*not_intents]
    mapping["conditions"] = [{"active_loop": form.name, "requested_slot": slot}]
    return {"type": "any", "influence_conversation": False, "mappings": [mapping]}
