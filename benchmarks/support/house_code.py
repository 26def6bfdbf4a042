"""Figures about the code of a package, read from its files: `benchmarks/house.py` says what each means."""

from __future__ import annotations

import ast
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["code_figures"]

_SHORT = 60
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Module:
    """A file of the package: its dotted name, its path below the package, its lines and its syntax tree."""

    name: str
    path: str
    lines: int
    tree: ast.Module


def code_figures(package: Path) -> dict[str, Any]:
    """Return the figures of the package in this folder."""
    modules = {module.name: module for module in _modules(package)}
    imports = {name: _imported(module, modules) for name, module in modules.items()}
    functions = sorted(_functions(modules.values()), reverse=True)
    lines = sum(module.lines for module in modules.values())
    importers = Counter(target for targets in imports.values() for target in targets)
    return {
        "modules": len(modules),
        "modules_below_60_lines": sum(module.lines < _SHORT for module in modules.values()),
        "modules_with_one_importer": sum(
            importers[name] == 1 for name, module in modules.items() if not module.path.endswith("__init__.py")
        ),
        "lines": lines,
        "lines_without_relay_and_channel": sum(
            module.lines for module in modules.values() if not module.path.startswith(("relay/", "channel/"))
        ),
        "median_function": statistics.median([length for length, _ in functions] or [0]),
        "longest_functions": {name: length for length, name in functions[:_SHOWN]},
        "longest_files": {
            module.path: module.lines for module in sorted(modules.values(), key=lambda each: -each.lines)[:_SHOWN]
        },
        "any_per_thousand": round(1000 * sum(map(_anys, modules.values())) / max(lines, 1), 1),
        "circles": [" ↔ ".join(circle) for circle in _circles(imports)],
        "file_names": _repeated(module.path.rpartition("/")[2] for module in modules.values()),
        "class_names": _repeated(
            node.name for module in modules.values() for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)
        ),
    }


def _modules(package: Path) -> Iterator[Module]:
    for file in sorted(package.rglob("*.py")):
        path = file.relative_to(package).as_posix()
        words = [package.name, *path.removesuffix(".py").split("/")]
        text = file.read_text(encoding="utf-8")
        name = ".".join(words[:-1] if words[-1] == "__init__" else words)
        yield Module(name=name, path=path, lines=len(text.splitlines()), tree=ast.parse(text))


def _imported(module: Module, modules: Mapping[str, Module]) -> set[str]:
    """The modules of the package that this one imports, wherever in the file, by their dotted names."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import module` imports the module; any other name comes from `package` itself.
            within = {f"{node.module}.{alias.name}" for alias in node.names} & modules.keys()
            found |= within or {node.module}
    return (found & modules.keys()) - {module.name}


def _functions(modules: Iterable[Module]) -> Iterator[tuple[int, str]]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{module.path}:{node.name}"


def _anys(module: Module) -> int:
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(module.tree))


def _repeated(names: Iterable[str]) -> dict[str, int]:
    counts = Counter(name for name in names if not name.startswith("__"))
    return {name: count for name, count in counts.most_common() if count > 1}


def _circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules each of which is reached from each other one, by the modules that they reach."""
    reached = {name: _reached(name, imports) for name in imports}
    groups: dict[str, set[str]] = defaultdict(set)
    for name, targets in reached.items():
        circle = {name, *(other for other in targets if name in reached[other])}
        if len(circle) > 1:
            groups[min(circle)] |= circle
    return [sorted(group) for _, group in sorted(groups.items())]


def _reached(start: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = imports[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found
