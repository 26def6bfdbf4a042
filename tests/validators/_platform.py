"""A platform: what its connector sends for each message, and what the platform accepts.

The dispatch is that of `OutputChannel.send_response` in Rasa 3.6.21: quick replies, else buttons, else text; then
`json_message` ("custom"), image, attachment and elements, each on its own. A message's text is cut at blank lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.validators._place import Place

Message = Mapping[str, Any]
"""Keyword arguments of `dispatcher.utter_message`."""

_ARGUMENTS = ("text", "image", "json_message", "attachment", "buttons", "quick_replies", "elements")


class Platform:
    """Base of the validators; a subclass overrides what its connector does and what its platform checks.

    As it stands, it is a channel of text alone whose connector is Rasa's base class: that prints the payloads of
    buttons and writes JSON out as text, so that everything but text is refused.
    """

    name: ClassVar[str] = "text"
    extras: ClassVar[frozenset[str]] = frozenset()
    """Further arguments that the connector reads."""

    def check(self, messages: Sequence[Message]) -> None:
        """Check all messages of one answer.

        Raises:
            AssertionError: naming the place.
        """
        self.check_wire(self.wire(messages))

    def wire(self, messages: Sequence[Message]) -> list[Place]:
        """What the connector sends for the messages of one answer."""
        return [payload for index, message in enumerate(messages) for payload in self._sent(message, index)]

    def check_wire(self, payloads: Sequence[Place]) -> None:
        """Check what arrives at the platform for one answer, in that order."""
        for payload in payloads:
            json.dumps(payload.value)
            self.payload(payload)

    def payload(self, payload: Place) -> None:
        """Check one payload as the platform does."""
        payload.has("text")["text"].text()

    def _sent(self, message: Message, index: int) -> Iterator[Place]:
        place = Place(dict(message), f"[{index}]").has(optional=(*_ARGUMENTS, *self.extras))
        given = [key for key in _ARGUMENTS if message.get(key)]
        if not given:
            place.refuse("a message that sends nothing")
        if "quick_replies" in given:
            yield from self.quick_replies(place, place["text"], place["quick_replies"])
        elif "buttons" in given:
            yield from self.buttons(place, place["text"], place["buttons"])
        elif "text" in given:
            yield from self.text(place["text"])
        if "json_message" in given:
            yield from self.custom(place["json_message"])
        if "image" in given:
            yield from self.image(place["image"])
        if "attachment" in given:
            yield from self.attachment(place["attachment"])
        if "elements" in given:
            yield from self.elements(place["elements"])

    def text(self, text: Place) -> Iterator[Place]:
        """One message for each part between blank lines."""
        text.text()
        for index, part in enumerate(text.value.strip().split("\n\n")):
            yield self.bubble(Place(part, f"{text.path}, part {index}"))

    def bubble(self, text: Place) -> Place:
        """What is sent for a text."""
        text.text()
        return Place({"text": text.value}, text.path)

    def quick_replies(self, message: Place, text: Place, replies: Place) -> Iterator[Place]:
        """Rasa's base class takes them for buttons and loses the message's other arguments."""
        yield from self.buttons(Place({}, message.path), text, replies)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """Without a connector's own way each button becomes the line `1: title (payload)`."""
        buttons.refuse(f"{self.name} would print the payloads of buttons")

    def custom(self, custom: Place) -> Iterator[Place]:
        custom.refuse(f"{self.name} would print JSON")

    def image(self, image: Place) -> Iterator[Place]:
        yield self.bubble(Place(f"Image: {image.url()}", image.path))

    def attachment(self, attachment: Place) -> Iterator[Place]:
        attachment.refuse(f"{self.name} would print 'Attachment: '")

    def elements(self, elements: Place) -> Iterator[Place]:
        elements.refuse(f"{self.name} takes elements apart and prints payloads")


class OwnConnector(Platform):
    """A platform that Rasa has no connector for: `json_message` is what its API takes, `text` a plain message."""

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom


def titled(button: Place) -> tuple[Place, Place]:
    """The title and the payload of a button in Rasa's shape; both show or send something."""
    button["title"].text()
    button["payload"].text()
    return button["title"], button["payload"]
