"""The client: credentials, one deadline per call, and a rejected token renewed once."""

from __future__ import annotations

from types import TracebackType

import httpx

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._version import __version__
from haptik_actions.client._handoff import SEND_CHAT_TO_AGENT, encode_send_chat
from haptik_actions.client._replies import check_success
from haptik_actions.client._server import PlatformServer
from haptik_actions.client._transport import default_transport, exchange
from haptik_actions.credentials import CachedCredentials, Credentials, CredentialsProvider
from haptik_actions.errors import AuthenticationError, DeadlineExceeded

__all__ = ["HaptikClient"]


class HaptikClient:
    """Calls the platform at `server`, signed with what `credentials` provides.

    `timeout` is the time in seconds that one call may take, everything included: reading the credentials, connecting,
    and the second try after a rejected token. `transport` replaces the connection (any `httpx.AsyncBaseTransport`); it
    is closed with the client. A client belongs to the event loop that it is first used in.
    """

    def __init__(
        self,
        server: PlatformServer,
        credentials: CredentialsProvider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 8.0,
    ) -> None:
        self._server = server
        if not isinstance(credentials, CachedCredentials):
            credentials = CachedCredentials(credentials)
        self._credentials = credentials
        self._transport = transport
        self._timeout = timeout

    async def __aenter__(self) -> HaptikClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The client opens new ones if it is used again with its own transport."""
        if self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.aclose()

    async def send_chat_to_agent(
        self, *, user_name: str, business_id: int, team_name: str, countdown: int | None = None
    ) -> None:
        """Move the user's chat to the queue of a team; returning means that the platform said `"success": true`.

        `user_name` is the identifier from Haptik's integration request, `business_id` the number of the channel where
        the user writes, `team_name` a name from the Teams page of the Agent Chat Tool. The chat enters the queue after
        `countdown` seconds, 5 to 10; the platform takes 10 where it is None. A chat that waits already stays one chat,
        so the call may be repeated. Source: Haptik's documentation, "Webhooks", "Move a chat to pending".

        Raises:
            ConfigurationError: an argument cannot work; nothing was sent.
            CredentialsUnavailable: the credentials could not be read; nothing was sent.
            ApiError: the platform refused, as one of the classes below it.
            UnexpectedResponse: the answer is not the documented one.
            TransportError: the platform was not reached; `DeadlineExceeded` when `timeout` passed.
        """
        body = encode_send_chat(user_name=user_name, business_id=business_id, team_name=team_name, countdown=countdown)
        await self._call("POST", SEND_CHAT_TO_AGENT, body)

    async def _call(self, method: str, endpoint: str, body: bytes) -> None:
        try:
            async with deadline(self._timeout):
                credentials = await self._credentials.get()
                try:
                    await self._try(method, endpoint, body, credentials)
                except AuthenticationError:
                    renewed = await self._credentials.renew(credentials)
                    if renewed == credentials:
                        raise
                    await self._try(method, endpoint, body, renewed)
        except DeadlinePassed as error:
            raise DeadlineExceeded(
                f"{endpoint} at {self._server.base_url} did not finish within {self._timeout:g} s."
            ) from error

    async def _try(self, method: str, endpoint: str, body: bytes, credentials: Credentials) -> None:
        reply = await exchange(self._open(), self._request(method, endpoint, body, credentials))
        check_success(endpoint, reply, hide=credentials.hide)

    def _open(self) -> httpx.AsyncBaseTransport:
        if self._transport is None:
            self._transport = default_transport()
        return self._transport

    def _request(self, method: str, endpoint: str, body: bytes, credentials: Credentials) -> httpx.Request:
        headers = {
            "Authorization": f"Bearer {credentials.token}",
            "client-id": credentials.client_id,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"haptik-actions/{__version__}",
        }
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        return httpx.Request(
            method, self._server.url(endpoint), headers=headers, content=body, extensions={"timeout": limits}
        )
