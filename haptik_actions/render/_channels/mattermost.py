"""Mattermost through Rasa's connector (rasa 3.6.21, `core/channels/mattermost.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions.render._channels.rest import details
from haptik_actions.render._content import Content, Control
from haptik_actions.render._draft import Draft, told_apart
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._markup import MARKDOWN
from haptik_actions.render._renderer import Renderer

TEXT = Limit(16_383, "code points", "docs.mattermost.com: maximum length of a post since 5.0")


class Mattermost(Renderer):
    """Uses Rasa's `buttons`: only the connector knows the address that a tap is posted to."""

    channel = Channel(
        name="mattermost",
        title="Mattermost",
        connector="Rasa's own: text, buttons, image",
        markup="markdown",
        limits=limits(text=TEXT),
        native={
            "TEXT": "attachment with buttons",
            "BUTTON": "attachment with buttons",
            "CAROUSEL": "image, and text with buttons, card by card",
            "IMAGE": "attachment with an image",
        },
        controls=frozenset({"reply"}),
    )
    dialect = MARKDOWN
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text, the buttons below its last part."""
        native, lines = self.sorted(controls, draft)
        *before, last = self.parts(text or draft.copy.choose, [*details(native), *lines], draft, self.text_limit)
        for part in before:
            draft.say(part)
        draft.say(last)
        if native:
            draft.messages[-1]["buttons"] = [
                {"title": title, "payload": draft.tap(control, title)}
                for control, title in zip(native, told_apart(native, draft), strict=True)
            ]
