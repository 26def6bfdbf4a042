"""What elements lose on channels, counted and said once for all channels where it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from haptik_actions._sarif import Level, Result, Rule, log
from haptik_actions.cli._elements import JsonValue
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Element
from haptik_actions.render import ALIASES, CHANNELS, LOSSES, render

__all__ = ["ChannelFinding", "Report", "all_channels", "check"]

INVALID = "invalid"
_REMEDIES = {
    INVALID: ("A value that is no element.", "Correct what stands at the path."),
    "dropped": ("Something is not shown there at all.", "Say it in the text as well, or send another element there."),
    "truncated": ("Words are cut there.", "Shorten them to what fits."),
    "unsupported": ("Nothing of the element is shown there.", "Send another element there."),
}
_KEPT = ("Something is shown there in another form.", "Nothing needs to be done.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFinding:
    """One thing that an element changes or loses; `channels` where it does, empty where it is no element at all."""

    code: str
    path: str
    detail: str
    channels: tuple[str, ...] = ()

    @property
    def is_loss(self) -> bool:
        """Something is missing there."""
        return self.code in LOSSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One element of a file with what was found; `kind` is its type, empty where it is no element."""

    place: str
    file: str
    line: int | None
    kind: str
    findings: tuple[ChannelFinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All elements of all files."""

    elements: tuple[Checked, ...]
    channels: tuple[str, ...]

    @property
    def invalid(self) -> int:
        """How many values are no elements."""
        return sum(not checked.kind for checked in self.elements)

    @property
    def lost(self) -> int:
        """How many things are lost, each counted once for each channel."""
        return sum(len(f.channels) for checked in self.elements for f in checked.findings if f.is_loss)

    def lines(self) -> Iterator[str]:
        """The report for people."""
        for checked in self.elements:
            for found in checked.findings:
                where = f"  [{', '.join(found.channels)}]" if found.channels else ""
                at = f"{checked.place}: {found.path}" if found.path else checked.place
                yield f"{at}: {found.code}: {found.detail}{where}"
        codes = dict.fromkeys(found.code for checked in self.elements for found in checked.findings)
        for code in filter(_REMEDIES.__contains__, codes):
            yield f"{code}: {' '.join(_REMEDIES[code])}"
        counted = f"{_count(self.elements, 'element')} on {_count(self.channels, 'channel')}"
        invalid = f", {self.invalid} invalid" if self.invalid else ""
        yield f"{counted}: {self.lost} {'loss' if self.lost == 1 else 'losses'}{invalid}"

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "channels": list(self.channels),
            "losses": self.lost,
            "invalid": self.invalid,
            "elements": [
                {"place": c.place, "type": c.kind or None, "findings": [_row(found) for found in c.findings]}
                for c in self.elements
            ],
        }

    def as_sarif(self, *, refused: bool) -> dict[str, Any]:
        """The report for code hosts; `refused` is whether it is one of failure."""
        found = [(checked, each) for checked in self.elements for each in checked.findings]
        rules = [
            Rule(id=f"hsl/{code}", meaning=meaning, remedy=remedy, level=_level(code))
            for code in sorted({each.code for _, each in found})
            for meaning, remedy in (_REMEDIES.get(code, _KEPT),)
        ]
        results = (_result(checked, each) for checked, each in found)
        return log("haptik-actions hsl lint", rules, results, exit_code=1 if refused else 0)


def _level(code: str) -> Level:
    return "error" if code == INVALID else "warning" if code in LOSSES else "note"


def _result(checked: Checked, found: ChannelFinding) -> Result:
    where = f" [{', '.join(found.channels)}]" if found.channels else ""
    at = f"{found.path}: " if found.path else ""
    remedy = f" {_REMEDIES[found.code][1]}" if found.code in _REMEDIES else ""
    return Result(
        rule=f"hsl/{found.code}",
        level=_level(found.code),
        message=f"{at}{found.detail}{where}.{remedy}",
        file=checked.file,
        line=checked.line,
        properties={"path": found.path, "channels": list(found.channels), "place": checked.place},
    )


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _row(found: ChannelFinding) -> dict[str, Any]:
    return {
        "code": found.code,
        "path": found.path,
        "detail": found.detail,
        "channels": list(found.channels),
        "loss": found.is_loss,
    }


def all_channels() -> tuple[str, ...]:
    """Every channel once: second names of one are left out."""
    return tuple(name for name in CHANNELS if name not in ALIASES)


def check(places: Sequence[JsonValue], channels: Sequence[str], *, everything: bool) -> Report:
    """Convert every element for every channel; `everything` also tells of what is kept in another form."""
    elements = tuple(_checked(place, channels, everything) for place in places)
    return Report(elements=elements, channels=tuple(channels))


def _checked(place: JsonValue, channels: Sequence[str], everything: bool) -> Checked:
    try:
        element = place.read()
    except InvalidElement as mistake:
        finding = ChannelFinding(code=INVALID, path=mistake.path, detail=mistake.problem)
        return Checked(place=place.name, file=place.file, line=place.line, kind="", findings=(finding,))
    kind = str(element.to_hsl()["type"])
    findings = tuple(_findings(element, channels, everything))
    return Checked(place=place.name, file=place.file, line=place.line, kind=kind, findings=findings)


def _findings(element: Element, channels: Sequence[str], everything: bool) -> Iterator[ChannelFinding]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in channels:
        for note in render(element, name).notes:
            if everything or note.code in LOSSES:
                names = found.setdefault((note.code, note.path, note.detail), [])
                if name not in names:
                    names.append(name)
    for (code, path, detail), names in found.items():
        yield ChannelFinding(code=code, path=path, detail=detail, channels=tuple(names))
