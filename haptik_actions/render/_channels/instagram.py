"""Instagram messaging: Messenger's shapes with limits of its own. Rasa has no connector for it."""

from __future__ import annotations

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._channels import facebook
from haptik_actions.render._channels.facebook import Facebook
from haptik_actions.render._content import Content
from haptik_actions.render._conversion import Message
from haptik_actions.render._draft import Draft
from haptik_actions.render._limits import Channel, Limit, limits

_PLATFORM = "developers.facebook.com/documentation/business-messaging/instagram-messaging/features"

TEXT = Limit(1000, "UTF-8 bytes", "Meta, Instagram messaging; Infobip's and Woztell's documentation of Instagram")
BUTTON_TEXT = Limit(640, "code points", f"{_PLATFORM}/button-template")


class _ButtonText(Limit, frozen=True):
    """The text of a button template has to keep two limits: that of the template and that of any text."""

    def fits(self, text: str) -> bool:
        return super().fits(text) and TEXT.fits(text)

    def room(self, text: str, reserved: int = 0) -> int:
        return min(super().room(text, reserved), TEXT.room(text, reserved))


class Instagram(Facebook):
    """As Messenger, without numbers to call."""

    channel = Channel(
        name="instagram",
        title="Instagram",
        connector="your own: `text`, and `custom`, a raw `message` object of the Send API",
        limits=limits(
            text=TEXT,
            quick_replies=Limit(13, "items", f"{_PLATFORM}/quick-replies"),
            buttons=Limit(3, "items", f"{_PLATFORM}/button-template"),
            button_text=BUTTON_TEXT,
            label=Limit(20, "code points", f"{_PLATFORM}/quick-replies and /button-template"),
            payload=facebook.PAYLOAD,
            cards=Limit(10, "items", f"{_PLATFORM}/generic-template"),
            card_title=Limit(80, "code points", f"{_PLATFORM}/generic-template"),
            card_subtitle=Limit(80, "code points", f"{_PLATFORM}/generic-template"),
            card_buttons=Limit(3, "items", f"{_PLATFORM}/generic-template"),
        ),
        native={**Facebook.channel.native},
        controls=frozenset({"reply", "url"}),
        remark="quick replies and templates do not show on a desktop",
    )
    text_limit = TEXT
    template_text = _ButtonText(BUTTON_TEXT.size, BUTTON_TEXT.unit, BUTTON_TEXT.source)

    def button_template(self, text: str, buttons: list[dict[str, str]]) -> Message:
        """A text with up to three buttons."""
        payload = {"template_type": "button", "text": text, "buttons": buttons}
        return {"json_message": {"attachment": {"type": "template", "payload": payload}}}

    def chips(self, text: str, quick_replies: list[dict[str, str]]) -> Message:
        """A text with quick replies."""
        return {"json_message": {"text": text, "quick_replies": quick_replies}}

    def generic_template(self, elements: list[JsonObject], content: Content) -> JsonObject:
        """Cards side by side. Instagram has one ratio for all pictures, so no ratio is sent."""
        payload = {"template_type": "generic", "elements": elements}
        return {"attachment": {"type": "template", "payload": payload}}

    def picture(self, url: str, draft: Draft) -> None:
        """An image attachment."""
        picture: JsonObject = {"attachment": {"type": "image", "payload": {"url": url}}}
        draft.custom(picture)
