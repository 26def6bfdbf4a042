"""Webex through Rasa's connector (rasa 3.6.21, `core/channels/webexteams.py`), which reads texts alone."""

from __future__ import annotations

from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._renderer import Renderer

TEXT = Limit(7439, "UTF-8 bytes", "developer.webex.com/docs/api/v1/messages/create-a-message, text")


class WebexTeams(Renderer):
    """Options as numbered lines: what a user sends by an adaptive card never reaches Rasa."""

    channel = Channel(
        name="webexteams",
        title="Webex",
        connector="Rasa's own: text, image",
        limits=limits(text=TEXT),
        native={"TEXT": "text, options as numbered lines", "IMAGE": "file"},
        answers="title",
    )
    text_limit = TEXT
