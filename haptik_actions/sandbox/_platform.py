"""The platform without HTTP: what it knows, what it was asked, and whether it is up."""

from __future__ import annotations

from collections.abc import Callable

from haptik_actions.sandbox._chats import ChatBoard
from haptik_actions.sandbox._clock import MovableClock
from haptik_actions.sandbox._journal import Journal
from haptik_actions.sandbox._state import Business, State

__all__ = ["Platform"]


class Platform:
    """One running platform in memory, shared by its APIs, the control plane and the page."""

    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self.partners = {partner.client_id: partner for partner in state.partners}
        # Looked up by what JSON calls a number, which may arrive as a float.
        self.businesses: dict[float, Business] = {business.id: business for business in state.businesses}
        self.teams = {team.name: team for team in state.teams}
        self.users = {user.user_name: user for user in state.users}
        self.clock = MovableClock(clock)
        self.board = ChatBoard(state.users, self.clock)
        self.journal = Journal(partner.token for partner in state.partners)
        self.outage = False

    def reset(self) -> None:
        """Return to the state of the start: chats with the bot, empty journal, up, clock not moved."""
        self.board.reset()
        self.journal.clear()
        self.clock.reset()
        self.outage = False
