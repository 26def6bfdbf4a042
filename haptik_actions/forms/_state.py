"""How far the asking is, between two turns. It lies in a slot, so it outlives a restart and knows no one server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["State"]


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it belongs to the question of the slot `about`; for any other slot it is as new.

    Attributes:
        about: The slot that was asked for.
        page: Which page of the options is shown, from 0.
        errors: How many answers in a row could not be read.
        chosen: What is chosen so far where several can be.
        doubt: Values of which the user has to say which is meant.
        query: What was searched for.
        titles: What the search found.
        choosing: The user is asked which field to change.
        kept: The value of a field that is being changed, for the way back.
        opened: An element, as JSON of HSL, that is shown in place of the question: the next page of its chips.
        submitted: The values that the last completed run ended with.
    """

    about: str = ""
    page: int = 0
    errors: int = 0
    chosen: tuple[str, ...] = ()
    doubt: tuple[Any, ...] = ()
    query: str = ""
    titles: tuple[str, ...] = ()
    choosing: bool = False
    kept: Any = None
    opened: dict[str, Any] | None = None
    submitted: dict[str, Any] | None = None

    @classmethod
    def read(cls, slot: Any, about: str) -> State:
        """Read what the state slot holds for a question; anything that is no state of that question is a new one."""
        try:
            state = msgspec.convert(slot, cls)
        except msgspec.ValidationError:
            return cls(about=about)
        return state if state.about == about else cls(about=about)

    def opening(self, element: Mapping[str, Any]) -> State:
        """Return the state in which `element` is shown in place of the question."""
        return msgspec.structs.replace(self, opened=dict(element))

    def is_fresh(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the form has just begun: nothing is answered, and nothing was wrong."""
        return not self.errors and not self.doubt and all(value is None for value in values.values())

    def to_slot(self) -> dict[str, Any]:
        """Return the value of the state slot."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        return value
