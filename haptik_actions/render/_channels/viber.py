"""Viber bots: keyboards below a text, rich media for cards. Rasa has no connector for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._draft import Draft, first_page, titles
from haptik_actions.render._limits import Channel, Escaped, Limit, clip, limits
from haptik_actions.render._markup import NONE, WHATSAPP
from haptik_actions.render._renderer import Renderer

_DOCS = "creators.viber.com/docs/bots-api"

TEXT = Limit(7000, "code points", "Infobip's and Sinch's documentation of Viber bots")
BUTTONS = Limit(24, "items", f"{_DOCS}/tools/keyboards: rows; each button takes one")
LABEL = Escaped(250, "code points", f"{_DOCS}/tools/keyboards, Text")
PAYLOAD = Limit(1000, "code points", "no figure of Viber; that of Messenger")
CARDS = Limit(6, "items", f"{_DOCS}/tools/rich-media: 6 columns and 7 rows to a card, 6 cards to a message")
ROWS = Limit(7, "items", f"{_DOCS}/tools/rich-media, ButtonsGroupRows")
CARD_TEXT = Escaped(250, "code points", f"{_DOCS}/tools/rich-media, Text of a button")
CAPTION = Limit(512, "code points", "creators.viber.com/docs/bots-api, text of a picture; 768 in newer clients")
PICTURE = Limit(2000, "code points", f"{_DOCS}, media of a picture message")

_WIDTH = 6
_TEXT_ROWS = 2
_FEWEST_IMAGE_ROWS = 2
_CARD_BUTTONS = ROWS.size - _TEXT_ROWS - _FEWEST_IMAGE_ROWS
# The API version that clients need (https://developers.viber.com): 3 for location-picker, 7 for cards of 7 rows.
_KEYBOARD_VERSION = 3
_RICH_MEDIA_VERSION = 7


class Viber(Renderer):
    """A keyboard for TEXT and BUTTON, rich media for a CAROUSEL."""

    channel = Channel(
        name="viber",
        title="Viber",
        connector="your own: `text`, and `custom`, a message without its receiver",
        markup="whatsapp",
        limits=limits(
            text=TEXT,
            buttons=BUTTONS,
            label=LABEL,
            payload=PAYLOAD,
            cards=CARDS,
            card_rows=ROWS,
            card_text=CARD_TEXT,
            picture=PICTURE,
        ),
        native={
            "TEXT": "keyboard up to 24 rows",
            "BUTTON": "keyboard up to 24 rows",
            "CAROUSEL": "rich media of 6 cards with up to 3 buttons each",
            "IMAGE": "picture message",
        },
        controls=frozenset({"reply", "url", "location"}),
        remark="numbers are lines of text: `tel:` behind a button does not open everywhere",
    )
    dialect = WHATSAPP
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text with a keyboard."""
        native, lines = self.sorted(controls, draft)
        page = first_page(native, BUTTONS.size, content, draft)
        if page is None:
            lines = [*self.counted([c for c in native if c.kind != "url"], draft), *lines]
            lines += [self.spelled(control, draft) for control in native if control.kind == "url"]
        if not page:
            self.say(text, lines, draft)
            return
        shown = titles(page, LABEL, draft)
        *before, last = self.parts(text, [*shown.lines, *lines], draft, TEXT)
        for part in before:
            draft.say(part)
        buttons = [
            _button(control, title, number, draft)
            for control, title, number in zip(page, shown.shown, shown.numbers, strict=True)
        ]
        keyboard = {"Type": "keyboard", "DefaultHeight": False, "Buttons": buttons}
        draft.custom({"type": "text", "text": last, "keyboard": keyboard, "min_api_version": _KEYBOARD_VERSION})

    def cards(self, content: Content, draft: Draft) -> None:
        """Cards of seven rows each. Words that do not fit on a card follow as text."""
        cards: list[list[JsonObject]] = []
        after: list[Card] = []
        lines: list[str] = []
        for card in content.cards:
            cards += self._card(card, draft, after, lines)
        alt_text = NONE.text(content.text) or draft.copy.choose
        for start in range(0, len(cards), CARDS.size):
            buttons = [button for card in cards[start : start + CARDS.size] for button in card]
            draft.custom(_rich_media(buttons, clip(alt_text, CARD_TEXT)))
        if len(cards) > CARDS.size:
            draft.note("split", "data.items", f"{len(cards)} cards in messages of {CARDS.size}")
        for card in after:
            draft.note("split", card.path, "words that a card has no room for in a message of their own")
            self.say(self.card_text(card), [], draft)
        if lines:
            self.say("", lines, draft)
        # Only a keyboard can ask for a location.
        places = [control for card in content.cards for control in card.controls if control.kind == "location"]
        if places:
            self.bubble(draft.copy.share_location, places, content, draft)

    def _card(self, card: Card, draft: Draft, after: list[Card], lines: list[str]) -> Iterator[list[JsonObject]]:
        native, spelled = self.sorted([c for c in card.controls if c.kind != "location"], draft)
        lines += [f"{card.lines[0]} – {line}" if card.lines else line for line in spelled]
        text = "\n".join(map(NONE.text, card.lines))
        if not CARD_TEXT.fits(text):
            after.append(card)
        shown = titles(native, LABEL, draft)
        lines += shown.lines
        buttons = [
            _button(control, title, number, draft)
            for control, title, number in zip(native, shown.shown, shown.numbers, strict=True)
        ]
        default = next((control.value for control in native if control.is_default and control.kind == "url"), "")
        yield _card(_on_button(text), card.image, default, buttons[:_CARD_BUTTONS])
        for start in range(_CARD_BUTTONS, len(buttons), _CARD_BUTTONS):
            draft.note("split", native[start].path, "further buttons on a further card")
            title = "\n".join(filter(None, [*card.lines[:1], draft.copy.continued]))
            yield _card(_on_button(title), card.image, default, buttons[start : start + _CARD_BUTTONS])

    def images(self, content: Content, draft: Draft) -> None:
        """A picture message each."""
        for index, image in enumerate(content.images):
            if PICTURE.fits(image):
                self.picture(image, draft)
            else:
                draft.note("replaced", f"data.items[{index}].thumbnail.image", "picture by its address")
                self.say("", [image], draft)

    def picture(self, url: str, draft: Draft) -> None:
        """A picture message."""
        draft.custom({"type": "picture", "text": "", "media": url})


