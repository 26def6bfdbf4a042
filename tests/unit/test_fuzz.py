"""A short run of what `make fuzz` does for five minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import failures


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_text_is_too_much_for_a_reader(seed: int, tmp_path: Path) -> None:
    assert list(failures(tmp_path, seed, rounds=4)) == []
