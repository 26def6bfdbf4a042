"""The agents' page in a real browser: claiming, answering and completing a chat with mouse, keyboard, and no script."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from haptik_actions._serving import serve_app
from haptik_actions.sandbox import Node, Sandbox, Webhook, serve
from tests.support.browser import browser_page
from tests.support.patience import SECONDS
from tests.support.webhook import hand_over

if TYPE_CHECKING:
    from playwright.async_api import Page

ASHA = "/?user_name=asha&business_id=1201"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
EVENTS = ["chat_pinned", "message", "chat_complete", "webhook_conversation_complete"]


@pytest.fixture
async def sandbox() -> Sandbox:
    sandbox = Sandbox()
    await hand_over(sandbox)
    return sandbox


@pytest.fixture
async def url(sandbox: Sandbox) -> AsyncIterator[str]:
    async with serve(sandbox) as url:
        yield url


async def run_by_clicks(page: Page, url: str) -> None:
    await page.goto(url)
    await page.get_by_role("link", name="asha").click()
    await page.get_by_text("It was promised for today.").wait_for()
    await page.get_by_label("Claim as").select_option("Priya")
    await page.get_by_role("button", name="Claim").click()
    await page.get_by_label("Answer as Priya").fill("It will be there today.")
    await page.get_by_role("button", name="Answer").click()
    await page.get_by_role("log").get_by_text("It will be there today.").wait_for()
    await page.get_by_label("Reason").fill("late delivery")
    await page.get_by_role("button", name="Complete").click()
    await page.get_by_text("This conversation is complete.").wait_for()


@pytest.mark.parametrize("scripted", [True, False])
async def test_an_agent_claims_answers_and_completes_a_chat(sandbox: Sandbox, url: str, scripted: bool) -> None:
    async with browser_page(java_script_enabled=scripted) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await run_by_clicks(page, url)
    assert [event.name for event in sandbox.events()] == EVENTS
    assert sandbox.events()[-1].body["data"]["closing_categories"]["reason"] == "late delivery"
    assert sandbox.messages("asha", 1201, 7)[-1].body["text"] == "It will be there today."
    assert {urlsplit(address).netloc for address in asked} == {urlsplit(url).netloc}
    assert any("/_sandbox/page/answer" in address for address in asked)


async def test_the_keyboard_is_enough(sandbox: Sandbox, url: str) -> None:
    async with browser_page() as page:
        await page.goto(url)
        await page.get_by_role("link", name="asha").focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Claim as").wait_for()
        # Without its script a page asks for the next one, and that begins at its top.
        await page.wait_for_load_state()
        await page.get_by_label("Claim as").focus()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        # Where the form was, the answer is written: no need to look for it.
        await page.locator("textarea:focus").wait_for()
        await page.keyboard.type("One")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("two")
        await page.keyboard.press("Enter")
        await page.get_by_role("log").get_by_text("One\ntwo").wait_for()
        assert await page.locator("textarea:focus").input_value() == ""
        for key in ("Tab", "Tab", "Enter"):
            await page.keyboard.press(key)
        await page.get_by_text("This conversation is complete.").wait_for()
    assert sandbox.messages("asha", 1201, 7)[-1].body["text"] == "One\ntwo"


async def test_what_comes_in_leaves_a_half_written_answer_alone(sandbox: Sandbox, url: str) -> None:
    sandbox.claim("asha", 1201, agent="Priya")
    receipt = sandbox.say("asha", 1201, {"text": "Receipt", "type": "RECEIPT", "data": {}}, sender="bot")
    async with browser_page() as page:
        await page.goto(url + ASHA)
        disclosure = page.locator(f'[data-key="{receipt.id}"] details')
        await disclosure.locator("summary").click()
        await page.get_by_label("Answer as Priya").fill("Half an ans")
        await hand_over(sandbox, "ben")
        sandbox.outage = True
        sandbox.say("asha", 1201, "Are you there?")
        await page.get_by_role("log").get_by_text("Are you there?").wait_for()
        await page.get_by_text("answered with 503").wait_for()
        await page.keyboard.type("wer")
        assert await page.locator("textarea:focus").input_value() == "Half an answer"
        assert await disclosure.get_attribute("open") is not None
        newest = page.get_by_role("log").locator("li").last
        assert await newest.evaluate("e => e.getBoundingClientRect().bottom <= innerHeight")


async def test_what_cannot_be_done_any_more_is_said(sandbox: Sandbox, url: str) -> None:
    async with browser_page() as page:
        await page.goto(url + ASHA)
        # The page must not find out by itself before the click.
        await page.route("**/_sandbox/live*", lambda route: route.abort())
        sandbox.claim("asha", 1201, agent="Priya")
        await page.get_by_role("button", name="Claim").click()
        await page.locator("#problem").get_by_text("is assigned to Priya already").wait_for()
        await page.get_by_label("Answer as Priya").fill("Hello")
        await page.get_by_role("button", name="Answer").click()
        await page.locator("#problem").wait_for(state="hidden")


async def test_the_switches_switch(sandbox: Sandbox, url: str) -> None:
    async with browser_page() as page:
        await page.goto(url)
        for down in (True, False):
            await page.locator("#switch").click()
            await page.get_by_text(f"Haptik is {'down' if down else 'up'}").wait_for()
            assert sandbox.outage is down
        ravi = page.get_by_role("listitem").filter(has_text="Ravi").get_by_role("switch")
        await ravi.click()
        await page.locator("[data-key=Ravi] [aria-checked=true]").wait_for()
    assert sandbox.agents()[2].online


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_a_chat_is_a_view_of_its_own(sandbox: Sandbox, url: str, scheme: str) -> None:
    cards = [{"thumbnail": {"image": f"https://example.org/{'long' * 20}"}, "title": "Card"}] * 3
    sandbox.say("asha", 1201, {"type": "CAROUSEL", "data": {"items": cards}}, sender="bot")
    async with browser_page(viewport={"width": 360, "height": 740}, color_scheme=scheme) as page:
        await page.goto(url)
        queues = page.get_by_role("heading", name="Queues")
        await page.get_by_role("link", name="asha").click()
        await page.get_by_role("heading", name="asha").wait_for()
        await page.wait_for_load_state()
        assert not await queues.is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        box = await page.get_by_role("button", name="Claim").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 740
        await page.get_by_role("link", name="All chats").click()
        await queues.wait_for()
        await page.wait_for_load_state()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def bot_api_chat(sandbox: Sandbox, url: str) -> str:
    """Let a bot register a user and log what they say and send; return the user's name on the platform."""
    headers = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
    form = {"auth_id": "r4c1e9a7", "business_id": "1201", "message_type": "1", "message_body": "This one"}
    words = {"message_body": "Where is it?", "message_type": 0, "business_id": 1201}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=SECONDS) as client:
        await client.post("/v1.0/user/", json={"auth_id": "r4c1e9a7", "name": "Asha Rao"})
        await client.post("/v1.0/log_message_from_user/", json={**words, "user": {"auth_id": "r4c1e9a7"}})
        await client.post("/v1.0/log_file_from_user/", data=form, files={"file": ("shoe.png", PIXEL)})
    return sandbox.users()[-1].user_name


