"""The bot's copy out of the message store, inside Rasa's own process: for `nlg:` in Rasa's `endpoints.yml`.

Source: `rasa/core/nlg/generator.py` and `rasa/core/agent.py` of Rasa 3.6.21, and the wheel of rasa-pro 3.21.0. Rasa
makes the class with `endpoint_config` and `domain`, and gives it the responses of a model when it has loaded one:
that only where it is a `TemplatedNaturalLanguageGenerator`.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from sanic import Sanic
from sanic.exceptions import SanicException

from haptik_actions._from_outside import JsonObject, without_halves
from haptik_actions._log import get_logger
from haptik_actions.channel._options import read_settings
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import PACKAGED_LOCALE, MessageStore, UsableResponses
from haptik_actions.nlg import Answer, Call, answer, last_resort

__all__ = ["HaptikNLG"]

logger = get_logger(__name__)

# What Rasa passes to a generator beside the values of placeholders.
_NO_VALUES = ("domain_responses", "response_id")

Responses = Mapping[str, Sequence[Any]]


class HaptikNLG(TemplatedNaturalLanguageGenerator):
    """Says what stands in the message store, and the domain's responses where nothing does or Redis is away.

    It answers as Rasa's endpoint of this package does. The Redis is that of `REDIS_URL`, or of section `haptik:` of the
    file that Rasa was started with. Each event loop has connections of its own. Nothing is raised out of `generate`.
    """

    def __init__(self, endpoint_config: object = None, domain: object = None) -> None:
        super().__init__(getattr(domain, "responses", None) or {})
        self._settings = _settings()
        unknown = sorted(getattr(endpoint_config, "kwargs", None) or {})
        if unknown:
            logger.warning(
                "`nlg:` of endpoints.yml has no setting %s. Settings stand in section `haptik:`.", ", ".join(unknown)
            )

    async def generate(
        self, utter_action: str, tracker: object, output_channel: object, **kwargs: object
    ) -> JsonObject | None:
        """Return the response `utter_action` as the user reads it; None where nothing is to be said.

        `output_channel` is its name in Rasa 3.6 and the channel itself in Rasa Pro.
        """

        by_domain = partial(self._by_domain, utter_action, tracker, output_channel, kwargs)
        try:
            call = _call(utter_action, tracker, output_channel, kwargs)
            said = await answer(_store(self._settings).with_defaults(self.responses), call, by_domain)
        except Exception:
            # An exception loses the utterance, and lets a form run its submit without having asked.
            logger.exception("The message %r could not be said from the store; the domain's response is.", utter_action)
            said = await _without_the_store(utter_action, by_domain)
        # Rasa and its channels write into what they are given, and the store keeps its messages.
        return copy.deepcopy(said) or None

    async def _by_domain(
        self, utter_action: str, tracker: object, output_channel: object, arguments: Mapping[str, object]
    ) -> Answer | None:
        """What Rasa's own generator says, given all that Rasa passed; None where the domain has no such response."""
        if utter_action not in self.responses:
            return None
        return await super().generate(utter_action, tracker, output_channel, **arguments) or {}


async def _without_the_store(utter_action: str, by_domain: Callable[[], Awaitable[Answer | None]]) -> Answer:
    try:
        said = await by_domain()
    except Exception:
        logger.exception("Neither could the domain's response %r.", utter_action)
        said = None
    return last_resort(utter_action) if said is None else without_halves(said)


class _Store:
    """The message store of one event loop, with the responses of the model that asks as its defaults."""

    def __init__(self, settings: Settings) -> None:
        locale = settings.locale or PACKAGED_LOCALE
        self._store = MessageStore.from_url(settings.redis_url, locale=locale, snapshot=settings.messages_snapshot)
        self._store.start()
        _close_with_the_server(self._store)
        self._responses: Responses | None = None

    def with_defaults(self, responses: Responses) -> MessageStore:
        """Return the store; each model has an object of its own."""
        if self._responses is not responses:
            self._responses = responses
            self._store.replace_defaults({self._store.locale: UsableResponses(responses)})
        return self._store


# Of each event loop, and not of each generator: Rasa makes a new one with every model that is loaded while it runs.
_stores: dict[asyncio.AbstractEventLoop, _Store] = {}


def _store(settings: Settings) -> _Store:
    loop = asyncio.get_running_loop()
    if loop not in _stores:
        for ended in [known for known in _stores if known.is_closed()]:
            del _stores[ended]
        _stores[loop] = _Store(settings)
    return _stores[loop]


def _close_with_the_server(store: MessageStore) -> None:
    """Let Sanic, where it serves in this loop, close the store when it stops: nobody tells a generator of the end."""
    try:
        app = Sanic.get_app()
        if app.loop is asyncio.get_running_loop():
            # Named, for Sanic waits at its end for named tasks alone.
            app.add_task(_close_at_the_end(store), name="haptik-messages")
    except SanicException:
        # No server, or several: `rasa test`, for example.
        logger.debug("No server closes the message store.")


async def _close_at_the_end(store: MessageStore) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await store.aclose()


def _settings() -> Settings:
    """The settings; those that cannot work are logged, and the domain's responses are what users read."""
    try:
        settings = read_settings()
        MessageStore.from_url(settings.redis_url)
    except ConfigurationError as error:
        logger.error("Users read the domain's responses, for the message store cannot be reached: %s", error)
        return Settings()
    if settings.redis_url is None:
        logger.warning("REDIS_URL is not set: users read the domain's responses, and nothing that was edited.")
    return settings


def _call(utter_action: str, tracker: Any, output_channel: Any, arguments: Mapping[str, Any]) -> Call:
    return Call.of(
        utter_action,
        slots=tracker.current_slot_values(),
        metadata=getattr(tracker.latest_message, "metadata", None),
        channel=output_channel if isinstance(output_channel, str) else output_channel.name(),
        arguments={name: value for name, value in arguments.items() if name not in _NO_VALUES},
    )
