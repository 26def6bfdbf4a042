"""Two bots on one Redis: a namespace keeps apart what they have there."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis

import haptik_actions
from tests.support.valkey import Valkey

PACKAGE = Path(haptik_actions.__file__).parent
SECONDS = 120


def bot(url: str, namespace: str, said: str) -> list[str]:
    environ = {**os.environ, "REDIS_URL": url, "SAID": said, "HAPTIK_NAMESPACE": namespace}
    command = [sys.executable, "-m", "tests.support.namespaced"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_bots_with_namespaces_have_nothing_in_common(own_valkey: Valkey) -> None:
    for namespace, said in (("", "Hello"), ("shop", "Welcome"), ("bank", "Good morning")):
        assert bot(own_valkey.url, namespace, said) == ["None", said, said]
    with redis.Redis(port=own_valkey.port, decode_responses=True) as client:
        keys = set(client.scan_iter(count=1000))
    kept: dict[str, set[str]] = {root: set() for root in ("haptik:", "haptik-shop:", "haptik-bank:")}
    for key in keys:
        root = key.partition(":")[0] + ":"
        # What differs from run to run: ids and digests.
        kept[root].add(re.sub(r"[0-9a-f]{32,}", "…", key.removeprefix(root).replace(root, "")))
    assert kept["haptik:"] == kept["haptik-shop:"] == kept["haptik-bank:"]
    assert len(kept["haptik:"]) > 20


@pytest.mark.parametrize("namespace", ["a b", "-a", "a:b", "{a}", "ä", "a" * 41])
def test_a_namespace_that_is_no_name_is_refused(namespace: str) -> None:
    environ = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0", "HAPTIK_NAMESPACE": namespace}
    command = [sys.executable, "-m", "haptik_actions.cli", "messages", "list"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: HAPTIK_NAMESPACE has to be 1 to 40 letters")


def test_no_key_is_named_without_the_namespace() -> None:
    found = []
    for file in PACKAGE.rglob("*.py"):
        nodes = [*ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docstrings:
                continue
            if re.search(r"(?:^|')haptik:[a-z{]", node.value):
                found.append(f"{file.name}:{node.lineno}")
    assert found == []
