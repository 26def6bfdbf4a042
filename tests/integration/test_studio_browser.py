"""The studio in a real browser: each thing that it is for, with mouse, keyboard, phone, screen reader and no script."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import redis.asyncio

from haptik_actions.config import Settings
from haptik_actions.messages import Catalogue, packaged_copy
from haptik_actions.studio import Users, serve
from tests.support.browser import browser_page
from tests.support.patience import SECONDS
from tests.support.studio import PASSWORD, QUICK, add_users

if TYPE_CHECKING:
    from playwright.async_api import Page

GREETING = "Hello {name}, order {order_id} is on its way."
ENGLISH: dict[str, list[dict[str, object]]] = {
    "utter_greet": [{"text": GREETING}],
    "utter_bye": [{"text": "Good bye."}],
    "utter_size": [{"text": "Which size?", "buttons": [{"title": "Small", "payload": "/small"}]}],
    **{f"faq/zone_{number}": [{"text": f"Shipping to zone {number} takes a week."}] for number in range(60)},
}
HINDI: dict[str, list[dict[str, object]]] = {"utter_bye": [{"text": "अलविदा।"}]}
TOTAL = len(ENGLISH) + len(packaged_copy())
GREET, BYE = "/message?key=utter_greet&locale=en", "/message?key=utter_bye&locale=en"
CHANNELS = ["web chat", "Facebook", "WhatsApp", "plain text"]


@pytest.fixture
async def stored(redis_client: redis.asyncio.Redis) -> Catalogue:
    catalogue = Catalogue(redis_client)
    await catalogue.seed(ENGLISH)
    await catalogue.seed(HINDI, locale="hi")
    return catalogue


@pytest.fixture
async def url(stored: Catalogue, valkey_url: str) -> AsyncIterator[str]:
    async with serve(Settings(redis_url=valkey_url)) as url:
        yield url


async def write(page: Page, text: str) -> None:
    await page.get_by_label("What the bot says").fill(text)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def eventually(read: Callable[[], Awaitable[object]], wanted: object) -> None:
    # Playwright's own wait_for_function uses eval, which the page's policy forbids.
    give_up = time.monotonic() + SECONDS
    while (found := await read()) != wanted:
        assert time.monotonic() < give_up, f"{found!r} instead of {wanted!r}"
        await asyncio.sleep(0.05)


async def test_a_message_is_found_by_its_words_while_typing(url: str) -> None:
    async with browser_page() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(url)
        await page.get_by_text(f"{TOTAL} messages").wait_for()
        await page.get_by_label("Find a message").press_sequentially("ORDER way")
        await page.get_by_text("1 message", exact=True).wait_for()
        await page.get_by_role("link", name="utter_greet").click()
        await page.get_by_role("heading", name="utter_greet").wait_for()
        await page.go_back()
        await page.get_by_text("1 message", exact=True).wait_for()
    assert {urlsplit(address).netloc for address in asked} == {urlsplit(url).netloc}


async def test_users_screens_follow_while_typing(url: str) -> None:
    async with browser_page() as page:
        await page.goto(url + GREET)
        await page.get_by_label("What the bot says").press("End")
        await page.keyboard.type(" Look out!")
        for channel in CHANNELS:
            screen = page.get_by_role("figure", name=channel)
            await screen.get_by_text("Look out!").wait_for()
        await page.get_by_role("status").filter(has_text="Preview is up to date.").wait_for()
        # With values as the bot fills them in.
        await page.get_by_text("Example values").click()
        await page.get_by_label("name", exact=True).fill("Asha")
        await page.get_by_role("figure", name="WhatsApp").get_by_text("Hello Asha, order").wait_for()


async def test_languages_stand_side_by_side_with_what_is_missing(url: str, stored: Catalogue) -> None:
    async with browser_page() as page:
        await page.goto(url + BYE)
        languages = page.get_by_role("region", name="In all languages")
        await languages.get_by_text("अलविदा।").wait_for()
        await page.goto(url + GREET)
        hindi = languages.get_by_role("listitem").filter(has_text="Hindi (hi)")
        await hindi.get_by_text("missing", exact=True).wait_for()
        await hindi.get_by_role("link").click()
        await write(page, "नमस्ते {name}, ऑर्डर {order_id} रास्ते में है।")
        await press(page, "Publish")
        await page.get_by_text("Published: this is what users read now.").wait_for()
        assert await hindi.get_by_text("missing", exact=True).count() == 0
        await page.goto(url + "/languages")
        await page.get_by_role("link", name=f"{TOTAL - 2} missing in hi").click()
        await page.get_by_text(f"{TOTAL - 2} messages").wait_for()
    assert (await stored.get("utter_greet", "hi")).value == "नमस्ते {name}, ऑर्डर {order_id} रास्ते में है।"


async def test_placeholders_are_put_in_by_click_and_by_keyboard(url: str, stored: Catalogue) -> None:
    async with browser_page() as page:
        await page.goto(url + GREET)
        await write(page, "Dear ")
        await press(page, "Insert name")
        await page.keyboard.type(": ")
        # By keyboard alone: on to the list of placeholders, and back into the text.
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.textContent") == "order_id"
        await page.keyboard.press("Enter")
        await page.keyboard.type(" is here.")
        assert await page.get_by_label("What the bot says").input_value() == "Dear {name}: {order_id} is here."
        assert await page.locator("mark.known").all_inner_texts() == ["{name}", "{order_id}"]
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
    assert (await stored.get("utter_greet", "en")).value == "Dear {name}: {order_id} is here."


async def test_a_placeholder_is_one_thing_to_walk_over_and_to_delete(url: str) -> None:
    async with browser_page() as page:
        await page.goto(url + GREET)
        area = page.get_by_label("What the bot says")
        await area.focus()
        await page.keyboard.press("Control+Home")
        for _ in "Hello ":
            await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        assert await area.evaluate("a => a.selectionStart") == len("Hello {name}")
        await page.keyboard.press("ArrowLeft")
        assert await area.evaluate("a => a.selectionStart") == len("Hello ")
        await page.keyboard.press("Delete")
        assert await area.input_value() == "Hello , order {order_id} is on its way."
        await page.keyboard.press("Control+z")
        assert await area.input_value() == GREETING
        await area.evaluate("a => a.setSelectionRange(9, 9)")
        await eventually(lambda: area.evaluate("a => a.selectionStart"), len("Hello {name}"))
        await page.keyboard.press("Control+Home")
        for _ in "Hello x":
            await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Backspace")
        assert await area.input_value() == "Hello , order {order_id} is on its way."


async def test_a_broken_placeholder_is_flagged_at_once_and_cannot_be_published(url: str, stored: Catalogue) -> None:
    async with browser_page() as page:
        await page.goto(url + GREET)
        await write(page, "Hello {nmae}, order {order_id} is on its way.")
        assert await page.locator("mark.unknown").all_inner_texts() == ["{nmae}"]
        flagged = page.get_by_role("status", name="Checks").get_by_text("{nmae}")
        await flagged.first.wait_for()
        await press(page, "Publish")
        await page.wait_for_load_state()
        await flagged.first.wait_for()
        assert "{nmae}" in await page.get_by_label("What the bot says").input_value()
    assert (await stored.get("utter_greet", "en")).origin == "default"


@pytest.mark.parametrize("scripted", [True, False])
async def test_buttons_are_a_form_and_not_json(url: str, stored: Catalogue, scripted: bool) -> None:
    async with browser_page(java_script_enabled=scripted) as page:
        await page.goto(url + "/message?key=utter_size&locale=en")
        await press(page, "Add a button")
        second = page.get_by_role("group", name="Button 2")
        await second.get_by_label("Label").fill("Large")
        await second.get_by_label("What, or where to").fill("/large")
        if scripted:
            await page.get_by_role("figure", name="Facebook").get_by_text("Large").first.wait_for()
        await press(page, "Move button 2 up")
        first = page.get_by_role("group", name="Button 1")
        await eventually(first.get_by_label("Label").input_value, "Large")
        assert await first.get_by_label("What, or where to").input_value() == "/large"
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
    message = (await stored.get("utter_size", "en")).value
    assert message == (
        '{"text":"Which size?","buttons":[{"title":"Large","payload":"/large"},{"title":"Small","payload":"/small"}]}'
    )


@pytest.mark.parametrize("scripted", [True, False])
async def test_conditions_are_rows_and_not_json(url: str, stored: Catalogue, scripted: bool) -> None:
    async with browser_page(java_script_enabled=scripted) as page:
        await page.goto(url + BYE)
        await press(page, "Add another way to say it")
        await page.locator("#v1-text").fill("See you soon, golden friend.")
        await page.locator(".variation").nth(1).locator("summary").click()
        second = page.get_by_role("group", name="Variation 2")
        await second.get_by_role("button", name="Add a condition").click()
        row = page.get_by_role("group", name="Condition 1")
        await row.get_by_text("Name the slot").wait_for()
        preview = page.get_by_role("region", name="Preview of variation 2")
        await preview.get_by_role("figure", name="Facebook").get_by_text("golden friend").wait_for()
        await row.get_by_label("The bot's slot").fill("points")
        await row.get_by_label("Has to be").select_option("the number")
        await row.get_by_label("Which").fill("many")
        if not scripted:
            await press(page, "Publish")
        await row.get_by_text("Write a number").wait_for()
        await row.get_by_label("Which").fill("100")
        await second.get_by_role("button", name="Add a condition").click()
        new = page.get_by_role("group", name="Condition 2")
        await new.get_by_label("The bot's slot").fill("is_member")
        await new.get_by_label("Has to be").select_option("yes (true)")
        await new.get_by_label("Which").wait_for(state="hidden")
        await press(page, "Remove condition 1")
        await eventually(row.get_by_label("The bot's slot").input_value, "is_member")
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
    message = json.loads((await stored.get("utter_bye", "en")).value or "")
    condition = [{"type": "slot", "name": "is_member", "value": True}]
    assert message == ["Good bye.", {"text": "See you soon, golden friend.", "condition": condition}]


@pytest.mark.parametrize("scripted", [True, False])
async def test_plurals_are_rows_and_not_icus_syntax(url: str, stored: Catalogue, scripted: bool) -> None:
    await stored.seed({"utter_orders": [{"text": "Hello {name}. You have {count} orders."}]}, locale="pl")
    async with browser_page(java_script_enabled=scripted) as page:
        await page.goto(url + "/message?key=utter_orders&locale=pl")
        await write(page, "Masz {count} zamówień.")
        await press(page, "Depends on a number")
        await page.get_by_role("group", name="few (2, 3, 4, 22, …)").get_by_label("For few").fill("Masz # zamówienia.")
        await page.get_by_label("For one").fill("Masz # zamówienie.")
        await page.get_by_label("Before the part that changes").fill("Dobrze! ")
        assert await page.get_by_label("The number it changes with").input_value() == "count"
        await press(page, "Add an exact number")
        exact = page.get_by_role("group", name="Exactly")
        await exact.get_by_label("Says").fill("Nic.")
        if scripted:
            # The preview takes three, and a row that has no number yet does not empty it.
            await page.get_by_role("figure", name="Facebook").get_by_text("Dobrze! Masz 3 zamówienia.").wait_for()
            await press(page, "Insert name")
            assert await exact.get_by_label("Says").input_value() == "Nic.{name}"
            assert await exact.locator("mark.known").all_inner_texts() == ["{name}"]
        else:
            await press(page, "Publish")
        await exact.get_by_text("Write a whole number").wait_for()
        await exact.get_by_label("Number", exact=True).fill("0")
        await exact.get_by_label("Says").fill("Nic, {name}.")
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
        assert await page.get_by_label("For few").input_value() == "Masz # zamówienia."
    assert (await stored.get("utter_orders", "pl")).value == (
        "Dobrze! {count, plural, one {Masz # zamówienie.} few {Masz # zamówienia.} "
        "other {Masz {count} zamówień.} =0 {Nic, {name}.}}"
    )


@pytest.mark.parametrize("scripted", [True, False])
async def test_draft_compare_publish_history_and_back(url: str, stored: Catalogue, scripted: bool) -> None:
    async with browser_page(java_script_enabled=scripted) as page:
        await page.goto(url + BYE)
        await write(page, "Good bye, and thank you.")
        await page.get_by_label("Why this change").fill("politer")
        await press(page, "Save draft")
        await page.get_by_text("The draft is saved.").wait_for()
        assert (await stored.get("utter_bye", "en")).origin == "default"
        await write(page, "Good bye, and thanks.")
        await press(page, "Compare")
        await page.get_by_role("heading", name="What the draft changes").wait_for()
        assert ", and thanks" in await page.locator("ins").first.inner_text()
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
        await write(page, "Bye!")
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
        await page.get_by_role("link", name="History").click()
        await page.get_by_text("politer").wait_for()
        await press(page, "Roll back to version 1")
        await page.get_by_text("Rolled back").wait_for()
        assert await page.get_by_label("What the bot says").input_value() == "Good bye, and thanks."
    texts = [version.value for version in await stored.history("utter_bye", "en")]
    assert texts == ["Good bye, and thanks.", "Bye!", "Good bye, and thanks."]


async def test_what_an_import_changes_is_read_on_a_phone_without_scrolling_aside(url: str) -> None:
    rows = b"key,locale,value\nutter_bye,en,So long then.\n"
    async with browser_page(viewport={"width": 390, "height": 800}) as page:
        await page.goto(url + "/transfer")
        await page.get_by_label("CSV or YAML file").set_input_files(
            {"name": "copy.csv", "mimeType": "text/csv", "buffer": rows}
        )
        await press(page, "Look at the changes")
        box = await page.get_by_text("So long then.").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390


async def test_a_file_goes_out_and_comes_back_changed(url: str, stored: Catalogue) -> None:
    async with browser_page(accept_downloads=True) as page:
        await page.goto(url + "/transfer")
        await page.get_by_label("Language").select_option("en")
        async with page.expect_download() as download:
            await press(page, "Export CSV")
        path = await (await download.value).path()
        text = path.read_text(encoding="utf-8-sig")
        assert len(list(csv.reader(io.StringIO(text)))) == 1 + TOTAL
        changed = text.replace("Good bye.", "So long.").encode()
        await page.get_by_label("CSV or YAML file").set_input_files(
            {"name": "copy.csv", "mimeType": "text/csv", "buffer": changed}
        )
        await press(page, "Look at the changes")
        await page.get_by_role("row").filter(has_text="So long.").wait_for()
        assert (await stored.get("utter_bye", "en")).origin == "default"
        await press(page, "Publish all")
        await page.get_by_text("1 published.").wait_for()
    assert (await stored.get("utter_bye", "en")).value == "So long."


async def test_two_editors_are_told_at_once_and_choose(url: str, stored: Catalogue) -> None:
    async with browser_page() as mine:
        await mine.goto(url + BYE)
        await write(mine, "Mine.")
        theirs = await mine.context.new_page()
        await theirs.goto(url + BYE)
        await write(theirs, "Theirs.")
        await press(theirs, "Publish")
        await theirs.get_by_text("Published: this").wait_for()
        await theirs.close()
        # While the page is open, without a click.
        await mine.get_by_role("alert").get_by_text("local changed this message").wait_for()
        await press(mine, "Publish")
        await mine.get_by_role("heading", name="Somebody else was here too").wait_for()
        assert (await stored.get("utter_bye", "en")).value == "Theirs."
        await mine.get_by_role("region", name="Theirs").get_by_text("Theirs.").wait_for()
        await press(mine, "Go on editing mine")
        await mine.wait_for_load_state()
        await write(mine, "Ours.")
        await press(mine, "Publish")
        await mine.get_by_text("Published: this").wait_for()
    assert [version.value for version in await stored.history("utter_bye", "en")] == ["Ours.", "Theirs."]


async def test_the_keyboard_is_enough(url: str, stored: Catalogue) -> None:
    async with browser_page() as page:
        await page.goto(url)
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        assert await skip.evaluate("e => e === document.activeElement && e.getBoundingClientRect().top >= 0")
        await page.keyboard.press("Enter")
        await tab_to(page, lambda focus: focus["id"] == "q")
        await page.keyboard.type("order way")
        await page.get_by_text("1 message", exact=True).wait_for()
        await tab_to(page, lambda focus: focus["text"] == "utter_greet")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="utter_greet").wait_for()
        await tab_to(page, lambda focus: focus["id"] == "v0-text")
        await page.keyboard.press("Control+End")
        await page.keyboard.type(" Soon.")
        await tab_to(page, lambda focus: focus["text"] == "Add a button")
        await page.keyboard.press("Enter")
        await page.locator("#v0-b0-label:focus").wait_for()
        await page.keyboard.type("Track it")
        await tab_to(page, lambda focus: focus["text"] == "Publish")
        await page.keyboard.press("Enter")
        await page.get_by_text("Published: this").wait_for()
    assert "Soon." in ((await stored.get("utter_greet", "en")).value or "")
    assert "Track it" in ((await stored.get("utter_greet", "en")).value or "")


async def tab_to(page: Page, wanted: Callable[[dict[str, str]], bool]) -> None:
    """Press Tab until the focus is where it should be; each stop on the way has to be seen."""
    # A page has its text before its styles.
    await page.wait_for_load_state()
    for _ in range(60):
        await page.keyboard.press("Tab")
        focus = await page.evaluate(_FOCUS)
        assert focus["seen"], f"no visible focus on {focus}"
        if wanted(focus):
            return
    raise AssertionError("the keyboard does not get there")


_FOCUS = """() => {
  const element = document.activeElement;
  const styles = [element, element.nextElementSibling].filter(Boolean).flatMap((one) =>
    [getComputedStyle(one), getComputedStyle(one, "::after")]);
  const seen = styles.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
  return { id: element.id, text: element.textContent.trim(), seen: seen || element === document.body };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_is_wide_enough(url: str, stored: Catalogue, scheme: str) -> None:
    long = "Verylongwordthatneverends" * 6 + " {name} {order_id}"
    async with browser_page(viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True) as page:
        await page.goto(url + GREET)
        await write(page, long)
        await press(page, "Add a button")
        await page.get_by_label("Label", exact=True).fill("A label that is much longer than the phone is wide")
        await press(page, "Compare")
        await page.get_by_role("heading", name="What the draft changes").wait_for()
        paths = ["/", GREET, "/message/compare?key=utter_greet&locale=en", "/languages", "/transfer"]
        for path in [*paths, "/message/history?key=utter_greet&locale=en"]:
            await page.goto(url + path)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            small = await page.evaluate(_SMALL)
            assert small == [], path
        await page.goto(url + GREET)
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()


# What a finger has to hit; links in a sentence are as tall as it.
_SMALL = """() => [...document.querySelectorAll("button, input:not([type=hidden]), select, textarea")]
  .filter((one) => one.checkVisibility() && !one.matches("[type=radio]"))
  .filter((one) => one.getBoundingClientRect().height < 32)
  .map((one) => one.outerHTML.slice(0, 80))"""


async def test_people_sign_in_and_see_what_they_may(redis_client: redis.asyncio.Redis, url: str) -> None:
    await add_users(redis_client)
    async with browser_page() as page:
        for role, buttons in [
            ("viewer", []),
            ("editor", ["Save draft", "Compare"]),
            ("publisher", ["Save draft", "Compare", "Publish"]),
        ]:
            await page.goto(url + BYE)
            await page.get_by_label("Name").fill(role)
            await page.get_by_label("Password").fill("wrong pa55 word")
            await press(page, "Sign in")
            await page.get_by_role("alert").get_by_text("is wrong").wait_for()
            await page.get_by_label("Password").fill(PASSWORD)
            await press(page, "Sign in")
            await page.get_by_role("heading", name="utter_bye").wait_for()
            assert await page.locator("button[name=do]:visible").all_inner_texts() == buttons
            assert await page.get_by_label("What the bot says").is_disabled() is (role == "viewer")
            await press(page, "Sign out")
            await page.get_by_role("heading", name="Sign in").wait_for()


async def test_nothing_that_anybody_wrote_runs(redis_client: redis.asyncio.Redis, url: str) -> None:
    hostile = '</textarea><script>document.title="ran"</script><img src=x onerror="document.title=\'ran\'">'
    await redis_client.set("haptik:messages:en:utter_bye", hostile)
    async with browser_page() as page:
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
        for path in [BYE, "/?q=utter_bye", "/message/history?key=utter_bye&locale=en"]:
            await page.goto(url + path)
            await page.get_by_text("onerror=").first.wait_for()
        await page.goto(url + BYE)
        await page.get_by_label("What the bot says").press("End")
        await page.keyboard.type("!")
        await page.get_by_role("figure", name="Facebook").get_by_text("onerror=").first.wait_for()
        assert "ran" not in await page.title()
        # Nothing was even tried, so that the policy is the second fence and not the first.
        assert refused == []


async def test_what_was_typed_is_not_lost_by_leaving(url: str) -> None:
    async with browser_page() as page:
        asked: list[str] = []

        async def stay(dialog: object) -> None:
            asked.append(dialog.type)  # type: ignore[attr-defined]
            await dialog.dismiss()  # type: ignore[attr-defined]

        page.on("dialog", stay)
        await page.goto(url + BYE)
        await page.get_by_label("What the bot says").press_sequentially("x")
        await page.get_by_role("link", name="Languages").click(no_wait_after=True)
        await page.wait_for_timeout(300)
        assert asked == ["beforeunload"]
        assert "utter_bye" in await page.title()


async def test_who_is_signed_out_meanwhile_loses_nothing(
    redis_client: redis.asyncio.Redis, url: str, stored: Catalogue
) -> None:
    await add_users(redis_client)
    async with browser_page() as page:
        await page.goto(url + BYE)
        await sign_in(page, PASSWORD)
        await write(page, "Half written")
        await Users(redis_client, QUICK).set_password("publisher", PASSWORD + "2")
        await page.get_by_label("What the bot says").press_sequentially(", ")
        await page.get_by_role("alert").get_by_text("You are signed out.").wait_for()
        other = await page.context.new_page()
        await other.goto(url)
        await sign_in(other, PASSWORD + "2")
        await other.get_by_role("heading", name="Messages").wait_for()
        await other.close()
        await page.get_by_role("alert").get_by_text("You are signed out.").wait_for(state="hidden")
        await page.get_by_label("What the bot says").press_sequentially("and whole.")
        await press(page, "Publish")
        await page.get_by_text("Published: this").wait_for()
    entry = await stored.get("utter_bye", "en")
    assert (entry.value, entry.author) == ("Half written, and whole.", "publisher")


async def test_a_studio_that_does_not_answer_is_said_and_said_no_more(url: str) -> None:
    async with browser_page() as page:
        await page.goto(url + BYE)
        await page.route("**/message/**", lambda route: route.abort())
        await page.get_by_label("What the bot says").press_sequentially("x")
        trouble = page.get_by_role("alert").get_by_text("The studio does not answer.")
        await trouble.wait_for()
        await page.unroute_all()
        await page.get_by_label("What the bot says").press_sequentially("y")
        await trouble.wait_for(state="hidden")


async def sign_in(page: Page, password: str) -> None:
    await page.get_by_label("Name").fill("publisher")
    await page.get_by_label("Password").fill(password)
    await press(page, "Sign in")


PAGES = {
    "the list": "/",
    "nothing found": "/?q=zebra",
    "the editor": GREET,
    "an editor with buttons": "/message?key=utter_size&locale=en",
    "a missing message": "/message?key=utter_greet&locale=hi",
    "the comparison": "/message/compare?key=utter_bye&locale=en",
    "the history": "/message/history?key=utter_bye&locale=en",
    "the languages": "/languages",
    "the files": "/transfer",
    "a mistake": "/message?key=no%20key",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(url: str, stored: Catalogue, redis_client: redis.asyncio.Redis, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="needs axe-playwright-python").Axe()
    first = await stored.publish(
        "utter_bye", "en", "One.", author="asha", expected=(await stored.get("utter_bye", "en")).revision
    )
    await stored.publish("utter_bye", "en", "Two.", author="ben", expected=first.revision)
    await stored.save_draft("utter_bye", "en", "Three {broken}.", author="ben", expected="")
    async with browser_page(color_scheme=scheme) as page:
        found = {}
        for name, path in PAGES.items():
            await page.goto(url + path)
            found[name] = await violations(axe, page)
        await page.goto(url + BYE)
        await press(page, "Publish")
        found["a refusal"] = await violations(axe, page)
        await page.goto(url + "/transfer")
        guessed = "key,locale,value\nutter_bye,en,Bis später.\n".encode("cp1252")
        await page.get_by_label("CSV or YAML file").set_input_files(
            {"name": "copy.csv", "mimeType": "text/csv", "buffer": guessed}
        )
        await press(page, "Look at the changes")
        await page.get_by_role("alert").filter(has_text="it was read as Windows-1252").wait_for()
        found["an import with a doubt"] = await violations(axe, page)
        await add_users(redis_client)
        await page.goto(url)
        found["the sign-in"] = await violations(axe, page)
    assert found == {name: [] for name in found}


async def violations(axe: object, page: Page) -> list[str]:
    results = await axe.run(page)  # type: ignore[attr-defined]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in results.response["violations"]]


async def test_a_screen_reader_is_told_what_changes(url: str) -> None:
    async with browser_page() as page:
        await page.goto(url + GREET)
        await write(page, "Hello {nmae}.")
        told = page.locator("#status")
        await told.filter(has_text="stop").wait_for()
        for name in ["What the bot says", "Why this change"]:
            assert await page.get_by_label(name).count() == 1
        assert await page.get_by_role("main").count() == 1
        assert await page.get_by_role("region", name="Preview").count() == 1
        assert await page.locator("h1").count() == 1
