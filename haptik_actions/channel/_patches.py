"""Every name of Rasa that is not documented, or is changed here. Each is looked for before it is used.

Where one is missing, Rasa starts all the same, and the log says once which it is and what that costs. Read in Rasa
3.6.21 and in the wheel of rasa-pro 3.21.0, whose processors are subclasses of `MessageProcessor`.

Rasa's `RedisLockStore` reads the tickets of a conversation, changes them and writes them back, and nothing keeps
another process from writing in between. Then a ticket is lost, or one that is done with comes back, and whoever waits
behind it waits for the sixty seconds after which a ticket ends. With an agent in the chat two processes meet on one
conversation all the time, so `Step` makes one step on Redis of it.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from haptik_actions._log import get_logger

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Keeper", "Step", "in_one_step", "install", "is_in_room"]

logger = get_logger(__name__)

_DONE = "__haptik_original__"
_Method = Callable[..., Awaitable[Any]]
T = TypeVar("T")


class Keeper(Protocol):
    """Who is asked before Rasa acts on a conversation."""

    async def around(self, message: object, go_on: Callable[[], Awaitable[object]]) -> Any:
        """Let a message through; called outside of the conversation's lock."""

    async def turn(self, processor: object, message: object, go_on: Callable[[], Awaitable[object]]) -> Any:
        """Decide who gets a message, the bot (`go_on`) or the agent; called inside the conversation's lock."""

    async def has(self, tracker: object) -> bool:
        """Tell whether an agent has the conversation."""


class _Patch(NamedTuple):
    module: str
    owner: str
    name: str
    make: Callable[[Any], Any]
    costs: str
    is_inherited: bool = False
    """The class has the method from another one, and is the only one to get it anew."""


_keeper: Keeper | None = None
_missing: set[str] = set()


def install(keeper: Keeper) -> None:
    """Ask `keeper` from now on, in every server of this process. Called again it reaches classes imported since."""
    global _keeper
    _keeper = keeper
    for patch in _PATCHES:
        owners = [*_owners(patch)]
        for owner in owners:
            _replace(owner, patch)
        if not owners:
            _say_missing(f"{patch.owner}.{patch.name}", patch.costs)


def is_in_room(channel: object, room: str) -> bool:
    """Tell whether a client of the socketio channel is in the room, in this process. An empty room takes what is sent
    to it without an error."""
    server = getattr(channel, "sio", None)
    if server is None:
        return False
    participants = getattr(getattr(server, "manager", None), "get_participants", None)
    if participants is None:
        _say_missing("SocketIOInput.sio.manager.get_participants", "what is said to users who are not there is lost")
        return True
    return next(iter(participants("/", room)), None) is not None


def _around(original: _Method) -> _Method:
    async def handle_message(self: object, message: object, *args: object, **kwargs: object) -> Any:
        go_on = functools.partial(original, self, message, *args, **kwargs)
        return await go_on() if _keeper is None else await _keeper.around(message, go_on)

    return handle_message


def _turn(original: _Method) -> _Method:
    async def handle_message(self: object, message: object, *args: object, **kwargs: object) -> Any:
        go_on = functools.partial(original, self, message, *args, **kwargs)
        return await go_on() if _keeper is None else await _keeper.turn(self, message, go_on)

    return handle_message


def _unless_kept(original: _Method) -> _Method:
    """Do nothing to a conversation that an agent has."""
    signature = inspect.signature(original)

    async def method(self: object, *args: object, **kwargs: object) -> Any:
        tracker = signature.bind(self, *args, **kwargs).arguments.get("tracker")
        if _keeper is not None and tracker is not None and await _keeper.has(tracker):
            logger.info("%s did nothing: an agent has the conversation.", original.__name__)
            return None
        return await original(self, *args, **kwargs)

    return method


