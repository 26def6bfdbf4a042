"""Being told by other processes, through Redis, that something has come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from haptik_actions._log import get_logger
from haptik_actions.relay._board import WAKE

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["can_be_told", "listen"]

logger = get_logger(__name__)

_PAUSE = 1.0
_SECONDS = 5.0


def can_be_told(client: Redis) -> bool:
    """Tell whether the client can subscribe; redis-py's client of a cluster cannot, and polls."""
    return hasattr(client, "pubsub")


async def listen(client: Redis, token: str, tell: Callable[[str, str, float], None]) -> None:
    """Call `tell` with lane, id and the seconds to wait, until cancelled. What is missed is found by polling.

    What comes from the process with this `token` is passed over.
    """
    from redis.exceptions import RedisError

    while True:
        pubsub = client.pubsub()
        try:
            await pubsub.subscribe(WAKE)
            while True:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=_SECONDS)
                if message is not None:
                    _pass_on(message.get("data"), token, tell)
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            logger.debug("Redis does not tell the relay what comes: %s.", type(error).__name__)
        finally:
            await _close(pubsub)
        await asyncio.sleep(_PAUSE)


def _pass_on(data: Any, token: str, tell: Callable[[str, str, float], None]) -> None:
    try:
        lane, id_, after, *sender = (data.decode() if isinstance(data, bytes) else str(data)).split(":")
        seconds = int(after) / 1000
    except (ValueError, AttributeError):
        return
    if lane in ("user", "agent") and sender != [token]:
        tell(lane, id_, seconds)


async def _close(pubsub: Any) -> None:
    from redis.exceptions import RedisError

    with contextlib.suppress(RedisError, OSError):
        # redis-py renamed the method in 5.0.1 and warns about the old name.
        await getattr(pubsub, "aclose", pubsub.close)()
