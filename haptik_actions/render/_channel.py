"""The capability record of a channel: what it shows by itself, how much of it, and where that was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from haptik_actions.render._limits import Limit

Answers: TypeAlias = Literal["payload", "title", "speech"]
"""What a tap delivers to the bot: the payload, the words on the control, or nothing but what the user says."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel can show.

    Attributes:
        name: The channel's name in Rasa, as `tracker.get_latest_input_channel()` gives it.
        title: What people call it.
        connector: Who takes the messages to the platform, and in which keys of the response.
        markup: How the text is marked up, by the dialect's name; `none` shows every mark as it stands, so none is sent.
        limits: Field -> the most that it takes.
        native: Type of element -> the form that it gets; a type that is missing becomes text.
        controls: The kinds of control that it shows as such; every other one becomes a reply or a line of text.
        answers: What a tap delivers to the bot.
        remark: What else there is to know.
    """

    name: str
    title: str
    connector: str
    markup: str = "none"
    limits: Mapping[str, Limit] = {}
    native: Mapping[str, str] = {}
    controls: frozenset[str] = frozenset()
    answers: Answers = "payload"
    remark: str = ""
