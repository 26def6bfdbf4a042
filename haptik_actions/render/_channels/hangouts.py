"""Google Chat through Rasa's connector (rasa 3.6.21, `core/channels/hangouts.py`).

The connector gathers a whole answer of the bot into one message of cards, or of text where nothing but texts is in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.hsl import Element, Receipt
from haptik_actions.render._channels.rest import details
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._conversion import Conversion, Copy, Message, Note
from haptik_actions.render._draft import Draft, told_apart
from haptik_actions.render._limits import Channel, Limit, json_size, limits
from haptik_actions.render._markup import HTML
from haptik_actions.render._read import receipt_rows, receipt_total, tidy
from haptik_actions.render._renderer import Renderer, bold

_DOCS = "developers.google.com/workspace/chat"

MESSAGE = Limit(32_000, "UTF-8 bytes", f"{_DOCS}/api/reference/rest/v1/spaces.messages: the whole message, its JSON")
# Lower than the limit of a message: a text is quoted as JSON, and other cards may stand beside it.
TEXT = Limit(24_000, "UTF-8 bytes", f"{MESSAGE.source}; most of it")
PARAGRAPH = Limit(4096, "code points", "as a text once was; Google states no figure for a paragraph of a card")
WIDGETS = Limit(100, "items", f"{_DOCS}/api/reference/rest/v1/cards: widgets of a card; the others are not shown")
CARDS = Limit(100, "items", f"{_DOCS}/api/reference/rest/v1/cards: cards of a message")

_LINE = "<br>"
_ENVELOPE = 1000
_AS_CARD = 64
# Paragraphs above and below the rows of a receipt, and its buttons.
_AROUND_ROWS = 20


class Hangouts(Renderer):
    """Text as text, everything else as a card with paragraphs, an image and buttons."""

    channel = Channel(
        name="hangouts",
        title="Google Chat",
        connector="Rasa's own: text; the rest as `custom` with `cards`",
        markup="html",
        limits=limits(message=MESSAGE, text=TEXT, paragraph=PARAGRAPH, widgets=WIDGETS, cards=CARDS),
        native={
            "TEXT": "card with buttons",
            "BUTTON": "card with buttons, links among them",
            "CAROUSEL": "cards, one below the other",
            "IMAGE": "card with an image",
            "RECEIPT": "card with a widget for each row, its buttons below them",
        },
        controls=frozenset({"reply", "url"}),
        remark="all messages of one answer of the bot arrive as one",
    )
    dialect = HTML
    text_limit = TEXT

    def render(self, element: Element, copy: Copy, resolves: bool) -> Conversion:
        """Renders as the base does, then leaves out what does not fit into one message, and notes it."""
        conversion = super().render(element, copy, resolves)
        # Rasa's connector joins all into one message of cards, and a text becomes a card in it.
        size = sum(_AS_CARD + _size(message) for message in conversion.messages)
        cards = sum(
            len(message["json_message"]["cards"]) if "json_message" in message else 1 for message in conversion.messages
        )
        return conversion if size <= MESSAGE.size and cards <= CARDS.size else _shortened(conversion)

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text; with controls, a card."""
        native, lines = self.sorted(controls, draft)
        if native:
            draft.custom({"cards": [self._with_widgets({}, text, [*details(native), *lines], "", native, draft)]})
        else:
            self.say(text, lines, draft)

    def say(self, text: str, lines: Sequence[str], draft: Draft) -> None:
        """A text. One with marks stands on a card."""
        for part in self.parts(text, lines, draft, self.text_limit):
            # Only texts on cards show HTML marks.
            if "<" in part or "&" in part:
                draft.custom({"cards": [_card([_paragraph(part)])]})
            else:
                draft.say(part)

    def cards(self, content: Content, draft: Draft) -> None:
        """One card below the other."""
        draft.custom({"cards": [self._of(card, draft) for card in content.cards]})

    def _of(self, card: Card, draft: Draft) -> JsonObject:
        native, lines = self.sorted(card.controls, draft)
        # A card needs something below its header.
        if len(card.lines) < 2 and not (lines or card.image or native):
            return self._with_widgets({}, self.card_text(card), [], "", [], draft)
        head = {"header": {"title": card.lines[0]}} if card.lines else {}
        return self._with_widgets(head, "\n".join(card.lines[1:]), lines, card.image, native, draft)

    def _with_widgets(
        self,
        head: JsonObject,
        text: str,
        lines: Sequence[str],
        image: str,
        native: Sequence[Control],
        draft: Draft,
    ) -> JsonObject:
        widgets: list[JsonObject] = [{"image": {"imageUrl": image}}] if image else []
        if text or lines:
            widgets += [_paragraph(part) for part in self.parts(text, lines, draft, PARAGRAPH)]
        if native:
            shown = told_apart(native, draft)
            widgets.append({"buttons": [_button(c, title, draft) for c, title in zip(native, shown, strict=True)]})
        return {**head, **_card(widgets)}

    def receipt(self, content: Content, draft: Draft) -> None:
        """A card: its facts and rows as pairs, its sum, offer and buttons below."""
        receipt = content.element
        rows = [_pair(*row) for row in receipt_rows(receipt)] if isinstance(receipt, Receipt) else []
        fits = len(rows) <= WIDGETS.size - _AROUND_ROWS and self._fits_message(rows, content)
        if not isinstance(receipt, Receipt) or not fits:
            super().receipt(content, draft)
            return
        self.without_pictures(receipt, draft)
        native, lines = self.sorted(content.controls, draft)
        head = {"header": {"title": tidy(receipt.header)}}
        above = self._with_widgets(head, tidy(receipt.text), [], "", [], draft)
        total = receipt_total(receipt, draft.copy)
        said = "\n".join(filter(None, [bold(total) if total else "", tidy(receipt.offer_text)]))
        below = self._with_widgets({}, said, lines, "", native, draft)
        widgets = [*_widgets(above), *rows, *_widgets(below)]
        draft.custom({"cards": [{**head, **_card(widgets)}]})

    def _fits_message(self, rows: Sequence[JsonObject], content: Content) -> bool:
        """Whether a receipt fits into one message. If not it is sent as text, so that its beginning is shown."""
        taps = [[control.label, control.value] for control in content.controls]
        return MESSAGE.size - _ENVELOPE * (1 + len(taps)) >= _size({"json_message": [rows, taps, content.text]})

    def picture(self, url: str, draft: Draft) -> None:
        """A card with an image."""
        draft.custom({"cards": [_card([{"image": {"imageUrl": url}}])]})


