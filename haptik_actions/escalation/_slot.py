"""Reading the domain's slot `haptik`: what can be used of it, and what is wrong where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from cachetools import LRUCache

from haptik_actions._log import get_logger
from haptik_actions.config import nearest
from haptik_actions.escalation._checks import CHECKS, Mistake, shown
from haptik_actions.escalation._options import DEFAULTS, HandOffOptions

__all__ = ["SLOT_PATH", "Finding", "SlotReader", "read_options", "read_slot"]

logger = get_logger(__name__)

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
        # The slot travels with every call and hardly ever changes: read, and complained about, once per content.
        self._slots: LRUCache[bytes, Slot] = LRUCache(maxsize=64)
        self._plans: dict[tuple[bytes, str, int], tuple[HandOffOptions, HandOffOptions]] = {}
        self._latest: dict[str, tuple[HandOffOptions, Any, HandOffOptions]] = {}

    def plan(self, action: str, in_code: HandOffOptions, slot: Any) -> HandOffOptions:
        """Return what holds for an action: its entry in the slot, what its code says, the slot's own keys, defaults."""
        latest = self._latest.get(action)
        # Comparing takes a third of writing the slot out, which every guarded action would pay.
        if latest is not None and latest[0] is in_code and latest[1] == slot:
            return latest[2]
        content = _ENCODER.encode(slot)
        plan = self._plan(content, action, in_code, slot)
        # Python takes 1 for true: next to a slot with a mistake, the mended one could pass for it.
        if self._slots[content].is_right:
            if len(self._latest) >= _MOST_PLANS:
                self._latest.clear()
            # A copy: an action may change the slot that it is given.
            self._latest[action] = in_code, msgspec.json.decode(content), plan
        return plan

    def _plan(self, content: bytes, action: str, in_code: HandOffOptions, slot: Any) -> HandOffOptions:
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

    def _read(self, slot: Any) -> Slot:
        read, findings = read_slot(slot)
        for finding in findings:
            logger.error("Domain: %s", finding)
        return replace(read, is_right=not findings)


def read_slot(slot: Any, path: str = SLOT_PATH) -> tuple[Slot, list[Finding]]:
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


def _read_section(values: Any, path: str) -> tuple[HandOffOptions, list[Finding]]:
    if not isinstance(values, Mapping):
        return _NOTHING, [Finding(path, f"is {shown(values)} and must be a mapping; it is ignored.")]
    return read_options(values, path)
