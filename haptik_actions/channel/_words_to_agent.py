"""What the user wrote, tapped or sent, in the form in which the agent gets it. Pure; knows no Rasa."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from haptik_actions.answers import fold, read_offers
from haptik_actions.relay import FromUser

__all__ = ["BotMessage", "said", "without_contents", "words_of"]

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif"})
_DOCUMENTS: Mapping[str, str] = {
    "application/pdf": ".pdf",
    "application/msword": ".doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "text/csv": ".csv",
}
"""The kinds of file that the Bot API takes, by the page of `log_file_from_user`."""

_MOST_BYTES = 10_000_000
_MOST_FILES = 10
_DEEPEST = 4
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<parameters>(?:;[\w.+=-]+)*),(?P<data>.*)", re.DOTALL)
_LINKS = ("contentUrl", "url")
_NAMES = ("name", "filename", "title")


class BotMessage(Protocol):
    """What the bot or an agent has said: Rasa's `BotUttered`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Buttons and the like."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was noted with it, such as the options that it offered."""


def said(text: str | None, earlier: Iterable[BotMessage]) -> str:
    """Return the user's words. For a button that was tapped these are what stood on it, and not its payload.

    On channels without buttons the user reads a number in front of each label. Where they answer the latest message
    with one, it is told by its label, for the agent knows nothing of numbers. `earlier` is what the bot has said
    before, latest first.
    """
    text = (text or "").strip()
    messages = iter(earlier if text else ())
    latest = next(messages, None)
    if latest is None:
        return text
    found = _label(text, latest.metadata, latest.data) or _numbered(text, latest.metadata)
    labels = (_label(text, message.metadata, message.data) for message in messages)
    return found or next(filter(None, labels), text)


def words_of(text: str, metadata: Mapping[str, object] | None) -> list[FromUser]:
    """Return what goes to the agent: the text, then the files, or a line with the link for what is no file here."""
    now = time.time()
    files = [*_files(metadata or {}, now)][:_MOST_FILES]
    return [FromUser(text=text, at=now), *files] if text else files


def without_contents(metadata: Mapping[str, object] | None) -> Any:
    """Return the metadata without the contents of files, which would make a tracker of many megabytes."""
    return _stripped(metadata or {}, _DEEPEST)


def _label(text: str, metadata: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
    for offered in read_offers([metadata]):
        for offer in offered.offers:
            if text in (offer.sent, offer.payload):
                return offer.shown
    for button in [*(data.get("quick_replies") or ()), *(data.get("buttons") or ())]:
        if isinstance(button, Mapping) and button.get("payload") == text and isinstance(button.get("title"), str):
            return str(button["title"])
    return None


def _numbered(text: str, metadata: Mapping[str, object]) -> str | None:
    number = fold(text)
    if not number.isdecimal():
        return None
    offers = [offer for offered in read_offers([metadata]) for offer in offered.offers]
    # "2" may be the second of them, and another one's label: then the agent reads what was typed.
    if any(fold(offer.shown) == number for offer in offers):
        return None
    labels = [offer.shown for offer in offers if offer.number is not None and str(offer.number) == number]
    return labels[0] if labels else None


def _files(metadata: object, now: float) -> Iterator[FromUser]:
    for name, content_type, link in _links(metadata, _DEEPEST):
        if not link.startswith("data:"):
            yield FromUser(text=f"{name}: {link}" if name else link, at=now)
            continue
        content_type, content = _decoded(link, content_type)
        kind = "image" if content_type in _IMAGES else "document" if content_type in _DOCUMENTS else None
        file = name or f"file{_suffix(content_type)}"
        if kind is None or not 0 < len(content) <= _MOST_BYTES:
            yield FromUser(text=f"{file} ({content_type}, {len(content)} bytes)", at=now)
        elif kind == "image":
            yield FromUser(kind="image", name=file, content=content, at=now)
        else:
            yield FromUser(kind="document", name=file, content=content, at=now)


def _links(value: object, depth: int) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and link of everything that is attached: entries of `attachments`, and data URLs anywhere."""
    if isinstance(value, Mapping):
        for entry in _entries(value.get("attachments")):
            link = next((entry[key] for key in _LINKS if isinstance(entry.get(key), str)), None)
            if link is not None and not link.startswith("data:"):
                yield _name(entry), str(entry.get("contentType") or ""), link
    for holder, part in _parts(value, depth):
        if isinstance(part, str) and part.startswith("data:") and _DATA_URL.match(part[:200]):
            yield _name(holder), "", part


def _parts(value: object, depth: int) -> Iterator[tuple[Mapping[str, Any], Any]]:
    if depth < 0:
        return
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for part in inner:
        yield value if isinstance(value, Mapping) else {}, part
        yield from _parts(part, depth - 1)


def _entries(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, (list, tuple)) else []


def _name(entry: Mapping[str, Any]) -> str:
    found = next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), "")
    # The last part of a path: a name is shown to the agent, and sent as that of a file.
    return re.split(r"[/\\]", found)[-1].strip()[:100]


def _decoded(link: str, content_type: str) -> tuple[str, bytes]:
    match = _DATA_URL.fullmatch(link)
    if match is None:
        return content_type or "application/octet-stream", b""
    found = (match["type"] or content_type or "text/plain").lower()
    if ";base64" not in match["parameters"]:
        return found, unquote_to_bytes(match["data"])
    try:
        return found, base64.b64decode(match["data"], validate=False)
    except (binascii.Error, ValueError):
        return found, b""


def _suffix(content_type: str) -> str:
    return _DOCUMENTS.get(content_type) or mimetypes.guess_extension(content_type) or ""


def _stripped(value: object, depth: int) -> Any:
    if isinstance(value, str) and value.startswith("data:") and _DATA_URL.match(value[:200]):
        return value.partition(",")[0] + ","
    if depth < 0:
        return value
    if isinstance(value, Mapping):
        return {key: _stripped(part, depth - 1) for key, part in value.items()}
    return [_stripped(part, depth - 1) for part in value] if isinstance(value, (list, tuple)) else value
