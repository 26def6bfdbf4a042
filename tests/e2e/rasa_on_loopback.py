"""Rasa as `python -m rasa`, except that what it sends to chat platforms arrives at a server on this machine.

    PLATFORMS_URL=http://127.0.0.1:1234 python -m tests.e2e.rasa_on_loopback run …

`https://slack.com/api/x` becomes `http://127.0.0.1:1234/slack.com/api/x`. Runs in the interpreter that has Rasa. The
transport alone is replaced, below the platforms' own libraries: most of them have no setting for their address.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import requests.adapters

_SECURE = "https://"


def main() -> None:
    """Replace the transports, then do what Rasa's command line says."""
    platforms = os.environ["PLATFORMS_URL"]
    _send_requests_to(platforms)
    _send_aiohttp_to(platforms)
    from rasa.__main__ import main as rasa

    rasa()


def _here(url: str, platforms: str) -> str:
    if not url.startswith(_SECURE):
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{platforms}/{parts.netloc}{parts.path}{query}"


def _send_requests_to(platforms: str) -> None:
    adapter: Any = requests.adapters.HTTPAdapter
    send = adapter.send

    def sent_here(self: Any, request: Any, **options: Any) -> Any:
        url = _here(request.url, platforms)
        if url != request.url:
            request.url, options["proxies"] = url, {}
        return send(self, request, **options)

    adapter.send = sent_here


def _send_aiohttp_to(platforms: str) -> None:
    session: Any = aiohttp.ClientSession
    request = session._request

    async def sent_here(self: Any, method: str, url: Any, **options: Any) -> Any:
        return await request(self, method, _here(str(url), platforms), **options)

    session._request = sent_here


if __name__ == "__main__":
    main()
