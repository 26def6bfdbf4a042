"""docs/hsl.md: its examples run, and its table is what the capability records say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from haptik_actions import hsl
from haptik_actions.render import ALIASES, CHANNELS

PAGE = (Path(__file__).parents[2] / "docs" / "hsl.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(example: str) -> None:
    exec(compile(example, "docs/hsl.md", "exec"), {})


def test_every_element_is_built_in_an_example() -> None:
    built = "".join(EXAMPLES)
    for element in get_args(hsl.Element):
        assert re.search(rf"\b{element.__name__}\b", built)


TYPES = ("TEXT", "BUTTON", "CAROUSEL", "IMAGE", "FORM", "RECEIPT", "TAB_LIST", "SYSTEM", "NATIVE_ACTION", "SILENT")


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name not in ALIASES])
def test_the_table_says_which_element_has_a_form_of_its_own(channel: str) -> None:
    native = CHANNELS[channel].native
    cells = ["●" if kind in native else "" for kind in TYPES]

    assert f"| channel | {' | '.join(TYPES)} |\n" in PAGE
    assert f"| `{channel}` | {' | '.join(cells)} |\n" in PAGE
    assert native.keys() <= set(TYPES)


def test_the_table_has_no_channel_that_is_none() -> None:
    table = PAGE[PAGE.index("| channel |") :].split("\n\n")[0]
    assert len(table.splitlines()) - 2 == len(CHANNELS) - len(ALIASES)
