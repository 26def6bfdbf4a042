"""The search service behind a `search` field.

Its protocol, from Haptik's documentation of forms (2021): `GET {search_source}?query=...&user_id=...&user_name=...`
answers `{"success": true, "data": [{"title": "..."}], "query": "...", "error": null}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions.errors import ConfigurationError, SearchUnavailable

if TYPE_CHECKING:
    import httpx

__all__ = ["check_source", "search_titles"]

_MOST_BYTES = 262_144
_MOST_TITLES = 50
_LONGEST_TITLE = 200


class _Hit(msgspec.Struct):
    title: str


class _Answer(msgspec.Struct):
    success: bool
    data: list[_Hit] | None = None


def check_source(where: str, source: str, hosts: Collection[str] | None) -> None:
    """Refuse an address that is not to be asked: only https, and where `hosts` is given only those.

    A host that is named in `hosts` (with its port, where it has one) may be asked over http too.

    Raises:
        ConfigurationError: names the field, the address and the remedy.
    """
    import httpx

    try:
        url = httpx.URL(source)
        named = url.netloc.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise ConfigurationError(f"{where}: `search_source` is no address: {source!r}.") from error
    if url.userinfo or not url.host or url.scheme not in ("https", "http"):
        raise ConfigurationError(f"{where}: `search_source` is not an https address without a password: {url.host!r}.")
    if hosts is None and url.scheme != "https":
        raise ConfigurationError(f"{where}: `search_source` is http; use https, or name {named!r} in `search_hosts`.")
    if hosts is not None and named not in hosts:
        raise ConfigurationError(f"{where}: the host of `search_source`, {named!r}, is not in `search_hosts`.")


async def search_titles(
    source: str,
    query: str,
    *,
    user_id: str,
    user_name: str = "",
    seconds: float = 5.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> list[str]:
    """Ask a search service for what begins like `query`; at most 50 titles, each once.

    Args:
        source: Its address; keys of its query stay.
        query: What the user typed.
        user_id: The conversation.
        user_name: The user's name at Haptik.
        seconds: The time for all of it.
        transport: Replaces the connection, for tests.

    Raises:
        SearchUnavailable: it was not reached, took too long, or did not answer as documented.
    """
    import httpx

    try:
        async with httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False) as client:
            # httpx counts the time of each read; this is the time of them all.
            body = await asyncio.wait_for(_body(client, source, query, user_id, user_name), seconds)
        answer = msgspec.json.decode(body, type=_Answer)
    except (httpx.HTTPError, httpx.StreamError, asyncio.TimeoutError, msgspec.MsgspecError, UnicodeError) as error:
        raise SearchUnavailable(f"The search service did not answer ({type(error).__name__}).") from error
    if not answer.success:
        raise SearchUnavailable("The search service says that it failed.")
    titles = (" ".join(hit.title.split())[:_LONGEST_TITLE] for hit in answer.data or ())
    return [*dict.fromkeys(filter(None, titles))][:_MOST_TITLES]


async def _body(client: httpx.AsyncClient, source: str, query: str, user_id: str, user_name: str) -> bytes:
    import httpx

    parameters: Mapping[str, Any] = {"query": query, "user_id": user_id, "user_name": user_name}
    url = httpx.URL(source).copy_merge_params(parameters)
    async with client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise SearchUnavailable(f"The search service answered {response.status_code}.")
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _MOST_BYTES:
                raise SearchUnavailable("The search service's answer is too long.")
    return bytes(body)