@pytest.mark.parametrize("scripted", [True, False])
async def test_an_agent_answers_a_user_of_the_bot_api_with_buttons(sandbox: Sandbox, url: str, scripted: bool) -> None:
    user_name = await bot_api_chat(sandbox, url)
    async with browser_page(java_script_enabled=scripted) as page:
        await page.goto(url)
        await page.get_by_role("link", name=user_name).click()
        await page.get_by_role("button", name="Claim").click()
        shoe = page.get_by_role("img", name="Image that the user sent")
        await shoe.wait_for()
        assert await shoe.evaluate("image => image.complete && image.naturalWidth === 1")
        await page.get_by_text("Buttons, pictures, cards").click()
        await page.get_by_label("Answer as").fill("Which size?")
        await page.get_by_role("textbox", name="Buttons").fill("41 | All sizes https://shop.example/sizes")
        await page.get_by_role("button", name="Answer").click()
        await page.get_by_role("log").get_by_role("link", name="All sizes").wait_for()
        # A page that was loaded again has its folds closed and its fields empty.
        if scripted:
            assert await page.get_by_role("textbox", name="Buttons").input_value() == ""
        await page.get_by_text("What the platform does").click()
        await page.get_by_role("button", name="recall").click()
        await page.get_by_role("log").get_by_text("Are you still there?").wait_for()
        if not scripted:
            await page.get_by_text("What the platform does").click()
        await page.get_by_role("button", name="the user did not answer").click()
        await page.get_by_text("This conversation is complete.").wait_for()
    names = [event.name for event in sandbox.events()]
    assert names == ["chat_pinned", "message", "message", "chat_complete", "webhook_conversation_complete"]
    sent = sandbox.events()[1].body["message"]["body"]
    assert [item["actionable_text"] for item in sent["data"]["items"]] == ["41", "All sizes"]
    assert sandbox.events()[-1].body["data"]["completion_by"] == "Waiting for User"


