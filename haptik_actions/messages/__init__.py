"""The message store: every sentence that a user reads, in Redis, where people edit it.

One Redis string per message, `haptik:messages:<locale>:<key>`, for example

    SET haptik:messages:en:haptik_handoff_connected "One moment, I am getting you a colleague."

`MessageStore` reads it for bots; `Catalogue` is for those who edit: checks, versions, drafts, search, files.
"""

from haptik_actions.messages._bulk import DomainCopy, UsableResponses, read_domain
from haptik_actions.messages._catalogue import Catalogue
from haptik_actions.messages._check import MOST_CHARACTERS, check_message
from haptik_actions.messages._defaults import PACKAGED_LOCALE, packaged_copy, packaged_translations
from haptik_actions.messages._entries import unified_diff
from haptik_actions.messages._entry import (
    Applied,
    Checked,
    Context,
    Count,
    Draft,
    Entry,
    Health,
    ImportPlan,
    Page,
    Planned,
    Row,
    Seeded,
    Version,
)
from haptik_actions.messages._exchange import FORMATS
from haptik_actions.messages._message import Finding, Message, Variation
from haptik_actions.messages._names import locale_chain, locale_of
from haptik_actions.messages._resolved import element_of, suitable
from haptik_actions.messages._store import MessageStore
from haptik_actions.messages._template import Template, plural_examples

__all__ = [
    "FORMATS",
    "MOST_CHARACTERS",
    "PACKAGED_LOCALE",
    "Applied",
    "Catalogue",
    "Checked",
    "Context",
    "Count",
    "DomainCopy",
    "Draft",
    "Entry",
    "Finding",
    "Health",
    "ImportPlan",
    "Message",
    "MessageStore",
    "Page",
    "Planned",
    "Row",
    "Seeded",
    "Template",
    "UsableResponses",
    "Variation",
    "Version",
    "check_message",
    "element_of",
    "locale_chain",
    "locale_of",
    "packaged_copy",
    "packaged_translations",
    "plural_examples",
    "read_domain",
    "suitable",
    "unified_diff",
]
