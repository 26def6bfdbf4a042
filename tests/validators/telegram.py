"""Telegram: the parameters of the Bot API's methods, as aiogram sends them for Rasa.

Limits: core.telegram.org/bots/api (sendMessage, sendPhoto, sendMediaGroup, InlineKeyboardButton, KeyboardButton,
"HTML style"). Counts of buttons are those seen in practice (github.com/tginfo/Telegram-Limits); the API states none.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from tests.validators._place import Place, utf8
from tests.validators._platform import Platform, titled

_TAGS = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a", "blockquote", "tg-spoiler"}
)
_ENTITIES = frozenset({"lt", "gt", "amp", "quot"})
_COMMON = ("chat_id", "parse_mode", "reply_markup", "disable_notification")
_INLINE = ("url", "callback_data", "web_app", "copy_text", "switch_inline_query")
_REQUESTS = ("request_location", "request_contact", "request_poll", "web_app")


class Telegram(Platform):
    """Telegram through Rasa's own connector; a wire payload is the method's parameters without the chat."""

    name = "telegram"
    extras = frozenset({"button_type"})

    def payload(self, payload: Place) -> None:
        markup = payload.given("reply_markup")
        if "text" in payload:
            payload.has("text", optional=(*_COMMON, "disable_web_page_preview"))
            _formatted(payload, "text", 4096)
        elif "photo" in payload:
            payload.has("photo", optional=(*_COMMON, "caption"))["photo"].url()
            _formatted(payload, "caption", 1024)
        elif "media" in payload:
            payload.has("media", optional=("chat_id", "disable_notification"))
            _media_group(payload["media"])
        elif "phone_number" in payload:
            payload.has("phone_number", "first_name", optional=(*_COMMON, "last_name"))["first_name"].text()
        else:
            payload.has("latitude", "longitude", optional=_COMMON)
        for keyboard in markup:
            _markup(keyboard)

    def buttons(self, message: Place, text: Place, buttons: Place) -> Iterator[Place]:
        """`button_type` tells how the keyboard is built; callback data is the payload as it stands."""
        kind = message["button_type"].value if "button_type" in message else "inline"
        pairs = [titled(button) for button in buttons.items()]
        inline = [{"text": title.value, "callback_data": payload.value} for title, payload in pairs]
        markups: dict[str, Any] = {
            "inline": {"inline_keyboard": [inline]},
            "vertical": {"inline_keyboard": [[button] for button in inline]},
            "reply": {"keyboard": [[{"text": title.value}] for title, _ in pairs], "one_time_keyboard": True},
        }
        if kind not in markups:
            message.refuse("Rasa sends nothing for this button_type")
        yield Place({"text": text.value, "reply_markup": markups[kind]}, message.path)

    def image(self, image: Place) -> Iterator[Place]:
        yield Place({"photo": image.value}, image.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom


def _formatted(payload: Place, key: str, limit: int) -> None:
    for text in payload.given(key):
        shown = text.text()
        if "parse_mode" in payload:
            payload["parse_mode"].one_of("HTML")
            shown = html_text(text)
        Place(shown, text.path).text(limit)


def html_text(place: Place) -> str:
    """What is shown of a text with Telegram's HTML; refused where Telegram would answer `can't parse entities`."""
    reader = _Html(place)
    reader.feed(place.value)
    reader.close()
    if reader.open:
        place.refuse(f"<{reader.open[-1]}> is not closed")
    return "".join(reader.shown)


class _Html(HTMLParser):
    def __init__(self, place: Place) -> None:
        super().__init__(convert_charrefs=False)
        self.place = place
        self.open: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS or (attrs and tag != "a"):
            self.place.refuse(f"<{tag}> is not supported")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.place.refuse(f"</{tag}> closes nothing")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.place.refuse(f"<{tag}/> is not supported")

    def handle_data(self, data: str) -> None:
        if "<" in data or "&" in data:
            self.place.refuse("a bare < or &")
        self.shown.append(data)

    def handle_entityref(self, name: str) -> None:
        if name not in _ENTITIES:
            self.place.refuse(f"&{name}; is not supported")
        self.shown.append("x")

    def handle_charref(self, name: str) -> None:
        self.shown.append("x")

    def handle_comment(self, data: str) -> None:
        self.place.refuse("a comment")

    def handle_decl(self, decl: str) -> None:
        self.place.refuse("a declaration")

    def handle_pi(self, data: str) -> None:
        self.place.refuse("a processing instruction")

    def unknown_decl(self, data: str) -> None:
        self.place.refuse("a declaration")


def _media_group(media: Place) -> None:
    for item in media.items(2, 10):
        item.has("type", "media", optional=("caption", "parse_mode"))["type"].one_of("photo", "video")
        item["media"].url()
        _formatted(item, "caption", 1024)


def _markup(markup: Place) -> None:
    if "remove_keyboard" in markup:
        markup.has("remove_keyboard")["remove_keyboard"].one_of(True)
    elif "inline_keyboard" in markup:
        _rows(markup.has("inline_keyboard")["inline_keyboard"], 100, 8, _inline_button)
        markup.within(10_000)
    else:
        options = ("one_time_keyboard", "resize_keyboard", "is_persistent", "selective", "input_field_placeholder")
        _rows(markup.has("keyboard", optional=options)["keyboard"], 300, 12, _key)
        for hint in markup.given("input_field_placeholder"):
            hint.text(64)


def _rows(rows: Place, total: int, per_row: int, check: Any) -> None:
    buttons = [button for row in rows.items() for button in row.items(1, per_row)]
    if len(buttons) > total:
        rows.refuse(f"{len(buttons)} buttons where {total} are seen to work")
    for button in buttons:
        check(button)


def _inline_button(button: Place) -> None:
    button.has("text", optional=_INLINE)["text"].text()
    button.exactly_one(*_INLINE)
    for data in button.given("callback_data"):
        data.text(64, utf8)
    for url in button.given("url"):
        url.url("http", "https", "tg")


def _key(key: Place) -> None:
    if isinstance(key.value, str):
        key.text()
        return
    key.has("text", optional=_REQUESTS)["text"].text()
    if len(key.given(*_REQUESTS)) > 1:
        key.refuse("one request for a key")
