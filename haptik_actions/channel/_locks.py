"""One step on Redis, so that Rasa's lock of conversations holds between processes.

Rasa's `RedisLockStore` reads the tickets of a conversation, changes them and writes them back, and nothing keeps
another process from writing in between. Then a ticket is lost, or one that is done with comes back, and whoever waits
behind it waits for the sixty seconds after which a ticket ends. With an agent in the chat two processes meet on one
conversation all the time: one has a message of the user, the other one of the agent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Step", "in_one_step"]

T = TypeVar("T")


def in_one_step(connection: Redis, change: Callable[[Step], T]) -> T:
    """Return what `change` returns, which reads and writes through the step that it gets.

    Where somebody else wrote to the same keys meanwhile, it is called again, and sees what they wrote.
    """
    from redis import WatchError

    while True:
        with connection.pipeline() as pipeline:
            step = Step(pipeline)
            answer = change(step)
            try:
                step.write()
            except WatchError:
                continue
            return answer


class Step:
    """Stands for the connection while a step is made: reads each key once, and writes at the end what has changed."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._stood: dict[str, bytes | str | None] = {}
        self._stands: dict[str, bytes | str | None] = {}

    def get(self, key: str) -> bytes | str | None:
        """Return a string as Redis has it, or as this step has changed it."""
        if key not in self._stands:
            self._pipeline.watch(key)
            self._stood[key] = self._stands[key] = self._pipeline.get(key)
        return self._stands[key]

    def set(self, key: str, value: str) -> None:
        """Write a string at the end of the step."""
        stood = self.get(key)
        self._stands[key] = value.encode() if isinstance(stood, bytes) else value

    def delete(self, key: str) -> int:
        """Delete a string at the end of the step; return how many there are now."""
        existed = self.get(key) is not None
        self._stands[key] = None
        return int(existed)

    def write(self) -> None:
        """End the step.

        Raises:
            redis.WatchError: somebody else has written meanwhile, and nothing of this step was.
        """
        changed = {key: value for key, value in self._stands.items() if value != self._stood[key]}
        if not changed:
            return
        self._pipeline.multi()
        for key, value in changed.items():
            if value is None:
                self._pipeline.delete(key)
            else:
                self._pipeline.set(key, value)
        self._pipeline.execute()
