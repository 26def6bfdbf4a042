"""Text for elements that other platforms do not have: a form, a receipt, a list of tabs."""

from __future__ import annotations

from haptik_actions import hsl
from haptik_actions.render._content import Control
from haptik_actions.render._copy import Copy
from haptik_actions.render._markup import NONE

_BULLET = "• "


def form_text(form: hsl.Form) -> str:
    """The title of a form and the labels of its fields, in order."""
    lines = [_bold(form.title), form.subtitle.strip()]
    for field in form.ordered:
        hint = field.hint.strip()
        lines.append(f"{_BULLET}{field.key.strip()} ({hint})" if hint else f"{_BULLET}{field.key.strip()}")
    return "\n".join(filter(None, lines))


def receipt_rows(receipt: hsl.Receipt) -> list[tuple[str, str]]:
    """The facts and rows of a receipt as pairs of label and value, without marks. Either may be empty."""
    facts = [(fact.header, fact.body) for fact in receipt.subheader]
    rows = [(" — ".join(filter(str.strip, (row.title, row.header))), row.body) for row in receipt.order_items]
    written = [(_bare(left), _bare(right)) for left, right in [*facts, *rows]]
    return [row for row in written if any(row)]


def _bare(words: str) -> str:
    return NONE.text(" ".join(words.split()))


def receipt_text(receipt: hsl.Receipt, copy: Copy) -> str:
    """A receipt, its rows one below the other."""
    facts = [f"{fact.header.strip()}: {fact.body.strip()}".rstrip(": ") for fact in receipt.subheader]
    rows = [" — ".join(filter(None, map(str.strip, (row.title, row.header, row.body)))) for row in receipt.order_items]
    lines = [receipt.text.strip(), _bold(receipt.header), *facts, *(f"{_BULLET}{row}" for row in rows if row)]
    return "\n".join(filter(None, [*lines, receipt_total(receipt, copy), receipt.offer_text.strip()]))


def receipt_total(receipt: hsl.Receipt, copy: Copy) -> str:
    """The sum of a receipt in a phrase; empty where it has none."""
    amount = receipt.amount.strip()
    return copy.total.replace("{amount}", amount) if amount else ""


def tab_controls(tab_list: hsl.TabList) -> tuple[Control, ...]:
    """A reply for each row, below the head of its tab."""
    return tuple(
        _row(row, f"data.tabs[{place}].tab_items[{index}]", _heading(tab))
        for place, tab in enumerate(tab_list.tabs)
        for index, row in enumerate(tab.tab_items)
    )


def _row(row: hsl.TabItem, path: str, heading: str) -> Control:
    label = " ".join(hsl.strip_braces(row.title).split()) or row.title.strip()
    payload = row.message.strip()
    if not payload.startswith("/"):
        payload = hsl.strip_braces(payload)
    detail = " · ".join(filter(None, (" ".join(part.split()) for part in (row.price, row.caption, row.meta))))
    return Control("reply", label, payload or label, path, detail=detail, section=heading)


def _heading(tab: hsl.Tab) -> str:
    return " · ".join(filter(None, (" ".join(part.split()) for part in (tab.title, tab.sub_title))))


def _bold(words: str) -> str:
    words = " ".join(words.split())
    return words if "*" in words else f"*{words}*"
