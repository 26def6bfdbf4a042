"""A studio without a socket, and visitors who fill in its forms as a browser would."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import redis.asyncio
from argon2 import PasswordHasher

from haptik_actions.studio import Passwords, Studio, Users

PASSWORD = "correct pa55 horse battery"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Argon2 with the least work: what the tests are about is not its strength."""


class Visitor(httpx.AsyncClient):
    """Keeps its cookies; sends forms with the token of the page they stand on."""

    def __init__(self, studio: Studio, *, base_url: str = "http://localhost", address: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app=studio.app, client=(address, 50_000))
        super().__init__(transport=transport, base_url=base_url)

    async def csrf(self, page: str = "/sign-in") -> str:
        return token_of((await self.get(page, follow_redirects=True)).text)

    async def submit(self, path: str, *, page: str | None = None, **form: Any) -> httpx.Response:
        """Post the form as it stands on `page`, which is `path` when None."""
        return await self.post(path, data={"csrf": await self.csrf(page or path), **form})

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.submit("/sign-in", name=name, password=password)


def token_of(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    return unescape(found[1]) if found else ""


async def add_users(redis_client: redis.asyncio.Redis) -> None:
    """One user of each role, named like it."""
    for role in ("viewer", "editor", "publisher"):
        await Users(redis_client, QUICK).add(role, role, PASSWORD)