def _card(text: str, image: str, default: str, buttons: list[JsonObject]) -> list[JsonObject]:
    """The seven rows of one card: picture, words, buttons. Always seven, because the eighth begins the next card."""
    free = ROWS.size - len(buttons)
    text_rows = (_TEXT_ROWS if image else free) if text else 0
    tap: JsonObject = (
        {"ActionType": "open-url", "ActionBody": default} if default else {"ActionType": "none", "ActionBody": "none"}
    )
    rows: list[JsonObject] = []
    if image:
        rows.append({"Columns": _WIDTH, "Rows": free - text_rows, **tap, "Image": image})
    if text or not image:
        rows.append({"Columns": _WIDTH, "Rows": text_rows or free, **tap, "Text": text})
    return [*rows, *buttons]


def _button(control: Control, title: str, number: int | None, draft: Draft) -> JsonObject:
    button: JsonObject = {"Columns": _WIDTH, "Rows": 1, "Text": LABEL.written(title)}
    if control.kind == "url":
        return {**button, "ActionType": "open-url", "ActionBody": control.value}
    if control.kind == "location":
        draft.hear(control, title)
        return {**button, "ActionType": "location-picker", "ActionBody": title}
    return {**button, "ActionType": "reply", "ActionBody": draft.tap(control, title, PAYLOAD, number)}


def _on_button(text: str) -> str:
    # Viber's clients show HTML on buttons and ignore line feeds, so a break is written as <br>.
    return CARD_TEXT.written(clip(text, CARD_TEXT))


def _rich_media(buttons: list[JsonObject], alt_text: str) -> JsonObject:
    media = {
        "Type": "rich_media",
        "ButtonsGroupColumns": _WIDTH,
        "ButtonsGroupRows": ROWS.size,
        "BgColor": "#FFFFFF",
        "Buttons": buttons,
    }
    return {"type": "rich_media", "min_api_version": _RICH_MEDIA_VERSION, "alt_text": alt_text, "rich_media": media}
