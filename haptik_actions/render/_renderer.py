"""The base of all renderers. It makes text alone; each channel overrides what it has a form of its own for.

`PlainText` overrides nothing: every channel can show it, so it also serves channels that are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from haptik_actions.hsl import Element, Receipt
from haptik_actions.render._content import SPELLED, Card, Content, Control
from haptik_actions.render._conversion import Conversion, Copy
from haptik_actions.render._draft import Draft, with_details
from haptik_actions.render._limits import Channel, Limit, limits, split, split_end
from haptik_actions.render._markup import NONE, Dialect
from haptik_actions.render._read import read

_E164 = re.compile(r"\+[1-9]\d{1,14}").fullmatch
# Nothing is known of the channel, so the limit is too large to cut anything.
NO_LIMIT = Limit(1_000_000, "code points", "none is known")


class Renderer:
    """Plain text: answers are numbered lines, links are `label: address`, pictures their address.

    Rasa's base connector prints each button with its payload (rasa 3.6.21, `core/channels/channel.py`), so this never
    gives `buttons`. A channel sets the class variables and replaces what it has a form of its own for.
    """

    channel: ClassVar[Channel]
    dialect: ClassVar[Dialect] = NONE
    text_limit: ClassVar[Limit]
    # False where a button that calls takes only numbers with a country code (E.164).
    dials_anything: ClassVar[bool] = True

    def render(self, element: Element, copy: Copy, resolves: bool) -> Conversion:
        """Render an element."""
        content = read(element, copy)
        draft = Draft(copy, resolves, content.notes)
        if content.shape == "bubble":
            self.bubble(content.text, content.controls, content, draft)
        elif content.shape == "cards":
            self.cards(content, draft)
        elif content.shape == "images":
            self.images(content, draft)
        elif content.shape == "receipt":
            self.receipt(content, draft)
        else:
            self.nothing(content, draft)
        return draft.finished()

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text with controls."""
        answers = [control for control in controls if control.kind not in SPELLED]
        lines = self.counted(answers, draft)
        lines += [self.spelled(control, draft) for control in controls if control.kind in SPELLED]
        if answers and draft.resolves:
            lines.append(draft.copy.reply_with_number)
        self.say(text, lines, draft)

    def cards(self, content: Content, draft: Draft) -> None:
        """A carousel: its cards one after another, their options numbered on."""
        for card in content.cards:
            if card.image:
                self.picture(card.image, draft)
            if card.lines or card.controls:
                self.bubble(self.card_text(card), card.controls, content, draft)

    def images(self, content: Content, draft: Draft) -> None:
        """Pictures without words."""
        for image in content.images:
            self.picture(image, draft)

    def picture(self, url: str, draft: Draft) -> None:
        """One picture."""
        draft.messages.append({"image": url})

    def receipt(self, content: Content, draft: Draft) -> None:
        """The summary of an order, as text."""
        draft.note("replaced", "type", "receipt by a text")
        if isinstance(content.element, Receipt):
            self.without_pictures(content.element, draft)
        self.bubble(content.text, content.controls, content, draft)

    def without_pictures(self, receipt: Receipt, draft: Draft) -> None:
        """Note the pictures of the rows, where they are left out."""
        for index, row in enumerate(receipt.order_items):
            if row.image_url:
                draft.note("dropped", f"data.order_items[{index}].image_url", row.image_url)

    def nothing(self, content: Content, draft: Draft) -> None:
        """An element that shows nothing: there is no message, and a note says so."""
        draft.note("unsupported", "type", "known to the platform's own clients alone")

    def card_text(self, card: Card) -> str:
        """The words of a card, as text of HSL."""
        if not card.lines:
            return ""
        title, *others = card.lines
        return "\n".join([bold(title), *others])

    def counted(self, answers: Sequence[Control], draft: Draft) -> list[str]:
        """A numbered line for each answer, below the headings that they have."""
        if not answers:
            return []
        for control in answers:
            self.as_reply(control, draft)
        first = answers[0].path
        draft.note("numbered", first.rpartition("[")[0] or first, f"{len(answers)} lines")
        return with_details(answers, [draft.line(control) for control in answers])

    def as_reply(self, control: Control, draft: Draft) -> None:
        """Note that the chat asks for an answer for which the platform's own client would open a screen."""
        if control.kind != "reply":
            draft.note("replaced", control.path, f"{control.kind} by a reply")

    def spelled(self, control: Control, draft: Draft) -> str:
        """A line with a link or a number, which chat clients make tappable."""
        draft.note("replaced", control.path, f"{control.kind} by a line of text")
        if not self.text_limit.fits(control.value):
            draft.note("truncated", f"{control.path}.payload", f"longer than a text of {self.channel.title}")
        return control.value if control.label == control.value else f"{control.label}: {control.value}"

    def sorted(self, controls: Sequence[Control], draft: Draft) -> tuple[list[Control], list[str]]:
        """The controls that the channel shows as such, and lines of text for the others."""
        native, lines = [], []
        kinds = self.channel.controls
        for control in controls:
            if control.kind in kinds and (control.kind != "call" or self.dials_anything or _E164(control.value)):
                native.append(control)
            elif control.kind in SPELLED:
                lines.append(self.spelled(control, draft))
            else:
                self.as_reply(control, draft)
                native.append(control)
        return native, lines

    def say(self, text: str, lines: Sequence[str], draft: Draft) -> None:
        """Add a text and lines below it, in as many messages as they need."""
        for part in self.parts(text, lines, draft, self.text_limit):
            draft.say(part)

    def parts(self, text: str, lines: Sequence[str], draft: Draft, end: Limit) -> list[str]:
        """Return a text of HSL and literal lines below it, in parts, as the channel writes them.

        Each part is within the channel's limit of a text. The last part carries the controls and is within `end`.
        """
        written = self.dialect.text(text)
        if lines:
            written = "\n".join([written, *map(self.dialect.plain, lines)] if text else map(self.dialect.plain, lines))
        if end.fits(written):
            return [written]
        parts = self._split(text, lines, draft, end)
        draft.note("split", "text", f"{len(parts)} messages")
        return parts

    def _split(self, text: str, lines: Sequence[str], draft: Draft, end: Limit) -> list[str]:
        if not lines:
            return [self.dialect.text(part) for part in split_end(text, self.text_limit, end, self.dialect.text)]
        parts = [self.dialect.text(part) for part in split(text, self.text_limit, self.dialect.text)] if text else []
        for line in lines:
            written = self.dialect.plain(line)
            if parts and self.text_limit.fits(f"{parts[-1]}\n{written}"):
                parts[-1] = f"{parts[-1]}\n{written}"
            else:
                parts += [self.dialect.plain(part) for part in split(line, self.text_limit, self.dialect.plain)]
        return parts if end.fits(parts[-1]) else [*parts[:-1], *self._parted(parts[-1], draft, end)]

    def _parted(self, written: str, draft: Draft, end: Limit) -> list[str]:
        """Divide the lines of a part: the last lines are as many as fit into `end` uncut, the first are the others."""
        before = written.split("\n")
        last: list[str] = []
        while before and end.fits("\n".join([before[-1], *last])):
            last.insert(0, before.pop())
        ending = "\n".join(last).strip() or self.dialect.text(draft.copy.choose)
        rest = "\n".join(before).strip()
        return [rest, ending] if rest else [ending]


def bold(words: str) -> str:
    """The words in bold, or as they are where HSL's marks cannot enclose them."""
    return words if "*" in words or "\n" in words else f"*{words}*"


class PlainText(Renderer):
    """One message: replies as numbered lines, links and pictures as addresses."""

    channel = Channel(
        name="text",
        title="plain text",
        connector="any: `text` alone",
        limits=limits(text=NO_LIMIT),
        native={"TEXT": "text, options as numbered lines"},
        answers="title",
        remark="stands for every channel that is not known here",
    )
    text_limit = NO_LIMIT

    def cards(self, content: Content, draft: Draft) -> None:
        """Every card as a paragraph of one text."""
        paragraphs = []
        for card in content.cards:
            paragraph = [card.image] if card.image else []
            if card.lines or card.controls:
                self.bubble(self.card_text(card), card.controls, content, draft)
                paragraph.append(draft.messages.pop()["text"])
            paragraphs.append("\n".join(paragraph))
        draft.say("\n\n".join(paragraphs))

    def picture(self, url: str, draft: Draft) -> None:
        """The address of the picture."""
        draft.note("replaced", "data.items", "picture by its address")
        draft.say(url)
