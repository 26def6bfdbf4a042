"""Takes the picture of the demo's page: `python -m tests.screenshots.demo docs/images`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haptik_actions.demo import Stack, start_stack
from tests.support.browser import browser_page

if TYPE_CHECKING:
    from playwright.async_api import Page

DESKTOP: dict[str, Any] = {"viewport": {"width": 1400, "height": 880}, "color_scheme": "light"}
COUNTDOWN_SECONDS = 10


async def main(folder: Path) -> None:
    async with start_stack() as stack, browser_page(**DESKTOP) as page:
        page.set_default_timeout(60_000)
        await page.goto(stack.page_url)
        await _talk(page, stack)
        await page.wait_for_timeout(1500)
        await page.screenshot(path=folder / "demo.png")


async def _talk(page: Page, stack: Stack) -> None:
    phone = page.get_by_role("log", name="What the user sees")
    desk = page.frame_locator("iframe")
    await page.get_by_role("switch", name="Break the orders service").click()
    await page.get_by_role("switch", name="Mend the orders service").wait_for()
    await _write(page, "where is order 1001")
    await phone.get_by_text("I'm bringing a colleague").wait_for()
    chat = desk.get_by_role("link", name=await _waiting(stack))
    await chat.wait_for()
    stack.sandbox.advance(COUNTDOWN_SECONDS)
    await chat.click()
    await desk.get_by_role("button", name="Claim").click()
    await phone.get_by_text("is here now").wait_for()
    await _write(page, "I need it for a birthday")
    await desk.get_by_role("log").get_by_text("I need it for a birthday").wait_for()
    await desk.get_by_label("Answer as").fill("It is with the courier, and will be there today.")
    await desk.get_by_role("button", name="Answer").click()
    await phone.get_by_text("will be there today").wait_for()
    await page.get_by_role("switch", name="Mend the orders service").click()
    await page.get_by_role("switch", name="Break the orders service").wait_for()


async def _write(page: Page, text: str) -> None:
    await page.get_by_label("Write as the user").fill(text)
    await page.get_by_role("button", name="Send").click()


async def _waiting(stack: Stack) -> str:
    """Haptik's name for the user, once their chat is in the queue."""
    for _ in range(1200):
        if stack.sandbox.queue():
            break
        await asyncio.sleep(0.05)
    return stack.sandbox.queue()[0].user_name


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
