"""Facebook Messenger and Instagram: the Send API's `message` object.

Limits: developers.facebook.com, "Messenger platform" and "Instagram messaging", pages "Send API", "Quick replies",
"Buttons", "Button template", "Generic template". Rasa's connector: `rasa/core/channels/facebook.py` and `fbmessenger`
6.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from tests.validators._place import Place, Unit, code_points, utf8
from tests.validators._platform import OwnConnector, Platform, titled

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_RECIPIENT = ("recipient", "messaging_type", "tag")


class _Messages(Platform):
    """What the two platforms of Meta have in common."""

    text_limit: ClassVar[tuple[int, Unit]]
    buttons_allowed: ClassVar[frozenset[str]]
    template_options: ClassVar[frozenset[str]]
    chips: ClassVar[frozenset[str]]

    def check_wire(self, payloads: Sequence[Place]) -> None:
        super().check_wire(payloads)
        for payload in payloads[:-1]:
            if "quick_replies" in payload:
                payload.refuse("quick replies vanish when another message follows")

    def payload(self, payload: Place) -> None:
        payload.has(optional=("text", "attachment", "quick_replies", "metadata"))
        content = payload.exactly_one("text", "attachment")
        if "text" in payload:
            content.text(*self.text_limit)
        else:
            self._attachment(content.has("type", "payload"))
        for replies in payload.given("quick_replies"):
            for reply in replies.items(1, 13):
                self._quick_reply(reply)

    def _quick_reply(self, reply: Place) -> None:
        kind = reply["content_type"].one_of(*sorted(self.chips))
        if kind != "text":
            reply.has("content_type", optional=("title", "payload", "image_url"))
            return
        reply.has("content_type", "title", "payload", optional=("image_url",))
        reply["title"].text(20)
        reply["payload"].text(1000)
        for image in reply.given("image_url"):
            image.url()

    def _attachment(self, attachment: Place) -> None:
        kind = attachment["type"].one_of("image", "video", "audio", "file", "template")
        payload = attachment["payload"]
        if kind != "template":
            payload.has("url", optional=("is_reusable",))["url"].url()
        elif payload["template_type"].one_of("button", "generic") == "button":
            payload.has("template_type", "text", "buttons")["text"].text(640)
            self._buttons(payload["buttons"])
        else:
            payload.has("template_type", "elements", optional=self.template_options)
            for ratio in payload.given("image_aspect_ratio"):
                ratio.one_of("horizontal", "square")
            for element in payload["elements"].items(1, 10):
                self._element(element)

    def _element(self, element: Place) -> None:
        extras = ("subtitle", "image_url", "default_action", "buttons")
        element.has("title", optional=extras)["title"].text(80)
        if not element.given(*extras):
            element.refuse("a card wants something beside its title")
        for subtitle in element.given("subtitle"):
            subtitle.text(80)
        for image in element.given("image_url"):
            image.url()
        for action in element.given("default_action"):
            action.has("type", "url", optional=("webview_height_ratio",))["type"].one_of("web_url")
            action["url"].url()
        for buttons in element.given("buttons"):
            self._buttons(buttons)

    def _buttons(self, buttons: Place) -> None:
        for button in buttons.items(1, 3):
            kind = button["type"].one_of(*sorted(self.buttons_allowed))
            button["title"].text(20)
            if kind == "web_url":
                button.has("type", "title", "url", optional=("webview_height_ratio",))["url"].url()
                for ratio in button.given("webview_height_ratio"):
                    ratio.one_of("compact", "tall", "full")
            elif kind == "postback":
                button.has("type", "title", "payload")["payload"].text(1000)
            elif not _PHONE.fullmatch(button.has("type", "title", "payload")["payload"].text()):
                button.refuse("a phone number is +, country code and number, digits only")


class Facebook(_Messages):
    """Messenger through Rasa's own connector."""

    name = "facebook"
    text_limit = (2000, code_points)
    buttons_allowed = frozenset({"web_url", "postback", "phone_number"})
    template_options = frozenset({"image_aspect_ratio", "sharable"})
    chips = frozenset({"text", "user_phone_number", "user_email"})

    def quick_replies(self, message: Place, text: Place, replies: Place) -> Iterator[Place]:
        """fbmessenger raises beyond eleven, and Rasa where a title or a payload is missing."""
        for reply in replies.items(1, 11):
            titled(reply)
            reply["payload"].text(1000)
        chips = [{"content_type": "text", **reply} for reply in replies.value]
        yield Place({"text": text.value, "quick_replies": chips}, message.path)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """Beyond three Rasa drops them all."""
        buttons.items(1, 3)
        filled = [{"type": "postback", **button} for button in buttons.value]
        yield _template({"template_type": "button", "text": text.value, "buttons": filled}, message.path)

    def elements(self, elements: Place) -> Iterator[Place]:
        filled = []
        for element in elements.items(1, 10):
            buttons = [{"type": "postback", **button} for button in element.value.get("buttons", ())]
            filled.append({**element.value, **({"buttons": buttons} if "buttons" in element else {})})
        yield _template({"template_type": "generic", "elements": filled}, elements.path)

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"attachment": {"type": "image", "payload": {"url": image.value}}}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom


class Instagram(OwnConnector, _Messages):
    """Instagram: text counted in bytes, no call button."""

    name = "instagram"
    text_limit = (1000, utf8)
    buttons_allowed = frozenset({"web_url", "postback"})
    template_options = frozenset()
    chips = frozenset({"text", "user_phone_number", "user_email"})

    def custom(self, custom: Place) -> Iterator[Place]:
        """The message object, alone or with the addressing around it."""
        if "message" in custom:
            yield custom.has("message", optional=_RECIPIENT)["message"]
        else:
            yield custom


def _template(payload: object, path: str) -> Place:
    return Place({"attachment": {"type": "template", "payload": payload}}, path)
