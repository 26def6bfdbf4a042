"""Slack through Rasa's connector (rasa 3.6.21, `core/channels/slack.py`): everything but text as blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from haptik_actions.hsl import Receipt
from haptik_actions.render._content import SPELLED, Card, Content, Control
from haptik_actions.render._draft import Draft, titles
from haptik_actions.render._limits import Channel, Escaped, Limit, clip, limits
from haptik_actions.render._markup import NONE, SLACK
from haptik_actions.render._read import receipt_rows, receipt_total, tidy
from haptik_actions.render._renderer import Renderer

_DOCS = "docs.slack.dev/reference/block-kit"
_CODE_POINTS: Final = "code points"


TEXT = Limit(3000, _CODE_POINTS, f"{_DOCS}/blocks/section-block, text")
MESSAGE = Limit(
    4000, _CODE_POINTS, "docs.slack.dev/reference/methods/chat.postMessage: text over 4,000 is advised against"
)
LABEL = Escaped(75, _CODE_POINTS, f"{_DOCS}/block-elements/button-element, text; with its escapes")
PAYLOAD = Limit(2000, _CODE_POINTS, f"{_DOCS}/block-elements/button-element, value")
URL = Limit(3000, _CODE_POINTS, f"{_DOCS}/block-elements/button-element, url")
BUTTONS = Limit(25, "items", f"{_DOCS}/blocks/actions-block, elements")
BLOCKS = Limit(50, "items", f"{_DOCS}/blocks, per message")
IMAGE_URL = Limit(3000, _CODE_POINTS, f"{_DOCS}/blocks/image-block, image_url")
ALT_TEXT = Limit(2000, _CODE_POINTS, f"{_DOCS}/blocks/image-block, alt_text")
TABLE_ROWS = Limit(100, "items", f"{_DOCS}/blocks/table-block, rows")
TABLE_TEXT = Limit(10_000, _CODE_POINTS, f"{_DOCS}/blocks/table-block: all cells together")

_NO_ALT_TEXT = "…"
# Slack refuses an empty cell.
_EMPTY_CELL = " "

Block: TypeAlias = dict[str, Any]


class Slack(Renderer):
    """Sections of text, buttons in blocks of actions, images beside the text of a card."""

    channel = Channel(
        name="slack",
        title="Slack",
        connector="Rasa's own: text; the rest as `custom`, arguments of chat.postMessage",
        markup="slack",
        limits=limits(
            text=TEXT,
            message=MESSAGE,
            label=LABEL,
            payload=PAYLOAD,
            url=URL,
            buttons=BUTTONS,
            blocks=BLOCKS,
            image_url=IMAGE_URL,
            alt_text=ALT_TEXT,
            table_rows=TABLE_ROWS,
            table_text=TABLE_TEXT,
        ),
        native={
            "TEXT": "section and buttons",
            "BUTTON": "section and buttons, in blocks of 25",
            "CAROUSEL": "section with image and buttons, card below card",
            "IMAGE": "image blocks",
            "RECEIPT": "table, its buttons below it",
        },
        controls=frozenset({"reply", "url"}),
        remark="numbers are `tel:` links of the text; Rasa reads one tap at a time, of buttons and single selects",
    )
    dialect = SLACK
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text; with controls, a message of blocks."""
        native, lines = self._sorted(controls, draft)
        if not native and not lines:
            self.say(text, [], draft)
        else:
            self._post(self._blocks(text, native, lines, draft), text, draft)

    def _sorted(self, controls: Sequence[Control], draft: Draft) -> tuple[list[Control], list[str]]:
        """The buttons, and lines as Slack writes them: a number is a link."""
        native: list[Control] = []
        lines: list[str] = []
        for control in controls:
            link = f"<tel:{control.value}|{_link_text(control.label)}>" if control.kind == "call" else ""
            if link and TEXT.fits(link):
                draft.note("replaced", control.path, "call by a link of the text")
                lines.append(link)
            elif control.kind in SPELLED and not (control.kind == "url" and URL.fits(control.value)):
                lines += self.parts("", [self.spelled(control, draft)], draft, TEXT)
            else:
                if control.kind != "url":
                    self.as_reply(control, draft)
                native.append(control)
        return native, lines

    def _blocks(self, text: str, native: Sequence[Control], lines: Iterable[str], draft: Draft) -> list[Block]:
        shown = titles(native, LABEL, draft)
        blocks = [_section(part) for part in self.parts(text, shown.lines, draft, TEXT)] if text or shown.lines else []
        blocks += [_section(line) for line in lines]
        buttons = [
            self._button(control, title, number, draft)
            for control, title, number in zip(native, shown.shown, shown.numbers, strict=True)
        ]
        for start in range(0, len(buttons), BUTTONS.size):
            blocks.append({"type": "actions", "elements": buttons[start : start + BUTTONS.size]})
        return blocks

    def _button(self, control: Control, title: str, number: int | None, draft: Draft) -> Block:
        button: Block = {
            "type": "button",
            # An action id has to be unique in its message, and a path is unique in its element.
            "action_id": control.path,
            "text": {"type": "plain_text", "text": SLACK.plain(title), "emoji": True},
        }
        if control.is_default:
            button["style"] = "primary"
        if control.kind == "url":
            button["url"] = control.value
        else:
            button["value"] = draft.tap(control, title, PAYLOAD, number)
        return button

    def cards(self, content: Content, draft: Draft) -> None:
        """Card below card, with a line between them, in messages of up to 50 blocks each."""
        blocks: list[Block] = []
        for card in content.cards:
            of_card = self._card(card, draft)
            if blocks and len(blocks) + len(of_card) + 1 > BLOCKS.size:
                self._post(blocks, content.text, draft)
                draft.note("split", card.path, "cards in a message of their own")
                blocks = []
            blocks += [{"type": "divider"}, *of_card] if blocks else of_card
        self._post(blocks, content.text, draft)

    def _card(self, card: Card, draft: Draft) -> list[Block]:
        native, lines = self._sorted(card.controls, draft)
        blocks = self._blocks(self.card_text(card), native, lines, draft)
        if not card.image:
            return blocks
        if not IMAGE_URL.fits(card.image):
            return [*blocks, *self._address(card.image, card.path, draft)]
        alt_text = NONE.text(card.lines[0]) if card.lines else _NO_ALT_TEXT
        image = {"type": "image", "image_url": card.image, "alt_text": clip(alt_text, ALT_TEXT)}
        if blocks and blocks[0]["type"] == "section":
            blocks[0]["accessory"] = image
            return blocks
        return [image, *blocks]

    def _address(self, image: str, path: str, draft: Draft) -> list[Block]:
        """Send the address as text where an image block would not take the picture."""
        draft.note("replaced", f"{path}.thumbnail.image", "picture by its address")
        return [_section(part) for part in self.parts("", [image], draft, TEXT)]

    def receipt(self, content: Content, draft: Draft) -> None:
        """A table under what the element says, and its offer and buttons below, in one message."""
        receipt = content.element
        table = _table(receipt, receipt_total(receipt, draft.copy)) if isinstance(receipt, Receipt) else None
        if not isinstance(receipt, Receipt) or table is None:
            super().receipt(content, draft)
            return
        self.without_pictures(receipt, draft)
        said = tidy(receipt.text)
        blocks = [_section(part) for part in self.parts(said, [], draft, TEXT)] if said else []
        native, lines = self._sorted(content.controls, draft)
        self._post([*blocks, table, *self._blocks(tidy(receipt.offer_text), native, lines, draft)], content.text, draft)

    def images(self, content: Content, draft: Draft) -> None:
        """Image blocks, of one message up to 50."""
        alt_text = clip(NONE.text(content.text), ALT_TEXT) or _NO_ALT_TEXT
        blocks: list[Block] = []
        for index, image in enumerate(content.images):
            if IMAGE_URL.fits(image):
                blocks.append({"type": "image", "image_url": image, "alt_text": alt_text})
            else:
                blocks += self._address(image, f"data.items[{index}]", draft)
        self._post(blocks, content.text, draft)

    def say(self, text: str, lines: Sequence[str], draft: Draft) -> None:
        """A text and lines below it."""
        for part in self.parts(text, lines, draft, MESSAGE):
            draft.say(part)

    def _post(self, blocks: list[Block], text: str, draft: Draft) -> None:
        # A notification of a message with blocks shows `text`.
        notification = clip(NONE.text(text), TEXT) or _NO_ALT_TEXT
        for start in range(0, len(blocks), BLOCKS.size):
            message = {"text": SLACK.plain(notification), "blocks": blocks[start : start + BLOCKS.size]}
            draft.custom(message)


def _table(receipt: Receipt, total: str) -> Block | None:
    """Its head, facts and rows in two columns, the sum last; None where that is more than a table holds.

    Clients may show the first row as the head of the table, so the receipt's own head stands there.
    """
    rows = [(NONE.text(tidy(receipt.header)), ""), *receipt_rows(receipt)]
    if total:
        rows.append(("", NONE.text(total)))
    cells = [[cell or _EMPTY_CELL for cell in row] for row in rows]
    if len(rows) > TABLE_ROWS.size or not TABLE_TEXT.fits("".join(map("".join, cells))):
        return None
    return {
        "type": "table",
        "column_settings": [{"is_wrapped": True}, {"align": "right", "is_wrapped": True}],
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in cells],
    }


def _section(written: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": written}}


def _link_text(label: str) -> str:
    return SLACK.plain(label).replace("|", "/")
