"""What is done to conversations from outside, over Rasa's HTTP API (`rasa run --enable-api`). Needs no Rasa here.

    await resume("chat-1", rasa_url="http://rasa:5005", token="…")

`resume` ends the pause of a conversation. Paths, parameters and answers are those of Rasa 3.6.21 (`rasa/server.py`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._network import tls_context
from haptik_actions.errors import ConfigurationError, RasaApiError, UnknownConversation

__all__ = ["DEFAULT_RASA_URL", "resume"]

DEFAULT_RASA_URL = "http://localhost:5005"
"""Where `rasa run --enable-api` listens if nothing else is said."""

Object = dict[str, Any]
"""A JSON object of Rasa's, such as an event."""

_LISTEN = "action_listen"
_RESUME = {"event": "resume"}
_LISTENS = {"event": "action", "name": _LISTEN}
_THEN_LISTEN = {"event": "followup", "name": _LISTEN}
_SIGN_OF_LIFE = {"event": "user", "text": "", "parse_data": {"intent": {}, "entities": []}}
"""Rasa counts the end of a session from the user's last message, and may not have had one for as long as the agent
talked with the user. This one says nothing and means nothing to the policies."""

# What may stand in a path as it is. Rasa does not decode its paths, so nothing is quoted that need not be.
_SAFE = "/:@!$&'()*+,;="


async def resume(
    conversation_id: str,
    *,
    rasa_url: str = DEFAULT_RASA_URL,
    token: str | None = None,
    timeout: float = 10.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> list[Object]:
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
        applied = await api.call("GET", "", include_events="APPLIED")
        events = _ending(applied.get("events") or [])
        await api.call("POST", "/events", body=events, include_events="NONE")
        return events


def _ending(applied: list[Object]) -> list[Object]:
    """Return what ends the pause of a conversation with these events that count, so that it stays ended.

    A fallback takes back everything down to the last action, and that action too. Where this is the `action_listen`
    before the pause, pause and resume go together. In any other order the pause would come back with nobody to end it,
    or the action that paused would run again.
    """
    kinds = [event.get("event") for event in applied]
    pause = max((place for place, kind in enumerate(kinds) if kind == "pause"), default=-1)
    action = max((place for place, kind in enumerate(kinds) if kind == "action"), default=-1)
    if action > pause:
        # Paused by an earlier version, or by somebody else. Its listening is taken back, and comes behind the resume.
        return [{"event": "undo"}, _RESUME, _THEN_LISTEN, _LISTENS]
    if action < 0 or applied[action].get("name") != _LISTEN:
        # A bare pause: the action that paused would run again.
        return [_RESUME, _THEN_LISTEN, _LISTENS]
    return [_SIGN_OF_LIFE, _RESUME]


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

    async def call(self, method: str, below: str, *, body: object = None, **query: str) -> Object:
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


def _checked(status: int, content: bytes, where: str) -> Object:
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
