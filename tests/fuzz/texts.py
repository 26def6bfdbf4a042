"""Texts that nobody foresaw: long repetitions, mixtures, damaged samples, and characters that few programs expect."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from tests.unit.test_growth import UNITS

LONGEST = 40_000

ELEMENT = {
    "text": "Which size?",
    "type": "TEXT",
    "data": {"quick_replies": [{"actionable_text": "Small", "type": "TEXT_ONLY", "payload": {"message": "small"}}]},
}
EVENT = {
    "version": "1.0",
    "timestamp": "2026-11-25T10:00:00.000Z",
    "business_id": 343,
    "event_name": "message",
    "user": {"auth_id": "a1", "user_name": "asha", "device_platform": 13},
    "agent": {"id": 7, "name": "Priya", "is_automated": False},
    "message": {"id": 12, "body": ELEMENT},
    "data": {"conversation_no": 1, "completion_type": "agent"},
}
REQUEST = {
    "node": "gateway",
    "conversation_no": 1,
    "user": {"user_name": "asha", "language_code": "en"},
    "entities": {"feedback_regex": [{"entity_value": {"value": "hello"}, "original_text": "hello"}]},
}
SLOT = {"team": ["orders", "support"], "actions": {"action_x": {"deadline": 5, "countdown": 7}}, "hours": {"tz": "UTC"}}
SAMPLES = [
    *(json.dumps(value) for value in (ELEMENT, EVENT, REQUEST, SLOT)),
    "node_name,question,answer\nhours,When are you open?,From nine to five.\n",
    "key,locale,value\nutter_greet,en,Hello {name}\n",
    'responses:\n  utter_greet:\n  - text: "Hello {name}"\n    buttons: [{title: Yes, payload: /yes}]\n',
    "# Hours\n\n---\nquestions: [When?]\n---\nFrom nine to five.\n",
    "{count, plural, one {# order} other {# orders}} for {name}",
    "Asha, 12 March 1990, asha@shop.example, +91 98765 43210, the day after tomorrow at half past five pm",
]
RARE = (
    "\x00\x1b\x7f\x85\u00ad\u0301\u061c\u200b\u200d\u202e\u2028\u2066\ufeff\ufffd\ud83d\udc00"
    "\U0001f600\U000e0001\U0010ffff"
)


def text(chances: random.Random) -> str:
    """Return a text of some kind."""
    return chances.choice(_KINDS)(chances)[:LONGEST]


def _repetition(chances: random.Random) -> str:
    unit = "".join(chances.choices(UNITS, k=chances.randint(1, 3)))
    return unit * chances.randint(1, LONGEST // len(unit))


def _mixture(chances: random.Random) -> str:
    return "".join(chances.choices(UNITS, k=chances.randint(1, 400)))


def _characters(chances: random.Random) -> str:
    planes = ((0, 0x7F), (0x80, 0x24FF), (0x900, 0xFFFF), (0x10000, 0x10FFFF))
    return "".join(
        chances.choice(RARE) if chances.random() < 0.2 else chr(chances.randint(*chances.choice(planes)))
        for _ in range(chances.randint(1, 200))
    )


def _damaged(chances: random.Random) -> str:
    sample = chances.choice(SAMPLES)
    for _ in range(chances.randint(1, 6)):
        begin, end = sorted(chances.randint(0, len(sample)) for _ in range(2))
        part = chances.choice((sample[begin:end] * chances.randint(0, 3), chances.choice(UNITS), _characters(chances)))
        sample = sample[:begin] + part + sample[end:]
    return sample


def _deep(chances: random.Random) -> str:
    before, after = chances.choice([("[", "]"), ('{"a":', "}"), ("(", ")"), ("{a, plural, other {", "}}"), ("- ", "")])
    depth = chances.choice((3, 30, 300, 3000))
    return before * depth + chances.choice(("1", '"a"', "")) + after * depth


def _value(chances: random.Random) -> str:
    """A sample in which some values are of another kind."""
    return json.dumps(_changed(chances, json.loads(chances.choice(SAMPLES[:4]))))


def _changed(chances: random.Random, value: object) -> object:
    if chances.random() < 0.15:
        return chances.choice([None, True, -1, 1e308, 2**70, "", "x" * 3000, [], {}, [[]], {"": None}, "\ud83d", value])
    if isinstance(value, dict):
        return {key: _changed(chances, inner) for key, inner in value.items() if chances.random() > 0.05}
    if isinstance(value, list):
        return [_changed(chances, inner) for inner in value * chances.choice((1, 1, 1, 50))]
    return value


_KINDS: list[Callable[[random.Random], str]] = [_repetition, _mixture, _characters, _damaged, _deep, _value]
