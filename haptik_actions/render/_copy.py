"""The words that a conversion adds. They stand in the message store like all copy, so the caller passes them in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

_PREFIX = "haptik_hsl_"


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
