"""What one conversion costs, on every channel: a BUTTON of five controls, a CAROUSEL of ten cards with three each.

    .venv/bin/python benchmarks/render.py            # a table
    .venv/bin/python benchmarks/render.py --json

Goals: a median of at most 40 µs and 400 µs. Channels take turns, and `json.dumps` of the same element's HSL runs among
them as the side to compare with, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from haptik_actions.hsl import Actionable, Button, Card, Carousel, Element
from haptik_actions.render import CHANNELS, render

GOALS = {"BUTTON": 40.0, "CAROUSEL": 400.0}
ROUNDS = 60


def button() -> Button:
    """Five controls of five kinds."""
    place = {"location": [{"lat_key": "lat", "lng_key": "lng", "index": 0}], "message": "I am at %s"}
    return Button(
        "How can we *help* you today?",
        [
            Actionable.reply("Track order", "Track my order{task}", is_default=True),
            Actionable.link("Website", "www.example.org"),
            Actionable.call("Call us", "+91 11 4000 1234"),
            Actionable(actionable_text="Nearest store", type="APP_ACTION", uri="SEND_LOCATION", payload=place),
            Actionable(actionable_text="Address form", type="FORM_SHOW", payload={"id": 12}),
        ],
    )


def carousel() -> Carousel:
    """Ten cards with a picture, four lines and three controls each."""
    return Carousel([_card(number) for number in range(10)], "New arrivals", image_aspect_ratio=1.77, width="MEDIUM")


def _card(number: int) -> Card:
    return Card(
        title=f"Kurta {number}",
        sub_title="Cotton",
        description="₹799, soft and light",
        image=f"https://example.org/{number}.png",
        meta=4.5,
        actionables=[
            Actionable.reply(f"Buy {number}", f"buy {number}"),
            Actionable.link("Look at it", f"https://example.org/{number}"),
            Actionable.reply("Details", f'/details{{"id": {number}}}'),
        ],
    )


def measure(element: Element) -> dict[str, float]:
    """Microseconds for one conversion, per side the median of the rounds."""
    hsl = element.to_hsl()
    sides: dict[str, Callable[[], Any]] = {"json.dumps": lambda: json.dumps(hsl)}
    for name in CHANNELS:
        sides[name] = _conversion(element, name)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            started = time.process_time()
            for _ in range(10):
                side()
            taken[name].append((time.process_time() - started) * 1e5)
    return {name: statistics.median(values) for name, values in taken.items()}


def _conversion(element: Element, channel: str) -> Callable[[], Any]:
    return lambda: render(element, channel)


def report() -> dict[str, Any]:
    """Per type of element and channel: microseconds, the share of the goal, and the ratio to `json.dumps`."""
    result: dict[str, Any] = {}
    for kind, element in (("BUTTON", button()), ("CAROUSEL", carousel())):
        taken = measure(element)
        base = taken.pop("json.dumps")
        result[kind] = {
            name: {"us": round(us, 1), "of_goal": round(us / GOALS[kind], 2), "to_json_dumps": round(us / base, 1)}
            for name, us in taken.items()
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    result = report()
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'channel':14}" + "".join(f"{kind:>10} µs  of goal  × json.dumps" for kind in result))
    for name in CHANNELS:
        cells = (result[kind][name] for kind in result)
        print(f"{name:14}" + "".join(f"{c['us']:>13}{c['of_goal']:>9}{c['to_json_dumps']:>14}" for c in cells))


if __name__ == "__main__":
    main()
