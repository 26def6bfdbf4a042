"""The CSV that is uploaded: UTF-8 without a mark, commas, CRLF, quotes where they are needed."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from haptik_actions.faq._csv_source import CsvSource
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import COLUMNS, FaqNode

__all__ = ["read_csv", "write_csv"]


def write_csv(nodes: Iterable[FaqNode], path: str | os.PathLike[str]) -> int:
    """Write the nodes to a file as they are uploaded, and return how many there were.

    Raises:
        ConfigurationError: see `FaqNode.to_cells`.
        OSError: the file cannot be written.
    """
    count = 0
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for count, node in enumerate(nodes, start=1):  # noqa: B007
            writer.writerow(node.to_cells())
    return count


def read_csv(path: str | os.PathLike[str], *, findings: list[Finding] | None = None) -> Iterator[FaqNode]:
    """Yield the nodes of a CSV file as they stand there; `findings` is given what is wrong with the file's format.

    Nothing else is checked: `haptik_actions.faq.lint` does that.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    found: list[Finding] = [] if findings is None else findings
    for _, cells in CsvSource(Path(path)).rows(found.append):
        if any(map(str.strip, cells)):
            yield FaqNode.from_cells(cells)
