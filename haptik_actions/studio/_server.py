"""The studio on a port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from redis.exceptions import RedisError
from starlette.types import ASGIApp

from haptik_actions._log import get_logger
from haptik_actions._loopback import is_loopback
from haptik_actions._redis import connect
from haptik_actions._serving import serve_app
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import PACKAGED_LOCALE, Catalogue, MessageStore, read_domain
from haptik_actions.nlg import nlg_app
from haptik_actions.studio._passwords import Passwords
from haptik_actions.studio._studio import Studio
from haptik_actions.studio._users import Users

__all__ = ["serve"]

logger = get_logger(__name__)

_REDIS_SECONDS = 5.0


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
    """Run the studio and Rasa's NLG endpoint in the running loop and yield its base URL; port 0 takes a free one.

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
    redis = connect(settings.require("redis_url"), seconds=_REDIS_SECONDS)
    locale = locale or settings.locale or PACKAGED_LOCALE
    defaults = {locale: read_domain(domain).values} if domain else {}
    catalogue = Catalogue(redis, defaults=defaults, locale=locale, channels=channels)
    is_private = is_loopback(host) and proxy is None
    try:
        has_users = await _has_users(Users(redis, Passwords()))
        if has_users is False and not is_private:
            raise ConfigurationError(
                f"At {host if proxy is None else 'a proxy'} the studio is open only to who signs in, and there are no "
                "users. Add one: haptik-actions studio user add NAME --role publisher"
            )
        if not is_loopback(host) and proxy is None:
            logger.warning("At %s passwords travel unencrypted. Put a proxy with https in front: --proxy.", host)
        async with _nlg(settings, defaults, locale, is_open=is_private) as nlg:
            studio = Studio(redis, catalogue, must_sign_in=bool(has_users) or not is_private, nlg=nlg)
            async with serve_app(studio.app, port, host=host, proxy=proxy) as url:
                catalogue.start()
                yield url
    finally:
        # It closes the connections of both.
        await catalogue.aclose()


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
        yield nlg_app(store, token=settings.nlg_token)
    finally:
        await store.aclose()


async def _has_users(users: Users) -> bool | None:
    """Whether there are users; None while Redis does not answer, and then nobody comes in anyway."""
    try:
        return await users.exist()
    except (RedisError, OSError) as error:
        # No reason to end: Rasa wants an answer all the same.
        logger.warning("Redis does not answer (%s). The studio's pages wait for it.", type(error).__name__)
        return None
