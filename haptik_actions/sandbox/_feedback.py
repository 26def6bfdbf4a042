"""What users thought of their chats with agents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Feedback", "FeedbackBook"]

_ONCE_IN = 3_600
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One answer of a user: whether the query was resolved, a rating from 1 to 5, and the user's words.

    `at` is the sandbox's clock in seconds.
    """

    user_name: str
    business_id: int
    query_resolved: bool
    query_rating: int
    feedback: str
    at: float


class FeedbackBook:
    """The newest thousand answers. A user may give one an hour for each business."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._given: deque[Feedback] = deque(maxlen=_KEPT)

    def clear(self) -> None:
        """Forget all answers."""
        self._given.clear()

    def all(self) -> list[Feedback]:
        """Return the kept answers, the oldest first."""
        return list(self._given)

    def is_early(self, user_name: str, business_id: int) -> bool:
        """Tell whether the user has given an answer for that business within the last hour."""
        since = self._clock() - _ONCE_IN
        who = user_name, business_id
        return any((given.user_name, given.business_id) == who and given.at > since for given in self._given)

    def add(
        self, user_name: str, business_id: int, *, query_resolved: bool, query_rating: int, feedback: str
    ) -> Feedback:
        """Take an answer in and return it."""
        given = Feedback(
            user_name=user_name,
            business_id=business_id,
            query_resolved=query_resolved,
            query_rating=query_rating,
            feedback=feedback,
            at=self._clock(),
        )
        self._given.append(given)
        return given
