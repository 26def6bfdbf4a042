"""Chat servers for teams that Rasa has connectors for: Mattermost, Rocket.Chat, Webex and Google Chat.

Limits: developers.mattermost.com ("Interactive messages", post size 16,383 characters); docs.rocket.chat ("Send
message", default of 5,000 characters); developer.webex.com ("Create a message", "Buttons and cards");
developers.google.com/workspace/chat ("spaces.messages": 32,000 bytes, "Create a card message").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.validators._place import Place, utf8
from tests.validators._platform import Message, Platform, titled
from tests.validators.botframework import adaptive_card

_ADAPTIVE = "application/vnd.microsoft.card.adaptive"


class Mattermost(Platform):
    """A post. Rasa's connector alone knows the address that an action calls, so that replies go out as buttons."""

    name = "mattermost"

    def payload(self, payload: Place) -> None:
        payload.has(optional=("message", "props", "channel_id", "root_id"))
        attachments = [item for props in payload.given("props") for item in _attachments_of(props)]
        for message in payload.given("message"):
            message.text(16_383, blank=bool(attachments))
        if not attachments:
            payload["message"]
        for attachment in attachments:
            self._attachment(attachment)

    def _attachment(self, attachment: Place) -> None:
        shown = ("text", "title", "pretext", "image_url", "thumb_url", "fields", "author_name", "actions")
        attachment.has(optional=("fallback", "color", "title_link", "footer", *shown))
        if not attachment.given(*shown):
            attachment.refuse("an attachment that shows nothing")
        for text in attachment.given("text", "title", "pretext", "fallback"):
            text.text(16_383)
        for url in attachment.given("image_url", "thumb_url", "title_link"):
            url.url()
        for actions in attachment.given("actions"):
            for action in actions.items(1):
                action.has("name", "integration", optional=("id", "type", "style", "tooltip"))["name"].text()
                action["integration"].has("url", "context")["context"]["action"].text()

    def bubble(self, text: Place) -> Place:
        return Place({"message": text.text()}, text.path)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        text.text()
        actions = []
        for button in buttons.items():
            title, payload = titled(button)
            integration = {"url": "https://bot.example/webhooks/mattermost", "context": {"action": payload.value}}
            actions.append({"name": title.value, "integration": integration})
        yield Place({"message": text.value, "props": {"attachments": [{"actions": actions}]}}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"props": {"attachments": [{"image_url": image.value}]}}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        for props in custom.given("props"):
            for attachment in _attachments_of(props):
                if "actions" in attachment:
                    attachment.refuse("an action wants the connector's address, which only `buttons` gets")
        yield Place({"message": "", **custom.value}, custom.path)


def _attachments_of(props: Place) -> list[Place]:
    return props.has("attachments")["attachments"].items(1)


class RocketChat(Platform):
    """`chat.postMessage` of Rocket.Chat."""

    name = "rocketchat"

    def payload(self, payload: Place) -> None:
        payload.has(optional=("text", "attachments", "roomId", "alias", "avatar", "emoji"))
        attachments = [item for items in payload.given("attachments") for item in items.items(1)]
        for text in payload.given("text"):
            text.text(5000)
        if not attachments:
            payload["text"]
        for attachment in attachments:
            self._attachment(attachment)

    def _attachment(self, attachment: Place) -> None:
        shown = ("title", "text", "image_url", "thumb_url", "fields", "actions", "author_name")
        attachment.has(optional=("color", "collapsed", "title_link", "button_alignment", *shown))
        if not attachment.given(*shown):
            attachment.refuse("an attachment that shows nothing")
        for text in attachment.given("title", "text"):
            text.text()
        for url in attachment.given("image_url", "thumb_url", "title_link"):
            url.url()
        for actions in attachment.given("actions"):
            for action in actions.items(1):
                action.has("type", "text", optional=("msg", "url", "msg_in_chat_window", "is_webview"))
                action["type"].one_of("button")
                action["text"].text()
                target = action.exactly_one("msg", "url")
                target.text() if "msg" in action else target.url()

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        text.text()
        actions = []
        for button in buttons.items():
            title, payload = titled(button)
            actions.append({"type": "button", "text": title.value, "msg": payload.value, "msg_in_chat_window": True})
        yield Place({"text": text.value, "attachments": [{"actions": actions}]}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"attachments": [{"image_url": image.value, "collapsed": False}]}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        """Rasa takes `text` out of it without asking whether it is there."""
        custom["text"].text()
        yield custom

    def elements(self, elements: Place) -> Iterator[Place]:
        yield Place({"attachments": elements.value}, elements.path)


