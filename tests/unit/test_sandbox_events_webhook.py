"""The address of the sandbox's webhook: this machine's, and no other."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox, Webhook
from tests.support.webhook import URL, Receiver, client_of

REMOTE = [
    "https://example.com/hook",
    "http://192.168.0.7/hook",
    "http://0.0.0.0/hook",
    "http://127.0.0.1.example.com/",
    "http://localhost.example.com/",
    "http://127.0.0.1@example.com/",
    "http://me:pw@127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1 .example.com/",
    "http://127.0.0.1\n.example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://[::ffff:10.0.0.1]/",
    "http://ⓛocalhost/",
    "//127.0.0.1/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "127.0.0.1:5005",
    "",
]


@pytest.mark.parametrize("url", REMOTE)
async def test_a_webhook_on_another_machine_is_refused(url: str) -> None:
    sandbox = Sandbox()
    with pytest.raises(ConfigurationError, match=r"^webhook\.url: .* It sends to this machine only"):
        sandbox.webhook = Webhook(url=url)
    with pytest.raises(ConfigurationError, match=r"^state: webhook\.url: "):
        Sandbox.from_mapping({"partners": [{"client_id": "a", "token": "b"}], "webhook": {"url": url}})
    async with client_of(sandbox) as client:
        answer = await client.post("/_sandbox/webhook", json={"url": url})
    assert (answer.status_code, answer.json()["error"].startswith("body: webhook.url: ")) == (400, True)
    assert sandbox.webhook is None


@pytest.mark.parametrize("url", [URL, "https://localhost/x", "http://[::1]:80/", "http://127.5.5.5/a?b=c#d"])
async def test_a_webhook_on_this_machine_is_taken_and_reached(url: str) -> None:
    receiver = Receiver()
    sandbox = Sandbox(webhook_transport=receiver)
    sandbox.webhook = Webhook(url=url)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    await sandbox.deliver_events()
    assert receiver.requests[0].url == httpx.URL(url)


LOOPBACK_LIKE = st.text("htps:/@\\127.0.01[]localhost#? %é\n", max_size=24)


@given(
    st.text() | LOOPBACK_LIKE | LOOPBACK_LIKE.map("http://127.0.0.1{}".format) | LOOPBACK_LIKE.map("http://{}".format)
)
def test_any_address_is_refused_or_is_one_of_this_machine(url: str) -> None:
    try:
        Webhook(url=url)
    except ConfigurationError:
        return
    # The address as the library reads it that will open the connection.
    assert httpx.URL(url).host == "localhost" or httpx.URL(url).host.startswith("127.") or httpx.URL(url).host == "::1"


@pytest.mark.parametrize(
    ("webhook", "where", "remedy"),
    [
        ({"url": 7}, "webhook.url", "Write webhook: {url: "),
        ({}, "webhook", "missing required field `url`"),
        ([], "webhook", "Write webhook: {url: "),
        ({"url": URL, "secret": ""}, "webhook.secret", "length >= 1"),
        ({"uri": URL}, "webhook", "Did you mean 'url'?"),
    ],
)
def test_a_webhook_that_does_not_fit_is_explained(webhook: Any, where: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sandbox.from_mapping({"partners": [{"client_id": "a", "token": "b"}], "webhook": webhook})
    assert str(caught.value).startswith(f"state: {where}: ")
    assert remedy in str(caught.value)
