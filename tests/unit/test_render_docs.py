"""docs/channels.md says what the capability records say."""

from __future__ import annotations

from pathlib import Path

import pytest

from haptik_actions.render import CHANNELS, LOSSES, Copy
from tests.unit.test_render_channels import ALIASES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "channels.md").read_text()
SECTIONS = {section.partition("\n")[0]: section for section in PAGE.split("\n## ")}


@pytest.mark.parametrize("name", [name for name in CHANNELS if name not in ALIASES])
def test_a_channel_is_documented_as_its_record_says(name: str) -> None:
    record = CHANNELS[name]
    section = SECTIONS[record.title]

    assert f"Name `{name}`. Connector: {record.connector}. Marks: {record.markup}." in section
    assert record.remark[1:] in section
    rows = [f"| {kind} | {form} |" for kind, form in record.native.items()]
    rows += [f"| {key} | {limit.size:,} {limit.unit} | {limit.source} |" for key, limit in record.limits.items()]
    assert [row for row in rows if row not in section] == []
    assert len([line for line in section.splitlines() if line.startswith("| ")]) == len(rows) + 2


@pytest.mark.parametrize(("alias", "channel"), ALIASES.items())
def test_an_alias_is_documented(alias: str, channel: str) -> None:
    assert f"| `{alias}` | `{channel}` | {CHANNELS[alias].remark} |" in SECTIONS["Other names"]


def test_losses_are_documented() -> None:
    assert all(f"`{code}`" in SECTIONS["Rules for all channels"] for code in LOSSES)


def test_the_words_come_from_the_message_store() -> None:
    keys = Copy.message_keys()
    words = Copy.of({keys["more"]: "और", keys["options"]: "  "})

    assert (words.more, words.options) == ("और", Copy.default().options)
    assert all(f"`{key}`" in (DOCS / "configuration.md").read_text() for key in keys.values())
