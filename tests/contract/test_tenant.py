"""Which platform the contract suite runs against."""

from __future__ import annotations

import pytest

from tests.contract.tenant import Tenant, real_tenant

GIVEN = {
    "HAPTIK_CONTRACT_BASE_URL": "https://haptik.example",
    "HAPTIK_CONTRACT_CLIENT_ID": "client",
    "HAPTIK_CONTRACT_TOKEN": "s3cr3t",
    "HAPTIK_CONTRACT_BUSINESS_ID": "343",
    "HAPTIK_CONTRACT_USER_NAME": "asha",
    "HAPTIK_CONTRACT_CONVERSATION_NO": "2",
    "HAPTIK_CONTRACT_TEAM": "support",
    "HAPTIK_CONTRACT_DOMAIN": "shop",
    "HAPTIK_CONTRACT_MESSENGER_URL": "https://messenger.example",
}


@pytest.mark.parametrize(("write", "team", "domain"), [("", None, None), ("0", None, None), ("1", "support", "shop")])
def test_a_real_tenant_is_changed_only_when_that_is_said(write: str, team: str | None, domain: str | None) -> None:
    tenant = real_tenant({**GIVEN, "HAPTIK_CONTRACT_WRITE": write})
    assert tenant == Tenant(
        base_url="https://haptik.example",
        client_id="client",
        token="s3cr3t",
        business_id=343,
        user_name="asha",
        conversation_no=2,
        team=team,
        domain=domain,
        messenger_url="https://messenger.example",
        writes=write == "1",
    )
    assert "s3cr3t" not in repr(tenant)


def test_without_a_base_url_it_is_the_sandbox_and_a_missing_setting_is_named() -> None:
    assert real_tenant({}) is None
    with pytest.raises(pytest.UsageError, match="set HAPTIK_CONTRACT_TOKEN too"):
        real_tenant({**GIVEN, "HAPTIK_CONTRACT_TOKEN": ""})
