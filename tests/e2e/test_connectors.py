"""What the renderers make, sent through the connectors of a real Rasa 3.6.21 to a server that plays the platforms.

Nothing is raised, logged or warned of; what arrives passes the platforms' validators; every label has come along.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from haptik_actions.hsl import Element, parse
from haptik_actions.render import render
from tests.support.elements import samples
from tests.validators import Place, platform
from tests.validators._shown import bare, shown, strings

from .stack import REPOSITORY

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hsl"
GENERATED = 220
SECONDS = 120
# What a connector adds of its own: who is addressed, and how.
ADDRESSING = frozenset(
    {"as_user", "channel", "channelData", "channel_id", "chat_id", "from", "recipient", "roomId", "type"}
)


def _form(body: Mapping[str, Any]) -> dict[str, Any]:
    """Telegram's form: objects are JSON in it."""
    decoded = {name: json.loads(value) if name in ("reply_markup", "media") else value for name, value in body.items()}
    return {name: float(value) if name in ("latitude", "longitude") else value for name, value in decoded.items()}


def _twilio(body: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Body": "body", "ContentSid": "content_sid", "ContentVariables": "content_variables"}
    sent = {names[name]: value for name, value in body.items() if name in names}
    media = body.get("MediaUrl")
    return {**sent, **({"media_url": [media] if isinstance(media, str) else media} if media else {})}


def _without(*names: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda body: {name: value for name, value in body.items() if name not in names}


WIRE: Mapping[str, Callable[[Any], Any]] = {
    "facebook": lambda body: body["message"],
    "telegram": _form,
    "slack": _without(),
    "botframework": _without(),
    "socketio": _without(),
    "rest": _without("recipient_id"),
    "callback": _without("recipient_id"),
    "twilio": _twilio,
    "twilio_voice": _without(),
    "mattermost": _without(),
    "rocketchat": _without(),
    "webexteams": _without(),
    "hangouts": _without(),
}
"""For each channel, what the validator reads of a body that has arrived."""


def _elements() -> list[Element]:
    documented = [parse(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(FIXTURES.glob("*.json"))]
    return [*(element for element in documented if not isinstance(element, list)), *samples(GENERATED)]


@pytest.fixture(scope="module")
def arrived(rasa: str) -> list[dict[str, Any]]:
    """One answer for each element and channel: what was rendered, what arrived, what went wrong."""
    cases = [
        {"channel": channel, "messages": render(element, channel).messages, "element": element.to_hsl()}
        for element in _elements()
        for channel in WIRE
    ]
    finished = subprocess.run(
        [rasa, "-m", "tests.e2e.connectors"],
        input="".join(f"{json.dumps(case)}\n" for case in cases),
        capture_output=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
        timeout=SECONDS,
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    answers = [json.loads(line) for line in finished.stdout.splitlines()]
    return [{**case, **answer} for case, answer in zip(cases, answers, strict=True)]


def _inner(payloads: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in payload.items() if name not in ADDRESSING} for payload in payloads]


def _of(arrived: Sequence[dict[str, Any]], channel: str) -> list[dict[str, Any]]:
    found = [case for case in arrived if case["channel"] == channel]
    assert len(found) >= GENERATED
    return found


@pytest.mark.parametrize("channel", WIRE)
def test_no_connector_stumbles(arrived: list[dict[str, Any]], channel: str) -> None:
    stumbled = [(case["errors"], case["messages"]) for case in _of(arrived, channel) if case["errors"]]

    assert not stumbled, f"{len(stumbled)} answers, the first: {stumbled[0]}"


@pytest.mark.parametrize("channel", WIRE)
def test_the_platform_takes_what_arrives(arrived: list[dict[str, Any]], channel: str) -> None:
    for case in _of(arrived, channel):
        payloads = [Place(WIRE[channel](body), f"[{index}]") for index, body in enumerate(case["arrived"])]
        try:
            platform(channel).check_wire(payloads)
        except AssertionError as refused:
            pytest.fail(f"{refused}\nof {case['element']}")


@pytest.mark.parametrize("channel", WIRE)
def test_the_validators_know_what_rasa_sends(arrived: list[dict[str, Any]], channel: str) -> None:
    """Elsewhere they do the connector's part themselves: here is the proof that they do it as Rasa does."""
    for case in _of(arrived, channel):
        sent = [payload.value for payload in platform(channel).wire(case["messages"])]
        assert _inner(sent) == _inner(WIRE[channel](body) for body in case["arrived"]), case["element"]


@pytest.mark.parametrize("channel", WIRE)
def test_all_that_was_rendered_arrives(arrived: list[dict[str, Any]], channel: str) -> None:
    """Rasa's own rules (five buttons on Slack, three on Facebook, blank lines) have cost nothing on the way."""
    for case in _of(arrived, channel):
        there = "".join(map(bare, strings([WIRE[channel](body) for body in case["arrived"]])))
        for part in (part for text in shown(list(case["messages"])) for part in text.split("\n\n")):
            assert bare(part) in there, f"{part!r} of {case['messages']} is not in {case['arrived']}"
