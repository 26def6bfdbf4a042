"""Throw texts at every reader for a while: `make fuzz`, or

    python -m tests.fuzz [--seconds 300] [--seed N]

Ends with 1 where a reader raises something else than a refusal, or takes more than a second of CPU for a text.
"""

from __future__ import annotations

import argparse
import logging
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.fuzz.readers import REFUSALS, readers
from tests.fuzz.texts import text

MOST_SECONDS = 1.0
SHOWN = 300


def failures(folder: Path, seed: int, *, rounds: int | None = None, seconds: float = 0.0) -> Iterator[str]:
    """Yield what went wrong: so many rounds, or as many as there is time for. A round is a text for each reader."""
    known, until = readers(folder), time.monotonic() + seconds
    for number in count():
        if number == rounds or (rounds is None and time.monotonic() > until):
            print(f"{number} texts for each of {len(known)} readers, seed {seed}", file=sys.stderr)
            return
        for name, read in known.items():
            written = text(random.Random(f"{seed}:{number}:{name}"))
            began, wrong = time.thread_time(), ""
            try:
                read(written)
            except REFUSALS:
                pass
            except Exception as error:  # noqa: BLE001
                # Whatever it is, it is reported, and the next text is tried.
                wrong = f"raised {type(error).__name__}: {error!s:.100}"
            took = time.thread_time() - began
            if took > MOST_SECONDS:
                wrong = f"took {took:.1f} s"
            if wrong:
                yield f"{name} (seed {seed}, text {number}) {wrong} for {len(written)} characters: {written[:SHOWN]!r}"


def main() -> None:
    """Read the options, and print what went wrong as it is found."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("--seconds", type=float, default=300.0)
    options.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = options.parse_args()
    logging.disable()
    found = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for failure in failures(Path(folder), given.seed, seconds=given.seconds):
            found += 1
            print(failure, flush=True)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
