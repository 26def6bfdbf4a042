"""Bot Framework's receipt card, as Teams shows it."""

from __future__ import annotations

import json
from typing import Any

from haptik_actions.hsl import Receipt, ReceiptItem

RECEIPT = "application/vnd.microsoft.card.receipt"
# learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference: 28 KB in older editions.
_MOST_BYTES = 24_000
_NOTHING = "–"


def receipt_card(receipt: Receipt) -> dict[str, Any] | None:
    """The content of the card without its buttons; None where it is larger than a card may be."""
    content: dict[str, Any] = {"title": receipt.header}
    facts = [{"key": fact.header, "value": fact.body if fact.body.strip() else _NOTHING} for fact in receipt.subheader]
    if facts:
        content["facts"] = facts
    content["items"] = [_item(row) for row in receipt.order_items]
    if receipt.amount.strip():
        content["total"] = receipt.amount
    written = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return content if len(written) <= _MOST_BYTES else None


def _item(row: ReceiptItem) -> dict[str, Any]:
    members = {"title": row.title, "subtitle": row.header, "price": row.body}
    item: dict[str, Any] = {name: text for name, text in members.items() if text.strip()}
    if row.image_url:
        bare = "://" not in row.image_url
        item["image"] = {"url": f"https://{row.image_url}" if bare else row.image_url}
    return item
