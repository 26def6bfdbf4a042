"""What Rasa posts for each utterance. The body grows with the conversation, so only what is needed is decoded.

Source: `rasa/core/nlg/callback.py` of Rasa 3.6.21.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from haptik_actions._halves import without_halves
from haptik_actions.messages import locale_of

__all__ = ["Call"]


class _Tracker(msgspec.Struct):
    slots: dict[str, Any] | None = None
    latest_message: Any = None


class _Channel(msgspec.Struct):
    name: str | None = None


class Call(msgspec.Struct):
    """One utterance that Rasa asks for.

    Attributes:
        response: Its name in the domain, `utter_greet`.
        arguments: Values that the caller gave; they go before slots.
        tracker: The conversation, of which slots and the metadata of the latest message are kept.
        channel: Where it is said: the name of the output channel, `collector` for plain REST.
    """

    response: str
    arguments: dict[str, Any] | None = None
    tracker: _Tracker | None = None
    channel: _Channel | None = None

    @classmethod
    def of(
        cls,
        response: str,
        *,
        slots: Mapping[str, Any],
        metadata: Mapping[str, Any] | None,
        channel: str | None,
        arguments: Mapping[str, Any],
    ) -> Call:
        """Return the call that `HaptikNLG` makes in Rasa's own process. `metadata` is that of the latest message."""
        tracker = _Tracker(slots=dict(slots), latest_message={"metadata": metadata})
        return cls(response, arguments=dict(arguments), tracker=tracker, channel=_Channel(channel))

    @classmethod
    def decode(cls, body: bytes) -> Call:
        """Read what Rasa posts. Python's json wrote it, so it may hold NaN, Infinity and halves of surrogate pairs.

        Raises:
            ValueError: the body is no call of Rasa.
        """
        try:
            return _decode(body)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError) as strict:
            try:
                return msgspec.convert(without_halves(json.loads(body)), cls)
            except (ValueError, RecursionError):
                raise strict from None

    @property
    def slots(self) -> Mapping[str, Any]:
        """All slots, also those that were never set."""
        return (self.tracker.slots if self.tracker else None) or {}

    @property
    def values(self) -> Mapping[str, Any]:
        """The values that fill placeholders: arguments before slots."""
        return {**self.slots, **(self.arguments or {})}

    @property
    def channel_name(self) -> str | None:
        """The name of the output channel."""
        return self.channel.name if self.channel else None

    @property
    def locale(self) -> str | None:
        """The user's language, where slot or metadata `language_code` names one."""
        latest = self.tracker.latest_message if self.tracker else None
        metadata = latest.get("metadata") if isinstance(latest, dict) else None
        return locale_of(self.slots, metadata if isinstance(metadata, dict) else None)


_decode = msgspec.json.Decoder(Call).decode
