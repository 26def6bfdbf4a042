"""The parts that hand chats over in one event loop: settings, copy, outbox, links, client, delivery, escalator.

The action server has one, and so has Rasa's own process. Nothing here knows either of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

import httpx

from haptik_actions._deadline import cancel_all
from haptik_actions._log import get_logger
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.config import Settings
from haptik_actions.credentials import Credentials, CredentialsProvider, CredentialsSelector
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._brief import Briefing, Sink
from haptik_actions.escalation._delivery import Delivery
from haptik_actions.escalation._domain import advice_on_channels
from haptik_actions.escalation._escalator import Escalator
from haptik_actions.escalation._metrics import Metrics, SafeMetrics
from haptik_actions.escalation._outbox import MemoryOutbox, Outbox
from haptik_actions.escalation._outbox_redis import RedisOutbox
from haptik_actions.escalation._resilient import ResilientOutbox
from haptik_actions.messages import PACKAGED_LOCALE, MessageStore
from haptik_actions.relay import RelayStore

__all__ = ["Engine", "load_settings"]

logger = get_logger(__name__)

_REDIS_SECONDS = 0.5
_HEALTH_SECONDS = 5.0
_HEALTH_AGAIN_SECONDS = 5.0
_OUTBOX_SECONDS = 3.0
"""What opening and confirming may take beside the call: the outbox gives Redis a second for each."""


def load_settings() -> Settings:
    """Return the settings of the environment and of `endpoints.yml`, or of the file that `HAPTIK_ENDPOINTS` names."""
    return Settings.load(endpoints=os.environ.get("HAPTIK_ENDPOINTS", "endpoints.yml"), tolerant=True)


class _SettingsCredentials:
    """Reads the settings anew each time, so that a rejected token can be replaced in `endpoints.yml`."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load

    async def get(self) -> Credentials:
        settings = await asyncio.to_thread(self._load)
        return Credentials(client_id=settings.require("client_id"), token=settings.require("token"))


