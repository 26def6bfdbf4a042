"""Rasa's own ways to a web page: rasa-webchat over socket.io, and JSON over REST, callback and the console."""

from __future__ import annotations

from collections.abc import Iterator

from tests.validators._place import Place
from tests.validators._platform import Platform, titled


class SocketIO(Platform):
    """What rasa-webchat (github.com/botfront/rasa-webchat, `src/components/Widget`) makes a bubble of.

    It tells the kinds of message apart by their members: nothing but `text`; `text` and `quick_replies`; an
    `attachment`. Anything else it hands to the page's own component, or shows nothing.
    """

    name = "socketio"

    def payload(self, payload: Place) -> None:
        if "hsl" in payload:
            payload.has("hsl")["hsl"].has("type", optional=payload["hsl"].value)
        elif "attachment" in payload:
            _attachment(payload.has("attachment")["attachment"])
        else:
            payload.has("text", optional=("quick_replies",))["text"].text()
            for replies in payload.given("quick_replies"):
                for reply in replies.items(0):
                    reply.has("content_type", "title", "payload")["content_type"].one_of("text")
                    titled(reply)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """One bubble for each part between blank lines; the last one has the buttons."""
        parts = text.text().strip().split("\n\n")
        chips = []
        for button in buttons.items():
            title, payload = titled(button)
            chips.append({"content_type": "text", "title": title.value, "payload": payload.value})
        for index, part in enumerate(parts):
            replies = chips if index == len(parts) - 1 else []
            yield Place({"text": part, "quick_replies": replies}, f"{text.path}, part {index}")

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"attachment": {"type": "image", "payload": {"src": image.value}}}, image.path)

    def attachment(self, attachment: Place) -> Iterator[Place]:
        yield Place({"attachment": attachment.value}, attachment.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        """`sio.emit(event, **custom)`: any other key would be an argument that emit does not know."""
        yield custom.has("data")["data"]

    def elements(self, elements: Place) -> Iterator[Place]:
        elements.refuse("Rasa sends one object where rasa-webchat wants a list of cards")


def _attachment(attachment: Place) -> None:
    kind = attachment.has("type", "payload")["type"].one_of("image", "video", "template")
    payload = attachment["payload"]
    if kind != "template":
        payload.has("src", optional=("title", "alt"))["src"].url()
        return
    payload.has("template_type", "elements")["template_type"].one_of("generic")
    for element in payload["elements"].items(1):
        element.has(optional=("title", "subtitle", "image_url", "buttons", "default_action"))
        if not element.given("title", "subtitle", "image_url"):
            element.refuse("a card that shows nothing")
        for text in element.given("title", "subtitle"):
            text.text()
        for image in element.given("image_url"):
            image.url()
        for buttons in element.given("buttons"):
            for button in buttons.items(0):
                _button(button)
        for action in element.given("default_action"):
            action.has("type", "url")["type"].one_of("web_url")
            action["url"].url()


def _button(button: Place) -> None:
    if button["type"].one_of("postback", "web_url") == "postback":
        titled(button.has("type", "title", "payload"))
    else:
        button.has("type", "title", "url")["title"].text()
        button["url"].url("http", "https", "tel", "mailto")


class Rest(Platform):
    """What a collecting channel hands to the caller: text, text with buttons, an image, or any JSON object."""

    name = "rest"

    def payload(self, payload: Place) -> None:
        if "custom" in payload:
            custom = payload.has("custom")["custom"]
            custom.has(optional=custom.value)
        elif "image" in payload:
            payload.has("image")["image"].url()
        else:
            payload.has("text", optional=("buttons",))["text"].text()
            for buttons in payload.given("buttons"):
                for button in buttons.items(1):
                    titled(button)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        yield Place({"text": text.value, "buttons": buttons.value}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"image": image.value}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield Place({"custom": custom.value}, custom.path)

    def elements(self, elements: Place) -> Iterator[Place]:
        """Rasa's base class: `title : subtitle` with the element's buttons."""
        for element in elements.items():
            text = f"{element['title'].text()} : {element['subtitle'].text() if 'subtitle' in element else ''}"
            buttons = element.value.get("buttons")
            yield Place({"text": text, **({"buttons": buttons} if buttons else {})}, element.path)
