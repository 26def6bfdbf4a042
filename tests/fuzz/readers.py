"""Everything that reads what comes from outside, as functions of one text."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from haptik_actions.channel._haptik_bubbles import bubbles
from haptik_actions.channel._integration import NoRequest, read_request
from haptik_actions.channel._words_to_agent import words_of
from haptik_actions.errors import HaptikError
from haptik_actions.escalation._slot import read_slot
from haptik_actions.faq import load, open_source
from haptik_actions.messages import _exchange as exchange
from haptik_actions.relay import read_event
from haptik_actions.relay._platform_events import UnreadableEvent
from tests.unit.test_growth import CHAT_READERS, READERS

Reader = Callable[[str], object]


def readers(folder: Path) -> dict[str, Reader]:
    """Return them by name; those of files write into `folder`."""
    return {
        **READERS,
        **CHAT_READERS,
        "event": lambda text: read_event(_bytes(text)),
        "integration request": lambda text: read_request(_bytes(text)),
        "slot": lambda text: read_slot(_json(text)),
        "files of a message": lambda text: words_of(text, {"attachments": [_json(text), text]}),
        "a bot's message": lambda text: bubbles({"text": text, "custom": _json(text), "buttons": _json(text)}),
        **{f"import of {kind}": _imported(kind) for kind in ("csv", "yaml")},
        **{f"FAQ of {name}": _loaded(folder / name) for name in ("faq.csv", "faq.jsonl", "faq.yml", "site/a.md")},
    }


REFUSALS = (HaptikError, UnreadableEvent, NoRequest)
"""A text may be refused by these."""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json(text: str) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    return text


def _imported(kind: str) -> Reader:
    return lambda text: exchange.read(kind, _bytes(text))


def _loaded(file: Path) -> Reader:
    file.parent.mkdir(exist_ok=True)

    def read(text: str) -> None:
        file.write_bytes(_bytes(text))
        load(open_source(file.parent if file.suffix == ".md" else file))

    return read