class Engine:
    """The parts that hand chats over, made at first use. It belongs to the event loop in which it is used.

    `transport` replaces the connection to the platform; `credentials`, `messages`, `outbox` and `links` what the
    settings name; `sleep` the pauses between looks into the outbox. `brief_sink` takes briefs to agents (see
    `haptik_actions.escalation.Brief`), `metrics` counts (see `haptik_actions.escalation.Metrics`). A call to the
    platform may take `timeout` seconds, all included, and is repeated up to `retries` times where that helps.
    """

    def __init__(
        self,
        *,
        load_settings: Callable[[], Settings] = load_settings,
        credentials: CredentialsProvider | CredentialsSelector | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        messages: MessageStore | None = None,
        timeout: float = 8.0,
        retries: int = 2,
        outbox: Outbox | None = None,
        links: RelayStore | None = None,
        brief_sink: Sink | None = None,
        metrics: Metrics | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._load = load_settings
        self._credentials = credentials or _SettingsCredentials(load_settings)
        self._transport = transport
        self._timeout, self._retries = timeout, retries
        self._sleep = sleep
        self._outbox, self._links = outbox, links
        self._redis_outbox: RedisOutbox | None = None
        self._warning: asyncio.Task[None] | None = None
        self._metrics = None if metrics is None else SafeMetrics(metrics)
        self._settings: Settings | None = None
        self._refused_url: str | None = None
        self._messages = messages
        self._client: HaptikClient | None = None
        self._delivery: Delivery | None = None
        self._briefing = Briefing(brief_sink)
        self.escalator = Escalator(
            delivery=self.delivery,
            settings=self.settings,
            messages=self.messages,
            links=self.links,
            briefing=self._briefing,
            metrics=self._metrics,
            seconds=timeout + _OUTBOX_SECONDS,
        )

    def settings(self) -> Settings:
        """Return the settings, read once.

        Raises:
            ConfigurationError: a value cannot work.
        """
        if self._settings is None:
            self._settings = self._load()
        return self._settings

    def redis_url(self) -> str | None:
        """Return `REDIS_URL`; None where it is not set, and where it cannot work, which is logged once.

        Raises:
            ConfigurationError: another setting cannot work.
        """
        url = self.settings().redis_url
        if url is None or self._refused_url == url:
            return None
        from haptik_actions._redis import check_url

        try:
            check_url(url)
        except ConfigurationError as error:
            self._refused_url = url
            logger.error("%s Until then this process works without Redis, as while Redis is down.", error)
            return None
        return url

    def messages(self) -> MessageStore:
        """Return the message store on `REDIS_URL`, or on the packaged copy alone where that cannot be used.

        Raises:
            ConfigurationError: another setting cannot work.
        """
        if self._messages is None:
            settings = self.settings()
            self._messages = MessageStore.from_url(
                self.redis_url(), snapshot=settings.messages_snapshot, locale=settings.locale or PACKAGED_LOCALE
            )
            self._messages.start()
        return self._messages

    def outbox(self) -> Outbox:
        """Return the outbox on `REDIS_URL`; without it one in this process, with a warning of what that means.

        Raises:
            ConfigurationError: another setting cannot work.
        """
        if self._outbox is None:
            url = self.redis_url()
            if url:
                from haptik_actions._redis import connect

                self._redis_outbox = RedisOutbox(connect(url, seconds=_REDIS_SECONDS))
                self._outbox = ResilientOutbox(self._redis_outbox)
            else:
                logger.warning(
                    "REDIS_URL is %s: hand-offs that Haptik cannot take yet are kept in this process. A restart "
                    "loses them, and other processes do not know of them.",
                    "not set" if self._refused_url is None else "not usable",
                )
                self._outbox = MemoryOutbox()
        return self._outbox

    def links(self) -> RelayStore | None:
        """Return what ties conversations to chats, on `REDIS_URL`; None where that cannot be used.

        Raises:
            ConfigurationError: another setting cannot work.
        """
        if self._links is None and (url := self.redis_url()):
            from haptik_actions._redis import connect

            self._links = RelayStore(connect(url, seconds=_REDIS_SECONDS))
        return self._links

    def client(self) -> HaptikClient:
        """Return the client. It leaves a 429 to its caller, who may have other calls under way.

        Raises:
            ConfigurationError: a setting that the platform's call needs is missing; names it.
        """
        if self._client is None:
            settings = self.settings()
            messenger = PlatformServer.messenger(settings.messenger_url) if settings.messenger_url else None
            self._client = HaptikClient(
                PlatformServer(settings.require("base_url")),
                self._credentials,
                messenger=messenger,
                receiver=settings.receiver,
                transport=self._transport,
                timeout=self._timeout,
                retries=self._retries,
                # `Delivery` repeats calls that were refused with 429, at a pace that holds for all of them.
                repeat_refused=False,
            )
        return self._client

    def delivery(self) -> Delivery:
        """Return what delivers hand-offs, at once and from the outbox.

        Raises:
            ConfigurationError: a setting that the platform's call needs is missing; names it.
        """
        if self._delivery is None:
            self._delivery = Delivery(
                self.client(),
                self.outbox(),
                seconds=self._timeout,
                metrics=self._metrics,
                sleep=self._sleep,
                links=self.links(),
            )
        return self._delivery

    def start(self) -> None:
        """Begin to deliver what a process that died has left in the outbox. A setting that cannot work is logged.

        What the first failure needs is loaded, too: a process may have no free file descriptor by then.
        """
        try:
            for sentence in advice_on_channels(None, self.settings()):
                logger.warning("%s", sentence)
            self.delivery().start()
            self.client().prepare()
            self.messages()
            if self._redis_outbox is not None and self._warning is None:
                self._warning = asyncio.get_running_loop().create_task(self._tell_of_redis())
        except ConfigurationError as error:
            logger.error("Hand-offs are not possible: %s", error)
        except Exception:
            logger.exception("Hand-offs are not possible.")

    async def told_of_redis(self) -> None:
        """Wait until the log says what this Redis promises; at once where there is none."""
        if self._warning is not None:
            await asyncio.wait({self._warning})

    async def _tell_of_redis(self) -> None:
        """Say once what this Redis promises, as soon as it answers."""
        from redis.exceptions import RedisError

        from haptik_actions._redis import connect, disconnect
        from haptik_actions._redis_health import remarks_on

        levels = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
        client = connect(self.settings().redis_url or "", seconds=_HEALTH_SECONDS)
        try:
            while True:
                try:
                    remarks = await remarks_on(client)
                    break
                except (RedisError, OSError) as error:
                    logger.debug("Redis cannot be asked yet what it promises (%s).", type(error).__name__)
                    await asyncio.sleep(_HEALTH_AGAIN_SECONDS)
            for remark in remarks:
                logger.log(levels[remark.level], "%s", remark.text)
        finally:
            await disconnect(client)

    async def aclose(self) -> None:
        """Close every connection. Hand-offs that wait in memory are lost, and logged."""
        if self._warning is not None:
            await cancel_all(self._warning)
        if self._delivery is not None:
            for entry in await self._delivery.outbox.entries() if isinstance(self._outbox, MemoryOutbox) else ():
                logger.error("Hand-off %s is lost: the process stops before Haptik took it.", entry.handoff.id)
            await self._delivery.aclose()
        for part in (self._client, self._links, self._messages, self._briefing):
            if part is not None:
                await part.aclose()
