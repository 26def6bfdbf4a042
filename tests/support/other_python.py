"""Which tests run once more with another Python and another rasa-sdk: `pytest --other-python`.

Whole are the files that call rasa-sdk, or start a server of it: there the versions differ. What the other files test is
our own code and depends on Python alone, so of each of their tests the first row runs: a name or a syntax that this
Python does not have shows in any row, and the other rows have had their turn with the main Python.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import hypothesis
import pytest

_TOUCHES_RASA_SDK = re.compile(
    r"\brasa_sdk\b|haptik_actions\.(actions|channel)\b|tests\.support\.(action_server|form_chat|guarded_server|rasa)\b"
)
_FEW = 15


def use_few_examples() -> None:
    """Let Hypothesis try few examples where a test does not say how many. Before the tests are imported."""
    hypothesis.settings.register_profile("few", deadline=None, max_examples=_FEW)
    hypothesis.settings.load_profile("few")


def leave_out_rows(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what need not run a second time."""
    seen: set[str] = set()
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        test = item.nodeid.partition("[")[0]
        wanted = test not in seen or _touches_rasa_sdk(item.path)
        (kept if wanted else left_out).append(item)
        seen.add(test)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@cache
def _touches_rasa_sdk(path: Path) -> bool:
    return _TOUCHES_RASA_SDK.search(path.read_text(encoding="utf-8")) is not None
