"""Ends the pause of a conversation. Paths, parameters and answers are those of Rasa 3.6.21 (`rasa/server.py`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._tls import tls_context
from haptik_actions.errors import ConfigurationError, RasaApiError, UnknownConversation

__all__ = ["DEFAULT_RASA_URL", "resume"]

DEFAULT_RASA_URL = "http://localhost:5005"
"""Where `rasa run --enable-api` listens if nothing else is said."""

_ACTION_LISTEN = {"event": "action", "name": "action_listen"}

# What may stand in a path as it is. Rasa does not decode its paths, so nothing is quoted that need not be.
_SAFE = "/:@!$&'()*+,;="


async def resume(
    conversation_id: str,
    *,
    rasa_url: str = DEFAULT_RASA_URL,
    token: str | None = None,
    timeout: float = 10.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> list[dict[str, str]]:
    """Give a paused conversation back to the bot and return the events that were posted: none where it is not paused.

    `conversation_id` is the `sender_id` of the tracker, `token` that of `rasa run --auth-token`. `timeout` is in
    seconds and holds for each of the two calls. `transport` replaces the connection. Do not call it from an action for
    the action's own conversation: Rasa holds that one locked until the action has returned. An id with characters that
    a URL's path cannot hold, such as a space, cannot be reached: Rasa 3.6.21 does not decode the path.

    Raises:
        ConfigurationError: the id is empty, `rasa_url` is no URL, or SSL_CERT_FILE cannot be used; nothing was sent.
        UnknownConversation: no user has written in it.
        RasaApiError: Rasa was not reached, runs without --enable-api, or refused.
    """
    api = _Api(
        _tracker_url(rasa_url, conversation_id),
        token,
        timeout,
        transport or httpx.AsyncHTTPTransport(verify=tls_context()),
    )
    async with api.transport:
        tracker = await api.call("GET", "", include_events="NONE")
        if not tracker.get("paused"):
            await _must_exist(api, conversation_id)
            return []
        # The second event ends the turn that paused; without it the next message would run that action again. And it
        # stands between the resume and what the user says next: a fallback's `rewind` takes back all that lies behind
        # the last action, and would take the resume with it, for a conversation that is silent for ever.
        events = [{"event": "resume"}, _ACTION_LISTEN]
        await api.call("POST", "/events", body=events, include_events="NONE")
        return events


async def _must_exist(api: _Api, conversation_id: str) -> None:
    # Rasa answers for an unknown id as well, with the tracker of a session that has just begun.
    tracker = await api.call("GET", "", include_events="ALL")
    if not any(event.get("event") == "user" for event in tracker.get("events") or []):
        raise UnknownConversation(f"Rasa has no conversation {conversation_id!r}.", status=200)


def _tracker_url(rasa_url: str, conversation_id: str) -> httpx.URL:
    if not conversation_id.strip():
        raise ConfigurationError("The conversation's id is empty.")
    try:
        base = httpx.URL(rasa_url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{rasa_url!r} is not a URL such as {DEFAULT_RASA_URL}.") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigurationError(f"{rasa_url!r} is not a URL such as {DEFAULT_RASA_URL}.")
    path = f"{base.path.rstrip('/')}/conversations/{quote(conversation_id, safe=_SAFE)}/tracker"
    return base.copy_with(raw_path=path.encode())


class _Api:
    """Calls below one tracker. The transport is used itself: httpx's client logs URLs, and the token is in them."""

    def __init__(
        self, tracker: httpx.URL, token: str | None, timeout: float, transport: httpx.AsyncBaseTransport
    ) -> None:
        self._tracker, self._token = tracker, token
        self._timeout = timeout
        self._extensions = {"timeout": httpx.Timeout(timeout).as_dict()}
        self.transport = transport

    async def call(self, method: str, below: str, *, body: Any = None, **query: str) -> dict[str, Any]:
        if self._token:
            query["token"] = self._token
        url = self._tracker.copy_with(raw_path=self._tracker.raw_path + below.encode()).copy_merge_params(query)
        request = httpx.Request(method, url, json=body, extensions=self._extensions)
        where = f"{self._tracker.scheme}://{self._tracker.netloc.decode()}"
        try:
            # httpx counts from byte to byte, and an answer that drips never ends.
            async with deadline(self._timeout):
                reply = await self.transport.handle_async_request(request)
                content = await reply.aread()
        except (httpx.HTTPError, DeadlinePassed) as error:
            raise RasaApiError(f"Rasa at {where} could not be reached: {type(error).__name__}.") from error
        return _checked(reply.status_code, content, where)


def _checked(status: int, content: bytes, where: str) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    if status == 401:
        raise RasaApiError(f"Rasa at {where} answered 401: the token is missing or wrong.", status=status)
    if status == 404 and not isinstance(answer, dict):
        raise RasaApiError(f"Rasa at {where} answered 404: its HTTP API is not enabled.", status=status)
    reason = answer.get("message") if isinstance(answer, dict) else None
    raise RasaApiError(f"Rasa at {where} answered {status}{f': {reason}' if reason else ''}.", status=status)
