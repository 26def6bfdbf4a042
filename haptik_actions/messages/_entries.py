"""Messages as editors see them: what Redis has, put together with the defaults and with what a text may use."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from haptik_actions.errors import InvalidMessage
from haptik_actions.messages._check import Context
from haptik_actions.messages._defaults import PACKAGED_LOCALE, packaged_copy
from haptik_actions.messages._editor import Editor, Look
from haptik_actions.messages._entry import Entry, Origin, Version
from haptik_actions.messages._message import Message
from haptik_actions.messages._names import Place

__all__ = ["EntryReader", "outside_version", "unified_diff"]


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
        looks = await self._editor.look(places)
        contexts = await self.contexts(places)
        defaults = await self.defaults(places)
        return [_entry(*parts) for parts in zip(places, looks, defaults, contexts, strict=True)]

    async def defaults(self, places: Sequence[Place]) -> list[str | None]:
        """Return what a delete goes back to: what a seeding wrote, or else the builtin default."""
        seeded = await self._editor.values([place.default for place in places])
        return [value or self._builtin_default(place) for place, value in zip(places, seeded, strict=True)]

    async def contexts(self, places: Sequence[Place]) -> list[Context]:
        """Return what a text is measured by: its locale's default, what the catalogue's own says, the packaged copy."""
        if not places:
            return []
        slots = await self._editor.slots()
        own = [Place(self._locale, place.key) for place in places]
        defaults = await self.defaults(places)
        own_defaults = await self.defaults(own)
        own_live = await self._editor.values([place.live for place in own])
        contexts = []
        for place, *candidates in zip(places, defaults, own_defaults, own_live, strict=True):
            # A message without any default is its own measure only for its translations.
            usable = candidates if place.locale != self._locale else candidates[:2]
            contexts.append(Context(_first_message([*usable, packaged_copy().get(place.key)]), slots))
        return contexts

    def builtin(self) -> Iterator[tuple[Place, str]]:
        """Yield the defaults that do not stand in Redis."""
        for locale, messages in self._own.items():
            yield from ((Place(locale, key), value) for key, value in messages.items() if value.strip())
        own = self._own.get(PACKAGED_LOCALE, {})
        yield from ((Place(PACKAGED_LOCALE, key), value) for key, value in packaged_copy().items() if key not in own)

    def _builtin_default(self, place: Place) -> str | None:
        own = self._own.get(place.locale, {}).get(place.key)
        return own or (packaged_copy().get(place.key) if place.locale == PACKAGED_LOCALE else None)


def _entry(place: Place, look: Look, default: str | None, context: Context) -> Entry:
    value = default if look.value is None else look.value
    origin: Origin = "edited" if look.value is not None else "default" if default is not None else "missing"
    newest = outside_version(look) if look.outside else look.newest
    names = context.allowed if context.allowed is not None else _names_of(value)
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
