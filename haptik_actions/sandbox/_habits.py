"""What the platform does by itself: settings of the state, and the words of its automatic sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

__all__ = ["WORDS", "Habits", "Sentence"]

Sentence = Literal["queue_position", "delay", "team_offline", "recall"]

WORDS: Mapping[Sentence, str] = {
    "queue_position": "You are number {position} in the queue.",
    "delay": "Our agents need longer than usual. Please stay with us.",
    "team_offline": "Nobody of our team is here right now. Your message waits for them.",
    "recall": "Are you still there?",
}
"""The documentation names these sentences; their words are made up. `{position}` counts from 1."""

Seconds = Annotated[float, Meta(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the platform does to chats by itself. All times are seconds of the sandbox's clock.

    `sentences`: a chat that begins to wait hears its position in the queue, or that the team is offline; after
    `delay_after` more seconds that it takes longer. `to_last_agent`: a chat that begins to wait goes to the agent who
    had the user last, where that one is online and in the team. `nobody_after`: a chat that has waited that long is
    completed by the platform. `idle_after`: so is one whose user has not answered an agent for that long.
    `human_assistance`: a chat with which a node's bot failed waits for the default team.
    """

    sentences: bool = False
    delay_after: Seconds = 60
    to_last_agent: bool = False
    nobody_after: Seconds | None = None
    idle_after: Seconds | None = None
    human_assistance: bool = True
