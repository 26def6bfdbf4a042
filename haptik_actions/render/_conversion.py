"""The result of a conversion: messages for Rasa's dispatcher, notes on what was changed, and what can be answered.

`Copy` holds the words that a conversion adds. They stand in the message store like all copy, so the caller passes
them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

import msgspec

Message: TypeAlias = dict[str, Any]
"""Keyword arguments of `dispatcher.utter_message`: `text`, `image`, `buttons`, `elements`, `json_message`, and
`quick_replies`, an extra key that Rasa passes to the channel."""

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
    "unsupported",
]
"""What happened. Only three of them are losses, the ones that `strict` refuses:

- `dropped`: something that the channel cannot carry in any form is missing;
- `truncated`: words were cut, `…` marks the place, and they stand nowhere else;
- `unsupported`: the element has no meaning on the channel, and nothing of it is shown.

The others keep all of it in another form:

- `coerced`: a value was completed or read in another way, such as an address that came without its scheme;
- `insecure_url`: an address is http, which some clients do not load;
- `numbered`: options became numbered lines of the text;
- `paginated`: some options are behind a control of their own ("More");
- `replaced`: another form stands in;
- `shortened_payload`: a payload was too long, the label or a short id is sent in its place;
- `split`: one became several, or went on in a message of its own.
"""

LOSSES: frozenset[NoteCode] = frozenset({"dropped", "truncated", "unsupported"})
"""The codes of the notes that tell of a loss."""

OfferKind: TypeAlias = Literal[
    "address",
    "app",
    "channel",
    "detail",
    "feedback",
    "form",
    "list",
    "location",
    "locations",
    "more",
    "reply",
    "share",
    "upload",
]
"""What an answer asks for:

- `reply`: that the bot gets the payload as a message;
- `location`, `locations`: the place (or two) of the user, under the keys that `meta` names;
- `address`: one of the user's saved addresses;
- `upload`: a photo or a document of the user;
- `form`: the form whose `id` is in `meta`;
- `detail`, `list`, `share`: what `opens` holds;
- `feedback`: a rating by the user;
- `channel`: the bot or channel that `meta` names as `via_name`;
- `app`: a screen of the platform's own app;
- `more`: the next page, which `opens` holds.
"""
_PREFIX = "haptik_hsl_"


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


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that the user can answer with, so that the answer can be traced to it.

    Plain values only: `msgspec.to_builtins` and `msgspec.convert` bring it through a slot or a bot event's metadata.

    Attributes:
        kind: What the answer asks for.
        label: The author's whole label: one line, without brace groups.
        payload: What the bot should get as the user's message.
        path: The place of the control in the element's JSON.
        shown: What stands on the control, or behind its number.
        number: The number that the user reads beside it; None where there is none.
        sent: What the channel delivers as the user's message when it is tapped; None where it cannot be tapped, or
            where a tap delivers something else than a message, such as a location.
        meta: Metadata from brace groups (`{sku: l1}{task}` gives `{"sku": "l1", "task": True}`) and the keys of the
            action itself, such as `id` of a form.
        opens: An element, as JSON of HSL, to show in place of handing the payload to the bot.
    """

    kind: OfferKind
    label: str
    payload: str
    path: str
    shown: str
    number: int | None = None
    sent: str | None = None
    meta: Mapping[str, Any] = {}
    opens: Mapping[str, Any] | None = None


class Conversion(msgspec.Struct, frozen=True):
    """An element in the form of one channel.

    Attributes:
        messages: In the order in which they are sent. Empty where the element shows nothing by its nature, such as a
            SILENT on a channel of another platform.
        notes: First what reading the element changed, then what the channel's form did.
        replies: What can be answered, in the order in which it is shown.
    """

    messages: tuple[Message, ...]
    notes: tuple[Note, ...] = ()
    replies: tuple[Offer, ...] = ()


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What users read on controls, and where a channel demands words that the element has not.

    The key of each in the message store is its name behind `haptik_hsl_`.

    Attributes:
        agent_joined: Said when an agent takes over; `{agent_name}` is who.
        choose: Above options that no text introduces.
        continued: Above further buttons of the same element.
        more: On the control that brings the next page.
        not_here: In place of something that only the platform's own app can show.
        options: On the control that opens a list, up to 20 characters.
        reply_with_number: Below numbered options.
        say_more: On voice, behind the options that are read out, when there are others.
        say_one_of: On voice, before the options; `{options}` are those.
        share_location: On the control that asks for the user's location.
        total: Before the sum of a receipt; `{amount}` is the sum.
        watch: On the link to a video.
    """

    agent_joined: str
    choose: str
    continued: str
    more: str
    not_here: str
    options: str
    reply_with_number: str
    say_more: str
    say_one_of: str
    share_location: str
    total: str
    watch: str

    @staticmethod
    def default() -> Copy:
        """The words in English that come with the package."""
        return _default()

    @classmethod
    def of(cls, messages: Mapping[str, str]) -> Copy:
        """The words found under their keys in `messages`; those that are missing or blank are in English."""
        found = {name: messages.get(key, "") for name, key in cls.message_keys().items()}
        return msgspec.structs.replace(_default(), **{name: text for name, text in found.items() if text.strip()})

    @classmethod
    def message_keys(cls) -> Mapping[str, str]:
        """Name of each -> its key in the message store."""
        return {name: f"{_PREFIX}{name}" for name in cls.__struct_fields__}


@cache
def _default() -> Copy:
    # Read from the package's file and not from the store, because a conversion must work without Redis.
    file = resources.files("haptik_actions") / "messages" / "defaults" / "en.json"
    packaged = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    return Copy(**{name: packaged[key] for name, key in Copy.message_keys().items()})
