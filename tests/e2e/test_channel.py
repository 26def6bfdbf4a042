"""The channel's ways to users and into trackers, in Rasa's own interpreter and without a server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.valkey import Valkey

from .stack import REPOSITORY

SECONDS = 240
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"}
A_TICKET_LIVES = 60.0
ROUNDS = 30

NOT_UNDERSTOOD = ["I did not understand that."]
GREETING = ["Hello! I book tables and take reports."]
MIDDLE = [["For how many people?"], ["At what time?"]]


@pytest.fixture(scope="module")
def cases(rasa: str, relay_bot: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [rasa, "-m", "tests.e2e.channel_cases", str(relay_bot)],
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    # Rasa itself prints, too.
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"kind"')]


def test_who_can_be_reached_after_a_restart(cases: list[dict[str, Any]]) -> None:
    told = {case.pop("channel"): case for case in cases if case.pop("kind") == "output"}
    assert told == {
        "rest": {"reach": "pull", "pull": True},
        "callback": {"reach": "push", "pull": False, "made": {"name": "callback"}},
        # Its default would be the direct message: the place is in what the user's message came with.
        "slack": {
            "reach": "push",
            "pull": False,
            "made": {"name": "slack", "slack_channel": "C1", "thread_id": "T1"},
        },
        "telegram": {"reach": "push", "pull": False, "made": {"name": "telegram"}},
        "mattermost": {"reach": "push", "pull": False, "made": {"name": "mattermost", "bot_channel": "c1"}},
        # Nobody is in the room.
        "socketio": {"reach": "away", "pull": False},
        "hangouts": {"reach": "pull", "pull": True},
        "own_app": {"reach": "pull", "pull": True},
        "haptik": {"reach": "push", "pull": False},
        "kept": {"reach": "push", "address": {"bot_channel": "c2"}},
        "not kept": {"reach": "pull", "address": {}},
    }


def test_the_bot_goes_on_after_each_order_of_the_pause(cases: list[dict[str, Any]]) -> None:
    returns = [case for case in cases if case.get("kind", "return") == "return" and "order" in case]
    assert len(returns) == 24
    for case in returns:
        assert case["after"][:4] == [NOT_UNDERSTOOD, NOT_UNDERSTOOD, GREETING, ["At your service."]], case
        assert case["form found"] == ("table_form" if case["form"] else None), case


def test_a_form_is_submitted_again_only_where_its_slots_are_kept(cases: list[dict[str, Any]]) -> None:
    for case in (case for case in cases if "order" in case):
        if case["form"] and not case["resets"]:
            # What would happen by itself: nothing is asked, and the action is run.
            assert (case["after"][4], case["slots"]) == ([], ["four", "eight"]), case
        else:
            assert (case["after"][4:], case["slots"]) == (MIDDLE, ["five", None]), case


def test_three_processes_take_one_conversation_in_turn(rasa: str, own_valkey: Valkey) -> None:
    """Rasa's own lock in Redis loses tickets between processes; whoever waits for one then waits a minute."""
    command = [rasa, "-m", "tests.e2e.lock_rounds", str(own_valkey.port), str(ROUNDS)]
    running = [
        subprocess.Popen(command, cwd=REPOSITORY, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [json.loads(process.communicate(timeout=SECONDS)[0].splitlines()[-1]) for process in running]
    assert [one["had"] for one in told] == [3 * ROUNDS] * 3
    assert [one["crowded"] for one in told] == [0, 0, 0]
    assert max(one["longest"] for one in told) < A_TICKET_LIVES
    with redis.Redis(port=own_valkey.port) as store:
        assert store.keys() == [b"inside"]
