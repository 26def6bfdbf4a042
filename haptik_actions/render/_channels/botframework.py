"""Microsoft Teams through Rasa's connector (rasa 3.6.21, `core/channels/botframework.py`): cards as `custom`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.hsl import Receipt, ReceiptItem
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._draft import Draft, titles
from haptik_actions.render._limits import Channel, Limit, clip, counted, limits
from haptik_actions.render._markup import MARKDOWN
from haptik_actions.render._read import tidy
from haptik_actions.render._renderer import Renderer

_CARDS = "learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference"
_SINGLE = re.compile(r"(?<!\n)\n(?!\n)")
_HERO = "application/vnd.microsoft.card.hero"

TEXT = Limit(
    20_000,
    "UTF-8 bytes",
    "learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages: 28 KB with its envelope, "
    "in older editions",
)
CARD_TEXT = Limit(6_000, "UTF-8 bytes", f"{_CARDS}: 28 KB of JSON per card in older editions, shared by its parts")
TITLE = Limit(120, "code points", f"{_CARDS}, hero card: at most two lines")
BUTTONS = Limit(6, "items", f"{_CARDS}, hero card")
CARDS = Limit(10, "items", f"{_CARDS}, carousel layout")
LABEL = Limit(50, "code points", "no figure of Microsoft; what a card still shows on one button")
PAYLOAD = Limit(
    2000, "UTF-8 bytes", "no figure of Microsoft; six of them, with what they say, within the 28 KB of a card"
)
DISPLAY_TEXT = Limit(800, "UTF-8 bytes", "as the payload")
RECEIPT = "application/vnd.microsoft.card.receipt"
# learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference: 28 KB in older editions.
_MOST_BYTES = 24_000
_NOTHING = "–"


class BotFramework(Renderer):
    """Hero cards; their buttons say in the chat what the bot gets, because Rasa reads nothing but the text of a tap."""

    channel = Channel(
        name="botframework",
        title="Microsoft Teams",
        connector="Rasa's own: text; the rest as `custom`, an activity",
        markup="markdown",
        limits=limits(
            text=TEXT,
            card_text=CARD_TEXT,
            card_title=TITLE,
            buttons=BUTTONS,
            cards=CARDS,
            label=LABEL,
            payload=PAYLOAD,
            display_text=DISPLAY_TEXT,
        ),
        native={
            "TEXT": "hero card with buttons, further cards of 6 below it",
            "BUTTON": "hero card with buttons, further cards of 6 below it",
            "CAROUSEL": "hero cards side by side, 10 to a message",
            "IMAGE": "hero card without words; several side by side",
            "RECEIPT": "receipt card; its buttons on a hero card below",
        },
        controls=frozenset({"reply", "url"}),
        remark="numbers are lines of text: not every client opens `tel:`",
    )
    dialect = MARKDOWN
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text; with controls, the text on a card above them."""
        native, lines = self.sorted(controls, draft)
        if not native:
            self.say(text, lines, draft)
            return
        shown = titles(native, LABEL, draft)
        *before, last = self.parts(text, [*shown.lines, *lines], draft, CARD_TEXT)
        for part in before:
            draft.say(part)
        head = {"text": _in_paragraphs(last)} if last else {}
        heroes = self._heroes(head, native, shown.shown, shown.numbers, draft)
        for start in range(0, len(heroes), CARDS.size):
            draft.custom({"attachmentLayout": "list", "attachments": heroes[start : start + CARDS.size]})

    def say(self, text: str, lines: Sequence[str], draft: Draft) -> None:
        """A text. Line breaks become markdown's two spaces and not blank lines, at which Rasa would cut the text."""
        for part in self.parts(text, lines, draft, self.text_limit):
            draft.say(_SINGLE.sub("  \n", part))

    def cards(self, content: Content, draft: Draft) -> None:
        """Hero cards side by side. Words that do not fit on a card follow as text."""
        heroes: list[JsonObject] = []
        lines: list[str] = []
        for card in content.cards:
            heroes += self._card(card, draft, lines)
        for start in range(0, len(heroes), CARDS.size):
            draft.custom({"attachmentLayout": "carousel", "attachments": heroes[start : start + CARDS.size]})
        if len(heroes) > CARDS.size:
            draft.note("split", "data.items", f"{len(heroes)} cards in messages of {CARDS.size}")
        if lines:
            self.say("", lines, draft)

    def _card(self, card: Card, draft: Draft, lines: list[str]) -> list[JsonObject]:
        native, spelled = self.sorted(card.controls, draft)
        head: JsonObject = {}
        if card.lines:
            head["title"] = clip(card.lines[0], TITLE)
            body = [self.dialect.text(line) for line in card.lines[1:]]
            if head["title"] != card.lines[0]:
                body.insert(0, self.dialect.text(card.lines[0]))
            first, *others = self.parts_of_card(body)
            lines += others
            if first:
                head["text"] = first
        shown = titles(native, LABEL, draft)
        extra = [*shown.lines, *spelled]
        if extra:
            text = "\n\n".join(filter(None, [head.get("text"), *map(self.dialect.plain, extra)]))
            if CARD_TEXT.fits(text):
                head["text"] = text
            else:
                draft.note("split", card.path, "lines that a card has no room for in a message of their own")
                lines += extra
        if card.image:
            head["images"] = [{"url": card.image}]
        default = next((control for control in native if control.is_default), None)
        heroes = self._heroes(head, native, shown.shown, shown.numbers, draft)
        if default is not None:
            buttons = [button for hero in heroes for button in hero["content"]["buttons"]]
            heroes[0]["content"]["tap"] = buttons[native.index(default)]
        return heroes

    def parts_of_card(self, body: Sequence[str]) -> list[str]:
        """Lines as one text of a card, and what does not fit."""
        text = "\n\n".join(body)
        return [text] if CARD_TEXT.fits(text) else [clip(text, CARD_TEXT), *body]

    def _heroes(
        self,
        head: JsonObject,
        native: Sequence[Control],
        shown: Sequence[str],
        numbers: Sequence[int | None],
        draft: Draft,
    ) -> list[JsonObject]:
        buttons = [
            self._button(control, title, number, draft)
            for control, title, number in zip(native, shown, numbers, strict=True)
        ]
        first: JsonObject = {**head, "buttons": buttons[: BUTTONS.size]} if buttons else head
        heroes = [{"contentType": _HERO, "content": first}]
        for start in range(BUTTONS.size, len(buttons), BUTTONS.size):
            draft.note("split", native[start].path, "further buttons on a further card")
            place, places = start // BUTTONS.size + 1, -(-len(buttons) // BUTTONS.size)
            title = counted(head.get("title") or draft.copy.continued, place, places, TITLE)
            further = {"title": title, "buttons": buttons[start : start + BUTTONS.size]}
            heroes.append({"contentType": _HERO, "content": further})
        return heroes

    def _button(self, control: Control, title: str, number: int | None, draft: Draft) -> dict[str, str]:
        if control.kind == "url":
            return {"type": "openUrl", "title": title, "value": control.value}
        text = draft.tap(control, title, PAYLOAD, number)
        return {"type": "messageBack", "title": title, "displayText": clip(control.label, DISPLAY_TEXT), "text": text}

    def receipt(self, content: Content, draft: Draft) -> None:
        """A receipt card, between what the element says above and below its rows."""
        element = content.element
        card = receipt_card(element) if isinstance(element, Receipt) else None
        if not isinstance(element, Receipt) or card is None:
            super().receipt(content, draft)
            return
        if text := tidy(element.text):
            self.say(text, [], draft)
        draft.custom({"attachments": [{"contentType": RECEIPT, "content": card}]})
        below = tidy(element.offer_text)
        if content.controls:
            self.bubble(below or draft.copy.choose, content.controls, content, draft)
        elif below:
            self.say(below, [], draft)

    def images(self, content: Content, draft: Draft) -> None:
        """Hero cards without words, side by side."""
        heroes = [{"contentType": _HERO, "content": {"images": [{"url": image}]}} for image in content.images]
        for start in range(0, len(heroes), CARDS.size):
            draft.custom({"attachmentLayout": "carousel", "attachments": heroes[start : start + CARDS.size]})


def _in_paragraphs(written: str) -> str:
    # A single line feed is a space in the markdown of a card.
    return _SINGLE.sub("\n\n", written)


def receipt_card(receipt: Receipt) -> JsonObject | None:
    """The content of the card without its buttons; None where it is larger than a card may be."""
    content: JsonObject = {"title": receipt.header}
    facts = [{"key": fact.header, "value": fact.body if fact.body.strip() else _NOTHING} for fact in receipt.subheader]
    if facts:
        content["facts"] = facts
    content["items"] = [_item(row) for row in receipt.order_items]
    if receipt.amount.strip():
        content["total"] = receipt.amount
    written = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return content if len(written) <= _MOST_BYTES else None


def _item(row: ReceiptItem) -> JsonObject:
    members = {"title": row.title, "subtitle": row.header, "price": row.body}
    item: JsonObject = {name: text for name, text in members.items() if text.strip()}
    if row.image_url:
        bare = "://" not in row.image_url
        item["image"] = {"url": f"https://{row.image_url}" if bare else row.image_url}
    return item
