"""Payloads of the chats of phones: Messenger and its kin, WhatsApp, Telegram, LINE, Viber, RCS, Twilio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from haptik_actions.preview._marks import Marker, marker, plain
from haptik_actions.preview._parts import (
    Bubble,
    Chips,
    Keyboard,
    Menu,
    Part,
    Strip,
    Tap,
    calls,
    mapping,
    mappings,
    opens,
    tap,
    text,
    unescaped,
    unseen,
)

__all__ = []


def messenger(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A `message` object of Messenger's Send API."""
    if "text" in payload:
        yield Bubble(text=mark(text(payload["text"])))
    if "attachment" in payload:
        yield _attachment(mapping(payload["attachment"]), mark)
    replies = tuple(tap(reply.get("title")) for reply in mappings(payload.get("quick_replies")))
    if replies:
        yield Chips(taps=replies)
    if not payload.keys() & {"text", "attachment", "quick_replies"}:
        yield unseen(payload)


def web_chat(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """What Rasa's socketio channel emits: the message is below `data`."""
    yield from messenger(mapping(payload.get("data")) or payload, mark)


def _attachment(attachment: Mapping[str, object], mark: Marker) -> Part:
    payload = mapping(attachment.get("payload"))
    if attachment.get("type") in ("image", "video"):
        return Bubble(image=text(payload.get("url") or payload.get("src")), title=plain(text(payload.get("title"))))
    if payload.get("template_type") == "generic":
        return Strip(cards=tuple(_card(element, mark) for element in mappings(payload.get("elements"))))
    if payload.get("template_type") == "button":
        return Bubble(text=mark(text(payload.get("text"))), taps=buttons(payload.get("buttons")))
    return unseen(attachment)


def _card(element: Mapping[str, object], mark: Marker) -> Bubble:
    return Bubble(
        title=mark(text(element.get("title"))),
        text=mark(text(element.get("subtitle"))),
        image=text(element.get("image_url")),
        taps=buttons(element.get("buttons")),
    )


def buttons(value: object) -> tuple[Tap, ...]:
    """Buttons of a template; those of Rasa's own form have no type."""
    return tuple(tap(button.get("title"), _does(button)) for button in mappings(value))


def _does(button: Mapping[str, object]) -> str:
    if button.get("type") == "phone_number":
        return calls(button.get("payload"))
    return opens(button.get("url"))


def whatsapp(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A message of WhatsApp's Cloud API."""
    kind = payload.get("type")
    if kind == "image":
        image = mapping(payload.get("image"))
        yield Bubble(image=text(image.get("link")), text=mark(text(image.get("caption"))))
    elif kind == "text":
        yield Bubble(text=mark(text(mapping(payload.get("text")).get("body"))))
    elif kind == "interactive":
        yield from _interactive(mapping(payload.get("interactive")), mark)
    else:
        yield unseen(payload)


def _interactive(interactive: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    action = mapping(interactive.get("action"))
    header = mapping(interactive.get("header"))
    sections = list(mappings(action.get("sections")))
    yield Bubble(
        image=text(mapping(header.get("image")).get("link")),
        title=plain(text(header.get("text"))),
        text=mark(text(mapping(interactive.get("body")).get("text"))),
        taps=() if sections else tuple(_whatsapp_taps(text(interactive.get("type")), action)),
    )
    if sections:
        rows = ((text(section.get("title")), tuple(map(_row, mappings(section.get("rows"))))) for section in sections)
        yield Menu(label=text(action.get("button")), sections=tuple(rows))


def _whatsapp_taps(kind: str, action: Mapping[str, object]) -> Iterator[Tap]:
    if kind == "cta_url":
        parameters = mapping(action.get("parameters"))
        yield tap(parameters.get("display_text"), opens(parameters.get("url")))
    elif kind == "location_request_message":
        yield tap("Send location", "sends the place of the user")
    for button in mappings(action.get("buttons")):
        yield tap(mapping(button.get("reply")).get("title"))


def _row(row: Mapping[str, object]) -> Tap:
    return tap(row.get("title"), detail=row.get("description"))


def telegram(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """Arguments of a method of Telegram's Bot API."""
    shown = mark if payload.get("parse_mode") == "HTML" else plain
    media = [item for item in mappings(payload.get("media")) if item.get("media")]
    if media:
        yield Strip(
            cards=tuple(Bubble(image=text(item["media"]), text=shown(text(item.get("caption")))) for item in media)
        )
    words = text(payload.get("text")) or text(payload.get("caption"))
    if words or payload.get("photo"):
        yield Bubble(text=shown(words), image=text(payload.get("photo")))
    elif not media:
        yield unseen(payload)
    markup = mapping(payload.get("reply_markup"))
    keys = markup.get("inline_keyboard") or markup.get("keyboard")
    rows = [tuple(map(_key, mappings(row))) for row in (keys if isinstance(keys, list) else ())]
    if rows:
        yield Keyboard(rows=tuple(rows))


def _key(key: Mapping[str, object]) -> Tap:
    if key.get("request_location"):
        return tap(key.get("text"), "sends the place of the user")
    return tap(key.get("text"), opens(key.get("url")))


def line(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A message object of LINE's Messaging API."""
    kind = payload.get("type")
    if kind == "text":
        yield Bubble(text=plain(text(payload.get("text"))))
    elif kind == "image":
        yield Bubble(image=text(payload.get("originalContentUrl")))
    elif kind == "template":
        yield from _line_template(mapping(payload.get("template")))
    elif kind == "flex":
        yield _flex(mapping(payload.get("contents")))
    else:
        yield unseen(payload)
    chips = [mapping(item.get("action")) for item in mappings(mapping(payload.get("quickReply")).get("items"))]
    if chips:
        yield Chips(taps=tuple(map(_line_action, chips)))


def _line_template(template: Mapping[str, object]) -> Iterator[Part]:
    columns = list(mappings(template.get("columns")))
    if columns:
        yield Strip(cards=tuple(map(_line_column, columns)))
    else:
        yield _line_column(template)


def _line_column(column: Mapping[str, object]) -> Bubble:
    actions = [*mappings(column.get("actions")), *mappings([column.get("action")])]
    return Bubble(
        title=plain(text(column.get("title"))),
        text=plain(text(column.get("text"))),
        image=text(column.get("thumbnailImageUrl") or column.get("imageUrl")),
        taps=tuple(map(_line_action, actions)),
    )


def _line_action(action: Mapping[str, object]) -> Tap:
    if action.get("type") == "location":
        return tap(action.get("label"), "sends the place of the user")
    if action.get("type") in ("camera", "cameraRoll"):
        return tap(action.get("label"), "takes a picture")
    return tap(action.get("label"), opens(action.get("uri")))


def _flex(contents: Mapping[str, object]) -> Part:
    if contents.get("type") == "carousel":
        return Strip(cards=tuple(map(_flex_bubble, mappings(contents.get("contents")))))
    return _flex_bubble(contents)


def _flex_bubble(bubble: Mapping[str, object]) -> Bubble:
    boxes = [mapping(bubble.get(name)) for name in ("header", "body", "footer")]
    pieces = [piece for box in boxes for piece in mappings(box.get("contents"))]
    sides = [list(mappings(piece.get("contents"))) for piece in pieces if piece.get("layout") == "horizontal"]
    words = [piece for piece in pieces if piece.get("type") == "text"]
    # The sum stands at the right end of its line; texts below it follow as a paragraph.
    sums = [place for place, piece in enumerate(words) if piece.get("align") == "end"]
    total, below = (("", text(words[sums[0]].get("text"))), words[sums[0] + 1 :]) if sums else (None, [])
    words = words[: sums[0]] if sums else words
    titles = [text(piece.get("text")) for piece in words if piece.get("weight") == "bold"]
    lines = [text(piece.get("text")) for piece in words if piece.get("weight") != "bold"]
    actions = [mapping(piece.get("action")) for piece in pieces if piece.get("type") == "button"]
    return Bubble(
        title=plain("\n".join(titles)),
        text=plain("\n".join(lines)),
        image=text(mapping(bubble.get("hero")).get("url")),
        facts=tuple(
            (text(side[0].get("text")), " ".join(text(each.get("text")) for each in side[1:])) for side in sides
        ),
        total=total,
        below=plain("\n".join(text(piece.get("text")) for piece in below)),
        taps=tuple(map(_line_action, actions)),
    )


def viber(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A message of Viber's bot API. A rich media has nothing but buttons: its pictures and texts are buttons, too."""
    kind = payload.get("type")
    if kind == "text":
        yield Bubble(text=mark(text(payload.get("text"))))
    elif kind == "picture":
        yield Bubble(image=text(payload.get("media")), text=mark(text(payload.get("text"))))
    elif kind == "rich_media":
        yield Strip(cards=tuple(_viber_cards(mapping(payload.get("rich_media")))))
    else:
        yield unseen(payload)
    keys = tuple((_viber_key(button),) for button in mappings(mapping(payload.get("keyboard")).get("Buttons")))
    if keys:
        yield Keyboard(rows=keys)


def _viber_cards(media: Mapping[str, object]) -> Iterator[Bubble]:
    """Divide the rows into cards: each card is a column of `ButtonsGroupRows` rows."""
    height, filled = media.get("ButtonsGroupRows"), 0
    column: list[Mapping[str, object]] = []
    for button in mappings(media.get("Buttons")):
        column.append(button)
        filled += button.get("Rows") or 1
        if isinstance(height, int) and filled >= height:
            yield _viber_card(column)
            column, filled = [], 0
    if column:
        yield _viber_card(column)


def _viber_card(column: list[Mapping[str, object]]) -> Bubble:
    marked = marker("html")
    silent = [button for button in column if button.get("ActionType") == "none"]
    return Bubble(
        image=next((text(button.get("Image")) for button in silent if button.get("Image")), ""),
        text=marked("\n".join(text(button.get("Text")) for button in silent if button.get("Text"))),
        taps=tuple(_viber_key(button) for button in column if button.get("ActionType") != "none"),
    )


def _viber_key(button: Mapping[str, object]) -> Tap:
    kind = button.get("ActionType")
    does = {"location-picker": "sends the place of the user", "share-phone": "sends the number of the user"}
    done = opens(button.get("ActionBody")) if kind == "open-url" else does.get(text(kind), "")
    return tap(unescaped(button.get("Text")), done)


def rcs(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A content message of RCS Business Messaging."""
    message = mapping(payload.get("contentMessage"))
    card = mapping(message.get("richCard"))
    contents = list(mappings(mapping(card.get("carouselCard")).get("cardContents")))
    single = mapping(mapping(card.get("standaloneCard")).get("cardContent"))
    if message.get("text"):
        yield Bubble(text=plain(text(message["text"])))
    elif message.get("contentInfo"):
        yield Bubble(image=text(mapping(message["contentInfo"]).get("fileUrl")))
    elif contents:
        yield Strip(cards=tuple(map(_rcs_card, contents)))
    elif single:
        yield _rcs_card(single)
    else:
        yield unseen(payload)
    chips = tuple(map(_suggestion, mappings(message.get("suggestions"))))
    if chips:
        yield Chips(taps=chips)


def _rcs_card(content: Mapping[str, object]) -> Bubble:
    media = mapping(mapping(content.get("media")).get("contentInfo"))
    return Bubble(
        title=plain(text(content.get("title"))),
        text=plain(text(content.get("description"))),
        image=text(media.get("fileUrl")),
        taps=tuple(map(_suggestion, mappings(content.get("suggestions")))),
    )


def _suggestion(suggestion: Mapping[str, object]) -> Tap:
    action = mapping(suggestion.get("action"))
    if not action:
        return tap(mapping(suggestion.get("reply")).get("text"))
    if "dialAction" in action:
        return tap(action.get("text"), calls(mapping(action["dialAction"]).get("phoneNumber")))
    if "shareLocationAction" in action:
        return tap(action.get("text"), "sends the place of the user")
    return tap(action.get("text"), opens(mapping(action.get("openUrlAction")).get("url")))


def twilio(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """Arguments of a message of Twilio: a text, and media."""
    media = payload.get("media_url")
    images = [text(url) for url in media] if isinstance(media, list) else []
    if not (images or payload.get("body")):
        yield unseen(payload)
        return
    yield from (Bubble(image=image) for image in images[1:])
    yield Bubble(image=next(iter(images), ""), text=plain(text(payload.get("body"))))
