"""A message found: prepared, so that what is asked most costs least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haptik_actions.messages._choice import choose
from haptik_actions.messages._template import Template
from haptik_actions.messages._value import Message, Variation

__all__ = ["MISSING", "Resolved"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a chain of locales led to.

    Attributes:
        message: None where the key exists nowhere.
        locale: Whose message it is; its plurals and numbers are written that way.
        template: Of a message that is one text for everybody.
        plain: That text, where it has no placeholders either.
    """

    message: Message | None
    locale: str
    template: Template | None = None
    plain: str | None = None

    @classmethod
    def of(cls, message: Message, locale: str) -> Resolved:
        """Prepare a message."""
        if len(message.variations) > 1 or message.variations[0].text is None:
            return cls(message, locale)
        template = Template.parse(message.variations[0].text)
        return cls(message, locale, template, None if template.names else template.text)

    def choose(self, channel: str | None, slots: Mapping[str, Any]) -> Variation:
        """Return the variation to show; only for a message that exists."""
        assert self.message is not None
        return choose(self.message, channel, slots)


MISSING = Resolved(None, "")
