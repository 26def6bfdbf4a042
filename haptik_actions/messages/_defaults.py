"""The copy that comes with the package: what users read until somebody writes something better into the store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

__all__ = ["PACKAGED_LOCALE", "packaged_copy"]

PACKAGED_LOCALE = "en"


@cache
def packaged_copy() -> Mapping[str, str]:
    """Return key -> text of the plugin's own messages, in English."""
    file = resources.files("haptik_actions.messages") / "defaults" / f"{PACKAGED_LOCALE}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
