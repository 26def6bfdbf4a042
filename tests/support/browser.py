"""A real browser for the tests of pages: Chromium of the machine, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.patience import SECONDS

if TYPE_CHECKING:
    from playwright.async_api import Page

# Debian's headless shell comes first: the same browser without windows, which starts in two thirds of the time.
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PROGRAMS)), None)

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
)


@asynccontextmanager
async def browser_page(**context: Any) -> AsyncIterator[Page]:
    """Yield an empty page; `context` is what Playwright's `new_context` takes. Fails the test if a script failed.

    Skips where Chromium or Playwright is missing.
    """
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
    playwright = pytest.importorskip("playwright.async_api", reason="needs playwright, of the extra dev")
    problems: list[str] = []
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=_QUIET, timeout=1000 * SECONDS)
        try:
            page = await (await browser.new_context(**context)).new_page()
            # Pages wait for what they look for as long as all tests do.
            page.context.set_default_timeout(1000 * SECONDS)
            page.on("pageerror", lambda error: problems.append(str(error)))
            yield page
        finally:
            await browser.close()
    assert problems == []
