"""The page of `hsl preview` in a real browser: what is lost is found at once, at each width, by everybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from haptik_actions.preview import PREVIEWED, preview_page
from tests.support.browser import browser_page

if TYPE_CHECKING:
    from playwright.async_api import Page

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hsl"
SAMPLES = [json.loads(file.read_text("utf-8")) for file in sorted(FIXTURES.glob("docs-*.json"))]
LOST_ON_SOME = json.loads((FIXTURES / "docs-carousel-3.json").read_text("utf-8"))
SIZES = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}, {"width": 390, "height": 844}


async def show(page: Page, folder: Path, content: object) -> None:
    file = folder / "preview.html"
    file.write_text(preview_page(content, title="order.json"), encoding="utf-8")  # type: ignore[arg-type]
    await page.goto(file.as_uri())


async def test_the_head_leads_to_what_is_lost_and_hides_the_rest(tmp_path: Path) -> None:
    async with browser_page(viewport=SIZES[0]) as page:
        await show(page, tmp_path, LOST_ON_SOME)
        links = page.get_by_role("navigation").get_by_role("link")
        losing = await links.count()
        assert 0 < losing < len(PREVIEWED)
        assert f"{losing} of {len(PREVIEWED)} channels lose something" in await page.locator("header").inner_text()

        await links.last.click()
        reached = page.locator("article:target")
        assert await reached.get_by_role("heading").inner_text() == await links.last.inner_text()
        assert await reached.locator(".hp-loss").count() > 0
        assert await reached.is_visible()

        assert await page.locator("article:visible").count() == len(PREVIEWED)
        await page.get_by_label("Show only these").focus()
        await page.keyboard.press("Space")
        assert await page.locator("article:visible").count() == losing


async def test_where_nothing_is_lost_the_head_says_so(tmp_path: Path) -> None:
    async with browser_page() as page:
        await show(page, tmp_path, "Hello")
        assert "No channel loses anything." in await page.locator("header").inner_text()
        assert await page.get_by_role("link").count() == await page.get_by_role("checkbox").count() == 0


async def test_a_list_of_whatsapp_is_seen_closed_and_opened(tmp_path: Path) -> None:
    several = {
        "text": "Which size?",
        "type": "BUTTON",
        "data": {"items": [{"actionable_text": f"Size {n}", "type": "TEXT_ONLY"} for n in range(6)]},
    }
    async with browser_page() as page:
        await show(page, tmp_path, several)
        screen = page.locator("#whatsapp-1 .hp-screen")
        closed, opened = screen.locator(".hp-menu").all_inner_texts, screen.locator(".hp-sheet")
        assert "Size 1" not in (await closed())[0]
        assert "Size 1" in await opened.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_and_no_width_is_too_narrow(tmp_path: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="needs axe-playwright-python").Axe()
    async with browser_page(color_scheme=scheme) as page:
        await show(page, tmp_path, SAMPLES)
        for size in SIZES:
            await page.set_viewport_size(size)  # type: ignore[arg-type]
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, size
        violations = (await axe.run(page)).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:160], len(one["nodes"])) for one in violations] == []
