"""Who the platform knows: users of the state, and those that a bot registers through the Bot API.

Source: Haptik's documentation, Bot API, "User registration". How the platform makes up a `user_name` is not documented;
docs/sandbox.md says what is assumed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from haptik_actions.sandbox._state import User

__all__ = ["BOT_API", "DEVICES", "Person", "UserDirectory", "looks_made_up"]

BOT_API = 13
DEVICES = {
    2: "Android",
    3: "Facebook",
    4: "Jio",
    5: "Web",
    6: "iOS",
    BOT_API: "Bot API",
    14: "WhatsApp",
    15: "Jio Chat",
}
"""The documented numbers of `device_platform`, and their names."""

_MADE_UP = re.compile(r"[0-9a-f]{10}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user as the platform knows them.

    `user_name` is the platform's name of the user, `auth_id` the one by which the Bot API speaks of them. `user_id`
    counts from 1. `device_platform` is one of `DEVICES`. What is not known is empty.
    """

    user_name: str
    user_id: int
    auth_id: str
    device_platform: int
    name: str = ""
    email: str = ""
    mobile_no: str = ""
    language_code: str = "en"
    custom_data: dict[str, Any] = field(default_factory=dict)
    pxut: str | None = field(default=None, repr=False)

    def shown(self) -> dict[str, Any]:
        """Return the fields that are no secret."""
        return {name: value for name, value in asdict(self).items() if name != "pxut"}


class UserDirectory:
    """The users by name and by `auth_id`; `seeded` ones are there from the start."""

    def __init__(self, seeded: Iterable[User]) -> None:
        self._seeded = tuple(seeded)
        self.reset()

    def reset(self) -> None:
        """Forget everybody but the users of the state."""
        self._by_name: dict[str, Person] = {}
        self._by_auth_id: dict[str, Person] = {}
        for user_id, user in enumerate(self._seeded, 1):
            self._keep(_seeded(user, user_id))

    def all(self) -> list[Person]:
        """Return everybody, in the order in which the platform came to know them."""
        return list(self._by_name.values())

    def named(self, user_name: object) -> Person | None:
        """Return who has that `user_name`, None where nobody has."""
        return self._by_name.get(user_name) if isinstance(user_name, str) else None

    def registered(self, auth_id: object) -> Person | None:
        """Return who has that `auth_id`, None where nobody has."""
        return self._by_auth_id.get(auth_id) if isinstance(auth_id, str) else None

    def register(self, auth_id: str, given: dict[str, Any]) -> Person:
        """Return the user of that `auth_id` with what was `given`; one who is not known yet gets a `user_name`."""
        person = self._by_auth_id.get(auth_id) or Person(
            user_name=self._make_up(auth_id),
            user_id=len(self._by_name) + 1,
            auth_id=auth_id,
            device_platform=BOT_API,
        )
        return self._keep(replace(person, **given))

    def _keep(self, person: Person) -> Person:
        self._by_name[person.user_name] = person
        self._by_auth_id[person.auth_id] = person
        return person

    def _make_up(self, auth_id: str) -> str:
        # The same name in each run, so that tests can compare it. A user of the state may have it already.
        name = _digest(auth_id)
        while name in self._by_name:
            name = _digest(name)
        return name


def looks_made_up(user_name: object) -> bool:
    """Tell whether this has the shape of the names that the sandbox gives to users of the Bot API."""
    return isinstance(user_name, str) and bool(_MADE_UP.match(user_name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _seeded(user: User, user_id: int) -> Person:
    return Person(
        user_name=user.user_name,
        user_id=user_id,
        # Different from the user_name, so that a test that mixes up the two fails.
        auth_id=user.auth_id or f"auth-{user_id}",
        device_platform=user.device_platform,
        name=user.full_name,
        language_code=user.language_code,
        pxut=user.pxut,
    )
