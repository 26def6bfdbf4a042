"""Reads the domain's slot `haptik`: returns what can be used of it, and says what is wrong and where.

Each value has a check, a function that returns the value or says what it wants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from cachetools import LRUCache

from haptik_actions._log import get_logger
from haptik_actions.config import nearest
from haptik_actions.escalation._breaker import BreakerRule
from haptik_actions.escalation._brief import BriefRules
from haptik_actions.escalation._conversation import STATES
from haptik_actions.escalation._handoff_plan import DAYS, DEFAULTS, HandOffOptions, Hours
from haptik_actions.relay import AfterAgent

__all__ = ["SLOT_PATH", "Finding", "SlotReader", "read_options", "read_slot"]

logger = get_logger(__name__)

_MESSAGE_KEYS = (*STATES, *(f"{state}_closed" for state in STATES), "apology")
_VERDICTS = ("handoff", "apologise", "pass")
_CONDITIONS = ("slots", "locale", "channel")
_TIMES = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_DAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_DAYS = re.compile(rf"({_DAY})(?:\s*-\s*({_DAY}))?")


class Mistake(Exception):
    """`value` (at `below` the option's own path) is not what this text says; `rest` is what can be kept."""

    def __init__(self, must_be: str, value: object, below: str = "", rest: object = None) -> None:
        super().__init__(must_be)
        self.value, self.below, self.rest = value, below, rest


def shown(value: object) -> str:
    """Return a short text for a value."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mistake("text", value)
    return value.strip()


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Mistake("true or false", value)
    return value


def _between(low: float, high: float, what: str, *, whole: bool = True) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # Over gRPC the number 5 comes as 5.0.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value != int(value)):
            raise Mistake(f"{what} from {low:g} to {high:g}", value)
        return int(value) if whole else float(value)

    return check


def _choice(*words: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in words:
            raise Mistake(f"one of {', '.join(words)}", value)
        return str(value)

    return check


def _ladder(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, (list, tuple)) else [value]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise Mistake("a team's name, or a list of names to try in turn", value)
    return tuple(name.strip() for name in names)


def _mapping(value: object, what: str) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise Mistake(what, value)
    return value


def _messages(value: object) -> dict[str, str]:
    given = _mapping(value, "a mapping from receipt state to message key")
    good = {
        state: key for state, key in given.items() if state in _MESSAGE_KEYS and isinstance(key, str) and key.strip()
    }
    for state, key in given.items():
        if state not in _MESSAGE_KEYS:
            near = nearest(str(state), _MESSAGE_KEYS)
            raise Mistake(f"below one of {', '.join(_MESSAGE_KEYS)}{near}", key, f".{state}", good)
        if state not in good:
            raise Mistake("a message key", key, f".{state}", good)
    return good


def _verdicts(value: object) -> dict[str, str]:
    given = _mapping(value, "a mapping from the name of an exception's class to handoff, apologise or pass")
    good = {str(name): verdict for name, verdict in given.items() if verdict in _VERDICTS}
    for name, verdict in given.items():
        if verdict not in _VERDICTS:
            raise Mistake(f"one of {', '.join(_VERDICTS)}", verdict, f".{name}", good)
    return good


def _rules(value: object) -> tuple[tuple[Mapping[str, object], tuple[str, ...]], ...]:
    if not isinstance(value, (list, tuple)):
        raise Mistake("a list of rules such as {when: {channel: facebook}, team: social}", value)
    good: list[tuple[Mapping[str, object], tuple[str, ...]]] = []
    for position, rule in enumerate(value):
        place = f"[{position}]"
        if not isinstance(rule, Mapping) or set(rule) != {"when", "team"}:
            raise Mistake("a rule with the keys `when` and `team`", rule, place, tuple(good))
        when = rule["when"]
        if not isinstance(when, Mapping) or not when or not set(when) <= set(_CONDITIONS):
            raise Mistake(f"conditions on {', '.join(_CONDITIONS)}", when, f"{place}.when", tuple(good))
        for name in when:
            if name != "slots" and not isinstance(when[name], str):
                # YAML reads the locale `no` as false.
                raise Mistake("text, in quotes", when[name], f"{place}.when.{name}", tuple(good))
        if "slots" in when and not isinstance(when["slots"], Mapping):
            raise Mistake("a mapping from slot to value", when["slots"], f"{place}.when.slots", tuple(good))
        try:
            good.append((when, _ladder(rule["team"])))
        except Mistake as mistake:
            raise Mistake(str(mistake), mistake.value, f"{place}.team", tuple(good)) from None
    return tuple(good)


def _hours(value: object) -> Hours:
    given = _mapping(value, "a mapping with `timezone` and `open`")
    for key in given:
        if key not in ("timezone", "open"):
            raise Mistake(f"timezone or open{nearest(str(key), ('timezone', 'open'))}", given[key], f".{key}")
    try:
        zone = ZoneInfo(_text(given.get("timezone")))
    except (Mistake, KeyError, ValueError, OSError):
        raise Mistake("the name of a time zone, such as Asia/Kolkata", given.get("timezone"), ".timezone") from None
    spans: dict[int, list[tuple[time, time]]] = {}
    opened = given.get("open")
    if not isinstance(opened, Mapping):
        raise Mistake("a mapping such as {mon-fri: 09:00-18:00}", opened, ".open")
    for days, times in opened.items():
        span = _span(days, times)
        for day in _days(days):
            spans.setdefault(day, []).append(span)
    return Hours(zone=zone, spans={day: tuple(all_spans) for day, all_spans in spans.items()})


def _brief(value: Any) -> BriefRules:
    given = _mapping(value, "a mapping with `slots` and `turns`")
    for key in given:
        if key not in ("slots", "turns"):
            raise Mistake(f"slots or turns{nearest(str(key), ('slots', 'turns'))}", given[key], f".{key}")
    slots = given.get("slots") or []
    if not isinstance(slots, (list, tuple)) or not all(isinstance(name, str) for name in slots):
        raise Mistake("a list of slot names", slots, ".slots")
    try:
        turns = _between(0, 20, "a whole number")(given.get("turns") or 0)
    except Mistake as mistake:
        raise Mistake(str(mistake), mistake.value, ".turns") from None
    return BriefRules(slots=tuple(slots), turns=turns)


def _after_agent(value: object) -> AfterAgent:
    given = _mapping(value, "a mapping with `trigger` and `reset`")
    for key in given:
        if key not in ("trigger", "reset"):
            raise Mistake(f"trigger or reset{nearest(str(key), ('trigger', 'reset'))}", given[key], f".{key}")
    trigger, reset = given.get("trigger"), given.get("reset")
    if trigger is not None and (not isinstance(trigger, str) or not trigger.strip()):
        raise Mistake("the name of an intent", trigger, ".trigger")
    after = AfterAgent(trigger=None if trigger is None else trigger.strip())
    if reset is None or reset in ("form", "none"):
        return msgspec.structs.replace(after, reset=reset or "form")
    if not isinstance(reset, (list, tuple)) or not all(isinstance(name, str) for name in reset):
        raise Mistake("form, none, or a list of slot names", reset, ".reset", after)
    return msgspec.structs.replace(after, reset=tuple(reset))


def _breaker(value: Any) -> BreakerRule:
    if isinstance(value, str) and value.strip():
        return BreakerRule(name=value.strip())
    given = _mapping(value, "a name, or a mapping with `name`, `failures`, `window` and `cooldown`")
    named = given.get("name")
    if not isinstance(named, str) or not named.strip():
        raise Mistake("a name", named, ".name")
    good: dict[str, Any] = {"name": named.strip()}
    for key, number in given.items():
        if not isinstance(key, str) or key not in _BREAKER:
            near = nearest(str(key), _BREAKER)
            raise Mistake(f"below one of {', '.join(_BREAKER)}{near}", number, f".{key}", BreakerRule(**good))
        try:
            good[key] = _BREAKER[key](number)
        except Mistake as mistake:
            raise Mistake(str(mistake), mistake.value, f".{key}", BreakerRule(**good)) from None
    return BreakerRule(**good)


def _span(days: object, times: object) -> tuple[time, time]:
    match = _TIMES.fullmatch(times.strip()) if isinstance(times, str) else None
    if match is None or (match[3] == "24" and match[4] != "00"):
        raise Mistake('times such as "09:00-18:00", in quotes', times, f".open.{days}")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))
    # `time` has no 24:00, so the end of the day is `time.max`.
    return start, time.max if match[3] == "24" else end


def _days(value: object) -> list[int]:
    match = _DAYS.fullmatch(str(value).strip().lower())
    if match is None:
        raise Mistake(f"below a day or a range such as mon-fri, of {', '.join(DAYS)}", value, f".open.{value}")
    start, end = DAYS.index(match[1][:3]), DAYS.index((match[2] or match[1])[:3])
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


_BREAKER: Mapping[str, Callable[[object], object]] = {
    "name": _text,
    "failures": _between(1, 1000, "a whole number"),
    "window": _between(1, 3600, "a number of seconds", whole=False),
    "cooldown": _between(1, 3600, "a number of seconds", whole=False),
}

CHECKS: Mapping[str, Callable[[object], object]] = {
    "team": _ladder,
    "teams": _rules,
    "countdown": _between(5, 10, "a whole number of seconds"),
    "pause": _flag,
    "locale": _text,
    "deadline": _between(0.1, 250, "a number of seconds", whole=False),
    "retry": _between(0, 10, "a whole number"),
    "idempotent": _flag,
    "breaker": _breaker,
    "thread": _flag,
    "limit": _between(1, 100_000, "a whole number of hand-offs a minute"),
    "episode": _between(0.01, 720, "a number of hours", whole=False),
    "on_error": _verdicts,
    "hours": _hours,
    "earlier_messages": _choice("keep", "drop"),
    "brief": _brief,
    "assign_within": _between(10, 86_400, "a number of seconds", whole=False),
    "after_agent": _after_agent,
    "messages": _messages,
}
"""Option -> what checks it."""


SLOT_PATH = "slots.haptik.initial_value"
_ENCODER = msgspec.json.Encoder(enc_hook=repr)
_NOTHING = HandOffOptions()
_MOST_PLANS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake: the path of the keys that lead to it, and what is wrong there."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What the slot says in general, and for single actions."""

    general: HandOffOptions = _NOTHING
    actions: Mapping[str, HandOffOptions] = field(default_factory=dict)
    is_right: bool = True


class SlotReader:
    """Reads the slot `haptik`. A mistake is logged once with its path, its default is used, the bot goes on."""

    def __init__(self) -> None:
        # Every call brings the slot and it hardly ever changes, so each content is read, and its mistakes logged, once.
        self._slots: LRUCache[bytes, Slot] = LRUCache(maxsize=64)
        self._plans: dict[tuple[bytes, str, int], tuple[HandOffOptions, HandOffOptions]] = {}
        self._latest: dict[str, tuple[HandOffOptions, object, HandOffOptions]] = {}

    def plan(self, action: str, in_code: HandOffOptions, slot: object) -> HandOffOptions:
        """Return what holds for an action: its entry in the slot, what its code says, the slot's own keys, defaults."""
        latest = self._latest.get(action)
        # To compare takes a third of the time of encoding the slot, and every guarded action does it.
        if latest is not None and latest[0] is in_code and latest[1] == slot:
            return latest[2]
        content = _ENCODER.encode(slot)
        plan = self._plan(content, action, in_code, slot)
        # In Python 1 == True. So a corrected slot may equal the one with the mistake, which is therefore not kept.
        if self._slots[content].is_right:
            if len(self._latest) >= _MOST_PLANS:
                self._latest.clear()
            # A copy is kept, because an action may change the slot that it is given.
            self._latest[action] = in_code, msgspec.json.decode(content), plan
        return plan

    def _plan(self, content: bytes, action: str, in_code: HandOffOptions, slot: object) -> HandOffOptions:
        key = (content, action, id(in_code))
        known = self._plans.get(key)
        if content not in self._slots:
            self._slots[content] = self._read(slot)
        if known is not None and known[0] is in_code:
            return known[1]
        read = self._slots[content]
        plan = read.actions.get(action, _NOTHING).over(in_code).over(read.general).over(DEFAULTS)
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[key] = (in_code, plan)
        return plan

    def _read(self, slot: object) -> Slot:
        read, findings = read_slot(slot)
        for finding in findings:
            logger.error("Domain: %s", finding)
        return replace(read, is_right=not findings)


def read_slot(slot: object, path: str = SLOT_PATH) -> tuple[Slot, list[Finding]]:
    """Return the usable part of the slot's value, and what is wrong with the rest."""
    if slot is None:
        return Slot(), []
    if not isinstance(slot, Mapping):
        return Slot(), [Finding(path, f"is {shown(slot)} and must be a mapping; the defaults are used.")]
    general, findings = read_options({name: value for name, value in slot.items() if name != "actions"}, path)
    sections = slot.get("actions") or {}
    if not isinstance(sections, Mapping):
        wrong = Finding(f"{path}.actions", f"is {shown(sections)} and must be a mapping; it is ignored.")
        return Slot(general=general), [*findings, wrong]
    actions: dict[str, HandOffOptions] = {}
    for name, values in sections.items():
        actions[str(name)], more = _read_section(values, f"{path}.actions.{name}")
        findings += more
    return Slot(general=general, actions=actions), findings


def read_options(values: Mapping[Any, Any], path: str) -> tuple[HandOffOptions, list[Finding]]:
    """Return the usable part of `values`, and what is wrong with the rest, by paths below `path`."""
    findings: list[Finding] = []
    good: dict[str, Any] = {}
    for name, value in values.items():
        if name not in CHECKS:
            findings.append(Finding(f"{path}.{name}", f"is unknown and ignored.{nearest(str(name), CHECKS)}"))
        elif value is not None:
            try:
                good[name] = CHECKS[name](value)
            except Mistake as mistake:
                place = f"{path}.{name}{mistake.below}"
                findings.append(Finding(place, f"is {shown(mistake.value)} and must be {mistake}."))
                if mistake.rest:
                    good[name] = mistake.rest
    return HandOffOptions(**good), findings


def _read_section(values: object, path: str) -> tuple[HandOffOptions, list[Finding]]:
    if not isinstance(values, Mapping):
        return _NOTHING, [Finding(path, f"is {shown(values)} and must be a mapping; it is ignored.")]
    return read_options(values, path)
