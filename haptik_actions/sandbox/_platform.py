"""The platform without HTTP: what it knows, what it was asked, and whether it is up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from haptik_actions.sandbox._agents import AgentDesk
from haptik_actions.sandbox._automatic import Automat
from haptik_actions.sandbox._chats import ChatBoard
from haptik_actions.sandbox._clock import MovableClock, WallClock
from haptik_actions.sandbox._conversations import Conversations
from haptik_actions.sandbox._details import DetailsBook
from haptik_actions.sandbox._events import EventBodies
from haptik_actions.sandbox._faq import FaqBoard
from haptik_actions.sandbox._faults import Faults
from haptik_actions.sandbox._feedback import FeedbackBook
from haptik_actions.sandbox._files import FileStore
from haptik_actions.sandbox._journal import Journal
from haptik_actions.sandbox._state import Business, State
from haptik_actions.sandbox._transcripts import Transcripts
from haptik_actions.sandbox._users import UserDirectory
from haptik_actions.sandbox._webhook import EventQueue

__all__ = ["Platform"]


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
