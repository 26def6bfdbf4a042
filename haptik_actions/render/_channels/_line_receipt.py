"""A receipt as the body of a flex bubble of LINE."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from haptik_actions.hsl import Receipt
from haptik_actions.render._content import Control
from haptik_actions.render._copy import Copy
from haptik_actions.render._markup import NONE
from haptik_actions.render._read import tidy
from haptik_actions.render._summaries import receipt_rows, receipt_total

Json: TypeAlias = dict[str, Any]

# developers.line.biz/en/reference/messaging-api/#f-bubble: 30 kB of JSON, its frame and its buttons among them.
_MOST_BYTES = 28_000
_BYTES_OF_A_BUTTON = 200


def receipt_body(receipt: Receipt, controls: Sequence[Control], copy: Copy) -> list[Json] | None:
    """The body of the bubble: what the element says, its head, two columns of facts and rows, the sum and the offer.

    None where body and buttons together are larger than LINE allows.
    """
    said, total, offer = tidy(receipt.text), receipt_total(receipt, copy), tidy(receipt.offer_text)
    facts = len(receipt.subheader)
    rows = [_row(left, right) for left, right in receipt_rows(receipt)]
    body = [_words(said)] if said else []
    body += [_words(tidy(receipt.header), weight="bold", size="lg"), *rows[:facts]]
    if rows[facts:]:
        body += [{"type": "separator"}, *rows[facts:]]
    if total:
        body += [{"type": "separator"}, _words(total, weight="bold", align="end")]
    if offer:
        body.append(_words(offer))
    # A label is written twice: on its button, and in what the tap says.
    buttons = sum(2 * _size(control.label) + _size(control.value) + _BYTES_OF_A_BUTTON for control in controls)
    return body if _size(body) + buttons <= _MOST_BYTES else None


def _row(left: str, right: str) -> Json:
    """Both texts side by side, or the one that there is."""
    if not (left and right):
        return _words(left or right)
    columns = [_words(left, flex=3), _words(right, flex=2, align="end")]
    return {"type": "box", "layout": "horizontal", "spacing": "md", "contents": columns}


def _words(text: str, **style: Any) -> Json:
    return {"type": "text", "text": NONE.text(text), "wrap": True, **style}


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
