"""What users read where Redis has nothing: the caller's own defaults, and the copy that comes with the package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from haptik_actions._log import get_logger
from haptik_actions.errors import InvalidMessage
from haptik_actions.messages._message import Message
from haptik_actions.messages._resolved import MISSING, Resolved

__all__ = ["PACKAGED_LOCALE", "Defaults", "packaged_copy", "packaged_translations"]

logger = get_logger(__name__)

PACKAGED_LOCALE = "en"
"""The language of the packaged copy, which is read where nothing else is said."""


@cache
def packaged_copy() -> Mapping[str, str]:
    """Return key -> text of the plugin's own messages, in English."""
    file = resources.files("haptik_actions.messages") / "defaults" / f"{PACKAGED_LOCALE}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str])


@cache
def packaged_translations() -> Mapping[str, Mapping[str, str]]:
    """Return locale -> key -> text of the plugin's own messages in other languages.

    No store says them on its own account: `Catalogue.seed_packaged` makes those of one locale its defaults.
    """
    folder = resources.files("haptik_actions.messages") / "translations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): msgspec.json.decode(file.read_bytes(), type=dict[str, str]) for file in files
    }


class Defaults:
    """Locale -> key -> message, over the packaged copy. What is blank or broken in them counts as not there."""

    def __init__(self, own: Mapping[str, Mapping[str, str]], locale: str) -> None:
        self._own, self._locale = own, locale
        self._broken: set[tuple[str, str]] = set()

    def of(self, locale: str, key: str) -> Resolved | None:
        """Return the default in this locale and no other."""
        value = self._own.get(locale, {}).get(key)
        if value is not None and value.strip() and (locale, key) not in self._broken:
            try:
                return Resolved.of(Message.parse(value), locale)
            except InvalidMessage as error:
                self._broken.add((locale, key))
                logger.error("The default of message %r in %s is no message: %s", key, locale, error)
        packaged = packaged_copy().get(key) if locale == PACKAGED_LOCALE else None
        return None if packaged is None else Resolved.of(Message.parse(packaged), locale)

    def find(self, key: str, chain: tuple[str, ...]) -> Resolved:
        """Return the first default of the chain, or else the packaged copy."""
        for locale in (*chain, PACKAGED_LOCALE):
            found = self.of(locale, key)
            if found is not None:
                return found
        return MISSING

    @staticmethod
    def packaged(key: str) -> str:
        """Return a text of the package itself."""
        return packaged_copy()[key]
