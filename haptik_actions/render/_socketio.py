"""Rasa's socketio channel, as rasa-webchat and its kin read it."""

from __future__ import annotations

from haptik_actions.render._content import Content
from haptik_actions.render._conversion import Message, Note
from haptik_actions.render._rest import Rest

_PARAGRAPH = "\n\n"


class SocketIO(Rest):
    """As rest, with the buttons on the last paragraph alone.

    The connector cuts a text at its blank lines and gives each paragraph before the last an empty list of quick replies
    (rasa 3.6.21, `SocketIOOutput.send_text_with_buttons`); sent apart, they are plain bubbles. Its quick replies cannot
    be links, and a client is free to ignore a template, so links are lines of the text.
    """

    def messages(self, content: Content, notes: list[Note]) -> list[Message]:
        """One message, or two where paragraphs come before the one with the buttons."""
        [message] = super().messages(content, notes)
        before, _, last = message["text"].rpartition(_PARAGRAPH)
        if not before or "buttons" not in message:
            return [message]
        return [{"text": before}, {**message, "text": last}]
