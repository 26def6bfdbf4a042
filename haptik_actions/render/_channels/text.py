"""Plain text: every channel can show it, so it also serves channels that are not known here."""

from __future__ import annotations

from haptik_actions.render._channel import Channel
from haptik_actions.render._content import Content
from haptik_actions.render._draft import Draft
from haptik_actions.render._limits import Limit, limits
from haptik_actions.render._renderer import Renderer

# Nothing is known of the channel, so the limit is too large to cut anything.
NO_LIMIT = Limit(1_000_000, "code points", "none is known")


class PlainText(Renderer):
    """One message: replies as numbered lines, links and pictures as addresses."""

    channel = Channel(
        name="text",
        title="plain text",
        connector="any: `text` alone",
        limits=limits(text=NO_LIMIT),
        native={"TEXT": "text, options as numbered lines"},
        answers="title",
        remark="stands for every channel that is not known here",
    )
    text_limit = NO_LIMIT

    def cards(self, content: Content, draft: Draft) -> None:
        """Every card as a paragraph of one text."""
        paragraphs = []
        for card in content.cards:
            paragraph = [card.image] if card.image else []
            if card.lines or card.controls:
                self.bubble(self.card_text(card), card.controls, content, draft)
                paragraph.append(draft.messages.pop()["text"])
            paragraphs.append("\n".join(paragraph))
        draft.say("\n\n".join(paragraphs))

    def picture(self, url: str, draft: Draft) -> None:
        """The address of the picture."""
        draft.note("replaced", "data.items", "picture by its address")
        draft.say(url)
