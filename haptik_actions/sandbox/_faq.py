"""The FAQ nodes of each domain, and the tasks that load them one row after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._faq_csv import BadRow, FaqNode
from haptik_actions.sandbox._state import Domain

__all__ = ["FaqBoard", "FaqTask"]

_ROW_SECONDS = 0.05
_IN_PROGRESS = "In Progress"
_SUCCESS = "all nodes has been created successfully"


@dataclass(slots=True)
class _Task:
    task_id: str
    domain_name: str
    submitted_at: float
    rows: Sequence[FaqNode | BadRow]
    done: int = 0
    has_begun: bool = False
    status: str = _IN_PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqTask:
    """A snapshot of a task: `rows_done` of `rows`, and the `status` in the platform's words."""

    task_id: str
    domain_name: str
    rows: int
    rows_done: int
    status: str


class FaqBoard:
    """Every domain's nodes. One worker loads one task after the other, each row in 0.05 seconds of `clock`.

    How far the tasks are is computed from the clock when somebody asks, without a task of asyncio.
    """

    def __init__(self, domains: Iterable[Domain], clock: Callable[[], float]) -> None:
        self._domains = {domain.name: domain for domain in domains}
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all tasks and what is refused, and return to the nodes that the domains are seeded with."""
        self._tasks: dict[str, _Task] = {}
        self._refused: dict[str, str] = {}
        self._nodes: dict[str, dict[str, FaqNode]] = {
            name: {node.node_name: node for node in domain.nodes} for name, domain in self._domains.items()
        }

    def domain(self, name: str) -> Domain | None:
        """Return the domain of that name."""
        return self._domains.get(name)

    def submit(self, domain_name: str, rows: Sequence[FaqNode | BadRow]) -> str:
        """Queue a task for the domain and return its id."""
        task = _Task(str(uuid4()), domain_name, self._clock(), rows)
        self._tasks[task.task_id] = task
        return task.task_id

    def task(self, task_id: str) -> FaqTask | None:
        """Return the task of that id."""
        return next((task for task in self.tasks() if task.task_id == task_id), None)

    def tasks(self) -> list[FaqTask]:
        """Return every task, the oldest first."""
        self._settle()
        return [
            FaqTask(
                task_id=task.task_id,
                domain_name=task.domain_name,
                rows=len(task.rows),
                rows_done=task.done,
                status=task.status,
            )
            for task in self._tasks.values()
        ]

    def refuse(self, node_name: str, words: str) -> None:
        """Let every task stop at the node of that name, with `words` as its status."""
        self._refused[node_name] = words

    def nodes(self, domain_name: str) -> list[FaqNode]:
        """Return the domain's nodes, active and inactive; `ConfigurationError` for a domain that does not exist."""
        if domain_name not in self._domains:
            known = ", ".join(self._domains) or "none"
            raise ConfigurationError(f"domain_name: no domain is called {domain_name!r}. The state has: {known}")
        self._settle()
        return list(self._nodes[domain_name].values())

    def domain_names(self) -> list[str]:
        """Return the names of all domains."""
        return list(self._domains)

    def _settle(self) -> None:
        now = self._clock()
        free_at = 0.0
        for task in self._tasks.values():
            begins_at = max(task.submitted_at, free_at)
            if now < begins_at:
                return
            # Rounded, so that a float that is a bit too small does not make a row late.
            self._load(task, until=int(round((now - begins_at) / _ROW_SECONDS, 6)))
            free_at = round(begins_at + len(task.rows) * _ROW_SECONDS, 6)

    def _load(self, task: _Task, *, until: int) -> None:
        nodes = self._nodes[task.domain_name]
        if not task.has_begun:
            task.has_begun = True
            nodes.update({name: replace(node, active=False) for name, node in nodes.items()})
        for row in task.rows[task.done : until]:
            if isinstance(row, BadRow):
                task.status = str(row)
                return
            if row.node_name in self._refused:
                task.status = self._refused[row.node_name]
                return
            nodes[row.node_name] = row
            task.done += 1
        if task.done == len(task.rows):
            task.status = _SUCCESS
