"""The decorator: what fails inside `run` becomes a hand-off and a sentence."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, overload

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions.actions._runtime import current_runtime
from haptik_actions.actions._tracker import conversation_of, events_of, say
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import Failure, HandOffOptions, read_options

__all__ = ["Events", "escalate_on_error", "guard", "options_of"]

logger = logging.getLogger(__name__)

Events = list[dict[str, Any]]
Run = TypeVar("Run", bound=Callable[..., Any])


@overload
def escalate_on_error(run: Run, /) -> Run: ...


@overload
def escalate_on_error(
    *,
    team: str | None = None,
    countdown: int | None = None,
    pause: bool | None = None,
    messages: Mapping[str, str] | None = None,
) -> Callable[[Run], Run]: ...


def escalate_on_error(run: Run | None = None, /, **options: Any) -> Run | Callable[[Run], Run]:
    """Guard the `run` method of an action: an exception becomes a hand-off to an agent and a sentence for the user.

        @escalate_on_error                          # or @escalate_on_error(team="orders", countdown=5)
        async def run(self, dispatcher, tracker, domain): ...

    `team`, `countdown` (5 to 10 s), `pause` and `messages` (receipt state -> message key) complete the domain's slot
    `haptik`: an entry for this action in the slot's `actions` wins over them, they win over the slot's own keys.
    What was uttered before the failure is kept; events are not, as the action returned none. A synchronous `run` is
    run in a thread. `ActionExecutionRejection` and `asyncio.CancelledError` pass: they are control flow.

    Raises:
        ConfigurationError: an option cannot work; when the class is defined.
    """
    checked = options_of(options, "escalate_on_error")
    if run is None:
        return lambda function: _guarded(function, checked)
    return _guarded(run, checked)


def options_of(values: Mapping[str, Any], path: str) -> HandOffOptions:
    """Return options given in code.

    Raises:
        ConfigurationError: one of them cannot work; names it below `path`.
    """
    options, mistakes = read_options(values, path)
    if mistakes:
        raise ConfigurationError(" ".join(mistakes))
    return options


async def guard(
    run: Callable[..., Any],
    action: Any,
    options: HandOffOptions,
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    domain: Any,
) -> Events:
    """Call `run` with the last three arguments; on an exception hand over, tell the user, return Rasa's events."""
    try:
        return await _call(run, dispatcher, tracker, domain)
    except ActionExecutionRejection:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an integration raises is what this library is for
        conversation = conversation_of(tracker, domain)
        failure = Failure(action=_name(action), error=error, options=options)
        escalation = await current_runtime().escalator.escalate(failure, conversation)
        say(dispatcher, escalation.text, conversation.channel)
        return events_of(escalation)


def _guarded(run: Run, options: HandOffOptions) -> Run:
    # rasa_sdk counts the parameters, so they are spelt out here.
    @functools.wraps(run)
    async def guarded(self: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        return await guard(functools.partial(run, self), self, options, dispatcher, tracker, domain)

    return cast("Run", guarded)


async def _call(run: Callable[..., Any], *arguments: Any) -> Events:
    if inspect.iscoroutinefunction(run):
        return cast("Events", await run(*arguments))
    # A synchronous call would stop the event loop, and with it every other conversation of this worker.
    returned = await asyncio.to_thread(run, *arguments)
    return cast("Events", await returned if inspect.isawaitable(returned) else returned)


def _name(action: Any) -> str:
    try:
        return str(action.name())
    except Exception:
        logger.exception("%s cannot say its name.", type(action).__name__)
        return type(action).__name__
