"""The notes of a conversion in words for people who do not program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from haptik_actions.render import LOSSES, Note, NoteCode

_WORDS: Mapping[NoteCode, str] = MappingProxyType(
    {
        "coerced": "Adjusted",
        "dropped": "Not shown here",
        "insecure_url": "Not encrypted; some phones do not load it",
        "numbered": "Options are numbered lines of the text",
        "paginated": "Some options are behind “More”",
        "replaced": "In another form",
        "shortened_payload": "A long answer is sent in short",
        "split": "In more than one piece",
        "truncated": "Cut short",
        "unsupported": "This kind of message does not exist here",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One sentence about a conversion, how often it applies, and whether it tells of a loss."""

    words: str
    detail: str
    path: str
    times: int
    is_loss: bool


def remarks(notes: Sequence[Note]) -> Iterator[Remark]:
    """The notes as sentences, each one once, losses first."""
    counted = Counter((note.code, note.detail) for note in notes)
    first = {(note.code, note.detail): note.path for note in reversed(notes)}
    for code, detail in sorted(counted, key=lambda key: key[0] not in LOSSES):
        yield Remark(
            words=_WORDS[code],
            detail=detail,
            path=first[code, detail],
            times=counted[code, detail],
            is_loss=code in LOSSES,
        )
