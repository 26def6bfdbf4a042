"""Facebook Messenger through Rasa's connector (rasa 3.6.21, `core/channels/facebook.py`, over fbmessenger 6.0.0).

Numbers of the platform are Meta's: developers.facebook.com/documentation/business-messaging/messenger-platform/
send-messages, pages "quick-replies", "buttons" and "template/button".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from haptik_actions.render._content import Content, Control, Link, Reply
from haptik_actions.render._conversion import Message, Note
from haptik_actions.render._cutting import clip, split, split_end
from haptik_actions.render._plain import PlainText, as_text, link_lines, numbered

# Meta states no limit for a text; 2,000 characters is what integrators report.
_TEXT = 2000
_QUICK_REPLIES = 13
# fbmessenger raises on more, and Rasa then rolls back the whole turn; as `custom` they pass it by.
_QUICK_REPLIES_OF_CONNECTOR = 11
# With more, Rasa's connector drops all of them.
_BUTTONS = 3
_BUTTON_TEXT = 640
_TITLE = 20
_PAYLOAD = 1000


class Facebook(PlainText):
    """Quick replies for a TEXT; a button template for a BUTTON with up to three controls.

    A larger BUTTON becomes quick replies, its links lines of the text. More than 13 replies are numbered lines.
    """

    def messages(self, content: Content, notes: list[Note]) -> list[Message]:
        """Messages within the limits of Messenger and of Rasa's connector; quick replies are on the last one."""
        if content.persistent and len(content.controls) <= _BUTTONS:
            return _button_template(content.text, content.controls, notes)
        # An address that would be cut in two is no longer a link; on a button it has no limit.
        long_links = [link for link in content.links if len(link.url) > _TEXT]
        rest = msgspec.structs.replace(content, controls=tuple(c for c in content.controls if c not in long_links))
        templates = [message for link in long_links for message in _button_template(link.label, (link,), notes)]
        if 0 < len(rest.replies) <= _QUICK_REPLIES:
            return templates + _quick_replies(rest, notes)
        return _texts(_parts(split(as_text(rest, notes), _TEXT), notes)) + templates


def _quick_replies(content: Content, notes: list[Note]) -> list[Message]:
    if content.persistent:
        notes.append(Note("replaced", content.path, "buttons by quick replies"))
    titles, full_labels = _titles(content.replies, notes)
    text = "\n".join([content.text, *full_labels, *link_lines(content.links, notes)])
    *before, last = _parts(split(text, _TEXT), notes)
    chips = [
        {"content_type": "text", "title": title, "payload": _payload(reply, notes)}
        for title, reply in zip(titles, content.replies, strict=True)
    ]
    message: Message = {"text": last, "quick_replies": chips}
    if len(chips) > _QUICK_REPLIES_OF_CONNECTOR:
        message = {"json_message": message}
    return [*_texts(before), message]


def _button_template(text: str, controls: Sequence[Control], notes: list[Note]) -> list[Message]:
    titles, full_labels = _titles(controls, notes)
    parts = split_end("\n".join([text, *full_labels]), _TEXT, _BUTTON_TEXT)
    *before, last = _parts(parts, notes)
    buttons = [_button(title, control, notes) for title, control in zip(titles, controls, strict=True)]
    return [*_texts(before), {"text": last, "buttons": buttons}]


def _button(title: str, control: Control, notes: list[Note]) -> dict[str, str]:
    if isinstance(control, Link):
        return {"type": "web_url", "title": title, "url": control.url}
    return {"type": "postback", "title": title, "payload": _payload(control, notes)}


def _titles(controls: Sequence[Control], notes: list[Note]) -> tuple[list[str], list[str]]:
    """The title of each control; and where two would look the same, lines with the labels that the titles count."""
    titles = [clip(control.label, _TITLE) for control in controls]
    lines: list[str] = []
    if len(set(titles)) < len({control.label for control in controls}):
        lines = numbered(controls)
        titles = [clip(line, _TITLE) for line in lines]
    for title, control in zip(titles, controls, strict=True):
        if not title.endswith(control.label):
            notes.append(Note("truncated", f"{control.path}.actionable_text", title))
    return titles, lines


def _payload(reply: Reply, notes: list[Note]) -> str:
    if len(reply.payload) <= _PAYLOAD:
        return reply.payload
    notes.append(Note("shortened_payload", f"{reply.path}.payload", f"{len(reply.payload)} characters"))
    return clip(reply.label, _PAYLOAD)


def _parts(parts: list[str], notes: list[Note]) -> list[str]:
    if len(parts) > 1:
        notes.append(Note("split", "text", f"{len(parts)} messages"))
    return parts


def _texts(parts: Iterable[str]) -> list[Message]:
    return [{"text": part} for part in parts]
