"""The result of a conversion: messages for Rasa's dispatcher, and notes on what was changed."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Message: TypeAlias = dict[str, Any]
"""Keyword arguments of `dispatcher.utter_message`: `text`, `buttons`, `json_message`, and `quick_replies`, an extra
key that Rasa passes to the channel."""

NoteCode: TypeAlias = Literal[
    "coerced",
    "dropped",
    "insecure_url",
    "numbered",
    "paginated",
    "replaced",
    "shortened_payload",
    "split",
    "truncated",
    "unknown_key",
    "unsupported",
]
"""What happened:

- `coerced`: a value was completed, such as an address that came without its scheme;
- `dropped`: something that only the platform itself understands is missing;
- `numbered`: the replies became numbered lines of the text;
- `replaced`: another form stands in;
- `shortened_payload`: a payload was too long, the label is sent in its place;
- `split`: the text became several messages;
- `truncated`: a label was cut, `…` marks the place.

The remaining codes belong to elements and channels of which no renderer gives them yet.
"""


class Note(msgspec.Struct, frozen=True):
    """One thing that a conversion changed or lost.

    Attributes:
        code: What happened.
        path: The place in the element's JSON, such as `data.items[2].payload.url`.
        detail: What stands there, or what stands in its place; for developers, never for users.
    """

    code: NoteCode
    path: str
    detail: str


class Conversion(msgspec.Struct, frozen=True):
    """An element in the form of one channel.

    Attributes:
        messages: In the order in which they are sent; at least one.
        notes: First what reading the element changed, then what the channel's form did.
    """

    messages: tuple[Message, ...]
    notes: tuple[Note, ...] = ()
