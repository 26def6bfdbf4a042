"""What the sandbox's platform knows before the first request: frozen values that check themselves."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from haptik_actions.errors import ConfigurationError

__all__ = ["Business", "Partner", "State", "Team", "User"]

# Both travel in a header, which carries visible ASCII only.
HeaderText = Annotated[str, Meta(pattern=r"^[!-~]+\Z")]
# A control character or a lone surrogate could be neither typed by a user nor shown on the page.
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]+\Z")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An account that may call the platform. The token is left out of `repr`."""

    client_id: HeaderText
    token: HeaderText = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business: its `id` is the number that requests carry as `business_id`."""

    id: Annotated[int, Meta(ge=1)]
    name: Name
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team of agents: its `name` is what requests carry as `team_name`, upper and lower case matter."""

    name: Name
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user, the ids of the businesses where the user has a chat, and the number of the current conversation."""

    user_name: Name
    businesses: tuple[int, ...] = ()
    conversation_no: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything the platform knows at the start. Every partner sees all businesses, teams and users.

    Raises `ConfigurationError` where an identifier stands twice or a user names a business that does not exist.
    """

    partners: Annotated[tuple[Partner, ...], Meta(min_length=1)]
    businesses: tuple[Business, ...] = ()
    teams: tuple[Team, ...] = ()
    users: tuple[User, ...] = ()

    def __post_init__(self) -> None:
        _refuse_repeated("partners[{}].client_id", (partner.client_id for partner in self.partners))
        _refuse_repeated("businesses[{}].id", (business.id for business in self.businesses))
        _refuse_repeated("teams[{}].name", (team.name for team in self.teams))
        _refuse_repeated("users[{}].user_name", (user.user_name for user in self.users))
        for index, user in enumerate(self.users):
            self._check_businesses(user, f"users[{index}].businesses")

    def _check_businesses(self, user: User, path: str) -> None:
        _refuse_repeated(path + "[{}]", user.businesses)
        known = {business.id for business in self.businesses}
        for index, business_id in enumerate(user.businesses):
            if business_id not in known:
                ids = ", ".join(map(str, sorted(known))) or "none"
                raise ConfigurationError(
                    f"{path}[{index}]: no business has the id {business_id}. Add it to businesses, or use one of: {ids}"
                )


def _refuse_repeated(path: str, values: Iterable[Hashable]) -> None:
    seen: set[Hashable] = set()
    for index, value in enumerate(values):
        if value in seen:
            raise ConfigurationError(f"{path.format(index)}: {value!r} stands twice. Remove or rename one of the two")
        seen.add(value)
