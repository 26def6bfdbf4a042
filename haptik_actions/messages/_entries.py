"""Messages as editors see them: what Redis has, put together with the defaults and with what a text may use."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from haptik_actions.errors import ConfigurationError, EditConflict, InvalidMessage
from haptik_actions.messages._defaults import PACKAGED_LOCALE, packaged_copy
from haptik_actions.messages._editor import Editor, Look, Written
from haptik_actions.messages._entry import Context, Draft, Entry, Origin, Version
from haptik_actions.messages._message import Message
from haptik_actions.messages._names import Place

__all__ = [
    "EntryReader",
    "author_of",
    "draft_after",
    "entry_after",
    "entry_of",
    "outside_version",
    "unified_diff",
]

_MOST_NAME = 200


def unified_diff(old: str | None, new: str | None, *, before: str = "before", after: str = "after") -> str:
    """Return what changed, line by line as `diff -u` does; a structured value is laid out over several lines first."""
    lines = difflib.unified_diff(_lines(old), _lines(new), before, after, lineterm="")
    return "\n".join(lines)


def _lines(value: str | None) -> list[str]:
    if value is None:
        return []
    try:
        if value.lstrip()[:1] in ("{", "["):
            value = msgspec.json.format(value, indent=2)
    except msgspec.DecodeError:
        pass
    return value.splitlines()


class EntryReader:
    """Reads entries for a catalogue. `own` are its defaults, locale -> key -> message."""

    def __init__(self, editor: Editor, own: Mapping[str, Mapping[str, str]], locale: str) -> None:
        self._editor, self._own, self._locale = editor, own, locale

    async def entries(self, places: Sequence[Place]) -> list[Entry]:
        """Return the messages at these places as they stand now."""
        if not places:
            return []
        looks = await self._editor.look(places)
        own = [Place(self._locale, place.key) for place in places]
        defaults = {place: place.default for place in dict.fromkeys((*places, *own))}
        # What the catalogue's own locale says is what a translation without any default is checked against.
        lives = {own_place: own_place.live for place, own_place in zip(places, own, strict=True) if place != own_place}
        names = [*defaults.values(), *lives.values()]
        values, slots = await self._editor.values_and_slots(names)
        held = dict(zip(names, values, strict=True))
        default_of = {place: held[name] or self._builtin_default(place) for place, name in defaults.items()}
        entries, packaged = [], packaged_copy()
        for place, own_place, look in zip(places, own, looks, strict=True):
            live = held[lives[own_place]] if place != own_place else None
            says = [default_of[place], default_of[own_place], live, packaged.get(place.key)]
            entries.append(entry_of(place, look, default_of[place], Context(_first_message(says), slots)))
        return entries

    def builtin(self) -> Iterator[tuple[Place, str]]:
        """Yield the defaults that do not stand in Redis."""
        for locale, messages in self._own.items():
            yield from ((Place(locale, key), value) for key, value in messages.items() if value.strip())
        own = self._own.get(PACKAGED_LOCALE, {})
        yield from ((Place(PACKAGED_LOCALE, key), value) for key, value in packaged_copy().items() if key not in own)

    def _builtin_default(self, place: Place) -> str | None:
        own = self._own.get(place.locale, {}).get(place.key)
        return own or (packaged_copy().get(place.key) if place.locale == PACKAGED_LOCALE else None)


def entry_of(place: Place, look: Look, default: str | None, context: Context) -> Entry:
    """Return a message as Redis has it, with its default and what a text for it is checked against."""
    value = default if look.value is None else look.value
    origin: Origin = "edited" if look.value is not None else "default" if default is not None else "missing"
    newest = outside_version(look) if look.outside else look.newest
    allowed = context.allowed
    names = _names_of(value) if allowed is None else allowed
    return Entry(
        key=place.key,
        locale=place.locale,
        value=value,
        default=default,
        origin=origin,
        number=look.number,
        revision=look.revision,
        author=newest.author if newest else "",
        at=newest.at if newest else None,
        why=newest.why if newest else "",
        action=newest.action if newest else "",
        placeholders=tuple(sorted(names)),
        draft=look.draft,
        context=context,
    )


def outside_version(look: Look) -> Version:
    """Return the version that an edit by hand is, which nobody has written into the history yet."""
    return Version(
        number=look.number,
        action="outside",
        author="",
        at=None,
        why="",
        value=look.value,
        revision=look.revision,
    )


def _first_message(values: Sequence[str | None]) -> Message | None:
    for value in values:
        with contextlib.suppress(InvalidMessage):
            if value is not None:
                return Message.parse(value)
    return None


def _names_of(value: str | None) -> frozenset[str]:
    message = _first_message([value])
    return frozenset() if message is None else message.placeholders


def entry_after(done: Written, entry: Entry) -> Entry:
    """Return the message after a change of it.

    Raises:
        EditConflict: nothing was written, for somebody else was faster.
    """
    if done == "outdated":
        raise EditConflict(_changed_by(entry), entry)
    if done == "other draft":
        raise EditConflict(_draft_changed_by(entry), entry)
    return entry


def _changed_by(entry: Entry) -> str:
    """Return a sentence on who changed a message while somebody else edited it."""
    when = f" at {entry.at:%Y-%m-%d %H:%M} UTC" if entry.at else ""
    who = "by hand in Redis" if entry.action == "outside" else f"by {entry.author or 'somebody'}"
    return f"{entry.key} in {entry.locale} was changed {who}{when} meanwhile."


def _draft_changed_by(entry: Entry) -> str:
    """Return a sentence on who changed a draft while somebody else edited the message."""
    what = f"saved by {entry.draft.author or 'somebody'}" if entry.draft else "discarded"
    return f"A draft of {entry.key} in {entry.locale} was {what} meanwhile."


def draft_after(place: Place, look: Look, *, saved: bool, kept: bool) -> Draft:
    """Return the draft that there is after one was saved (`kept`) or discarded.

    Raises:
        EditConflict: somebody else was faster.
    """
    if not saved:
        who = f"by {look.draft.author}" if look.draft else "by somebody"
        raise EditConflict(f"The draft of {place.key} in {place.locale} was changed {who} meanwhile.", look.draft)
    if look.draft is None and kept:
        raise EditConflict(f"The draft of {place.key} in {place.locale} was discarded meanwhile.")
    return look.draft  # type: ignore[return-value]


def author_of(author: str) -> str:
    """Return the name of who makes a change, in one line.

    Raises:
        ConfigurationError: it is blank.
    """
    author = " ".join(author.split())[:_MOST_NAME]
    if not author:
        raise ConfigurationError("A change needs the name of who makes it.")
    return author
