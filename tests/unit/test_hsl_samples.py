"""The samples of the platform's documentation and of its builder library: read, written again, and shown everywhere."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from haptik_actions.hsl import parse
from haptik_actions.render import CHANNELS, render
from tests.validators import PLATFORMS, platform
from tests.validators._shown import bare, strings

SAMPLES = sorted((Path(__file__).parents[1] / "fixtures" / "hsl").glob("*.json"))
# What talks to the client application alone is shown on no other channel.
UNSEEN = frozenset({"SILENT"})
# The text of a carousel is a notification's, not a bubble's.
SILENT_ON_TEXT = UNSEEN | {"CAROUSEL"}


def read(path: Path) -> dict[str, Any]:
    loaded = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(params=SAMPLES, ids=lambda path: path.stem)
def sample(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(request.param)


def test_all_samples_are_there() -> None:
    assert len(SAMPLES) >= 19


def test_it_is_written_as_it_was_read(sample: dict[str, Any]) -> None:
    before = copy.deepcopy(sample)

    assert parse(sample).to_hsl() == before
    assert parse(json.dumps(sample)).to_hsl() == before
    assert sample == before


@pytest.mark.parametrize("channel", [*CHANNELS, "unheard of"])
def test_every_channel_takes_it(sample: dict[str, Any], channel: str) -> None:
    messages = render(parse(sample), channel).messages

    platform(channel if channel in CHANNELS else None).check(messages)
    assert messages or (sample["type"] in UNSEEN or not sample.get("text"))


@pytest.mark.parametrize("channel", [name for name in PLATFORMS if name != "twilio_voice"])
def test_its_text_is_there(channel: str) -> None:
    for sample in map(read, SAMPLES):
        if sample["type"] not in SILENT_ON_TEXT:
            there = "".join(map(bare, strings(list(render(parse(sample), channel).messages))))
            assert bare(sample.get("text", "")) in there
            assert bare(sample.get("title", "")) in there
