"""Plain text: what every channel can show, and the base of the renderers that can do more."""

from __future__ import annotations

from collections.abc import Iterable

from haptik_actions.render._content import Content, Control, Link
from haptik_actions.render._conversion import Conversion, Message, Note


class PlainText:
    """Replies as numbered lines, links as `label: address`; text alone.

    Rasa's base connector prints each button with its payload (rasa 3.6.21, `core/channels/channel.py`), so this never
    gives `buttons`. A channel overrides `messages`.
    """

    def convert(self, content: Content) -> Conversion:
        """Render content, at least one message."""
        notes = list(content.notes)
        messages = self.messages(content, notes)
        return Conversion(tuple(messages), tuple(notes))

    def messages(self, content: Content, notes: list[Note]) -> list[Message]:
        """The messages of the channel; what they lose is added to `notes`."""
        return [{"text": as_text(content, notes)}]


def as_text(content: Content, notes: list[Note]) -> str:
    """Everything as one text: what it says, then the replies, then the links."""
    lines = [content.text]
    if content.replies:
        notes.append(Note("numbered", content.path, f"{len(content.replies)} replies"))
        lines += numbered(content.replies)
    return "\n".join(lines + link_lines(content.links, notes))


def numbered(controls: Iterable[Control]) -> list[str]:
    """One line for each label, counted from 1."""
    return [f"{number}. {control.label}" for number, control in enumerate(controls, start=1)]


def link_lines(links: Iterable[Link], notes: list[Note]) -> list[str]:
    """One line for each link; chat clients make the address in it tappable."""
    lines = []
    for link in links:
        notes.append(Note("replaced", link.path, "link by a line of text"))
        lines.append(link.url if link.label == link.url else f"{link.label}: {link.url}")
    return lines
