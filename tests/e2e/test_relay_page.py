"""The agent at work in the agents' page of the sandbox, in a real browser, with a user on real Rasa."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import browser_page

from .relay_chats import ENDED, HERE, goes_on, hand_over
from .relay_stack import Relayed
from .relay_users import CallbackUser

if TYPE_CHECKING:
    from playwright.async_api import Page


async def claim(page: Page, relayed: Relayed, user_name: str) -> None:
    await page.goto(relayed.desk.sandbox)
    await page.get_by_role("link", name=user_name).click()
    await page.get_by_role("heading", name=user_name).wait_for()
    # The chat enters the queue when it has counted down.
    await relayed.desk.advance(10)
    await page.get_by_label("Claim as").select_option("Priya")
    await page.get_by_role("button", name="Claim").click()


async def answer(page: Page, text: str, buttons: str = "") -> None:
    if buttons:
        await page.get_by_text("Buttons, pictures, cards").click()
        await page.get_by_role("textbox", name="Buttons").fill(buttons)
    await page.get_by_label("Answer as Priya").fill(text)
    await page.get_by_role("button", name="Answer").click()
    await page.get_by_role("log").get_by_text(text).wait_for()


async def test_an_agent_works_in_the_page_and_the_user_on_a_channel_of_rasa(
    relayed: Relayed, caller: CallbackUser
) -> None:
    name = await hand_over(relayed, caller)
    async with browser_page() as page:
        await claim(page, relayed, name)
        await caller.reads(HERE)
        log = page.get_by_role("log")
        await log.get_by_text("action_report").wait_for()

        await answer(page, "Good morning")
        await answer(page, "Which size?", "Small | Large")
        await caller.reads("Good morning")
        question = await caller.next()
        assert question["text"] == "Which size?"
        small, large = question["buttons"]
        assert (small["title"], large["title"]) == ("Small", "Large")
        await caller.say(small["payload"])
        await log.get_by_text("Small", exact=True).nth(1).wait_for()
        await caller.say("and in blue, please")
        await log.get_by_text("and in blue, please").wait_for()

        await answer(page, "It is on its way")
        await page.get_by_role("button", name="Complete").click()
        await page.get_by_text("This conversation is complete.").wait_for()
        await caller.reads("It is on its way", ENDED)
        await goes_on(caller)
    assert (await relayed.has_read(caller, 3))[1:] == ["Small", "and in blue, please"]
    caller.reads_no_more()
