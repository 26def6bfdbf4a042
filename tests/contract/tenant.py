"""The platform that the contract suite runs against: the sandbox, or a real tenant named by the environment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from haptik_actions.sandbox import Sandbox, serve

PREFIX = "HAPTIK_CONTRACT_"
NEEDED = ("CLIENT_ID", "TOKEN", "BUSINESS_ID", "USER_NAME", "CONVERSATION_NO")


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """Whom the suite may name there. `team` and `domain` are None, and `writes` is false, where nothing may be changed.

    `messenger_url` is None where there is no Bot API to ask.
    """

    base_url: str
    client_id: str
    token: str = field(repr=False)
    business_id: int
    user_name: str
    conversation_no: int
    team: str | None = None
    domain: str | None = None
    messenger_url: str | None = None
    writes: bool = False
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)

    def client(self, *, client_id: str | None = None, token: str | None = None) -> HaptikClient:
        """A client with the tenant's credentials, or with others."""
        credentials = StaticCredentials(client_id=client_id or self.client_id, token=token or self.token)
        messenger = PlatformServer.messenger(self.messenger_url) if self.messenger_url else None
        return HaptikClient(
            PlatformServer(self.base_url), credentials, messenger=messenger, transport=self.transport, timeout=30
        )


def real_tenant(environ: Mapping[str, str]) -> Tenant | None:
    """The tenant that the environment names; None for none."""
    given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX) and value}
    if "BASE_URL" not in given:
        return None
    missing = [PREFIX + name for name in NEEDED if name not in given]
    if missing:
        raise pytest.UsageError(f"{PREFIX}BASE_URL is set; set {', '.join(missing)} too, or none of them")
    may_write = given.get("WRITE") == "1"
    return Tenant(
        base_url=given["BASE_URL"],
        client_id=given["CLIENT_ID"],
        token=given["TOKEN"],
        business_id=int(given["BUSINESS_ID"]),
        user_name=given["USER_NAME"],
        conversation_no=int(given["CONVERSATION_NO"]),
        team=given.get("TEAM") if may_write else None,
        domain=given.get("DOMAIN") if may_write else None,
        messenger_url=given.get("MESSENGER_URL"),
        writes=may_write,
    )


@asynccontextmanager
async def sandbox_tenant(*, socket: bool) -> AsyncIterator[Tenant]:
    """A new sandbox, in process or on a port with the client's own transport."""
    sandbox = Sandbox()
    user = sandbox.state.users[0]
    sandbox.say(user.user_name, user.businesses[0], "I am looking into it.", sender="agent", agent_name="Priya")
    if not socket:
        yield tenant_of(sandbox, "http://127.0.0.1", sandbox.transport())
        return
    async with serve(sandbox) as url:
        yield tenant_of(sandbox, url, None)


def tenant_of(sandbox: Sandbox, base_url: str, transport: httpx.AsyncBaseTransport | None) -> Tenant:
    """What the packaged state offers."""
    state = sandbox.state
    return Tenant(
        base_url=base_url,
        client_id=state.partners[0].client_id,
        token=state.partners[0].token,
        business_id=state.businesses[0].id,
        user_name=state.users[0].user_name,
        conversation_no=state.users[0].conversation_no,
        team=state.teams[0].name,
        domain=state.domains[0].name,
        messenger_url=base_url,
        writes=True,
        transport=transport,
    )
