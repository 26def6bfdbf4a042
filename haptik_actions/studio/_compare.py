"""Two versions of a message side by side, in words: what was added and what was taken away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from haptik_actions.studio._conditions import CONDITION_KINDS
from haptik_actions.studio._fields import STYLES, Fields, VariationFields

__all__ = ["Change", "compare", "lines_of"]

Op: TypeAlias = Literal["same", "added", "removed"]

# A placeholder is one word; spaces are words too, so that the parts joined are the text again.
_WORD = re.compile(r"\{[^{}]*\}|\w+|\s+|[^\w\s]")
_SAYS_SOMETHING = re.compile(r"[^\W_]")
# Comparing takes the square of it; above, a text is shown as replaced as a whole.
_MOST_WORDS = 800


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a message: its name, and its text in parts."""

    name: str
    parts: tuple[tuple[Op, str], ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing changed in it."""
        return all(op == "same" for op, _ in self.parts)


def compare(old: Fields | None, new: Fields | None) -> list[Change]:
    """Return line for line what changed from `old` to `new`; None is a message that does not exist."""
    before, after = (dict(lines_of(fields)) if fields else {} for fields in (old, new))
    names = [*after, *(name for name in before if name not in after)]
    return [Change(name, tuple(_parts(before.get(name, ""), after.get(name, "")))) for name in names]


def lines_of(fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield what a message says, as names and texts."""
    for number, variation in enumerate(fields.variations, 1):
        prefix = f"Variation {number} · " if len(fields.variations) > 1 else ""
        for name, text in _variation_lines(variation):
            yield prefix + name, text


def _variation_lines(variation: VariationFields) -> Iterator[tuple[str, str]]:
    if variation.json is not None:
        yield "JSON", variation.json
        return
    yield "Text", variation.said
    for number, row in enumerate(variation.buttons, 1):
        yield f"Button {number}", f"{row.label} → {row.value or row.label}" if row.kind != "other" else row.label
    if variation.buttons:
        yield "Shown as", STYLES[variation.style]
    if variation.image:
        yield "Image", variation.image
    if variation.channel:
        yield "Channel", variation.channel
    for number, condition in enumerate(variation.conditions, 1):
        wanted = f"{CONDITION_KINDS[condition.kind]} {condition.value}".strip()
        yield f"Condition {number}", f"{condition.type} {condition.name} is {wanted}"


def _parts(old: str, new: str) -> Iterator[tuple[Op, str]]:
    before, after = _WORD.findall(old), _WORD.findall(new)
    if max(len(before), len(after)) > _MOST_WORDS:
        yield from _replaced([old], [new])
        return
    gone: list[str] = []
    come: list[str] = []
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for place, (op, i, j, k, end) in enumerate(codes):
        same = "".join(before[i:j])
        # A space or a comma between two changes is read more easily as a part of both.
        is_between = 0 < place < len(codes) - 1 and not _SAYS_SOMETHING.search(same)
        if op != "equal" or is_between:
            gone += before[i:j]
            come += after[k:end]
            continue
        yield from _replaced(gone, come)
        yield "same", same
        gone, come = [], []
    yield from _replaced(gone, come)


def _replaced(old: list[str], new: list[str]) -> Iterator[tuple[Op, str]]:
    if any(old):
        yield "removed", "".join(old)
    if any(new):
        yield "added", "".join(new)
