"""Microsoft Teams through Bot Framework: an activity.

Limits: learn.microsoft.com, "Cards reference", "Card actions", "Format your bot messages", "Suggested actions".
Rasa's connector reads nothing of an answer but `activity.text`: an action has to come back as text.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.validators._place import Place
from tests.validators._platform import Platform, titled

_HERO = "application/vnd.microsoft.card.hero"
_THUMBNAIL = "application/vnd.microsoft.card.thumbnail"
_RECEIPT = "application/vnd.microsoft.card.receipt"
_ADAPTIVE = "application/vnd.microsoft.card.adaptive"
_ITEMS = ("TextBlock", "Image", "Container", "FactSet", "ActionSet", "Input.ChoiceSet", "ColumnSet")
_ENVELOPE = ("type", "recipient", "from", "channelData")
_CONTENT = ("text", "attachments", "attachmentLayout", "suggestedActions", "summary", "textFormat", "speak")


class BotFramework(Platform):
    """Teams through Rasa's own connector."""

    name = "botframework"

    def payload(self, payload: Place) -> None:
        payload.has(optional=(*_ENVELOPE, *_CONTENT)).within(80 * 1024)
        attachments = [item for items in payload.given("attachments") for item in items.items(1, 10)]
        for text in payload.given("text"):
            text.text(blank=bool(attachments))
        if not attachments:
            payload["text"]
        for attachment in attachments:
            self._attachment(attachment)
        for layout in payload.given("attachmentLayout"):
            layout.one_of("list", "carousel")
        for suggested in payload.given("suggestedActions"):
            if attachments:
                suggested.refuse("Teams shows no suggested actions beside attachments")
            for action in suggested.has("actions", optional=("to",))["actions"].items(1, 3):
                _action(action, "imBack")
        for text_format in payload.given("textFormat"):
            text_format.one_of("plain", "markdown", "xml")

    def _attachment(self, attachment: Place) -> None:
        kind = attachment["contentType"].text()
        if kind.startswith("image/"):
            attachment.has("contentType", "contentUrl", optional=("name",))["contentUrl"].url("https", "http")
            return
        content = attachment.has("contentType", "content")["content"].within(28 * 1024)
        if kind in (_HERO, _THUMBNAIL):
            _hero(content)
        elif kind == _RECEIPT:
            _receipt(content)
        elif kind == _ADAPTIVE:
            adaptive_card(content, 5)
        else:
            attachment.refuse("a kind of card that Teams does not show")

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """The buttons go out as they stand, so that they have to be card actions already."""
        text.text()
        hero = {"contentType": _HERO, "content": {"subtitle": text.value, "buttons": buttons.value}}
        yield Place({"attachments": [hero], "text": ""}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        hero = {"contentType": _HERO, "content": {"images": [{"url": image.value}]}}
        yield Place({"attachments": [hero], "text": ""}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield Place({"text": "", **custom.value}, custom.path)

    def elements(self, elements: Place) -> Iterator[Place]:
        """Each element is an activity of its own."""
        yield from elements.items()


def _hero(card: Place) -> None:
    card.has(optional=("title", "subtitle", "text", "images", "buttons", "tap"))
    if not card.given("title", "subtitle", "text", "images"):
        card.refuse("a card that shows nothing")
    for text in card.given("title", "subtitle", "text"):
        text.text()
    for images in card.given("images"):
        for image in images.items(1):
            image.has("url", optional=("alt", "tap"))["url"].url()
    for buttons in card.given("buttons"):
        for button in buttons.items(1, 6):
            _action(button, "openUrl", "messageBack", "imBack")
    for tap in card.given("tap"):
        _action(tap, "openUrl", "messageBack", "imBack")


def _action(action: Place, *kinds: str) -> None:
    kind = action["type"].one_of(*kinds)
    action["title"].text()
    if kind == "messageBack":
        action.has("type", "title", "text", optional=("displayText", "value"))["text"].text()
        for shown in action.given("displayText"):
            shown.text()
        return
    value = action.has("type", "title", "value")["value"]
    if kind == "openUrl":
        value.url("http", "https", "tel", "mailto")
    else:
        value.text()


def _receipt(card: Place) -> None:
    card.has(optional=("title", "facts", "items", "tax", "total", "vat", "buttons", "tap"))
    for text in card.given("title", "tax", "total", "vat"):
        text.text()
    for facts in card.given("facts"):
        for fact in facts.items(1):
            fact.has("key", "value")
            fact["key"].text()
            fact["value"].text()
    for items in card.given("items"):
        for item in items.items(1):
            item.has(optional=("title", "subtitle", "text", "image", "price", "quantity", "tap"))
            for image in item.given("image"):
                image.has("url", optional=("alt",))["url"].url()
    for buttons in card.given("buttons"):
        for button in buttons.items(1, 6):
            _action(button, "openUrl", "messageBack", "imBack")


def adaptive_card(card: Place, minor: int) -> None:
    """An Adaptive Card of version 1.0 to 1.`minor` (https://adaptivecards.io/schemas/adaptive-card.json)."""
    card.has("type", "version", optional=("body", "actions", "fallbackText", "speak", "$schema"))
    card["type"].one_of("AdaptiveCard")
    card["version"].one_of(*(f"1.{number}" for number in range(minor + 1)))
    for items in card.given("body"):
        for item in items.items(1):
            _adaptive_item(item)
    for actions in card.given("actions"):
        for action in actions.items(1):
            _adaptive_action(action)


def _adaptive_item(item: Place) -> None:
    kind = item["type"].one_of(*_ITEMS)
    if kind == "TextBlock":
        item["text"].text()
    elif kind == "Image":
        item["url"].url()
    elif kind == "FactSet":
        for fact in item["facts"].items(1):
            fact.has("title", "value")
    elif kind == "ActionSet":
        for action in item["actions"].items(1):
            _adaptive_action(action)
    elif kind == "Input.ChoiceSet":
        item["id"].text()
        for choice in item["choices"].items(1):
            titled(Place({**choice.value, "payload": choice["value"].value}, choice.path))
    else:
        holders = item["columns"].items(1) if kind == "ColumnSet" else [item]
        for child in [child for holder in holders for child in holder["items"].items(1)]:
            _adaptive_item(child)


def _adaptive_action(action: Place) -> None:
    action["title"].text()
    if action["type"].one_of("Action.OpenUrl", "Action.Submit") == "Action.OpenUrl":
        action["url"].url()
        return
    back = action["data"]["msteams"]
    if back["type"].one_of("messageBack", "imBack") == "messageBack":
        back["text"].text()
    else:
        back["value"].text()
