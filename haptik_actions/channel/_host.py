"""The relay's hands in Rasa's process: says things to users, writes into trackers, pauses and resumes."""

from __future__ import annotations

from typing import Any

__all__ = ["RasaHost"]


class RasaHost:
    """Brings what the relay has to say to the user's own channel of Rasa, and both sides into Rasa's tracker."""

    def __init__(self, app: Any) -> None:
        self._app = app
