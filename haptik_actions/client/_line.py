"""What the calls of one client share: the credentials, and the connections to each server."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from haptik_actions.client._server import PlatformServer
from haptik_actions.credentials import CachedCredentials, CredentialsProvider, CredentialsSelector

__all__ = ["Line"]


class Line:
    """Opens a transport to a server at the first call there, and keeps the credentials in a cache."""

    def __init__(
        self,
        credentials: CredentialsProvider | CredentialsSelector,
        open_transport: Callable[[PlatformServer], httpx.AsyncBaseTransport],
    ) -> None:
        self._credentials, self._open = credentials, open_transport
        self._transports: dict[PlatformServer, httpx.AsyncBaseTransport] = {}
        self._caches: dict[int, CachedCredentials] = {}

    def transport(self, server: PlatformServer) -> httpx.AsyncBaseTransport:
        """Return the transport to that server.

        Raises:
            ConfigurationError: a setting of the connection cannot be used.
        """
        if server not in self._transports:
            self._transports[server] = self._open(server)
        return self._transports[server]

    def cache(self, business_id: int | None) -> CachedCredentials:
        """Return the cache in front of the credentials of that business."""
        chosen = self._credentials
        provider = chosen.select(business_id) if isinstance(chosen, CredentialsSelector) else chosen
        if isinstance(provider, CachedCredentials):
            return provider
        if id(provider) not in self._caches:
            self._caches[id(provider)] = CachedCredentials(provider)
        return self._caches[id(provider)]

    async def aclose(self) -> None:
        """Close the connections. New ones are opened if there is another call."""
        # Both servers may share a transport that the caller gave.
        transports = {id(transport): transport for transport in self._transports.values()}
        self._transports.clear()
        for transport in transports.values():
            await transport.aclose()
