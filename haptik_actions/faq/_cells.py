"""What can be wrong with the characters of a cell; asked for the few rows in which something is out of the ordinary."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from haptik_actions.faq._csv_source import NUL

__all__ = ["FORMULA_SIGNS", "character_findings", "formula_finding", "is_ordinary", "link_problem"]

# Excel in Chinese, Japanese and Korean takes the full-width signs for the others.
_FULL_WIDTH = str.maketrans("＝＋－＠", "=+-@")
FORMULA_SIGNS = frozenset("=+-@＝＋－＠")

# Line breaks and tabs are text. U+DC80 to U+DCFF stand for bytes that could not be decoded.
_CONTROL = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{NUL}\u2028\u2029]")
_LOST_BYTE = re.compile("[\ud800-\udbff\udc01-\udfff]")
# Joiners are left alone: emoji, Persian and Indic scripts need U+200C and U+200D.
_INVISIBLE = re.compile("[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_MOJIBAKE = re.compile("\ufffd|[ÂÃ][\x80-\xbf]|â€|ðŸ|à¤|à¥")
# One class of characters is scanned five times as fast as the four patterns above; what it lets through is looked for
# as substrings. French and Portuguese hold the rest of the letters of damaged text all the time.
_SUSPECT = re.compile(
    "[" + "".join(pattern.pattern.strip("[]") for pattern in (_CONTROL, _LOST_BYTE, _INVISIBLE)) + "\ufffdÂÃ]"
)

# A sign, then what only a formula has: a function's parenthesis, a range, a cell of another sheet, DDE's bar.
_RUN_BY_SIGN = re.compile(r"[+\-@]\s*[A-Za-z][\w.]*\s*[(!|]|[+\-@].*[A-Za-z]{1,3}\d+\s*:\s*[A-Za-z]{1,3}\d+", re.DOTALL)
_HTTP = re.compile(r"https?://[^\s/?#\\:@][^\s\\]*", re.IGNORECASE)
_SCHEME = re.compile(r"\b(?:(?:javascript|vbscript):\S|data:[\w/+.-]+[;,]|file://)", re.IGNORECASE)


def is_ordinary(text: str) -> bool:
    """Whether nothing in the text is worth a closer look."""
    if text.isascii():
        return text.isprintable() or text.replace("\n", "").replace("\r", "").isprintable()
    return not (_SUSPECT.search(text) or "â€" in text or "ðŸ" in text or "à¤" in text or "à¥" in text)


def character_findings(cell: str) -> Iterator[tuple[str, str]]:
    """Yield code and message of each kind of character that does not belong into a cell."""
    if found := _LOST_BYTE.search(cell):
        yield "undecodable", f"The byte 0x{ord(found[0]) & 0xFF:02X} {_after(cell, found.start())}."
    if found := _CONTROL.search(cell):
        name = "NUL" if found[0] in ("\0", NUL) else f"U+{ord(found[0]):04X}"
        yield "control_character", f"{name} {_after(cell, found.start())}."
    if found := _INVISIBLE.search(cell):
        name = unicodedata.name(found[0], "a character").lower()
        yield "invisible_character", f"U+{ord(found[0]):04X} ({name}) {_after(cell, found.start())}."
    if found := _MOJIBAKE.search(cell):
        yield "mojibake", f"{found[0]!r} {_after(cell, found.start())}."


def formula_finding(cell: str) -> tuple[str, str] | None:
    """Return code and message for a cell that begins with one of `FORMULA_SIGNS`, or None."""
    bare = cell.lstrip()
    if not bare or bare[0] not in FORMULA_SIGNS:
        return None
    begins, sign = bare[:20], bare[0].translate(_FULL_WIDTH)
    if sign == "=" or _RUN_BY_SIGN.match(sign + bare[1:]):
        return "formula", f"It begins with {begins!r}."
    return "formula_sign", f"It begins with {begins!r}."


def link_problem(text: str, *, whole: bool) -> str | None:
    """Return what is wrong with an address; with `whole` false, with one that stands in a text."""
    if whole:
        return None if _HTTP.fullmatch(text) else f"{text[:60]!r} is not an http or https address."
    # Nearly every colon is that of https: or of a time of day, and the pattern costs twenty times this line.
    lower = text.lower()
    if not ("script:" in lower or "data:" in lower or "file:" in lower):
        return None
    found = _SCHEME.search(text)
    return f"The text holds {text[found.start() : found.start() + 40]!r}." if found else None


def _after(cell: str, position: int) -> str:
    before = cell[max(0, position - 20) : position].encode("utf-8", "replace").decode("utf-8")
    return f"after {before!r}" if before else "at the beginning"
