"""Voice: what Twilio's `<Say>` speaks for Rasa's `twilio_voice`; and SMS and WhatsApp through Twilio.

Limits: twilio.com/docs, "TwiML Say" (4 KB), "Message resource" (body of 1,600 characters, error 21617). Rasa's voice
connector reads `text` of every collected message: one without (an image, JSON) ends the call with a KeyError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.validators._place import Place, utf8
from tests.validators._platform import Platform, titled

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ARGUMENTS = ("body", "media_url", "content_sid", "content_variables", "persistent_action", "messaging_service_sid")
_SID = re.compile(r"H[XQ][0-9a-fA-F]{32}")


class Voice(Platform):
    """Nothing but text can be said."""

    name = "twilio_voice"

    def payload(self, payload: Place) -> None:
        text = payload.has("text")["text"]
        if _NOT_IN_XML.search(text.text(4096, utf8)):
            text.refuse("a character that XML, and so TwiML, cannot hold")

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """The text, then each title as a phrase of its own."""
        yield Place({"text": text.text()}, text.path)
        for button in buttons.items():
            title, _ = titled(button)
            yield Place({"text": title.value}, title.path)

    def image(self, image: Place) -> Iterator[Place]:
        image.refuse("an image is not spoken")


class Twilio(Platform):
    """Arguments of `messages.create`, without sender and receiver."""

    name = "twilio"

    def payload(self, payload: Place) -> None:
        payload.has(optional=_ARGUMENTS)
        if not payload.given("body", "media_url", "content_sid"):
            payload.refuse("nothing to send")
        for body in payload.given("body"):
            body.text(1600)
        for media in payload.given("media_url"):
            for url in media.items(1, 10):
                url.url()
        for sid in payload.given("content_sid"):
            if not _SID.fullmatch(sid.text()):
                sid.refuse("no identifier of a content template")
        for variables in payload.given("content_variables"):
            json.loads(variables.text())

    def bubble(self, text: Place) -> Place:
        return Place({"body": text.text()}, text.path)

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"media_url": [image.value]}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom
