"""Guards every action that rasa-sdk registers, without a change to the actions.

rasa-sdk offers no hook for this: its plugin hook can be owned by one distribution alone and is never called with
`--grpc`. What HTTP and gRPC, one worker and several have in common is `ActionExecutor.register_function`, so that is
what is wrapped, in rasa-sdk 3.6.2 and 3.21.1 alike.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from rasa_sdk.interfaces import ActionNotFoundException

from haptik_actions._log import get_logger
from haptik_actions.actions._guard import guard
from haptik_actions.actions._patches import see_registrations
from haptik_actions.actions._readable import Events
from haptik_actions.actions._run_action import move_methods_to_threads
from haptik_actions.config import nearest
from haptik_actions.escalation import HandOffOptions

__all__ = ["guard_all_actions"]

logger = get_logger(__name__)

_MARK = "__haptik_guarded__"
_NOTHING_SAID_IN_CODE = HandOffOptions()


def guard_all_actions() -> None:
    """Guard every action that is registered from now on, however the action server is started.

        # actions/__init__.py
        from haptik_actions.actions import guard_all_actions

        guard_all_actions()

    An action that is guarded already (`escalate_on_error`, `IntegrationAction`) is left as it is. The options of the
    others are those of the domain's slot `haptik`. An action that the server does not have is one that fails, as while
    a newer model is up before the newer server; rasa-sdk answers 404, and Rasa nothing. A second call does nothing.
    Workers that rasa-sdk spawns guard what they reload as well. An error of the server itself, such as a call that
    cannot be read, is answered with 500 and without the call's body, which holds the tracker.
    """
    see_registrations(_guarding, _MARK)
    # Imported here: it brings in the whole server, which the guard of a single action does not need.
    from haptik_actions.actions._server_hooks import hide_calls_in_errors

    hide_calls_in_errors()


class _GuardedRun:
    """A registered function behind the guard. A class, not a closure: rasa-sdk pickles it into its workers."""

    __haptik_guarded__ = True

    def __init__(self, name: str, run: Callable[..., object]) -> None:
        self._name = name
        self._run = run

    async def __call__(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: object) -> Events:
        return await guard(self._run, self._name, _NOTHING_SAID_IN_CODE, dispatcher, tracker, domain)


class _Actions(dict[str, Callable[..., object]]):
    """The actions of an executor, which asks for the one to run with `get`. One that is missing is one that fails."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name) or _GuardedRun(name, functools.partial(self._miss, name))

    async def _miss(self, name: str, *_: object) -> Events:
        why = "Is it older than Rasa's model, or is a module not imported?"
        logger.error("This server has no action %r.%s %s", name, nearest(name, self), why)
        raise ActionNotFoundException(name)


class _InWorkers:
    """Lies in an executor's state, so that a process that unpickles the executor guards what it registers itself."""

    def __reduce__(self) -> tuple[object, ...]:
        return _guard_worker, ()


def _guard_worker() -> _InWorkers:
    guard_all_actions()
    return _InWorkers()


def _guarding(register: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(register)
    def register_guarded(executor: ActionExecutor, name: str, f: Callable[..., object]) -> None:
        # First as it is: rasa-sdk refuses a function that does not take its three parameters.
        register(executor, name, f)
        executor._haptik_in_workers = _InWorkers()
        if not isinstance(executor.actions, _Actions):
            executor.actions = _Actions(executor.actions)
        if not hasattr(f, _MARK):
            move_methods_to_threads(getattr(f, "__self__", None))
            executor.actions[name] = _GuardedRun(name, f)

    setattr(register_guarded, _MARK, True)
    return register_guarded
