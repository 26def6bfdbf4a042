"""The public API as Markdown, read from the source: Rasa need not be installed for the channel's page."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["api_names", "api_page"]

ROOT = Path(__file__).resolve().parents[1]
_LONGEST_VALUE = 400

Function = ast.FunctionDef | ast.AsyncFunctionDef


def api_page(module: str, title: str) -> tuple[str, list[str]]:
    """Return the page of a module, and a line for each public name that has no docstring."""
    tree = _tree(_file(module))
    problems: list[str] = []
    parts = [f"# {title}", f"`{module}`", _prose(ast.get_docstring(tree) or "")]
    for name in api_names(module):
        parts.append(_entry(name, *_found(module, name), problems))
    return "\n\n".join(part for part in parts if part) + "\n", [f"{module}.{problem}" for problem in problems]


def api_names(module: str) -> list[str]:
    """Return the public names of a module: classes and constants first."""
    names = [name for name in _exported(_tree(_file(module))) if not name.startswith("_")]
    return sorted(names, key=lambda word: (word[0].islower(), word.lower()))


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _file(module: str) -> Path:
    place = ROOT / module.replace(".", "/")
    return place / "__init__.py" if (place / "__init__.py").is_file() else place.with_suffix(".py")


def _exported(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _found(module: str, name: str) -> tuple[ast.stmt | None, str]:
    """Return the statement that defines a name, followed through what is imported, and its attribute docstring."""
    body = _tree(_file(module)).body
    for index, node in enumerate(body):
        if name in _defined(node) and not _is_overload(node):
            return node, _text_behind(body, index)
    for node in ast.walk(_tree(_file(module))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("haptik_actions"):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _found(node.module, alias.name)
    return None, ""


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _is_overload(node: ast.stmt) -> bool:
    marks = getattr(node, "decorator_list", [])
    return any(ast.unparse(mark).endswith("overload") for mark in marks)


def _text_behind(body: list[ast.stmt], index: int) -> str:
    follower = body[index + 1] if index + 1 < len(body) else None
    if isinstance(follower, ast.Expr) and isinstance(follower.value, ast.Constant):
        return str(follower.value.value)
    return ""


def _entry(name: str, node: ast.stmt | None, text: str, problems: list[str]) -> str:
    if isinstance(node, ast.ClassDef):
        return _class(node, problems)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _function(node, "##", problems)
    if node is None:
        problems.append(f"{name}: its definition was not found")
        return ""
    code = ast.unparse(node)
    shown = code if len(code) <= _LONGEST_VALUE else f"{code[:_LONGEST_VALUE].rsplit(' ', 1)[0]} …"
    return f"## {name}\n\n```py\n{shown}\n```\n\n{_prose(text)}".rstrip()


def _class(node: ast.ClassDef, problems: list[str]) -> str:
    doc = ast.get_docstring(node)
    if not doc:
        problems.append(f"{node.name}: has no docstring")
    bases = f"({', '.join(ast.unparse(base) for base in node.bases)})" if node.bases else ""
    lines = [f"class {node.name}{bases}:", *(f"    {line}" for line in _fields(node))]
    parts = [f"## {node.name}", "```py\n" + "\n".join(lines) + "\n```", _prose(doc or "")]
    for member in node.body:
        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_shown(member):
            parts.append(_function(member, "###", problems, node.name))
    return "\n\n".join(part for part in parts if part)


def _is_shown(member: Function) -> bool:
    marks = {ast.unparse(mark) for mark in member.decorator_list}
    return not member.name.startswith("_") and not any("overload" in mark or ".setter" in mark for mark in marks)


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, ast.AnnAssign) and not ast.unparse(member.target).startswith("_"):
            yield ast.unparse(member)
        elif isinstance(member, ast.FunctionDef) and member.name == "__init__":
            yield f"def __init__({ast.unparse(member.args)})"


def _function(node: Function, level: str, problems: list[str], owner: str = "") -> str:
    doc = ast.get_docstring(node)
    name = f"{owner}.{node.name}" if owner else node.name
    if not doc:
        problems.append(f"{name}: has no docstring")
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    marks = "".join(f"@{ast.unparse(mark)}\n" for mark in node.decorator_list if isinstance(mark, ast.Name))
    code = f"{marks}{word} {node.name}({ast.unparse(node.args)}){result}"
    return f"{level} {name}\n\n```py\n{code}\n```\n\n{_prose(doc or '')}"


_LABEL = re.compile(r"^(Raises|Args|Returns|Yields|Arguments):$")


def _prose(doc: str) -> str:
    """Return a docstring as Markdown: what stands below `Raises:` is a list, what is indented is code."""
    lines: list[str] = []
    section = code = ""
    for line in _indented(doc):
        label = _LABEL.match(line)
        if label:
            section = label[1]
            lines += ["", f"**{section}**", ""]
        elif section and line.startswith("    ") and not line.startswith("     "):
            head, colon, tail = line.strip().partition(": ")
            lines.append(
                f"- `{head}`: {_escaped(tail)}" if colon and " " not in head else f"- {_escaped(line.strip())}"
            )
        elif section and line.strip() and line.startswith("     "):
            lines.append(f"  {_escaped(line.strip())}")
        elif not section and line.startswith("    "):
            lines += ["", "```text", line[4:]] if not code else [line[4:]]
            code = "yes"
            continue
        elif code and not line.strip():
            lines.append("")
            continue
        else:
            section = section if line.startswith(" ") or not line.strip() else ""
            lines += ["```", "", _escaped(line)] if code else [_escaped(line)]
        code = ""
    return "\n".join([*lines, *(["```"] if code else [])]).strip()


def _indented(doc: str) -> list[str]:
    """Return the lines of a docstring; code that begins at its left edge is indented like the rest of it."""
    lines = doc.splitlines()
    for index, line in enumerate(lines[:-1]):
        if re.match(r"(class|def|async|with|for|@)\b.*:$", line) and lines[index + 1].startswith("    "):
            lines[index] = f"    {line}"
            for follower in range(index + 1, len(lines)):
                if not lines[follower].startswith(" ") and lines[follower]:
                    break
                lines[follower] = f"    {lines[follower]}" if lines[follower] else ""
    return lines


def _escaped(text: str) -> str:
    """Return a line of prose in which `*`, `_` and `<` outside of code mean themselves."""
    parts = textwrap.dedent(text).split("`")
    return "`".join(
        part if index % 2 else re.sub(r"([*<\[\]])", r"\\\1", re.sub(r"(?<!\w)_(?=\w)", r"\\_", part))
        for index, part in enumerate(parts)
    )
