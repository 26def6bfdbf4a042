"""What is seen while a set is applied: a bar in a terminal, a line per step elsewhere. On stderr, so that stdout is the
result alone.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import TYPE_CHECKING

import click

from haptik_actions.cli._output import printable

if TYPE_CHECKING:
    from haptik_actions.client import FaqTask
    from haptik_actions.faq import Run

__all__ = ["ApplyProgress"]

_STEPS = {"uploading": "uploading", "polling": "the platform is loading"}
_DONE_OF = re.compile(r"(?<!\d)(\d{1,12})\s*(?:/|of)\s*(\d{1,12})")


class ApplyProgress:
    """Give it to `Applier(on_progress=)` and keep it open meanwhile. `wait` is the bound on waiting, in seconds."""

    def __init__(self, wait: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, highlight=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn(f"of at most {wait:g} s", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._is_terminal = console.is_terminal
        self._task = self._progress.add_task("", total=None, visible=False)
        self._last = ""

    def __enter__(self) -> ApplyProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, run: Run, task: FaqTask | None) -> None:
        """Show how far it is."""
        step = _STEPS.get(run.state)
        if step is None:
            return
        words = f"Run {run.id}: {step} {run.nodes:,} nodes"
        if words != self._last:
            self._say(f"{words}, task {printable(run.task_id)}" if run.task_id else words)
        self._last = words
        # The documentation knows no share that is done; where the platform's words have one all the same, it is shown.
        done = _DONE_OF.search(task.message) if task else None
        total, completed = (int(done[2]), int(done[1])) if done else (None, None)
        self._progress.update(self._task, description=step, visible=True, total=total, completed=completed)

    def _say(self, words: str) -> None:
        # Above the bar: whoever reads the terminal afterwards needs the task's id.
        if self._is_terminal:
            self._progress.console.print(words, markup=False, soft_wrap=True)
        else:
            click.echo(words, err=True)
