"""A studio without a socket, and visitors who fill in its forms as a browser would."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import redis.asyncio
from argon2 import PasswordHasher

from haptik_actions.messages import Catalogue
from haptik_actions.studio import Passwords, Studio, Users
from tests.support.forms import fields_of

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

    async def edit(self, key: str, locale: str = "en", *, do: str, **changes: str) -> httpx.Response:
        """Open a message, change fields of its form (`text` is its first variation's), and press a button."""
        return await self.press(await self.opened(key, locale), do, **changes)

    async def opened(self, key: str, locale: str = "en") -> dict[str, str]:
        """Return the editor's form as it is sent when nothing is changed."""
        page = await self.get("/message", params={"key": key, "locale": locale})
        assert page.status_code == 200, page.text
        return dict(fields_of(page.text, "/message"))

    async def press(self, form: dict[str, str], do: str, **changes: str) -> httpx.Response:
        """Send a form that was opened before, changed, by the button `do`."""
        named = {"v0.text" if name == "text" else name: value for name, value in changes.items()}
        return await self.post("/message", data={**form, **named, "do": do})

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.submit("/sign-in", name=name, password=password)


def token_of(html: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    return unescape(found[1]) if found else ""


async def add_users(redis_client: redis.asyncio.Redis) -> None:
    """One user of each role, named like it."""
    for role in ("viewer", "editor", "publisher"):
        await Users(redis_client, QUICK).add(role, role, PASSWORD)


def studio_on(redis_client: redis.asyncio.Redis, **options: Any) -> Studio:
    """A studio whose messages, users and sessions are in this Redis."""
    catalogue = Catalogue(redis_client, defaults=options.pop("defaults", None))
    return Studio(redis_client, catalogue, **{"passwords": QUICK, **options})
