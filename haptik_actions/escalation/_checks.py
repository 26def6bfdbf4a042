"""What the values of the domain's slot have to be: a function each, which returns the value or says what it wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from haptik_actions.config import nearest
from haptik_actions.escalation._breaker import BreakerRule
from haptik_actions.escalation._brief import BriefRules
from haptik_actions.escalation._hours import DAYS, Hours
from haptik_actions.escalation._receipt import STATES
from haptik_actions.relay import AfterAgent

__all__ = ["CHECKS", "Mistake", "shown"]

_MESSAGE_KEYS = (*STATES, *(f"{state}_closed" for state in STATES), "apology")
_VERDICTS = ("handoff", "apologise", "pass")
_CONDITIONS = ("slots", "locale", "channel")
_TIMES = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_DAY = "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_DAYS = re.compile(rf"({_DAY})(?:\s*-\s*({_DAY}))?")


class Mistake(Exception):
    """`value` (at `below` the option's own path) is not what this text says; `rest` is what can be kept."""

    def __init__(self, must_be: str, value: Any, below: str = "", rest: Any = None) -> None:
        super().__init__(must_be)
        self.value, self.below, self.rest = value, below, rest


def shown(value: Any) -> str:
    """Return a short text for a value."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mistake("text", value)
    return value.strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Mistake("true or false", value)
    return value


def _between(low: float, high: float, what: str, *, whole: bool = True) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # gRPC makes 5.0 of 5.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value != int(value)):
            raise Mistake(f"{what} from {low:g} to {high:g}", value)
        return int(value) if whole else float(value)

    return check


def _choice(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in words:
            raise Mistake(f"one of {', '.join(words)}", value)
        return str(value)

    return check


def _ladder(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, (list, tuple)) else [value]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise Mistake("a team's name, or a list of names to try in turn", value)
    return tuple(name.strip() for name in names)


def _mapping(value: Any, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise Mistake(what, value)
    return value


def _messages(value: Any) -> dict[str, str]:
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


def _verdicts(value: Any) -> dict[str, str]:
    given = _mapping(value, "a mapping from the name of an exception's class to handoff, apologise or pass")
    good = {str(name): verdict for name, verdict in given.items() if verdict in _VERDICTS}
    for name, verdict in given.items():
        if verdict not in _VERDICTS:
            raise Mistake(f"one of {', '.join(_VERDICTS)}", verdict, f".{name}", good)
    return good


def _rules(value: Any) -> tuple[tuple[Mapping[str, Any], tuple[str, ...]], ...]:
    if not isinstance(value, (list, tuple)):
        raise Mistake("a list of rules such as {when: {channel: facebook}, team: social}", value)
    good: list[tuple[Mapping[str, Any], tuple[str, ...]]] = []
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


def _hours(value: Any) -> Hours:
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


def _after_agent(value: Any) -> AfterAgent:
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
    if not isinstance(given.get("name"), str) or not given["name"].strip():
        raise Mistake("a name", given.get("name"), ".name")
    good: dict[str, Any] = {"name": given["name"].strip()}
    for key, number in given.items():
        if key not in _BREAKER:
            near = nearest(str(key), _BREAKER)
            raise Mistake(f"below one of {', '.join(_BREAKER)}{near}", number, f".{key}", BreakerRule(**good))
        try:
            good[key] = _BREAKER[key](number)
        except Mistake as mistake:
            raise Mistake(str(mistake), mistake.value, f".{key}", BreakerRule(**good)) from None
    return BreakerRule(**good)


def _span(days: Any, times: Any) -> tuple[time, time]:
    match = _TIMES.fullmatch(times.strip()) if isinstance(times, str) else None
    if match is None or (match[3] == "24" and match[4] != "00"):
        raise Mistake('times such as "09:00-18:00", in quotes', times, f".open.{days}")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]) % 24, int(match[4]))
    # 24:00 is the end of the day, which `time` cannot write.
    return start, time.max if match[3] == "24" else end


def _days(value: Any) -> list[int]:
    match = _DAYS.fullmatch(str(value).strip().lower())
    if match is None:
        raise Mistake(f"below a day or a range such as mon-fri, of {', '.join(DAYS)}", value, f".open.{value}")
    start, end = DAYS.index(match[1][:3]), DAYS.index((match[2] or match[1])[:3])
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


_BREAKER: Mapping[str, Callable[[Any], Any]] = {
    "name": _text,
    "failures": _between(1, 1000, "a whole number"),
    "window": _between(1, 3600, "a number of seconds", whole=False),
    "cooldown": _between(1, 3600, "a number of seconds", whole=False),
}

CHECKS: Mapping[str, Callable[[Any], Any]] = {
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
