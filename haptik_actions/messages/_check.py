"""What may go wrong with a message once users read it: looked for before it is published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from haptik_actions.config import nearest
from haptik_actions.errors import InvalidElement, InvalidMessage
from haptik_actions.messages._entry import Context
from haptik_actions.messages._message import Finding, Message, Variation
from haptik_actions.messages._template import Template

__all__ = ["MOST_CHARACTERS", "check_message"]

MOST_CHARACTERS = 100_000
"""Of a message, all its ways and its JSON: fifty ways that each fill what the largest channel shows."""

# A placeholder that was meant and is none: blanks inside, a brace left out.
_ALMOST = re.compile(r"\{\s+([^\W\d][\w-]*)\s*\}|\{([^\W\d][\w-]*)\s+\}|\{([^\W\d][\w-]*)(?=$|[\s.!?,])")
# HSL writes metadata in braces there (`Know more{task}`): no placeholder, unless its name is known.
_PAYLOAD_KEYS = frozenset({"message", "gogo_message", "payload"})
_LOSSES = {
    "truncated": "is cut: {detail}",
    "dropped": "is not shown: {detail}",
    "unsupported": "is not shown: {detail}",
    "split": "is sent in parts: {detail}",
    "paginated": "comes in several pages: {detail}",
    "insecure_url": "needs an https address: {detail}",
}


def check_message(value: str, context: Context, channels: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Return what is wrong with a value, errors first.

    `channels` are the channels of Rasa that the bot talks on: what they cut or leave out is a warning.
    """
    if len(value) > MOST_CHARACTERS:
        words = f"It has {len(value):,} characters; a message has at most {MOST_CHARACTERS:,}."
        return (Finding("error", "", words, code="long"),)
    try:
        message = Message.parse(value)
    except InvalidMessage as error:
        return error.findings
    findings = [*_names(message, context), *_coverage(message, context), *_fit(message, channels)]
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error"))


def _names(message: Message, context: Context) -> Iterator[Finding]:
    allowed = context.allowed
    wanted = _always(context.default)
    for index, variation in enumerate(message.variations):
        prefix = f"[{index}]" if len(message.variations) > 1 else ""
        said: set[str] = set()
        for path, text in _strings(_tree(variation), prefix):
            template = Template.parse(text)
            said |= template.names
            if _is_payload(path):
                continue
            yield from _in_text(path, template, allowed)
        for name in sorted(wanted - said):
            words = f"The default says {{{name}}}, and this text does not."
            yield Finding("warning", prefix or "text", words, code="placeholder")


def _in_text(path: str, template: Template, allowed: frozenset[str] | None) -> Iterator[Finding]:
    for group in template.groups:
        mistake = group.mistake()
        if mistake:
            yield Finding("error", path, f"The form {_short(group.text)} cannot be used: {mistake}.", code="group")
    for name in sorted(template.names - (allowed if allowed is not None else template.names)):
        known = ", ".join(f"{{{known}}}" for known in sorted(allowed or ())) or "none"
        words = f"{{{name}}} is no placeholder here.{nearest(name, sorted(allowed or ()))} There are: {known}."
        yield Finding("error", path, words, code="placeholder")
    for match in _ALMOST.finditer(template.text):
        name = next(filter(None, match.groups()))
        if any(match[0] in group.text for group in template.groups):
            continue
        words = f"{_short(match[0])} is shown as it stands. Write {{{name}}} for the placeholder."
        yield Finding("warning", path, words, code="placeholder")


def _always(default: Message | None) -> frozenset[str]:
    """The names that every variation of the default uses."""
    if default is None:
        return frozenset()
    each = [frozenset(name for t in variation.templates for name in t.names) for variation in default.variations]
    return frozenset.intersection(*each)


def _coverage(message: Message, context: Context) -> Iterator[Finding]:
    if _is_for_all(message) or (context.default is not None and not _is_for_all(context.default)):
        return
    words = (
        "Every variation is for one channel or under a condition, so some users would read nothing. Add one for all."
    )
    yield Finding("error", "", words, code="channel")


def _is_for_all(message: Message) -> bool:
    return any(not variation.channel and not variation.condition for variation in message.variations)


def _fit(message: Message, channels: Sequence[str]) -> Iterator[Finding]:
    for index, variation in enumerate(message.variations):
        prefix = f"[{index}]" if len(message.variations) > 1 else ""
        for channel in channels:
            if variation.channel in (None, channel):
                yield from _losses(variation, channel, prefix)


def _losses(variation: Variation, channel: str, prefix: str) -> Iterator[Finding]:
    from haptik_actions.messages._resolved import sampled
    from haptik_actions.render import render

    try:
        element = sampled(variation)
    except InvalidElement as error:
        yield Finding("error", f"{prefix}{error.path}", f"{error.problem}.", channel, code="hsl")
        return
    if element is None:
        return
    for note in render(element, channel).notes:
        if note.code in _LOSSES:
            what = _LOSSES[note.code].format(detail=_short(note.detail))
            path = f"{prefix}.{note.path}" if prefix else note.path
            yield Finding("warning", path, f"On {channel}, this {what}.", channel, code="length")


def _tree(variation: Variation) -> dict[str, Any]:
    if variation.hsl is not None and not variation.extra:
        return dict(variation.hsl)
    return {"text": variation.text, "hsl": variation.hsl} | dict(variation.extra)


def _strings(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _strings(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, member in enumerate(value):
            yield from _strings(member, f"{path}[{index}]")


def _is_payload(path: str) -> bool:
    return path.rpartition(".")[2] in _PAYLOAD_KEYS


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
