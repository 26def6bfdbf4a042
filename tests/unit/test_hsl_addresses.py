"""Addresses that were seen are remembered; that never changes what is refused, where, or how much is kept."""

from __future__ import annotations

import gc
import sys

import pytest

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Actionable, Button, Card, Carousel, Image, parse

UNSAFE = (
    "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,<b>", "vbscript:x", "file:///etc/passwd",
    "ftp://example.org", "https://", "https:///path", "https://example.org/a b", "https://example.org/\n",
    " https://example.org", "//example.org",
    "tel:+911140001234", "mailto:care@example.org", "java\tscript:alert(1)",
    "javascript:1/alert(1)", "https:\\\\example.org",
)  # fmt: skip
SAFE = (
    "https://example.org", "https://example.org:8443/a?b=c#d", "example.org:8443/a", "https://münchen.example/straße?q=ü",
    "https://例え.jp", "HTTPS://EXAMPLE.ORG", "https://user@example.org/", "https://example.org/?next=javascript:alert(1)",
)  # fmt: skip


def _nested(url: str, place: int) -> dict[str, object]:
    items: list[dict[str, object]] = [{"actionable_text": "Go", "payload": {"message": "m"}} for _ in range(place)]
    items.append({"actionable_text": "Go", "type": "APP_ACTION", "uri": "LINK", "payload": {"url": url}})
    return {"type": "BUTTON", "text": "Well?", "data": {"items": items}}


@pytest.mark.parametrize("url", UNSAFE, ids=range(len(UNSAFE)))
def test_an_unsafe_address_is_refused_each_time_and_at_the_place_of_that_time(url: str) -> None:
    for place in (0, 2, 1, 1):
        with pytest.raises(InvalidElement) as refused:
            parse(_nested(url, place))
        assert refused.value.path == f"data.items[{place}].payload.url"
    for _ in range(2):
        with pytest.raises(InvalidElement) as refused:
            Actionable.link("Go", url)
        assert refused.value.path == "payload.url"
    for _ in range(2):
        with pytest.raises(InvalidElement) as refused:
            Image.of("https://example.org/a.png", url)
        assert refused.value.path == "data.items[1].thumbnail.image"


@pytest.mark.parametrize("url", SAFE, ids=range(len(SAFE)))
def test_a_safe_address_gives_the_same_element_each_time(url: str) -> None:
    first, second = parse(_nested(url, 1)), parse(_nested(url, 1))

    assert first == second
    assert first.to_hsl() == second.to_hsl() == _nested(url, 1)
    assert Actionable.link("Go", url) == Actionable.link("Go", url)


def test_a_number_is_refused_as_a_link_after_it_was_called() -> None:
    for _ in range(2):
        Actionable.call("Call us", "tel:+911140001234")
        Button(
            "Well?", [Actionable(actionable_text="Go", type="APP_ACTION", uri="EMAIL", payload={"url": "mailto:a@b.c"})]
        )
        for url in ("tel:+911140001234", "mailto:a@b.c"):
            with pytest.raises(InvalidElement):
                Actionable.link("Go", url)


def test_addresses_never_seen_before_leave_no_more_memory_than_a_few_thousand_take() -> None:
    """Each of these is a kilobyte: 20,000 of them kept would be 20 MB, as many as are kept 4."""

    def show(start: int) -> None:
        for number in range(start, start + 20_000):
            Card(title="A", image=f"https://example.org/{number}/" + "x" * 1000)

    show(0)
    gc.collect()
    before = sys.getallocatedblocks()
    show(20_000)
    gc.collect()

    assert sys.getallocatedblocks() - before < 10_000


def test_what_was_refused_once_is_refused_after_the_memory_was_emptied() -> None:
    for number in range(5_000):
        Actionable.link("Go", f"https://example.org/emptied/{number}")
    with pytest.raises(InvalidElement):
        Carousel([Card(title="A", image="javascript:alert(1)")])
    assert Actionable.link("Go", "https://example.org/emptied/0").url == "https://example.org/emptied/0"