async def test_a_user_writes_to_a_bot(sandbox: Sandbox, url: str) -> None:
    async def bot(request: Request) -> Response:
        if request.method == "GET":
            return Response()
        text = (await request.json())["entities"]["feedback_regex"][0]["original_text"]
        return JSONResponse({"status": True, "response": [f"You said: {text}"]})

    async with serve_app(Starlette(routes=[Route("/", bot, methods=["GET", "POST"])])) as target:
        sandbox.add_node(Node(name="order_gateway", url=f"{target}/", step=True))
        async with browser_page() as page:
            await page.goto(f"{url}/?user_name=ben&business_id=1201")
            await page.get_by_text("What ben writes").click()
            await page.get_by_label("Goes to the bot").fill("It does not print")
            await page.keyboard.press("Enter")
            await page.get_by_role("log").get_by_text("You said: It does not print").wait_for()
            await page.get_by_role("heading", name="Last messages to nodes").wait_for()
            # The form stays open for the next message.
            assert await page.get_by_label("Goes to the bot").input_value() == ""
    assert [call.problem for call in sandbox.node_calls()] == [""]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_axe_finds_nothing(sandbox: Sandbox, url: str, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="needs axe-playwright-python").Axe()
    sandbox.add_node(Node(name="one", url=f"{url}/one"))
    sandbox.add_node(Node(name="two", url=f"{url}/two"))
    sandbox.webhook = Webhook(url=f"{url}/none")
    user_name = await bot_api_chat(sandbox, url)
    await sandbox.write("ben", 1201, "Hello")
    async with browser_page(viewport={"width": width, "height": 740}, color_scheme=scheme) as page:
        found: dict[str, list[str]] = {}
        await page.goto(url)
        found["the queues"] = await violations(axe, page)
        for name, state in ((user_name, "waits"), ("deepak", "with the bot"), (user_name, "assigned")):
            if state == "assigned":
                sandbox.claim(user_name, 1201, agent="Priya")
                sandbox.answer(user_name, 1201, "Hello")
            await page.goto(f"{url}/?user_name={name}&business_id=1201")
            for summary in await page.locator(".fold summary").all():
                await summary.click()
            found[state] = await violations(axe, page)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert found == {name: [] for name in found}


async def violations(axe: object, page: Page) -> list[str]:
    results = await axe.run(page)  # type: ignore[attr-defined]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in results.response["violations"]]


async def test_another_sites_page_cannot_give_orders(sandbox: Sandbox, url: str) -> None:
    attempts = f"""
      <form method="post" action="{url}/_sandbox/page/outage"><button name="active" value="true">Win</button></form>
      <script>
        const body = '{{"active": true}}';
        const answers = ["/_sandbox/outage", "/_sandbox/reset"].map((path) => Promise.allSettled([
          fetch("{url}" + path, {{ method: "POST", mode: "no-cors", body }}),
          fetch("{url}" + path, {{ method: "POST", mode: "no-cors" }}),
          fetch("{url}" + path, {{ method: "POST", body, headers: {{ "Content-Type": "application/json" }} }}),
        ]));
        Promise.all(answers).then(() => {{ document.title = "tried"; }});
      </script>"""
    other = Starlette(routes=[Route("/", lambda request: HTMLResponse(attempts))])
    async with serve_app(other) as foreign, browser_page() as page:
        await page.goto(foreign)
        await page.wait_for_function("document.title === 'tried'")
        async with page.expect_response("**/_sandbox/page/outage") as answer:
            await page.get_by_role("button", name="Win").click()
        assert (await answer.value).status == 403
    assert not sandbox.outage
    assert [chat.user_name for chat in sandbox.queue()] == ["asha"]