class Webex(Platform):
    """`messages` of Webex. Rasa reads no attachment actions: a card may open addresses but cannot answer."""

    name = "webexteams"

    def payload(self, payload: Place) -> None:
        payload.has(optional=("roomId", "text", "markdown", "files", "attachments"))
        if not payload.given("text", "markdown", "files"):
            payload.refuse("text, markdown or a file is wanted")
        for text in payload.given("text", "markdown"):
            text.text(7439, utf8)
        for files in payload.given("files"):
            files.items(1, 1)[0].url()
        for attachments in payload.given("attachments"):
            card = attachments.items(1, 1)[0].has("contentType", "content")
            card["contentType"].one_of(_ADAPTIVE)
            adaptive_card(card["content"], 3)
            if "Action.Submit" in repr(card.value):
                card.refuse("Rasa's connector does not read what a card submits")

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"files": [image.value]}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom


class GoogleChat(Platform):
    """Google Chat ("hangouts" in Rasa): all messages of a turn go out as one, and a card turns text into cards."""

    name = "hangouts"

    def wire(self, messages: Sequence[Message]) -> list[Place]:
        payloads = super().wire(messages)
        for payload in payloads:
            self.payload(payload)
        return [_combined(payloads)] if payloads else []

    def payload(self, payload: Place) -> None:
        payload.has(optional=("text", "cards")).within(32_000)
        content = payload.exactly_one("text", "cards")
        if "text" in payload:
            content.text()
            return
        for card in content.items(1, 100):
            sections = card.has("sections", optional=("header", "name"))["sections"].items(1, 100)
            if sum(len(section["widgets"].value) for section in sections) > 100:
                card.refuse("widgets beyond the hundredth are not shown")
            for header in card.given("header"):
                header.has("title", optional=("subtitle", "imageUrl", "imageStyle"))["title"].text()
            for section in sections:
                for widget in section.has("widgets", optional=("header",))["widgets"].items(1, 100):
                    self._widget(widget)

    def _widget(self, widget: Place) -> None:
        shown = widget.has(optional=("textParagraph", "image", "keyValue", "buttons"))
        content = shown.exactly_one("textParagraph", "image", "keyValue", "buttons")
        if "textParagraph" in widget:
            content.has("text")["text"].text()
        elif "image" in widget:
            content.has("imageUrl", optional=("onClick", "aspectRatio"))["imageUrl"].url()
        elif "keyValue" in widget:
            _key_value(content)
        else:
            for button in content.items(1):
                text_button = button.has("textButton")["textButton"].has("text", "onClick")
                text_button["text"].text()
                _on_click(text_button["onClick"])

    def text(self, text: Place) -> Iterator[Place]:
        text.text()
        yield Place({"text": text.value}, text.path)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        widgets: list[object] = [{"textParagraph": {"text": text.text()}}]
        row = []
        for button in buttons.items():
            title, payload = titled(button)
            action = {"actionMethodName": payload.value}
            row.append({"textButton": {"text": title.value, "onClick": {"action": action}}})
        yield Place({"cards": [{"sections": [{"widgets": [*widgets, {"buttons": row}]}]}]}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        widget = {"image": {"imageUrl": image.value}}
        yield Place({"cards": [{"sections": [{"widgets": [widget]}]}]}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom

    def elements(self, elements: Place) -> Iterator[Place]:
        elements.refuse("Rasa's connector raises NotImplementedError")


def _key_value(pair: Place) -> None:
    pair.has(
        "content", optional=("topLabel", "bottomLabel", "contentMultiline", "icon", "iconUrl", "onClick", "button")
    )
    for text in pair.given("content", "topLabel", "bottomLabel"):
        if re.search(r"<(?!/?(?:b|i|u|s|strike|br|font|a)\b)|&(?!(?:amp|lt|gt|quot|#\d+);)", text.text()):
            text.refuse("an unescaped < or &")
    for flag in pair.given("contentMultiline"):
        flag.flag()


def _on_click(click: Place) -> None:
    target = click.has(optional=("openLink", "action")).exactly_one("openLink", "action")
    if "openLink" in click:
        target.has("url")["url"].url("http", "https", "tel", "mailto")
    else:
        target.has("actionMethodName", optional=("parameters",))["actionMethodName"].text()


def _combined(payloads: Sequence[Place]) -> Place:
    if all("text" in payload for payload in payloads):
        return Place({"text": " ".join(payload["text"].value for payload in payloads)}, "the turn")
    cards: list[object] = []
    for payload in payloads:
        paragraph = [{"sections": [{"widgets": [{"textParagraph": {"text": payload.value.get("text")}}]}]}]
        cards += payload.value.get("cards") or paragraph
    return Place({"cards": cards}, "the turn")
