"""Where every key of this library in Redis begins, so that several bots may share one.

`HAPTIK_NAMESPACE=shop` makes `haptik:messages:…` of one bot `haptik-shop:messages:…`. It is read from the environment
alone, once, when the first key is named: all processes of a bot need the same, the command line and Rasa among them.
"""

from __future__ import annotations

import os
import re

from haptik_actions.errors import ConfigurationError

__all__ = ["NAMESPACE", "ROOT", "check_namespace"]

NAMESPACE = os.environ.get("HAPTIK_NAMESPACE", "").strip()
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_IS_RIGHT = not NAMESPACE or _WORD.fullmatch(NAMESPACE) is not None

ROOT = f"haptik-{NAMESPACE}:" if NAMESPACE and _IS_RIGHT else "haptik:"
"""What every key and channel begins with. No namespace can make keys that belong to a bot without one."""


def check_namespace() -> None:
    """Check what the environment says; nothing is read or written before that.

    Raises:
        ConfigurationError: it is no name.
    """
    if not _IS_RIGHT:
        raise ConfigurationError(
            "HAPTIK_NAMESPACE has to be 1 to 40 letters (a to z), digits, `-` and `_`; the first is no sign."
        )
