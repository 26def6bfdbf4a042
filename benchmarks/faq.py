"""How much the FAQ lint and plan cost: time beside `csv.reader` on the same file, and memory above the start.

    .venv/bin/python benchmarks/faq.py                     # 100,000 rows, prints JSON
    .venv/bin/python benchmarks/faq.py --rows 1000000 --rounds 1   # some minutes
    .venv/bin/python benchmarks/faq.py --hsl 0.25 --script devanagari

Lint and `csv.reader` read the same file in this process, in turns, so that a machine that slows down slows both. Memory
is the highest resident size of a process of its own, above what it had after its imports.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl

from haptik_actions.faq import Allowance, CsvSource, FileLedger, Run, lint, load, open_source, plan

WORDS = {
    "latin": "how when where can my order delivery refund card account hours open closed return invoice address",
    "devanagari": "कब कहाँ कैसे मेरा ऑर्डर डिलीवरी वापसी कार्ड खाता समय खुला बंद चालान पता बदलें भुगतान",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--hsl", type=float, default=0.05, help="the share of answers that are HSL objects")
    parser.add_argument("--rounds", type=int, default=5, help="of lint and csv.reader, in turns")
    parser.add_argument("--script", choices=list(WORDS), default="latin")
    parser.add_argument("--only", choices=["lint", "plan", "xlsx"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(arguments.only, Path(arguments.folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(figures(arguments, Path(folder)), indent=2))


def figures(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    write(folder / "before.csv", rows(arguments, changed=False))
    write(folder / "faq.csv", rows(arguments, changed=True))
    pairs = [(timed(read_only, folder), timed(linted, folder)) for _ in range(arguments.rounds)]
    return {
        "rows": arguments.rows,
        "megabytes": round((folder / "faq.csv").stat().st_size / 1e6, 1),
        "csv_reader_seconds": round(statistics.median(reader for reader, _ in pairs), 3),
        "lint_seconds": round(statistics.median(ours for _, ours in pairs), 3),
        "lint_times_csv_reader": round(statistics.median(ours / reader for reader, ours in pairs), 2),
        "lint_megabytes_above_start": in_own_process("lint", folder)["megabytes"],
        "plan": in_own_process("plan", folder),
        "lint_xlsx": in_own_process("xlsx", folder),
    }


def rows(arguments: argparse.Namespace, *, changed: bool) -> Iterator[list[str]]:
    """Three questions and an answer of two bot says a row; of the changed set a tenth each is new, gone and other."""
    random_ = random.Random(1)
    words = WORDS[arguments.script].split()

    def sentence(count: int) -> str:
        return " ".join(random_.choice(words) for _ in range(count))

    for number in range(arguments.rows):
        questions = "|".join(f"{sentence(6)} {number} {part}?" for part in range(3))
        element = {"type": "TEXT", "text": sentence(10), "data": {"quick_replies": [reply(sentence(1))]}}
        says = f"{sentence(20)}. https://shop.example/help.<m>{sentence(12)}\n\n{sentence(8)}"
        answer = json.dumps(element) if random_.random() < arguments.hsl else says
        if changed and number % 10 == 0:
            continue
        yield [f"node_{number}", questions, answer + ("<m>new" if changed and number % 10 == 1 else "")]
    if changed:
        yield from ([f"new_{number}", f"new {number}?", "yes"] for number in range(arguments.rows // 10))


def reply(label: str) -> dict[str, object]:
    payload = {"message": label, "gogo_message": ""}
    return {"actionable_text": label, "type": "TEXT_ONLY", "is_default": 0, "payload": payload}


def write(path: Path, content: Iterator[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["node_name", "question", "answer"])
        writer.writerows(content)


def timed(work: Callable[[Path], object], folder: Path) -> float:
    began = time.perf_counter()
    work(folder)
    return time.perf_counter() - began


def read_only(folder: Path) -> None:
    with (folder / "faq.csv").open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def linted(folder: Path) -> None:
    report = lint(CsvSource(folder / "faq.csv"))
    assert report.ok, report.findings.listed()[:3]


def write_workbook(folder: Path) -> None:
    """The rows of the CSV file in a workbook."""
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    with (folder / "faq.csv").open(encoding="utf-8", newline="") as file:
        for cells in csv.reader(file):
            sheet.append(cells)
    workbook.save(folder / "faq.xlsx")


def linted_xlsx(folder: Path) -> None:
    assert lint(open_source(folder / "faq.xlsx")).ok


def planned(folder: Path) -> None:
    """What `faq plan` does: read, check and pack the source, and compare it with the set in the ledger."""

    async def run() -> None:
        ledger = FileLedger(folder / "ledger", "shop")
        _, nodes = load(CsvSource(folder / "faq.csv"))
        assert nodes is not None
        found = await plan(ledger, nodes, source="faq.csv", allowance=Allowance(ceiling="20%"))
        assert found.difference.created
        assert found.difference.updated
        assert found.difference.deactivated

    asyncio.run(run())


def applied_before(folder: Path) -> None:
    async def run() -> None:
        ledger = FileLedger(folder / "ledger", "shop")
        _, nodes = load(CsvSource(folder / "before.csv"))
        assert nodes is not None
        lease = await ledger.acquire("benchmark")
        run = {"id": "r", "domain": "shop", "state": "done", "digest": nodes.digest, "nodes": nodes.count}
        await ledger.record(lease, Run(**run, source="s", owner="o", began=0.0, changed=0.0), nodes)
        await ledger.aclose()

    asyncio.run(run())


def in_own_process(what: str, folder: Path) -> dict[str, float]:
    if what == "plan":
        applied_before(folder)
    elif what == "xlsx":
        write_workbook(folder)
    command = [sys.executable, __file__, "--only", what, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(what: str, folder: Path) -> dict[str, float]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    before = pages * resource.getpagesize() / 1024
    seconds = timed({"lint": linted, "plan": planned, "xlsx": linted_xlsx}[what], folder)
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"megabytes": round((highest - before) / 1024, 1), "seconds": round(seconds, 2)}


if __name__ == "__main__":
    main()
