"""What stands in the editor's form: a message as it would be, and the revisions of what was on the screen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haptik_actions.messages import Catalogue, Checked, Entry, Finding
from haptik_actions.studio._fields import Fields
from haptik_actions.studio._form import read_fields
from haptik_actions.studio._values import dump_fields, fields_of
from haptik_actions.studio._visit import Visit

__all__ = ["Sheet", "Sheets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """`expected` and `draft` are the revisions of the published message and of the draft that the form began with.

    `problem` is what keeps the fields from being a message at all; `value` is empty then.
    """

    entry: Entry
    fields: Fields
    value: str
    expected: str
    draft: str
    problem: str = ""
    findings: tuple[Finding, ...] = ()
    is_dirty: bool = False
    focus: str = ""

    @property
    def errors(self) -> int:
        """How many things keep it from being published."""
        return bool(self.problem) + sum(finding.severity == "error" for finding in self.findings)

    @property
    def checked(self) -> Checked:
        """The value with what the store finds in it, as `Catalogue.publish_checked` takes it."""
        return Checked(entry=self.entry, value=self.value, findings=self.findings)

    @property
    def shown(self) -> str:
        """The value to preview: it does without rows that are half written."""
        if self.value or not self.problem:
            return self.value
        ways = tuple(variation.without_mistakes() for variation in self.fields.variations)
        try:
            return dump_fields(replace(self.fields, variations=ways))
        except ValueError:
            return ""

    @property
    def draft_now(self) -> str:
        """The revision of the draft that there is now, empty for none."""
        return self.entry.draft.revision if self.entry.draft else ""

    @property
    def is_outdated(self) -> bool:
        """Whether somebody else published or saved since the form was filled."""
        return (self.expected, self.draft) != (self.entry.revision, self.draft_now)

    def rebased(self) -> Sheet:
        """Return the sheet as if it had been begun from what there is now."""
        return replace(self, expected=self.entry.revision, draft=self.draft_now, is_dirty=True)


class Sheets:
    """Fills the form from the store, or from what a browser sent of it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def entry(self, visit: Visit) -> Entry:
        """Return the message that the address names, or the form."""
        key = visit.field("key") or visit.asked("key")
        locale = visit.field("locale") or visit.asked("locale") or self._catalogue.locale
        return await self._catalogue.get(key, locale)

    async def stored(self, visit: Visit) -> Sheet:
        """Return the draft, or else what is published, or else the default."""
        entry = await self.entry(visit)
        draft = entry.draft
        value = draft.value if draft else entry.value or entry.default or ""
        expected = draft.based_on if draft else entry.revision
        revision = draft.revision if draft else ""
        fields = fields_of(value, entry.key)
        return self.checked(Sheet(entry=entry, fields=fields, value=value, expected=expected, draft=revision))

    async def sent(self, visit: Visit) -> Sheet:
        """Return what the form holds: fields, or a whole value where the page shows none."""
        entry = await self.entry(visit)
        is_whole = "value" in visit.form
        fields = fields_of(visit.field("value"), entry.key) if is_whole else read_fields(visit)
        sheet = Sheet(
            entry=entry, fields=fields, value="", expected=visit.field("expected"), draft=visit.field("draft")
        )
        return self.checked(self.valued(sheet))

    def valued(self, sheet: Sheet) -> Sheet:
        """Return the sheet with the value that its fields make."""
        try:
            return replace(sheet, value=dump_fields(sheet.fields), problem="")
        except ValueError as error:
            return replace(sheet, value="", problem=str(error))

    def checked(self, sheet: Sheet) -> Sheet:
        """Return the sheet with what the store finds in it, and its rows as its language has them."""
        ways = tuple(variation.in_language(sheet.entry.locale) for variation in sheet.fields.variations)
        sheet = replace(sheet, fields=replace(sheet.fields, variations=ways))
        if sheet.problem:
            return replace(sheet, findings=())
        return replace(sheet, findings=self._catalogue.checked(sheet.entry, sheet.value).findings)
