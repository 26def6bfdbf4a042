"""What the store and the catalogue tell about messages: frozen values.

How current the store is, what is wrong with a message, what an editor sees of it, and what became of changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from haptik_actions.errors import EditConflict
from haptik_actions.messages._message import Finding, Message

__all__ = [
    "Action",
    "Applied",
    "Checked",
    "Context",
    "Count",
    "Draft",
    "Entry",
    "Health",
    "ImportPlan",
    "Origin",
    "Page",
    "Planned",
    "Row",
    "Seeded",
    "Version",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How current the answers of a store are.

    Attributes:
        state: `fresh`: Redis answers, and an edit shows at once (with `tracking`) or within the time to live;
            `stale`: Redis does not answer, and what was read last is used, from memory or from the snapshot;
            `defaults`: nothing was ever read from Redis, or there is none, and only the defaults answer.
        since: Since when the state holds, in seconds since 1970; None where it holds from the start.
        tracking: Redis tells of every edit.
        detail: The class of the error that keeps from more, or an empty string.
    """

    state: Literal["fresh", "stale", "defaults"]
    since: float | None = None
    tracking: bool = False
    detail: str = ""


Origin = Literal["edited", "default", "missing"]
"""Whose text it is: written into the store, the domain's or the package's, or nobody's."""

Action = Literal["", "publish", "rollback", "delete", "import", "outside"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text that is not published yet; one per message, shared by all who edit.

    Attributes:
        value: The text, which may still have mistakes.
        author, at, why: Who saved it, when, and for what.
        revision: The lock: hand it back to change the draft.
        based_on: The revision of the entry that it was begun from.
    """

    value: str
    author: str
    at: datetime | None
    why: str
    revision: str
    based_on: str


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about a message: its default, and the names that may be used besides the default's own."""

    default: Message | None = None
    names: frozenset[str] = frozenset()

    @property
    def allowed(self) -> frozenset[str] | None:
        """The names that a text may use; None where nothing is known, and any may be."""
        if self.default is None:
            return None
        return self.default.placeholders | self.names


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message in one locale, as it stands now.

    Attributes:
        value: What users read: the edited text or the default; None where this locale has neither.
        default: What a delete goes back to.
        origin: Whose the value is.
        number: How often it was edited; 0 where it never was.
        revision: The lock: hand it back as `expected`. It covers edits made by hand in Redis too.
        author, at, why: Of the latest edit. Nobody is known for an edit by hand (`action` is `outside`).
        placeholders: The names that a text may use here, in the order of the alphabet.
        draft: What is not published yet.
        context: What a text for this message is checked against.
    """

    key: str
    locale: str
    value: str | None
    default: str | None
    origin: Origin
    number: int
    revision: str
    author: str = ""
    at: datetime | None = None
    why: str = ""
    action: Action = ""
    placeholders: tuple[str, ...] = ()
    draft: Draft | None = None
    context: Context = field(default=Context(), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A value for the message `entry`, and what the check of it found, errors first."""

    entry: Entry
    value: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a message was at one time. `value` is None for a version that deleted it."""

    number: int
    action: Action
    author: str
    at: datetime | None
    why: str
    value: str | None
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a list. `text` is what it says in one line, in another locale where this one has nothing."""

    key: str
    locale: str
    text: str
    origin: Origin
    draft: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and how long the whole is."""

    total: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many messages a locale has: all keys that there are, and of these the edited, missing and drafted ones."""

    total: int
    edited: int
    missing: int
    drafts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One row of a file to import, compared with the store."""

    key: str
    locale: str
    old: str | None
    new: str
    state: Literal["added", "changed", "unchanged", "refused"]
    findings: tuple[Finding, ...] = ()
    expected: str = ""
    expected_draft: str = ""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do. Nothing is written before it is applied.

    Attributes:
        rows: The messages of the file.
        doubt: A sentence on what had to be guessed to read the file; empty where nothing had to be.
    """

    rows: tuple[Planned, ...]
    doubt: str = ""

    def count(self, state: str) -> int:
        """Return how many rows have that state."""
        return sum(row.state == state for row in self.rows)


@dataclass(frozen=True, slots=True)
class Applied:
    """How many rows were written, and which of them somebody else has changed since the plan."""

    written: int
    conflicts: tuple[EditConflict, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What a seeding did to the defaults.

    Attributes:
        kept_edited: Their default changed, and users go on reading the edit.
        refused: Key and problem of responses that cannot be messages.
        partly: Key and problem of responses of which something is left out, or never said.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    kept_edited: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    partly: tuple[tuple[str, str], ...] = ()
