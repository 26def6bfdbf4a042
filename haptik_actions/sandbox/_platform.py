"""The platform without HTTP: its clocks, what it knows, what it was asked, and whether it is up."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._agents import AgentDesk, Automat
from haptik_actions.sandbox._chats import ChatBoard, Transcripts
from haptik_actions.sandbox._conversations import Conversations
from haptik_actions.sandbox._events import EventBodies
from haptik_actions.sandbox._faq import FaqBoard
from haptik_actions.sandbox._faults import Faults
from haptik_actions.sandbox._journal import Journal
from haptik_actions.sandbox._state import Business, State
from haptik_actions.sandbox._users import DetailsBook, FeedbackBook, FileStore, UserDirectory
from haptik_actions.sandbox._webhook import EventQueue

__all__ = ["Platform"]


class MovableClock:
    """Seconds of an injected clock plus what it was advanced by, in whole microseconds."""

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self._ahead = 0.0

    def __call__(self) -> float:
        # Rounded to microseconds, so that a float that is a bit too small does not miss "10 seconds later".
        return round(self._base() + self._ahead, 6)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; `ConfigurationError` for a negative or infinite number."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigurationError(f"advance: {seconds} cannot be done. Give a number of seconds, 0 or more")
        self._ahead += seconds

    def reset(self) -> None:
        """Undo every advance."""
        self._ahead = 0.0


class WallClock:
    """The time in UTC: `start` when this was made, and from there on as fast as `clock` goes; now when `start` is None.

    Raises `ConfigurationError` for a `start` without a time zone.
    """

    def __init__(self, clock: Callable[[], float], start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ConfigurationError("start: has no time zone. Give for example datetime.now(timezone.utc)")
        self._clock = clock
        self._zero = clock()
        self._start = (start or datetime.now(timezone.utc)).astimezone(timezone.utc)

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=self._clock() - self._zero)


class Platform:
    """One running platform in memory, shared by its APIs, the control plane and the page."""

    def __init__(self, state: State, clock: Callable[[], float], start: datetime | None = None) -> None:
        self.state = state
        self.partners = {partner.client_id: partner for partner in state.partners}
        # The key may arrive as a float: JSON has one type of number.
        self.businesses: dict[float, Business] = {business.id: business for business in state.businesses}
        self.teams = {team.name: team for team in state.teams}
        self.users = UserDirectory(state.users)
        self.clock = MovableClock(clock)
        self.wall = WallClock(self.clock, start)
        self.board = ChatBoard(state.users, self.clock)
        self.transcripts = Transcripts(state.users, self.wall)
        self.faults = Faults(state.faults)
        self.events = EventQueue(state.webhook, self.clock, self.faults)
        self.details = DetailsBook(self.clock)
        bodies = EventBodies(state, self.users, self.details, self.wall)
        default_team = state.default_team or next((team.name for team in state.teams if team.active), None)
        self.conversations = Conversations(
            self.board, self.transcripts, bodies, self.events, self.details, default_team=default_team
        )
        self.desk = AgentDesk(state.agents, self.conversations)
        self.automat = Automat(state.habits, self.board, self.desk, self.conversations, self.wall)
        self.faq = FaqBoard(state.domains, self.clock)
        self.files = FileStore()
        self.feedback = FeedbackBook(self.clock)
        self.journal = Journal(_secrets(state))

    @property
    def outage(self) -> bool:
        """Whether each request to each path is answered 503."""
        return self.faults.outage

    @outage.setter
    def outage(self, down: bool) -> None:
        self.faults.outage = down

    def first_business(self, user_name: str) -> int | None:
        """Return the business of the user's first chat, else the first active one, None where there is none."""
        own = (chat.business_id for chat in self.board.chats() if chat.user_name == user_name)
        active = (business.id for business in self.state.businesses if business.active)
        return next(own, None) or next(active, None)

    def reset(self) -> None:
        """Return to the state of the start: what is seeded, an empty journal, and the clock not moved."""
        self.users.reset()
        self.board.reset()
        self.journal.clear()
        self.files.clear()
        self.clock.reset()
        # After the clock is reset, because seeded messages lie before its present.
        self.transcripts.reset()
        self.events.reset()
        self.conversations.reset()
        self.details.reset()
        self.desk.reset()
        self.automat.reset()
        self.faq.reset()
        self.feedback.clear()
        self.faults.reset()


def _secrets(state: State) -> list[str]:
    return [partner.token for partner in state.partners] + [user.pxut for user in state.users if user.pxut]
