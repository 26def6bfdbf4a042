"""The example's actions, as an action server registers them."""

from __future__ import annotations

import pickle
import sys

import pytest
from rasa_sdk.executor import ActionExecutor
from ruamel.yaml import YAML

from .stack import EXAMPLE


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
