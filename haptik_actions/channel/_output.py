"""What the bot says to a user of Haptik's channels, collected for the answer. Imports rasa."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel

from haptik_actions.channel._bubbles import bubbles
from haptik_actions.channel._turns import Spoken

__all__ = ["HaptikOutput"]


class HaptikOutput(CollectingOutputChannel):
    """Collects the bot's messages as strings of Haptik's `response`.

    Its name decides which variation of a response Rasa takes (`channel: haptik` in the domain).
    """

    def __init__(self, spoken: Spoken) -> None:
        super().__init__()
        self._spoken = spoken

    @classmethod
    def name(cls) -> str:
        """Return the name of the channel."""
        return "haptik"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take a whole message, with all that goes with its text."""
        self._spoken.say(bubbles(message))

    async def send_text_message(self, recipient_id: str, text: str, **_: Any) -> None:
        """Take a text, one bubble for each paragraph."""
        self._spoken.say(bubbles({"text": text}))

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: list[dict[str, Any]], **_: Any
    ) -> None:
        """Take a text with buttons."""
        self._spoken.say(bubbles({"text": text, "buttons": buttons}))

    async def send_quick_replies(
        self, recipient_id: str, text: str, quick_replies: list[dict[str, Any]], **_: Any
    ) -> None:
        """Take a text with quick replies."""
        self._spoken.say(bubbles({"text": text, "quick_replies": quick_replies}))

    async def send_image_url(self, recipient_id: str, image: str, **_: Any) -> None:
        """Take an image."""
        self._spoken.say(bubbles({"image": image}))

    async def send_attachment(self, recipient_id: str, attachment: Any, **_: Any) -> None:
        """Take an attachment."""
        self._spoken.say(bubbles({"attachment": attachment}))

    async def send_elements(self, recipient_id: str, elements: Iterable[dict[str, Any]], **_: Any) -> None:
        """Take cards."""
        self._spoken.say(bubbles({"elements": list(elements)}))

    async def send_custom_json(self, recipient_id: str, json_message: Any, **_: Any) -> None:
        """Take an element of HSL."""
        self._spoken.say(bubbles({"custom": json_message}))
