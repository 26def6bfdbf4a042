"""The write path: everything that people who edit the copy do, on one object."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from haptik_actions.errors import ConfigurationError, EditConflict, InvalidMessage
from haptik_actions.messages._bulk import plan_rows, put_defaults, removed, values_of
from haptik_actions.messages._check import check_message
from haptik_actions.messages._defaults import PACKAGED_LOCALE, is_not_packaged, packaged_translations
from haptik_actions.messages._editor import Editor
from haptik_actions.messages._entries import (
    EntryReader,
    author_of,
    draft_after,
    entry_after,
    entry_of,
    outside_version,
)
from haptik_actions.messages._entry import (
    Action,
    Applied,
    Checked,
    Count,
    Draft,
    Entry,
    ImportPlan,
    Page,
    Seeded,
    Version,
)
from haptik_actions.messages._index import Index, Only
from haptik_actions.messages._message import Finding
from haptik_actions.messages._names import DEFAULT, DRAFT, LIVE, Place, checked, draft_key, locale_chain

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Catalogue"]

_SECONDS = 5.0


class Catalogue:
    """The messages of a store, for editing.

    `redis` is a `redis.asyncio.Redis` (or cluster) client; `defaults` is locale -> key -> message, under what a seeding
    wrote; `locale` is the language that others are translated from; `channels` are the channels of Rasa that the bot
    talks on; `clock` gives the time of versions, in seconds since 1970.

    A change takes the `revision` that it began from as `expected`, and is refused where that is no longer so. Every
    method raises `MessagesUnavailable` where Redis does not answer, and `ConfigurationError` for a key or a locale
    that cannot be one. Belongs to the event loop that it is first used in.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        defaults: Mapping[str, Mapping[str, str]] | None = None,
        locale: str = PACKAGED_LOCALE,
        channels: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        from haptik_actions.messages._tracking import Tracking

        self._redis = redis
        self.locale, self.channels = locale, tuple(channels)
        self._editor = Editor(redis, clock)
        self._entry_reader = EntryReader(self._editor, defaults or {}, locale)
        self._index = Index(
            self._editor, locale, self._entry_reader.builtin, is_tracking=lambda: self._tracking.is_active
        )
        self._tracking = Tracking(redis, (LIVE, DEFAULT, DRAFT), changed=self._index.touch, active=self._index.track)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Catalogue:
        """Return the catalogue of the Redis at `url`. `options` as above.

        Raises:
            ConfigurationError: the URL is not one of Redis.
        """
        from haptik_actions._redis import connect

        return cls(connect(url, seconds=_SECONDS), **options)

    def start(self) -> None:
        """Read all messages in the background and let Redis tell of edits, in the running event loop.

        For a process that stays up; without it lists are read anew when they are some seconds old.
        """
        self._tracking.start()
        self._index.load()

    @property
    def is_tracking(self) -> bool:
        """Whether Redis tells of edits at present."""
        return self._tracking.is_active

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        self._index.stop()
        await self._tracking.aclose()
        from haptik_actions._redis import disconnect

        await disconnect(self._redis)

    async def get(self, key: str, locale: str) -> Entry:
        """Return a message as it stands now; one that exists nowhere too, for somebody is about to write it."""
        return (await self._entry_reader.entries([checked(key, locale)]))[0]

    async def locales_of(self, key: str) -> dict[str, Entry]:
        """Return a message in every locale that the store has."""
        contents = await self._index.contents()
        entries = await self._entry_reader.entries([checked(key, locale) for locale in contents.locales()])
        return {entry.locale: entry for entry in entries}

    async def locales(self) -> list[str]:
        """Return the locales that have messages, the catalogue's own first."""
        return (await self._index.contents()).locales()

    async def strays(self) -> list[str]:
        """Return the keys in Redis that look like messages and are none, such as `haptik:messages:utter_greet:en`.

        No bot reads them. Written right, they are `haptik:messages:<locale>:<key>`.
        """
        return await self._index.strays()

    async def search(
        self, words: str = "", *, locale: str | None = None, only: Only = None, offset: int = 0, limit: int = 50
    ) -> Page:
        """Return the messages that hold all of the words in their key or in what they say.

        The bot's own come by key, then the package's. `only` narrows down to what is edited, has a draft, or is
        missing in the locale.
        """
        return (await self._index.contents()).search(words, locale or self.locale, only, offset, limit)

    async def texts(self, keys: Iterable[str], locale: str) -> dict[str, str]:
        """Return by key what users of a locale read, as it stands in the store; nothing for what exists nowhere."""
        return (await self._index.contents()).read(keys, locale_chain(locale, self.locale))

    async def summary(self) -> dict[str, Count]:
        """Return for each locale how many messages are edited, missing and drafted."""
        contents = await self._index.contents()
        return {locale: contents.count(locale) for locale in contents.locales()}

    async def check(
        self, key: str, locale: str, value: str, *, channels: Sequence[str] | None = None
    ) -> tuple[Finding, ...]:
        """Return what is wrong with a value for this message, errors first. `channels` replaces the catalogue's."""
        return self.checked(await self.get(key, locale), value, channels=channels).findings

    def checked(self, entry: Entry, value: str, *, channels: Sequence[str] | None = None) -> Checked:
        """As `check`, for a message that was read already; Redis is not asked. `publish_checked` takes the answer."""
        found = check_message(value, entry.context, self.channels if channels is None else channels)
        return Checked(entry=entry, value=value, findings=found)

    async def publish(
        self,
        key: str,
        locale: str,
        value: str,
        *,
        author: str,
        why: str = "",
        expected: str,
        draft: str | None = None,
    ) -> Entry:
        """Make `value` what users read, as a new version.

        `draft` is the revision of the draft that this takes the place of (empty: there was none), and which is gone
        then. With None a draft is left alone.

        Raises:
            InvalidMessage: the check has errors.
            EditConflict: the message is no longer that of the revision `expected`, or the draft that of `draft`.
        """
        found = self.checked(await self.get(key, locale), value, channels=())
        return await self.publish_checked(found, author=author, why=why, expected=expected, draft=draft)

    async def publish_checked(
        self, checked: Checked, *, author: str, why: str = "", expected: str, draft: str | None = None
    ) -> Entry:
        """As `publish`, of a value that was checked already. What one channel alone cannot show keeps nothing back.

        Raises:
            as `publish`.
        """
        entry = checked.entry
        findings = tuple(finding for finding in checked.findings if finding.channel is None)
        errors = [finding for finding in findings if finding.severity == "error"]
        if errors:
            raise InvalidMessage(f"{entry.key} in {entry.locale} was not published: {errors[0].words}", findings)
        place = Place(entry.locale, entry.key)
        return await self._write(
            place,
            checked.value,
            action="publish",
            author=author,
            why=why,
            expected=expected,
            draft=draft,
            before=entry,
        )

    async def delete(
        self, key: str, locale: str, *, author: str, why: str = "", expected: str, draft: str | None = None
    ) -> Entry:
        """Go back to the default, as a new version. `draft` as in `publish`.

        Raises:
            EditConflict: as `publish`.
        """
        place = checked(key, locale)
        return await self._write(place, None, action="delete", author=author, why=why, expected=expected, draft=draft)

    async def history(self, key: str, locale: str, limit: int = 50) -> tuple[Version, ...]:
        """Return the versions, newest first. An edit by hand that nothing followed yet stands there as `outside`."""
        place = checked(key, locale)
        [look] = await self._editor.look([place])
        versions = await self._editor.history(place, limit)
        if look.outside:
            versions.insert(0, outside_version(look))
        return tuple(versions[:limit])

    async def rollback(
        self, key: str, locale: str, version: int | Version, *, author: str, why: str = "", expected: str
    ) -> Entry:
        """Make what a version said a new version; one that deleted the message deletes it again. A draft stays.

        `version` is its number, or the version itself where the history has been read already.

        Raises:
            ConfigurationError: there is no such version.
            EditConflict: as `publish`.
        """
        place = checked(key, locale)
        if isinstance(version, int):
            version = await self._version(key, locale, version)
        why = why or f"back to version {version.number}"
        return await self._write(place, version.value, action="rollback", author=author, why=why, expected=expected)

    async def _version(self, key: str, locale: str, number: int) -> Version:
        for version in await self.history(key, locale, limit=10_000):
            if version.number == number:
                return version
        raise ConfigurationError(f"{key} in {locale} has no version {number}. Its history lists what there is.")

    async def save_draft(
        self,
        key: str,
        locale: str,
        value: str,
        *,
        author: str,
        why: str = "",
        expected: str,
        based_on: str | None = None,
    ) -> Draft:
        """Keep a text for later; it may have mistakes. `based_on` is the revision it was begun from, now's if None.

        Raises:
            EditConflict: the draft is no longer that of the revision `expected` (empty: there was none).
        """
        place = checked(key, locale)
        if based_on is None:
            [look] = await self._editor.look([place])
            based_on = look.revision
        saved = await self._editor.write_draft(
            place, value, author=author_of(author), why=why, based_on=based_on, expected=expected
        )
        return await self._draft_after(place, saved=saved, kept=True)

    async def discard_draft(self, key: str, locale: str, *, expected: str) -> None:
        """Throw the draft away.

        Raises:
            EditConflict: as `save_draft`.
        """
        place = checked(key, locale)
        gone = await self._editor.write_draft(place, None, expected=expected)
        await self._draft_after(place, saved=gone, kept=False)

    async def export(self, format: str, locale: str | None = None) -> bytes:
        """Return all messages, or those of one locale, as `csv` or `yaml`, defaults included.

        Raises:
            ConfigurationError: another format.
        """
        from haptik_actions.messages._exchange import write

        contents = await self._index.contents()
        places = contents.places(locale)
        return write(format, [(place, contents.live(place), contents.default(place)) for place in places])

    async def plan_import(self, data: bytes, format: str) -> ImportPlan:
        """Compare a file with the store. An empty cell says nothing about its message.

        Raises:
            ConfigurationError: the file cannot be read; names the line.
        """
        from haptik_actions.messages._exchange import doubt, read

        # In a thread: a YAML file of some megabytes takes many seconds, in which others edit.
        rows = await asyncio.to_thread(read, format, data)
        return replace(await plan_rows(rows, self._entry_reader), doubt=doubt(format, data))

    async def apply_import(self, plan: ImportPlan, *, author: str, why: str = "", as_draft: bool = False) -> Applied:
        """Write the rows of a plan that are added or changed; each is a version of its own, or a draft."""
        written, conflicts = 0, []
        for row in plan.rows:
            if row.state not in ("added", "changed"):
                continue
            try:
                if as_draft:
                    await self.save_draft(
                        row.key, row.locale, row.new, author=author, why=why, expected=row.expected_draft
                    )
                else:
                    place = Place(row.locale, row.key)
                    await self._write(place, row.new, action="import", author=author, why=why, expected=row.expected)
                written += 1
            except EditConflict as conflict:
                conflicts.append(conflict)
        return Applied(written, tuple(conflicts))

    async def seed(
        self, responses: Mapping[str, Sequence[Any]], *, locale: str | None = None, slots: Sequence[str] = ()
    ) -> Seeded:
        """Make a domain's responses the defaults of `locale` (the catalogue's own if None). Edits stay what they are.

        `responses` is as a Rasa domain has it: name -> list of variations. `slots` are the domain's, which texts may
        use as placeholders. Defaults of responses that are no longer there are removed, but for the package's own keys
        in a locale that `seed_packaged` knows.
        """
        tag = checked("x", locale or self.locale).locale
        copied = values_of(responses)
        done = await self._put_defaults(tag, copied.values, is_not_packaged(tag))
        await self._editor.set_slots(frozenset(slots))
        return replace(done, refused=tuple(copied.refused.items()), partly=tuple(copied.changed.items()))

    async def removed_by_seed(
        self, responses: Mapping[str, Sequence[Any]], *, locale: str | None = None
    ) -> tuple[str, ...]:
        """Return the keys whose defaults `seed` would remove: those of the store that this domain does not have."""
        tag = checked("x", locale or self.locale).locale
        values = values_of(responses).values
        return await removed(self._editor, await self._index.contents(), tag, values, is_not_packaged(tag))

    async def seed_packaged(self, locale: str) -> Seeded:
        """Make the package's own translation the defaults of its keys in `locale`. Edits, and other defaults, stay.

        Raises:
            ConfigurationError: the package has no translation of this locale; names those that it has.
        """
        translations = packaged_translations()
        if locale not in translations:
            raise ConfigurationError(f"The package has no copy in {locale[:60]!r}; it has {', '.join(translations)}.")
        return await self._put_defaults(locale, translations[locale], lambda key: False)

    async def _put_defaults(self, tag: str, values: Mapping[str, str], removes: Callable[[str], bool]) -> Seeded:
        done, changed = await put_defaults(self._editor, await self._index.contents(), tag, values, removes)
        self._index.touch(changed)
        return done

    async def _write(
        self,
        place: Place,
        value: str | None,
        *,
        action: Action,
        author: str,
        why: str,
        expected: str,
        draft: str | None = None,
        before: Entry | None = None,
    ) -> Entry:
        """Change a message. Its default is not read again where it was read `before`."""
        done, look = await self._editor.write(
            place, value, action=action, author=author_of(author), why=why, expected=expected, draft=draft
        )
        self._index.touch([place.live, draft_key(place)])
        if before is None:
            [entry] = await self._entry_reader.entries([place])
        else:
            entry = entry_of(place, look, before.default, before.context)
        return entry_after(done, entry)

    async def _draft_after(self, place: Place, *, saved: bool, kept: bool) -> Draft:
        self._index.touch([draft_key(place)])
        [look] = await self._editor.look([place])
        return draft_after(place, look, saved=saved, kept=kept)
