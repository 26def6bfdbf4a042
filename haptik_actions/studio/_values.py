"""From what the store holds to the fields of a form, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from haptik_actions.errors import InvalidMessage
from haptik_actions.messages import Message, Variation
from haptik_actions.studio._fields import Fields, Style, VariationFields

__all__ = ["dump_fields", "fields_of", "shown_text"]


def fields_of(value: str | None, key: str = "") -> Fields:
    """Return the fields that a stored value fills; what cannot be read is left to an expert, as it is.

    `key` decides how new buttons are made: Rasa's own responses get Rasa's buttons.
    """
    new_style: Style = "rasa" if key.startswith("utter_") else "quick_replies"
    if not value:
        return Fields.of([], new_style=new_style)
    try:
        message = Message.parse(value)
    except InvalidMessage:
        return Fields(variations=(VariationFields(json=value, style=new_style),))
    return Fields.of([_response(variation) for variation in message.variations], new_style=new_style)


def dump_fields(fields: Fields) -> str:
    """Return the value to store, in its shortest form; what is not yet right is kept for the draft and its check.

    Raises:
        ValueError: an expert's JSON is none; the message says which.
    """
    responses = fields.responses()
    if len(responses) == 1 and set(responses[0]) == {"text"} and not responses[0]["text"].strip():
        return ""
    try:
        return Message.from_responses(responses).dump()
    except InvalidMessage:
        return msgspec.json.encode(responses).decode()


def shown_text(value: str | None) -> str:
    """Return what a message says in one line."""
    if not value:
        return ""
    try:
        return Message.parse(value).variations[0].shown
    except InvalidMessage:
        return value


def _response(variation: Variation) -> dict[str, Any]:
    response: dict[str, Any] = dict(variation.extra)
    for name in ("text", "hsl", "channel"):
        value = getattr(variation, name)
        if value is not None:
            response[name] = value
    if variation.condition:
        response["condition"] = list(variation.condition)
    return response
