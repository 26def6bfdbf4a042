"""How the house is built: modules, lines, names, words, and how far one failure travels through the files.

    .venv/bin/python benchmarks/house.py                      # the tree as it is, a table
    .venv/bin/python benchmarks/house.py --at COMMIT          # an older commit beside it
    .venv/bin/python benchmarks/house.py --json --no-walks    # for programs; without what needs a running Valkey

A commit given with `--at` is checked out into a temporary folder and measured there by this very script.

What the rows mean (`support/house_code.py`, `support/house_words.py` and `house_walks.py` compute them):

- module: a `.py` file below `haptik_actions/`; lines are those of the file, empty ones and comments included.
- single importer: a module that exactly one other module of the package imports. `__init__.py` files are not asked for.
- relay and channel: everything below `haptik_actions/relay/` and `haptik_actions/channel/`.
- function: every `def`, methods and nested ones included, from `def` to its last line, without decorators.
- `Any`: the name `Any` wherever code uses it, imports apart, for a thousand lines.
- circles: groups of modules that import each other, counted also where an import stands inside a function.
- file name several times: the same file name in several packages, `__init__.py` and `__main__.py` apart.
- class name several times: a class defined in several modules, private names included.
- paragraph: text of `README.md` and `docs/**/*.md` between blank lines; an item of a list is one of its own. Headings,
  tables, code blocks and pictures are none. A word is what stands between spaces.
- switch: while something runs, a call of a function in another file of the package, or the return from it: one call
  across files and its return are two switches. The platform (`haptik_actions/sandbox/`) is no part of the walk. A
  coroutine that pauses and goes on is no new call. "Entered" counts the calls that come from another file.
- store operations: commands that a client sends to Valkey, each script one, a pipeline's commands one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from support.house_code import code_figures
from support.house_words import word_figures

ROOT = Path(__file__).resolve().parents[1]
WALKS = Path(__file__).resolve().with_name("house_walks.py")

ROWS = (
    ("modules", "modules", "about 250"),
    ("modules_below_60_lines", "of them below 60 lines", ""),
    ("modules_with_one_importer", "of them with a single importer", ""),
    ("lines", "lines of the package", "fewer"),
    ("lines_without_relay_and_channel", "without relay and channel", "fewer"),
    ("median_function", "function length, median", "7"),
    ("longest_functions", "longest functions", "50"),
    ("longest_files", "longest files", "400"),
    ("any_per_thousand", "`Any` per thousand lines", "10"),
    ("circles", "circles", "0"),
    ("file_names", "file names several times", ""),
    ("class_names", "class names several times", ""),
    ("failure_files", "a failure: files", "28"),
    ("failure_switches", "a failure: switches", "50"),
    ("failure_entered", "a failure: entered most often", ""),
    ("publish_operations", "a publish: store operations", "8"),
    ("publish_switches", "a publish: switches", "150"),
    ("apply_switches", "an FAQ apply: switches", "70"),
    ("apply_entered", "an FAQ apply: entered most often", ""),
    ("median_paragraph", "a paragraph, median words", "20"),
    ("median_paragraph_by_page", "by page", ""),
)


def measure(tree: Path, *, walks: bool) -> dict[str, Any]:
    """Return the figures of the tree whose root is `tree`."""
    figures = {**code_figures(tree / "haptik_actions"), **word_figures(tree)}
    if walks:
        # In a process of its own: the package of an older commit must not meet this one's.
        environ = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run([sys.executable, str(WALKS)], cwd=tree, env=environ, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"The walks through {tree} failed:\n{done.stderr}")
        figures |= json.loads(done.stdout)
    return figures


def measure_commit(commit: str, *, walks: bool) -> dict[str, Any]:
    """Check `commit` out into a temporary folder, measure it and remove it."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            return measure(tree, walks=walks)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def table(columns: dict[str, dict[str, Any]]) -> str:
    """The rows as a Markdown table, with a column for each tree."""
    lines = [f"| | {' | '.join(columns)} | aim |", f"|---|{'---|' * len(columns)}---|"]
    for name, title, aim in ROWS:
        if any(name in figures for figures in columns.values()):
            cells = [in_words(figures.get(name, "")) for figures in columns.values()]
            lines.append(f"| {title} | {' | '.join(cells)} | {aim} |")
    return "\n".join(lines)


def in_words(value: Any) -> str:
    """A figure, or several with their names, as one cell."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {figure}" for name, figure in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--at", action="append", default=[], metavar="COMMIT", help="measure this commit as well")
    parser.add_argument("--tree", type=Path, default=ROOT, help="the root of the tree to measure (this one)")
    parser.add_argument("--no-walks", action="store_true", help="run nothing, read files only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    walks = not arguments.no_walks
    columns = {commit: measure_commit(commit, walks=walks) for commit in arguments.at}
    columns["now"] = measure(arguments.tree.resolve(), walks=walks)
    print(json.dumps(columns, indent=2, ensure_ascii=False) if arguments.json else table(columns))


if __name__ == "__main__":
    main()
