"""What users would see of a message on some channels, by the renderers that the bot uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

__all__ = ["ChannelView", "Previews"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """One channel's screen."""

    title: str
    html: Markup


class Previews:
    """Shows messages on channels."""

    @property
    def channels(self) -> Mapping[str, str]:
        """Every channel's name in Rasa and what people call it."""
        return {}

    def of(self, value: str, samples: Mapping[str, str]) -> list[list[ChannelView]]:
        """Return for each variation of a message its screens."""
        return []
