"""Somebody who does not program changes a sentence in the studio, and the running bot says it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import browser_page
from tests.support.ports import free_port
from tests.support.valkey import Valkey

from .bot import Chat
from .stack import Server, environment, rasa_server, running

DEFAULT = "Hello! Ask me about an order, for example: where is order 1001"
EDITED = "Hello and welcome! Which order may I look up for you?"
CLI = [sys.executable, "-m", "haptik_actions.cli"]


@pytest.fixture
def studio(project: Path, own_valkey: Valkey, tmp_path: Path) -> Iterator[Server]:
    """The studio with Rasa's endpoint, and the domain's responses as what it starts from."""
    env = environment(REDIS_URL=own_valkey.url, HAPTIK_NLG_TOKEN="rasas-own")
    seed = [*CLI, "messages", "seed", "--domain", str(project / "domain")]
    subprocess.run(seed, env=env, check=True, capture_output=True, cwd=tmp_path)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [*CLI, "studio", "--port", str(port)]
    with running("studio", command, cwd=tmp_path, env=env, folder=tmp_path, health=f"{url}/static/studio.css") as log:
        yield Server(url=url, log=log)


@pytest.fixture
def bot(rasa: str, project: Path, studio: Server, tmp_path: Path) -> Iterator[Server]:
    nlg = f"nlg:\n  url: {studio.url}/nlg\n  token: rasas-own\n"
    # The greeting calls no action.
    with rasa_server(rasa, project, tmp_path, "http://127.0.0.1:9", nlg) as server:
        yield server


async def test_an_edit_in_the_studio_is_the_next_greeting_of_the_running_bot(bot: Server, studio: Server) -> None:
    chat = Chat(rasa=bot.url)
    assert await asyncio.to_thread(chat.say, "hello") == [DEFAULT]
    async with browser_page() as page:
        await page.goto(studio.url)
        await page.get_by_label("Find a message").press_sequentially("ask order example")
        await page.get_by_role("link", name="utter_greet").click()
        await page.get_by_label("What the bot says").fill(EDITED)
        await page.get_by_role("button", name="Save draft").click()
        await page.get_by_text("The draft is saved.").wait_for()
        assert await asyncio.to_thread(chat.say, "hello") == [DEFAULT]
        await page.get_by_role("button", name="Publish").click()
        await page.get_by_text("Published: this is what users read now.").wait_for()
    # No training, no restart: the same process, the same conversation.
    assert await asyncio.to_thread(chat.say_until, "hello", [EDITED]) == [EDITED]
    assert await asyncio.to_thread(Chat(rasa=bot.url).say, "hello") == [EDITED]
    async with browser_page() as page:
        await page.goto(f"{studio.url}/message?key=utter_greet&locale=en")
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("button", name="Back to the default").click()
        await page.get_by_text("Users read the default again.").wait_for()
    assert await asyncio.to_thread(chat.say_until, "hello", [DEFAULT]) == [DEFAULT]
