"""Whether anything of a call has left for the platform."""

from __future__ import annotations

__all__ = ["Sent"]


class Sent:
    """`begun` is False until a request of the call begins to leave; from then on the platform may have it.

    It travels with the request, and outlives what breaks that off.
    """

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False
