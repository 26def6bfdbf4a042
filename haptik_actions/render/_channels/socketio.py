"""Rasa's socketio channel, as rasa-webchat and its kin read it."""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.hsl import Element
from haptik_actions.render._channels.rest import TEXT, Rest
from haptik_actions.render._content import Content, Control
from haptik_actions.render._draft import Draft
from haptik_actions.render._limits import Channel, limits
from haptik_actions.render._markup import MARKDOWN_UNESCAPED

_PARAGRAPH = "\n\n"
# A card needs a title. This blank one shows nothing.
_NOTHING = "•"


class SocketIO(Rest):
    """As rest, with the buttons on the last paragraph alone, and carousels as a generic template.

    The connector cuts a text at its blank lines and gives each paragraph before the last an empty list of quick replies
    (rasa 3.6.21, `SocketIOOutput.send_text_with_buttons`); sent apart, they are plain bubbles. Its quick replies cannot
    be links, so links of a bubble are lines of the text. Its `elements` send one object per card where clients read a
    list (rasa-webchat 1.0.1, `isCarousel`), so a carousel goes out as `custom`.
    """

    channel = Channel(
        name="socketio",
        title="web chat (socketio)",
        connector="Rasa's own: text, buttons, image; `custom` with `data`, a message of rasa-webchat",
        markup="markdown",
        limits=limits(text=TEXT),
        native={
            "TEXT": "text and quick replies",
            "BUTTON": "text and quick replies",
            "CAROUSEL": "generic template of rasa-webchat",
            "IMAGE": "image attachment",
            "SILENT": '`custom`: {"data": {"hsl": the element}}',
            "NATIVE_ACTION": "text",
        },
        controls=frozenset({"reply"}),
    )
    dialect = MARKDOWN_UNESCAPED

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """One message, or two where paragraphs come before the one with the buttons."""
        super().bubble(text, controls, content, draft)
        message = draft.messages[-1]
        before, _, last = message["text"].rpartition(_PARAGRAPH)
        if before and "buttons" in message:
            draft.messages[-1:] = [{"text": before}, {**message, "text": last}]

    def cards(self, content: Content, draft: Draft) -> None:
        """One template with all the cards."""
        elements = []
        lines: list[str] = []
        for card in content.cards:
            lines += [self.spelled(control, draft) for control in card.controls if control.kind in ("call", "contact")]
            title, *others = card.lines or (content.text or _NOTHING,)
            element: JsonObject = {"title": title}
            if others:
                element["subtitle"] = "\n".join(others)
            if card.image:
                element["image_url"] = card.image
            element["buttons"] = [
                self._button(control, draft) for control in card.controls if control.kind not in ("call", "contact")
            ]
            elements.append(element)
        payload = {"template_type": "generic", "elements": elements}
        draft.custom({"data": {"attachment": {"type": "template", "payload": payload}}})
        if lines:
            self.say("", lines, draft)

    def _button(self, control: Control, draft: Draft) -> dict[str, str]:
        if control.kind == "url":
            return {"type": "web_url", "title": control.label, "url": control.value}
        self.as_reply(control, draft)
        return {"type": "postback", "title": control.label, "payload": draft.tap(control, control.label)}

    def raw(self, element: Element) -> JsonObject:
        """The element itself, as the connector emits it."""
        return {"data": super().raw(element)}
