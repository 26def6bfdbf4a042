"""What the store's keys in Redis are called, which language a user reads, and in which order locales are tried.

    haptik:messages:<locale>:<key>                       what users read: nothing but the message, editable by hand
    haptik:messages-default:<locale>:<key>               the domain's own response, written by `messages seed`
    haptik:messages-draft:{haptik:messages:<locale>:<key>}
    haptik:messages-history:{haptik:messages:<locale>:<key>}

In a cluster a key's slot is computed from what stands in braces, so draft and history lie where their message lies, and
one script can change all three as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from haptik_actions._from_outside import is_locale
from haptik_actions._namespace import ROOT
from haptik_actions.errors import ConfigurationError

__all__ = [
    "DEFAULT",
    "DRAFT",
    "LIVE",
    "SLOTS_KEY",
    "Place",
    "checked",
    "draft_key",
    "history_key",
    "is_stray",
    "locale_chain",
    "locale_of",
    "place_of",
]

LANGUAGE = "language_code"
"""The slot, and the key of the metadata of Haptik's integration request, that holds a user's language."""


def locale_of(slots: Mapping[str, object] | None, *metadata: Mapping[str, object] | None) -> str | None:
    """Return the language tag in slot `language_code`, or else in the first metadata that has one; None for neither.

    Metadata may hold it at the top or, where a gateway passes Haptik's integration request on, below `user`.
    """
    candidates = [(slots or {}).get(LANGUAGE)]
    for given in metadata:
        user = (given or {}).get("user")
        candidates += [(given or {}).get(LANGUAGE), user.get(LANGUAGE) if isinstance(user, Mapping) else None]
    return next((found for found in candidates if isinstance(found, str) and found.strip()), None)


LIVE = f"{ROOT}messages:"
DEFAULT = f"{ROOT}messages-default:"
DRAFT = f"{ROOT}messages-draft:"
_HISTORY = f"{ROOT}messages-history:"
SLOTS_KEY = f"{ROOT}messages-slots"
"""A set: the names of the domain's slots, which responses may use as placeholders."""

# Rasa's responses: `utter_greet`, `utter_faq/ask_name`. No braces, which choose a cluster's slot, and no colon.
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")

# The first part of a language tag has two or three letters.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*(?![A-Za-z0-9_./])")


class Place(NamedTuple):
    """Where a message stands: its locale and its key."""

    locale: str
    key: str

    @property
    def live(self) -> str:
        """The Redis key of what users read."""
        return f"{LIVE}{self.locale}:{self.key}"

    @property
    def default(self) -> str:
        """The Redis key of the domain's own response."""
        return f"{DEFAULT}{self.locale}:{self.key}"

    @property
    def redis_keys(self) -> tuple[str, str, str]:
        """The Redis keys of the message, its versions, newest first, and its draft: in one slot of a cluster."""
        live = self.live
        return live, f"{_HISTORY}{{{live}}}", f"{DRAFT}{{{live}}}"


def draft_key(place: Place) -> str:
    """The Redis key of the draft, in the same slot of a cluster as the message."""
    return place.redis_keys[2]


def history_key(place: Place) -> str:
    """The Redis key of the versions, newest first, in the same slot of a cluster as the message."""
    return place.redis_keys[1]


def place_of(redis_key: str) -> tuple[str, Place] | None:
    """Return what a Redis key of the store holds (`live`, `default` or `draft`) and for which message.

    None for the histories, for what is not the store's, and for what only looks like it (see `is_stray`).
    """
    kind = "live"
    if redis_key.startswith(DRAFT) and redis_key.endswith("}"):
        kind, redis_key = "draft", redis_key[len(DRAFT) + 1 : -1]
    prefix = DEFAULT if redis_key.startswith(DEFAULT) else LIVE
    if not redis_key.startswith(prefix):
        return None
    locale, colon, key = redis_key[len(prefix) :].partition(":")
    if not (colon and locale and key) or not _is_place(locale, key):
        return None
    return "default" if prefix == DEFAULT else kind, Place(locale, key)


def is_stray(redis_key: str) -> bool:
    """Tell whether somebody wrote a Redis key for a message that no bot will read: `haptik:messages:utter_greet:en`."""
    return redis_key.startswith((LIVE, DEFAULT, DRAFT)) and place_of(redis_key) is None


def _is_place(locale: str, key: str) -> bool:
    if not is_locale(locale):
        return False
    # The two the wrong way round: no language has a name of five letters, and no message is called `en`.
    return _LANGUAGE.match(locale) is not None or _LANGUAGE.fullmatch(key) is None


def locale_chain(wanted: str | None, own: str) -> tuple[str, ...]:
    """Return the locales to try: the wanted one (`en-IN`), what it is a variety of (`en`), the same of the store's own.

    `en_IN` is read as `en-IN`; what is no language tag is left out.
    """
    tag = (wanted or own).replace("_", "-")
    if not is_locale(tag):
        tag = own
    return tuple(dict.fromkeys((*_and_wider(tag), *_and_wider(own))))


def _and_wider(tag: str) -> list[str]:
    parts = tag.split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def checked(key: str, locale: str) -> Place:
    """Return the place of a message that is to be written.

    Raises:
        ConfigurationError: the key or the locale cannot be one; says what can.
    """
    if not _KEY.fullmatch(key):
        raise ConfigurationError(
            f"{key[:60]!r} cannot be a message key: letters, digits and `_ . / -`, at most 200 of them."
        )
    tag = locale.replace("_", "-")
    if not is_locale(tag):
        raise ConfigurationError(f"{locale[:60]!r} is not a language tag such as `en` or `en-IN`.")
    return Place(tag, key)
