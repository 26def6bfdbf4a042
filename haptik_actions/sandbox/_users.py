"""Who the platform knows, and what bots keep there about them: details, feedback, files.

Source: Haptik's documentation, Bot API, "User registration". How the platform makes up a `user_name` is not documented;
docs/sandbox.md says what is assumed.

Details of a conversation and of a user. Source: Haptik's documentation, integration parameters: `conversation_details`
are kept for three hours and until the chat is complete, `user_details` for ever and for all bots.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from typing import Any

from haptik_actions.sandbox._chats import Chat
from haptik_actions.sandbox._state import User

__all__ = [
    "DEVICES",
    "DetailsBook",
    "Feedback",
    "FeedbackBook",
    "FileStore",
    "Person",
    "SentFile",
    "UserDirectory",
    "looks_made_up",
]

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


_KEPT_FOR = 3 * 3_600


class DetailsBook:
    """The details by conversation and by user. What a bot sends is added, and replaces keys that are there already."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._of_conversation: dict[tuple[str, int, int], tuple[float, dict[str, Any]]] = {}
        self._of_user: dict[str, dict[str, Any]] = {}

    def of_conversation(self, chat: Chat) -> dict[str, Any]:
        """Return what is kept of the chat's conversation."""
        kept_at, details = self._of_conversation.get(_key(chat), (0.0, {}))
        return deepcopy(details) if details and self._clock() - kept_at < _KEPT_FOR else {}

    def of_user(self, user_name: str) -> dict[str, Any]:
        """Return what is kept of the user."""
        return deepcopy(self._of_user.get(user_name, {}))

    def add(self, chat: Chat, *, conversation: dict[str, Any], user: dict[str, Any]) -> None:
        """Keep what a bot sent about the conversation and the user. The conversation's three hours begin now."""
        if conversation:
            details = {**self.of_conversation(chat), **deepcopy(conversation)}
            self._of_conversation[_key(chat)] = (self._clock(), details)
        if user:
            self._of_user[chat.user_name] = {**self.of_user(chat.user_name), **deepcopy(user)}

    def end(self, chat: Chat) -> None:
        """Forget what is kept of a conversation that is complete."""
        self._of_conversation.pop(_key(chat), None)


def _key(chat: Chat) -> tuple[str, int, int]:
    return chat.user_name, chat.business_id, chat.conversation_no


_ONCE_IN = 3_600
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One answer of a user: whether the query was resolved, a rating from 1 to 5, and the user's words.

    `at` is the sandbox's clock in seconds.
    """

    user_name: str
    business_id: int
    query_resolved: bool
    query_rating: int
    feedback: str
    at: float


class FeedbackBook:
    """The newest thousand answers. A user may give one an hour for each business."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._given: deque[Feedback] = deque(maxlen=_KEPT)

    def clear(self) -> None:
        """Forget all answers."""
        self._given.clear()

    def all(self) -> list[Feedback]:
        """Return the kept answers, the oldest first."""
        return list(self._given)

    def is_early(self, user_name: str, business_id: int) -> bool:
        """Tell whether the user has given an answer for that business within the last hour."""
        since = self._clock() - _ONCE_IN
        who = user_name, business_id
        return any((given.user_name, given.business_id) == who and given.at > since for given in self._given)

    def add(
        self, user_name: str, business_id: int, *, query_resolved: bool, query_rating: int, feedback: str
    ) -> Feedback:
        """Take an answer in and return it."""
        given = Feedback(
            user_name=user_name,
            business_id=business_id,
            query_resolved=query_resolved,
            query_rating=query_rating,
            feedback=feedback,
            at=self._clock(),
        )
        self._given.append(given)
        return given


_KEPT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file that a user sent, under the name that the user's device gave it."""

    name: str
    content: bytes
    is_image: bool


class FileStore:
    """The newest files by number, 64 MB together."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all files."""
        self._files: dict[int, SentFile] = {}
        self._numbers = count(1)

    def keep(self, file: SentFile) -> int:
        """Keep a file and return its number. The oldest files are removed where there is no room."""
        number = next(self._numbers)
        self._files[number] = file
        while sum(len(kept.content) for kept in self._files.values()) > _KEPT_BYTES:
            del self._files[min(self._files)]
        return number

    def numbered(self, number: int) -> SentFile | None:
        """Return the file of that number, None where there never was one or it was removed."""
        return self._files.get(number)