def _card(widgets: list[JsonObject]) -> JsonObject:
    return {"sections": [{"widgets": widgets}]}


def _widgets(card: JsonObject) -> list[JsonObject]:
    return [widget for section in card["sections"] for widget in section["widgets"]]


def _pair(left: str, right: str) -> JsonObject:
    """A label above its value, or the one of them that there is."""
    pair = {"topLabel": HTML.plain(left)} if left and right else {}
    return {"keyValue": {**pair, "content": HTML.plain(right or left), "contentMultiline": True}}


def _paragraph(written: str) -> JsonObject:
    return {"textParagraph": {"text": written.replace("\n", _LINE)}}


def _button(control: Control, title: str, draft: Draft) -> JsonObject:
    if control.kind == "url":
        action: JsonObject = {"openLink": {"url": control.value}}
    else:
        action = {"action": {"actionMethodName": draft.tap(control, title)}}
    return {"textButton": {"text": title, "onClick": action}}


def _size(message: Message) -> int:
    return json_size(message.get("json_message", message))


def _shortened(conversion: Conversion) -> Conversion:
    """The first messages and cards, as many as fit."""
    room = MESSAGE.size - _ENVELOPE
    kept: list[Message] = []
    left_out = 0
    for message in conversion.messages:
        cards = message["json_message"]["cards"] if "json_message" in message else []
        for part in [{"json_message": {"cards": [card]}} for card in cards] or [message]:
            room -= _size(part)
            if room < 0 or len(kept) == CARDS.size:
                left_out += 1
            else:
                kept.append(part)
    detail = f"{left_out} cards or texts over {MESSAGE.size} bytes or {CARDS.size} cards"
    note = Note("dropped", "data.items" if len(kept) else "text", detail)
    return Conversion(tuple(kept), (*conversion.notes, note), conversion.replies)
