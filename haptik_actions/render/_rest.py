"""Channels that collect messages as JSON: rest, callback, rasa, and the shell's cmdline."""

from __future__ import annotations

from haptik_actions.render._content import Content, Reply
from haptik_actions.render._conversion import Message, Note
from haptik_actions.render._plain import PlainText, link_lines


class Rest(PlainText):
    """Replies as Rasa's `buttons`, of any number and length; links as lines of the text.

    Rasa hands the buttons on as they are (rasa 3.6.21, `CollectingOutputChannel`), but its clients expect a `payload`
    in each, which a link has not.
    """

    def messages(self, content: Content, notes: list[Note]) -> list[Message]:
        """One message."""
        text = "\n".join([content.text, *link_lines(content.links, notes)])
        return [{"text": text, "buttons": buttons(content.replies)}] if content.replies else [{"text": text}]


def buttons(replies: list[Reply]) -> list[dict[str, str]]:
    """Rasa's own form of a button."""
    return [{"title": reply.label, "payload": reply.payload} for reply in replies]