def _in_one_step(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let nobody else change the tickets of a conversation while the method of a `RedisLockStore` does.

    What Rasa stores stays as it is, so processes without this may share the Redis.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        from redis import Redis

        connection = getattr(self, "red", None)
        if connection is None:
            _say_missing("RedisLockStore.red", _LOCKS_COST)
        if not isinstance(connection, Redis):
            # A step that calls another of these methods, or a cluster, which has no such transactions.
            return original(self, *args, **kwargs)

        def change(step: Any) -> Any:
            store = copy.copy(self)
            store.red = step
            return original(store, *args, **kwargs)

        return in_one_step(connection, change)

    return method


_LOCKS_COST = "with several Rasa processes a message of a user or an agent may come a minute late"

_PATCHES = (
    _Patch("rasa.core.agent", "Agent", "handle_message", _around, "what waits for users of REST comes one answer late"),
    _Patch(
        "rasa.core.processor",
        "MessageProcessor",
        "handle_message",
        _turn,
        "what users write while an agent has their chat goes to the bot, and not to the agent",
    ),
    _Patch(
        "rasa.core.processor",
        "MessageProcessor",
        "_update_tracker_session",
        _unless_kept,
        "a session that expires gives the conversation back to the bot while an agent has it",
    ),
    _Patch(
        "rasa.core.processor",
        "MessageProcessor",
        "trigger_external_user_uttered",
        _unless_kept,
        "reminders and triggered intents reach the bot while an agent has the chat",
    ),
    *(
        _Patch("rasa.core.lock_store", "RedisLockStore", name, _in_one_step, _LOCKS_COST, is_inherited=True)
        for name in ("issue_ticket", "update_lock", "finish_serving", "cleanup")
    ),
)


def _owners(patch: _Patch) -> Iterator[type]:
    """Yield the class and its subclasses, as far as they have the method themselves and it is not abstract."""
    try:
        base = getattr(import_module(patch.module), patch.owner, None)
    except ImportError:
        return
    if not isinstance(base, type):
        return
    if patch.is_inherited:
        yield from (base,) if callable(getattr(base, patch.name, None)) else ()
        return
    for owner in _family(base):
        method = vars(owner).get(patch.name)
        if callable(method) and not getattr(method, "__isabstractmethod__", False):
            yield owner


def _family(base: type[Any]) -> Iterator[type[Any]]:
    yield base
    for child in base.__subclasses__():
        yield from _family(child)


def _replace(owner: type, patch: _Patch) -> None:
    original = getattr(owner, patch.name)
    if hasattr(original, _DONE):
        return
    wrapper = functools.wraps(original)(patch.make(original))
    setattr(wrapper, _DONE, original)
    setattr(owner, patch.name, wrapper)


def _say_missing(name: str, costs: str) -> None:
    if name not in _missing:
        _missing.add(name)
        logger.warning("This version of Rasa has no %s. What that costs: %s.", name, costs)


def in_one_step(connection: Redis, change: Callable[[Step], T]) -> T:
    """Return what `change` returns, which reads and writes through the step that it gets.

    Where somebody else wrote to the same keys meanwhile, it is called again, and sees what they wrote.
    """
    from redis import WatchError

    while True:
        with connection.pipeline() as pipeline:
            step = Step(pipeline)
            answer = change(step)
            try:
                step.write()
            except WatchError:
                continue
            return answer


class Step:
    """Stands for the connection while a step is made: reads each key once, and writes at the end what has changed."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._stood: dict[str, bytes | str | None] = {}
        self._stands: dict[str, bytes | str | None] = {}

    def get(self, key: str) -> bytes | str | None:
        """Return a string as Redis has it, or as this step has changed it."""
        if key not in self._stands:
            self._pipeline.watch(key)
            self._stood[key] = self._stands[key] = self._pipeline.get(key)
        return self._stands[key]

    def set(self, key: str, value: str) -> None:
        """Write a string at the end of the step."""
        stood = self.get(key)
        self._stands[key] = value.encode() if isinstance(stood, bytes) else value

    def delete(self, key: str) -> int:
        """Delete a string at the end of the step; return how many there are now."""
        existed = self.get(key) is not None
        self._stands[key] = None
        return int(existed)

    def write(self) -> None:
        """End the step.

        Raises:
            redis.WatchError: somebody else has written meanwhile, and nothing of this step was.
        """
        changed = {key: value for key, value in self._stands.items() if value != self._stood[key]}
        if not changed:
            return
        self._pipeline.multi()
        for key, value in changed.items():
            if value is None:
                self._pipeline.delete(key)
            else:
                self._pipeline.set(key, value)
        self._pipeline.execute()
