"""The summary of an order, known from the platform's documentation of 2018 only."""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._actionable import Actionable
from haptik_actions.hsl._json import check_link
from haptik_actions.hsl._value import (
    Envelope,
    Value,
    check_says_something,
    check_string,
    check_voice_text,
    set_once,
    several,
)

ORDINALS = ("one", "two")


class ReceiptFact(Value, frozen=True, repr_omit_defaults=True):
    """A fact below the head of a receipt, such as the number of a trip: what it is, and its value."""

    header: str
    body: str = ""

    def __post_init__(self) -> None:
        check_says_something(self.header, "header", "a fact without a name")
        check_string(self.body, "body")
        if self.extra:
            raise InvalidElement("extra", "a fact has no members of its own; put them into the receipt's `extra`")

    def _documented(self) -> JsonObject:
        return {"header": self.header, "body": self.body}


class ReceiptItem(Value, frozen=True, kw_only=True, repr_omit_defaults=True):
    """A row of a receipt: at least one of title, header, body and image."""

    title: str = ""
    header: str = ""
    body: str = ""
    image_url: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "header", "body"):
            check_string(getattr(self, name), name)
        if self.image_url != "":
            check_link(self.image_url, "image_url")
        if not (self.title.strip() or self.header.strip() or self.body.strip() or self.image_url):
            raise InvalidElement("title", "a row that shows nothing")
        self._check_extra()

    def _documented(self) -> JsonObject:
        names = ("title", "header", "body", "image_url")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


class Receipt(Envelope, frozen=True, repr_omit_defaults=True):
    """The summary of an order.

    Attributes:
        header: What it sums up; not blank.
        order_items: Its rows, at least one. A list is kept as a tuple.
        text: What the bubble says; may be empty.
        subheader: Facts below the head, two at most.
        total_item_count: Number of rows of the order. None: that of `order_items`.
        amount: The total, as text with its currency.
        offer_text: A note on cash back.
        actionables: The buttons at the foot, mostly one of type `SHARE_RECEIPT`.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.order_items[0].title`.
    """

    header: str
    order_items: Sequence[ReceiptItem]
    text: str = ""
    subheader: Sequence[ReceiptFact] = ()
    total_item_count: int | None = None
    amount: str = ""
    offer_text: str = ""
    actionables: Sequence[Actionable] = ()
    voice_text: str | None = None

    def __post_init__(self) -> None:
        check_says_something(self.header, "data.header", "a receipt without a head")
        check_string(self.text, "text")
        check_voice_text(self.voice_text)
        check_string(self.amount, "data.footer.amount")
        check_string(self.offer_text, "data.footer.offer_text")
        set_once(self, "subheader", several(self.subheader, ReceiptFact, "data.subheader"))
        if len(self.subheader) > len(ORDINALS):
            raise InvalidElement("data.subheader", f"{len(self.subheader)} facts; the platform shows two")
        rows = several(self.order_items, ReceiptItem, "data.order_items")
        if not rows:
            raise InvalidElement("data.order_items", "a RECEIPT without rows")
        set_once(self, "order_items", rows)
        set_once(self, "actionables", several(self.actionables, Actionable, "data.footer.actionables"))
        self._count_rows()
        self._check_envelope()

    def _count_rows(self) -> None:
        count = self.total_item_count
        if count is None:
            set_once(self, "total_item_count", len(self.order_items))
        elif isinstance(count, bool) or not isinstance(count, int):
            raise InvalidElement("data.total_item_count", f"{count!r} is no whole number")

    def _documented(self) -> JsonObject:
        footer = {
            "amount": self.amount,
            "offer_text": self.offer_text,
            "actionables": [actionable.to_hsl() for actionable in self.actionables],
        }
        data = {
            "header": self.header,
            "subheader": [
                {f"header_{ordinal}": fact.header, f"body_{ordinal}": fact.body}
                for ordinal, fact in zip(ORDINALS, self.subheader, strict=False)
            ],
            "order_items": [row.to_hsl() for row in self.order_items],
            "total_item_count": self.total_item_count,
            "footer": footer,
        }
        return self._envelope("RECEIPT", self.text, self.voice_text, data)
