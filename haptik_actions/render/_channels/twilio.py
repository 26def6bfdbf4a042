"""Twilio through Rasa's connector (rasa 3.6.21, `core/channels/twilio.py`): SMS, and WhatsApp by way of Twilio.

Buttons need a template that was made at Twilio beforehand, so options are numbered lines; what a user taps or types
arrives as text in any case.
"""

from __future__ import annotations

from haptik_actions.render._content import Card, Content
from haptik_actions.render._draft import Draft
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._renderer import Renderer

TEXT = Limit(1600, "UTF-16 units", "twilio.com/docs/api/errors/21617; what is no GSM-7 is sent as UCS-2")


class Twilio(Renderer):
    """Numbered lines; the picture of a card is sent with its words."""

    channel = Channel(
        name="twilio",
        title="Twilio (SMS, WhatsApp)",
        connector="Rasa's own: text, image; a card as `custom`, arguments of messages.create",
        limits=limits(text=TEXT),
        native={
            "TEXT": "text, options as numbered lines",
            "CAROUSEL": "media message with its words, card by card; options numbered on",
            "IMAGE": "media message",
        },
        answers="title",
        remark="for a template made at Twilio send `custom` of your own with `content_sid`",
    )
    text_limit = TEXT

    def cards(self, content: Content, draft: Draft) -> None:
        """Card by card."""
        for card in content.cards:
            self._card(card, content, draft)

    def _card(self, card: Card, content: Content, draft: Draft) -> None:
        start = len(draft.messages)
        if card.lines or card.controls:
            self.bubble(self.card_text(card), card.controls, content, draft)
        if not card.image:
            return
        if len(draft.messages) == start + 1:
            draft.messages[start] = {"json_message": {"body": draft.messages[start]["text"], "media_url": [card.image]}}
        else:
            draft.messages.insert(start, {"image": card.image})
