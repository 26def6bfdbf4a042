from __future__ import annotations

import os
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from haptik_actions.client import HaptikClient
from tests.contract.tenant import Tenant, real_tenant, sandbox_tenant

# Read here: the fixtures of the other tests take such settings out of the environment.
REAL = real_tenant(os.environ)


@pytest.fixture(params=["in process", "over a socket"] if REAL is None else ["real tenant"])
async def tenant(request: pytest.FixtureRequest) -> AsyncIterator[Tenant]:
    if REAL is not None:
        yield REAL
        return
    async with sandbox_tenant(socket=request.param == "over a socket") as tenant:
        yield tenant


@pytest.fixture
async def client(tenant: Tenant) -> AsyncIterator[HaptikClient]:
    async with tenant.client() as client:
        yield client


@pytest.fixture
def team(tenant: Tenant) -> str:
    if tenant.team is None:
        pytest.skip("moves a chat: needs HAPTIK_CONTRACT_TEAM and HAPTIK_CONTRACT_WRITE=1")
    return tenant.team


@pytest.fixture
def domain(tenant: Tenant) -> str:
    if tenant.domain is None:
        pytest.skip("replaces the FAQ nodes of a bot: needs HAPTIK_CONTRACT_DOMAIN and HAPTIK_CONTRACT_WRITE=1")
    return tenant.domain


@pytest.fixture
async def registered(client: HaptikClient, bot_api: Tenant) -> str:
    """The auth_id of a user whom Haptik has only just got to know."""
    if not bot_api.writes:
        pytest.skip("registers a user and logs messages: needs HAPTIK_CONTRACT_WRITE=1")
    auth_id = f"contract{uuid4().hex}"
    await client.create_user(auth_id=auth_id, name="Contract test", language_code="en")
    return auth_id


@pytest.fixture
def bot_api(tenant: Tenant) -> Tenant:
    if tenant.messenger_url is None:
        pytest.skip("asks the Bot API: needs HAPTIK_CONTRACT_MESSENGER_URL")
    return tenant
