"""The errors by their texts, read from the code: what people paste into a search box leads to the remedy."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from haptik_actions import errors
from haptik_actions.client import _replies

__all__ = ["error_page"]

PACKAGE = Path(errors.__file__).parent
_NAMES = set(errors.__all__)
_SHORTEST = 12


def error_page() -> tuple[str, list[str]]:
    """Return the page of errors, and a line for each class without a meaning or a remedy."""
    texts = _texts_by_class()
    problems: list[str] = []
    parts = [_HEAD]
    for name in sorted(_NAMES - {"HaptikError"}):
        kind = getattr(errors, name)
        if not inspect.getdoc(kind):
            problems.append(f"errors.{name}: has no docstring")
        if not kind.remedy and name not in _REMEDY_IN_THE_TEXT:
            problems.append(f"errors.{name}: has no remedy")
        parts.append(_section(name, kind, sorted(texts.get(name, ()))))
    return "\n\n".join(parts) + "\n", problems


_REMEDY_IN_THE_TEXT = {"ConfigurationError", "MessageError"}

_HEAD = """# Errors and their texts

Search this page for the words that you read. `…` stands for what differs each time, such as a name or an address.

The log and the commands print a text and behind it what helps. All classes derive from `HaptikError`
([the tree](../client.md#errors)). Temporary ones may succeed later, without anybody changing anything."""


def _section(name: str, kind: type[errors.HaptikError], texts: list[str]) -> str:
    remedy = kind.remedy or "Each text says what to change and where."
    lines = [f"## {name}", "", inspect.getdoc(kind) or "", "", f"**What helps:** {remedy}", ""]
    lines.append("Temporary." if kind.temporary else "Stays until something is changed.")
    if texts:
        lines += ["", *(f"- {_quoted(text)}" for text in texts)]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Return a text as a span of code that may hold backticks."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _texts_by_class() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMES:
                found[node.func.id] |= set(_said(node))
    for words, kind in _replies._MESSAGES.items():
        found[kind.__name__].add(words)
    return found


def _said(call: ast.Call) -> Iterator[str]:
    """Yield the text that an error is made with: for an element's path and problem the second, else the first."""
    place = 1 if ast.unparse(call.func) == "InvalidElement" else 0
    for argument in call.args[place : place + 1]:
        text = re.sub(r"\s+", " ", re.sub(r"(… ?)+…", "…", _text(argument))).strip()
        if len(text.replace("…", "")) >= _SHORTEST:
            yield text


def _text(node: ast.expr) -> str:
    """Return the text of an expression, with `…` for what is computed."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return "…"
