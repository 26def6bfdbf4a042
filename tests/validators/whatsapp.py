"""WhatsApp Cloud API: the `messages` endpoint's body.

Limits: developers.facebook.com, "WhatsApp Business Platform", pages "Text messages", "Interactive reply buttons",
"Interactive lists", "Interactive CTA URL", "Location request", "Interactive media carousel", "Image messages",
"Contacts messages".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.validators._place import Place, unique
from tests.validators._platform import OwnConnector

_ADDRESSING = ("messaging_product", "recipient_type", "to", "context")
_MEDIA = ("image", "video", "document")


class WhatsApp(OwnConnector):
    """Everything that a session message may be; templates need an approval and are none of it."""

    name = "whatsapp"

    def bubble(self, text: Place) -> Place:
        return Place({"type": "text", "text": {"body": text.value}}, text.path)

    def payload(self, payload: Place) -> None:
        kind = payload["type"].one_of("text", "interactive", "contacts", "location", *_MEDIA)
        payload.has("type", kind, optional=_ADDRESSING)
        for product in payload.given("messaging_product"):
            product.one_of("whatsapp")
        _KINDS[kind](payload[kind])


def _text(text: Place) -> None:
    text.has("body", optional=("preview_url",))["body"].text(4096)
    for preview in text.given("preview_url"):
        preview.flag()


def _media(media: Place) -> None:
    media.has("link", optional=("caption", "filename"))["link"].url()
    for caption in media.given("caption"):
        caption.text(1024)


def _contacts(contacts: Place) -> None:
    for contact in contacts.items(1):
        contact.has("name", "phones", optional=("org",))
        contact["name"]["formatted_name"].text()
        contact["name"].exactly_one("first_name", "last_name").text()
        for phone in contact["phones"].items(1):
            phone["phone"].text()


def _location(location: Place) -> None:
    location.has("latitude", "longitude", optional=("name", "address"))


def _interactive(interactive: Place) -> None:
    kind = interactive["type"].one_of("button", "list", "cta_url", "location_request_message", "carousel")
    headed = () if kind in ("location_request_message", "carousel") else ("header", "footer")
    interactive.has("type", "body", "action", optional=headed)
    interactive["body"].has("text")["text"].text(4096 if kind == "list" else 1024)
    for header in interactive.given("header"):
        _header(header, ("text",) if kind == "list" else ("text", *_MEDIA))
    for footer in interactive.given("footer"):
        footer.has("text")["text"].text(60)
    _ACTIONS[kind](interactive["action"])


def _header(header: Place, kinds: tuple[str, ...]) -> None:
    kind = header["type"].one_of(*kinds)
    content = header.has("type", kind)[kind]
    if kind == "text":
        content.text(60)
    else:
        content.has("link", optional=("filename",))["link"].url()


def _reply_buttons(action: Place, high: int = 3, kind: str = "reply") -> None:
    buttons = action.has("buttons")["buttons"].items(1, high)
    replies = [button.has("type", kind)[kind].has("id", "title") for button in buttons]
    for button, reply in zip(buttons, replies, strict=True):
        button["type"].one_of(kind)
        reply["id"].text(256)
        reply["title"].text(20)
    unique(reply["id"] for reply in replies)
    unique(reply["title"] for reply in replies)


def _list(action: Place) -> None:
    action.has("button", "sections")["button"].text(20)
    sections = action["sections"].items(1, 10)
    rows = []
    for section in sections:
        section.has("rows", *(("title",) if len(sections) > 1 else ()), optional=("title",))
        for title in section.given("title"):
            title.text(24)
        rows += section["rows"].items(1, 10)
    if len(rows) > 10:
        action.refuse(f"{len(rows)} rows where 10 are allowed")
    for row in rows:
        row.has("id", "title", optional=("description",))["id"].text(200)
        row["title"].text(24)
        for description in row.given("description"):
            description.text(72)
    unique(row["id"] for row in rows)


def _cta_url(action: Place) -> None:
    action.has("name", "parameters")["name"].one_of("cta_url")
    action["parameters"].has("display_text", "url")["display_text"].text(20)
    action["parameters"]["url"].url()


def _location_request(action: Place) -> None:
    action.has("name")["name"].one_of("send_location")


def _carousel(action: Place) -> None:
    """Cards with one link each, or with quick replies; the type of a card is `cta_url` in both cases."""
    cards = action.has("cards")["cards"].items(2, 10)
    for index, card in enumerate(cards):
        card.has("card_index", "type", "header", "action", optional=("body",))["card_index"].one_of(index)
        card["type"].one_of("cta_url")
        _header(card["header"], ("image", "video"))
        for body in card.given("body"):
            if body.has("text")["text"].text(160).count("\n") > 2:
                body.refuse("more than two line breaks")
        if "buttons" in card["action"]:
            _reply_buttons(card["action"], 2, "quick_reply")
        else:
            _cta_url(card["action"])
    if len({(card["header"]["type"].value, len(_buttons_of(card))) for card in cards}) > 1:
        action.refuse("cards of one carousel have the same kind of header and of buttons, and as many")
    unique(button["quick_reply"]["id"] for card in cards for button in _buttons_of(card))


def _buttons_of(card: Place) -> list[Place]:
    return [button for buttons in card["action"].given("buttons") for button in buttons.items()]


_KINDS: Mapping[str, Callable[[Place], None]] = {
    "text": _text,
    "interactive": _interactive,
    "contacts": _contacts,
    "location": _location,
    **dict.fromkeys(_MEDIA, _media),
}
_ACTIONS: Mapping[str, Callable[[Place], None]] = {
    "button": _reply_buttons,
    "list": _list,
    "cta_url": _cta_url,
    "location_request_message": _location_request,
    "carousel": _carousel,
}
