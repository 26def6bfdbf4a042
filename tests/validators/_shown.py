"""What a user reads of a payload, whatever its platform: every string that is no address, identifier or payload."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

_UNSEEN = frozenset(
    {
        "payload", "callback_data", "value", "data", "postbackData", "id", "msg", "ActionBody",
        "actionMethodName", "action", "url", "uri", "image_url", "imageUrl", "src", "link", "media", "fileUrl",
        "thumbnailUrl", "originalContentUrl", "previewImageUrl", "photo", "media_url", "type", "Type",
        "contentType", "ActionType", "template_type", "action_id", "block_id", "parse_mode", "layout", "size",
        "style", "color", "content_type", "button_type", "attachmentLayout", "cardOrientation", "cardWidth",
        "height", "aspectRatio", "image_aspect_ratio", "name", "weight", "wrap", "hsl", "displayText",
        "fillInText", "altText", "alt_text", "hint", "align", "contentMultiline",
    }
)  # fmt: skip
_MARKS = frozenset("/*_~`\\<>&;…|▸·•")


def shown(payload: Any) -> Iterator[str]:
    """The strings that are read, in their order."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, dict):
        for key, value in payload.items():
            if not (isinstance(value, str) and key in _UNSEEN) and key != "hsl":
                yield from shown(value)
    elif isinstance(payload, (list, tuple)):
        for value in payload:
            yield from shown(value)


def strings(payload: Any) -> Iterator[str]:
    """Every string of a payload."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, dict):
        for value in payload.values():
            yield from strings(value)
    elif isinstance(payload, (list, tuple)):
        for value in payload:
            yield from strings(value)


def bare(text: str) -> str:
    """A text without markup, escapes, space and what has no width: alike in every dialect."""
    while (unescaped := html.unescape(text)) != text:
        text = unescaped
    return "".join(
        character
        for character in text
        if not (character.isspace() or character in _MARKS or unicodedata.category(character) in ("Cf", "Cc"))
    )


def read(messages: Sequence[Any]) -> str:
    """All that is read of the messages, bare and in one."""
    return "".join(bare(text) for text in shown(list(messages)))
