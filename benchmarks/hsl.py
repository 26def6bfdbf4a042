"""How fast elements are built and written, against the platform's own library.

    .venv/bin/python benchmarks/hsl.py

`hsl_builder` (0.0.1b0, of the extra dev) checks nothing and hands the payload on as it is; ours checks every member and
every address, and copies. It remembers addresses, so it is measured with those of the call before and with new ones.
Sides take turns within one run; a figure is the best of many short rounds, and what counts is the ratio.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import hsl_builder
from hsl_builder import elements as theirs

from haptik_actions.hsl import Actionable, Button, Card, Carousel, Text, parse

CARDS = range(10)
ROUNDS, CALLS = 200, 10


def built_by_hsl_builder(orders: range = CARDS) -> dict[str, Any]:
    carousel = hsl_builder.Carousel("Your orders")
    carousel.aspect_ratio, carousel.width = 1.77, hsl_builder.CarouselWidth.MEDIUM
    for number in orders:
        item = theirs.CarouselItem(f"Order {number}", "Ready")
        item.description = "To be collected"
        item.thumbnail = f"https://example.org/orders/{number}.png"
        track = theirs.Actionable("Track", theirs.ActionableType.TEXT_ONLY, theirs.URI.NONE)
        track.payload = {"message": f"track {number}", "gogo_message": ""}
        show = theirs.Actionable("Open", theirs.ActionableType.APP_ACTION, theirs.URI.LINK)
        show.payload = {"url": f"https://example.org/orders/{number}", "gogo_message": ""}
        cancel = theirs.Actionable("Cancel", theirs.ActionableType.TEXT_ONLY, theirs.URI.NONE)
        cancel.payload = {"message": f"cancel {number}", "gogo_message": ""}
        item.actionables = [track, show, cancel]
        carousel.items.append(item)
    written: dict[str, Any] = carousel.to_hsl()
    return written


def carousel_of_ten(orders: range = CARDS) -> Carousel:
    cards = [
        Card(
            title=f"Order {number}",
            sub_title="Ready",
            description="To be collected",
            image=f"https://example.org/orders/{number}.png",
            actionables=[
                Actionable.reply("Track", f"track {number}"),
                Actionable.link("Open", f"https://example.org/orders/{number}"),
                Actionable.reply("Cancel", f"cancel {number}"),
            ],
        )
        for number in orders
    ]
    return Carousel(cards, "Your orders", 1.77, "MEDIUM")


def built_here(orders: range = CARDS) -> dict[str, Any]:
    return carousel_of_ten(orders).to_hsl()


def built_member_by_member() -> dict[str, Any]:
    """The same without the named constructors `reply` and `link`."""
    cards = [
        Card(
            title=f"Order {number}",
            sub_title="Ready",
            description="To be collected",
            image=f"https://example.org/orders/{number}.png",
            actionables=[
                Actionable(
                    actionable_text="Track",
                    type="TEXT_ONLY",
                    payload={"message": f"track {number}", "gogo_message": ""},
                ),
                Actionable(
                    actionable_text="Open",
                    type="APP_ACTION",
                    uri="LINK",
                    payload={"url": f"https://example.org/orders/{number}", "gogo_message": ""},
                ),
                Actionable(
                    actionable_text="Cancel",
                    type="TEXT_ONLY",
                    payload={"message": f"cancel {number}", "gogo_message": ""},
                ),
            ],
        )
        for number in CARDS
    ]
    return Carousel(cards, "Your orders", 1.77, "MEDIUM").to_hsl()


def in_turns(sides: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds of one call of each side: the best of many rounds in which they take turns."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(ROUNDS):
        for name, side in sides.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                side()
            best[name] = min(best[name], (time.perf_counter() - start) / CALLS * 1e6)
    return best


def same_carousel() -> bool:
    """Both sides say the same: what theirs writes, ours reads as the carousel that ours builds."""
    read = parse(built_by_hsl_builder())
    assert isinstance(read, Carousel)
    built = carousel_of_ten()
    shown = [(c.title, c.sub_title, c.description, c.image, *map(Actionable.to_hsl, c.actionables)) for c in read.items]
    return shown == [
        (c.title, c.sub_title, c.description, c.image, *map(Actionable.to_hsl, c.actionables)) for c in built.items
    ]


SIDES: Mapping[str, Callable[[], object]] = {
    "hsl_builder": built_by_hsl_builder,
    "ours": built_here,
    "ours, member by member": built_member_by_member,
}
NEW = (range(first, first + len(CARDS)) for first in itertools.count(1_000_000, len(CARDS)))
SIDES_OF_NEW: Mapping[str, Callable[[], object]] = {
    "hsl_builder, new addresses": lambda: built_by_hsl_builder(next(NEW)),
    "ours, new addresses": lambda: built_here(next(NEW)),
}
WRITTEN = json.dumps(built_here())
READING: Mapping[str, Callable[[], object]] = {
    "json.loads": lambda: json.loads(WRITTEN),
    "parse": lambda: parse(WRITTEN),
}
SMALL: Mapping[str, Callable[[], object]] = {
    "a TEXT with three quick replies": lambda: Text("Size?", [Actionable.reply(s) for s in ("S", "M", "L")]).to_hsl(),
    "a BUTTON with three buttons": lambda: Button("Size?", [Actionable.reply(s) for s in ("S", "M", "L")]).to_hsl(),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print an object instead of lines")
    arguments = parser.parse_args()
    assert same_carousel()
    built, read, small = in_turns(SIDES), in_turns(READING), in_turns(SMALL)
    new = in_turns(SIDES_OF_NEW)
    ratios = {
        "built, against hsl_builder": built["ours"] / built["hsl_builder"],
        "built with addresses never seen, against hsl_builder": new["ours, new addresses"]
        / new["hsl_builder, new addresses"],
        "built member by member, against hsl_builder": built["ours, member by member"] / built["hsl_builder"],
        "read, against json.loads": read["parse"] / read["json.loads"],
    }
    if arguments.json:
        print(json.dumps({"microseconds": {**built, **new, **read, **small}, "ratios": ratios}, indent=2))
        return 0
    print("Ten cards with three actionables each")
    for name, microseconds in {**built, **new, **read, **small}.items():
        print(f"  {name:34} {microseconds:8.1f} µs")
    for name, ratio in ratios.items():
        print(f"  {name:54} {ratio:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
