"""The studio on a port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError
from starlette.types import ASGIApp

from haptik_actions._connections import ConnectionLimits
from haptik_actions._log import get_logger
from haptik_actions._network import is_loopback
from haptik_actions._redis import connect, disconnect
from haptik_actions._serving import serve_app
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import PACKAGED_LOCALE, MessageStore, read_domain
from haptik_actions.nlg import nlg_app
from haptik_actions.studio._front import beside
from haptik_actions.studio._keeper import pages_process
from haptik_actions.studio._order import REDIS_SECONDS, Order
from haptik_actions.studio._passwords import Passwords
from haptik_actions.studio._users import Users

__all__ = ["serve"]

logger = get_logger(__name__)


@asynccontextmanager
async def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    proxy: str | None = None,
    domain: Path | None = None,
    locale: str | None = None,
    channels: Sequence[str] = (),
) -> AsyncIterator[str]:
    """Run the studio and Rasa's NLG endpoint and yield their base URL; port 0 takes a free one.

    The endpoint is answered in the running loop; the pages are another process, so that editors never delay users.

    Args:
        settings: `redis_url` is needed; `nlg_token` and `messages_snapshot` are taken where they are set.
        host: Another address than the loopback interface's takes a user who can sign in.
        port: On which it listens.
        proxy: The address of the reverse proxy whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
        domain: A Rasa domain, file or folder, whose responses are shown and said where nothing else is written.
        locale: The language of the domain, which others are translated from; the settings' own, or else English.
        channels: Those that the bot talks on, by their names in Rasa: texts are checked for them and shown on them.

    Raises:
        ConfigurationError: there is no Redis, the domain cannot be read, the port cannot be had, or the address is not
            the loopback interface's and nobody could sign in.
    """
    locale = locale or settings.locale or PACKAGED_LOCALE
    defaults = {locale: dict(read_domain(domain).values)} if domain else {}
    is_private = is_loopback(host) and proxy is None
    order = Order(
        settings=_by_name(settings),
        defaults=defaults,
        locale=locale,
        channels=list(channels),
        must_sign_in=await _must_sign_in(settings, host, proxy),
        has_proxy=proxy is not None,
        path="",
    )
    limits = ConnectionLimits.of_this_process()
    async with _nlg(settings, defaults, locale, is_open=is_private) as nlg, pages_process(order) as pages:
        app = pages if nlg is None else beside(pages, nlg)
        async with serve_app(app, port, host=host, proxy=proxy, limits=limits) as url:
            yield url


@asynccontextmanager
async def _nlg(
    settings: Settings, defaults: Mapping[str, Mapping[str, str]], locale: str, *, is_open: bool
) -> AsyncIterator[ASGIApp | None]:
    """Rasa's endpoint; None where the whole network could ask it, and no token is set."""
    if settings.nlg_token is None and not is_open:
        logger.warning("Rasa's NLG endpoint is not served: HAPTIK_NLG_TOKEN is not set.")
        yield None
        return
    snapshot = settings.messages_snapshot
    store = MessageStore.from_url(settings.redis_url, defaults=defaults, locale=locale, snapshot=snapshot)
    store.start()
    try:
        yield nlg_app(store, token=settings.nlg_token, is_local=settings.nlg_token is None)
    finally:
        await store.aclose()


async def _must_sign_in(settings: Settings, host: str, proxy: str | None) -> bool:
    """Whether callers have to sign in: where there are users, and wherever others than this machine's come.

    Raises:
        ConfigurationError: they have to, and nobody could.
    """
    is_private = is_loopback(host) and proxy is None
    has_users = await _has_users(settings)
    if has_users is False and not is_private:
        raise ConfigurationError(
            f"At {host if proxy is None else 'a proxy'} the studio is open only to who signs in, and there are no "
            "users. Add one: haptik-actions studio user add NAME --role publisher"
        )
    if not is_loopback(host) and proxy is None:
        logger.warning("At %s passwords travel unencrypted. Put a proxy with https in front: --proxy.", host)
    return bool(has_users) or not is_private


async def _has_users(settings: Settings) -> bool | None:
    """Whether there are users, or were; None while Redis does not answer, and then nobody comes in anyway."""
    redis = connect(settings.require("redis_url"), seconds=REDIS_SECONDS)
    try:
        users = Users(redis, Passwords())
        has_users = await users.exist()
        if not has_users and await users.existed():
            logger.error("The studio had users, and Redis has lost them. It stays closed until one is added.")
            return True
        return has_users
    except (RedisError, OSError) as error:
        # No reason to end: Rasa wants an answer all the same.
        logger.warning("Redis does not answer (%s). The studio's pages wait for it.", type(error).__name__)
        return None
    finally:
        await disconnect(redis)


def _by_name(settings: Settings) -> dict[str, Any]:
    """The settings that are set, for the process of the pages."""
    found = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return {name: value for name, value in found.items() if value is not None}
