"""`python -m docsite write FOLDER`, `python -m docsite check FOLDER`, `python -m docsite examples FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from docsite._check import broken_links
from docsite._examples import wrong_examples
from docsite._pages import write_site

VERBS = {"write": write_site, "check": broken_links, "examples": wrong_examples}


def main(words: list[str]) -> int:
    """Do what the words ask for; print what is wrong, one line each, and return 1 then."""
    if len(words) != 2 or words[0] not in VERBS:
        print(__doc__, file=sys.stderr)
        return 2
    problems = VERBS[words[0]](Path(words[1]))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
