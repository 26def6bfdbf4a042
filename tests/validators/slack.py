"""Slack: the parameters of `chat.postMessage`.

Limits: docs.slack.dev, "Block Kit" reference and "Formatting text for app surfaces"; value of an option as in
slack_sdk 3.48.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.validators._place import Place, unique
from tests.validators._platform import Platform, titled

_MESSAGE = (
    "text",
    "blocks",
    "as_user",
    "channel",
    "mrkdwn",
    "unfurl_links",
    "unfurl_media",
    "username",
    "icon_url",
    "type",
)
_LINK = re.compile(r"<(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>]*)?>")
_ESCAPED = re.compile(r"&(?:amp|lt|gt);")


class Slack(Platform):
    """Slack through Rasa's own connector."""

    name = "slack"

    def payload(self, payload: Place) -> None:
        payload.has("text", optional=_MESSAGE)
        escaped(payload["text"]).text(40_000)
        for blocks in payload.given("blocks"):
            placed = blocks.items(1, 50)
            for block in placed:
                _block(block)
            unique(identifier for block in placed for identifier in block.given("block_id"))
            if sum(block["type"].value == "table" for block in placed) > 1:
                blocks.refuse("one table to a message")

    def bubble(self, text: Place) -> Place:
        return Place({"text": text.text(), "as_user": True, "type": "mrkdwn"}, text.path)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """Beyond five Rasa drops them all."""
        elements = []
        for button in buttons.items(1, 5):
            title, payload = titled(button)
            elements.append({"type": "button", "text": _plain(title.value), "value": payload.value})
        blocks = [{"type": "section", "text": _plain(text.value)}, {"type": "actions", "elements": elements}]
        yield Place({"text": text.value, "as_user": True, "blocks": blocks}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        block = {"type": "image", "image_url": image.value, "alt_text": image.value}
        yield Place({"text": image.value, "as_user": True, "blocks": [block]}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom


def escaped(place: Place) -> Place:
    """Text in which nothing but a link is in angle brackets: `<!channel>` typed by somebody would call everybody."""
    rest = _ESCAPED.sub("", _LINK.sub("", place.text()))
    if re.search(r"[<>&]", rest):
        place.refuse("an unescaped <, > or &")
    return place


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _text_object(place: Place, limit: int, *kinds: str) -> None:
    kind = place["type"].one_of(*(kinds or ("plain_text", "mrkdwn")))
    place.has("type", "text", optional=("emoji",) if kind == "plain_text" else ("verbatim",))
    (escaped(place["text"]) if kind == "mrkdwn" else place["text"]).text(limit)


def _block(block: Place) -> None:
    kinds = {
        "section": _section,
        "actions": _actions,
        "divider": lambda block: block.has("type", optional=("block_id",)),
        "image": _image_block,
        "context": _context,
        "header": _header,
        "card": _card,
        "carousel": _carousel,
        "table": _table,
    }
    kinds[block["type"].one_of(*kinds)](block)


def _header(block: Place) -> None:
    _text_object(block.has("type", "text", optional=("block_id",))["text"], 150, "plain_text")


def _section(block: Place) -> None:
    block.has("type", optional=("text", "fields", "accessory", "block_id", "expand"))
    if not block.given("text", "fields"):
        block.refuse("text or fields are wanted")
    for text in block.given("text"):
        _text_object(text, 3000)
    for fields in block.given("fields"):
        for field in fields.items(1, 10):
            _text_object(field, 2000)
    for accessory in block.given("accessory"):
        _element(accessory, "image", "button", "static_select", "overflow", "datepicker")


def _actions(block: Place) -> None:
    elements = block.has("type", "elements", optional=("block_id",))["elements"].items(1, 25)
    for element in elements:
        _element(element, "button", "static_select", "overflow", "datepicker")
    unique(identifier for element in elements for identifier in element.given("action_id"))


def _context(block: Place) -> None:
    for element in block.has("type", "elements", optional=("block_id",))["elements"].items(1, 10):
        if element["type"].value == "image":
            _image(element)
        else:
            _text_object(element, 3000)


def _image_block(block: Place) -> None:
    for title in block.given("title"):
        _text_object(title, 2000, "plain_text")
    _image(Place({key: value for key, value in block.value.items() if key not in ("title", "block_id")}, block.path))


def _image(image: Place) -> None:
    image.has("type", "image_url", "alt_text")["image_url"].url(limit=3000)
    if not image["alt_text"].text(2000, blank=True):
        image.refuse("an empty alt_text")


def _element(element: Place, *kinds: str) -> None:
    kind = element["type"].one_of(*kinds)
    for identifier in element.given("action_id"):
        identifier.text(255)
    if kind == "image":
        _image(element)
    elif kind == "button":
        _button(element)
    elif kind == "datepicker":
        element.has("type", optional=("action_id", "initial_date", "placeholder"))
    else:
        _options(element, kind)


def _button(button: Place) -> None:
    button.has("type", "text", optional=("action_id", "value", "url", "style", "accessibility_label"))
    _text_object(button["text"], 75, "plain_text")
    for value in button.given("value"):
        value.text(2000)
    for url in button.given("url"):
        url.url(limit=3000)
    for style in button.given("style"):
        style.one_of("primary", "danger")
    if not button.given("value", "url"):
        button.refuse("a button that does nothing")


def _options(element: Place, kind: str) -> None:
    """A menu. Rasa reads the value of the option that was chosen."""
    element.has("type", "options", optional=("action_id", "placeholder"))
    for placeholder in element.given("placeholder"):
        _text_object(placeholder, 150, "plain_text")
    for option in element["options"].items(1, 5 if kind == "overflow" else 100):
        option.has("text", "value", optional=("description", "url") if kind == "overflow" else ("description",))
        _text_object(option["text"], 75, "plain_text")
        option["value"].text(150)
        for description in option.given("description"):
            _text_object(description, 75, "plain_text")


def _card(card: Place) -> None:
    limits = {"title": 150, "subtitle": 150, "body": 200}
    card.has("type", optional=("hero_image", "icon", "actions", "block_id", *limits))
    if not card.given("hero_image", "title", "actions", "body"):
        card.refuse("an empty card")
    for key, limit in limits.items():
        for text in card.given(key):
            _text_object(text, limit)
    for image in card.given("hero_image", "icon"):
        _image(image)
    for actions in card.given("actions"):
        for action in actions.items(1, 3):
            _element(action, "button")


def _carousel(block: Place) -> None:
    for card in block.has("type", "elements", optional=("block_id",))["elements"].items(1, 10):
        card["type"].one_of("card")
        _card(card)


def _table(table: Place) -> None:
    cells = 0
    for row in table.has("type", "rows", optional=("block_id", "column_settings"))["rows"].items(1, 100):
        for cell in row.items(1, 20):
            cell.has("type", "text")["type"].one_of("raw_text")
            if not cell["text"].text(blank=True):
                cell.refuse("a cell without a character")
            cells += len(cell["text"].value)
    if cells > 10_000:
        table.refuse(f"{cells} characters in all cells where 10000 are allowed")
    for column in (column for columns in table.given("column_settings") for column in columns.items(0, 20)):
        for align in column.has(optional=("align", "is_wrapped")).given("align"):
            align.one_of("left", "center", "right")
        for wrapped in column.given("is_wrapped"):
            wrapped.flag()
