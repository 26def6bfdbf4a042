"""What happens between the user's phone and the agent's desk, as short lines for the page and the terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haptik_actions.sandbox import Event, JournalEntry, Sandbox

__all__ = ["Happening", "Strip"]

_KEPT = 60
_CALLS = {
    "create_user": "register the user",
    "update_user": "update the user",
    "log_message_from_user": "the user's words",
    "log_file_from_user": "the user's file",
    "send_chat_to_agent": "put the chat into a team's queue",
    "get_chat_history": "read what was said",
}
_EVENTS = {
    "message": "a message",
    "chat_pinned": "an agent has the chat",
    "chat_complete": "the chat is complete",
    "webhook_conversation_complete": "the chat is complete, with the reason",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line: who told whom what. `mark` is `good`, `bad` or empty."""

    number: int
    source: str
    target: str
    what: str
    mark: str = ""


class Strip:
    """Collects the bot's notes, and the calls and events that the sandbox has seen since the last look."""

    def __init__(self, sandbox: Sandbox, *, told: Callable[[Happening], None] | None = None) -> None:
        self._sandbox = sandbox
        self._told = told
        self._lines: deque[Happening] = deque(maxlen=_KEPT)
        self._numbers = 0
        self._calls: set[int] = set()
        self._events: set[tuple[int, str]] = set()

    @property
    def lines(self) -> list[Happening]:
        """The newest lines first."""
        return list(reversed(self._lines))

    def note(self, source: str, target: str, what: str, mark: str = "") -> None:
        """Add a line, after the lines for what the sandbox has seen before it."""
        self.look()
        self._add(source, target, what, mark)

    def look(self) -> None:
        """Add lines for the calls and events that are new in the sandbox."""
        for entry in self._sandbox.journal:
            if id(entry) not in self._calls:
                self._calls.add(id(entry))
                self._call(entry)
        for event in self._sandbox.events():
            if event.state in ("delivered", "dropped") and (event.id, event.state) not in self._events:
                self._events.add((event.id, event.state))
                self._event(event)

    def _call(self, entry: JournalEntry) -> None:
        what = _CALLS.get(entry.endpoint or "", entry.path)
        answered = f"{what}: {entry.status}" if entry.status else f"{what}: no answer"
        self._add("bot", "Haptik", answered, "good" if entry.status == 200 else "bad")

    def _event(self, event: Event) -> None:
        what = _EVENTS.get(event.name, event.name)
        self._add(
            "Haptik", "bot", f"{what}: {_words(event.body)}".rstrip(": "), "" if event.state == "delivered" else "bad"
        )

    def _add(self, source: str, target: str, what: str, mark: str) -> None:
        self._numbers += 1
        line = Happening(number=self._numbers, source=source, target=target, what=what, mark=mark)
        self._lines.append(line)
        if self._told is not None:
            self._told(line)


def _words(body: dict[str, Any]) -> str:
    said = body.get("message")
    text = said.get("body", {}).get("text", "") if isinstance(said, dict) else ""
    return text if isinstance(text, str) else ""
