"""The action server's own language: the setting, and every place that speaks or reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.actions import Runtime, configure
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import MessageStore
from tests.support.form_chat import FormChat
from tests.support.patience import message_store
from tests.unit.forms_bot import VisitForm

Put = Callable[..., Any]


@pytest.fixture
async def put(redis_client: redis.asyncio.Redis) -> Put:
    """Writes messages as people do by hand."""

    async def write(locale: str, **messages: str) -> None:
        for key, value in messages.items():
            await redis_client.set(f"haptik:messages:{locale}:{key}", value)

    return write


@pytest.fixture
async def speaking(valkey_url: str) -> AsyncIterator[Callable[[str | None], None]]:
    """Makes the runtime one whose settings name this locale."""
    made: list[Runtime] = []

    def speak(locale: str | None) -> None:
        settings = Settings(redis_url=valkey_url, locale=locale)
        made.append(Runtime(load_settings=lambda: settings))
        configure(lambda: made[-1])

    yield speak
    configure()
    for runtime in made:
        await runtime.aclose()


# The setting


@pytest.mark.parametrize(("written", "read"), [("de", "de"), ("hi-IN", "hi-IN"), ("de_AT", "de-AT"), (" de ", "de")])
def test_the_environment_and_the_file_name_the_language(written: str, read: str, tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yml"
    file.write_text(f"haptik: {{locale: '{written}'}}", encoding="utf-8")
    assert Settings.load({"HAPTIK_LOCALE": written}).locale == read
    assert Settings.load({}, file).locale == read
    assert Settings.load({}, tmp_path / "none.yml").locale is None


@pytest.mark.parametrize("bad", ["de DE", "*", "de:x", "de-", "12", "Deutsch (Sie)"])
def test_a_bad_language_is_named_with_its_place_and_the_remedy(bad: str, tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yml"
    file.write_text(f"haptik: {{locale: '{bad}'}}", encoding="utf-8")
    with pytest.raises(ConfigurationError) as of_environment:
        Settings.load({"HAPTIK_LOCALE": bad})
    with pytest.raises(ConfigurationError) as of_file:
        Settings.load({}, file)
    assert str(of_environment.value).startswith(f"the environment variable HAPTIK_LOCALE is {bad!r} and must be")
    assert str(of_file.value).startswith(f"`haptik.locale` in {file} is {bad!r} and must be")
    for caught in (of_environment, of_file):
        assert "a language tag such as en, de or hi-IN" in str(caught.value)


async def test_a_bad_language_costs_no_hand_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HAPTIK_LOCALE", "d e")
    monkeypatch.setenv("HAPTIK_TEAM", "support")
    runtime = Runtime()
    assert runtime.settings() == Settings(team="support")
    assert runtime.messages().locale == "en"
    assert "the environment variable HAPTIK_LOCALE is 'd e' and must be one language tag" in caplog.text
    await runtime.aclose()


# The store


def test_a_store_tells_its_language() -> None:
    assert MessageStore().locale == "en"
    assert MessageStore(locale="de").locale == "de"


async def test_a_variety_stands_in_with_its_language_for_users_of_another(
    redis_client: redis.asyncio.Redis, put: Put
) -> None:
    await put("de", utter_hello="Guten Tag")
    store = message_store(redis_client, locale="de-AT")
    assert await store.text("utter_hello", "fr") == await store.text("utter_hello") == "Guten Tag"
    await put("de-AT", utter_bye="Servus")
    await put("fr", utter_bye="Salut")
    assert [await store.text("utter_bye", tag) for tag in ("fr", "hi", None)] == ["Salut", "Servus", "Servus"]


# The action server


async def test_a_form_asks_and_reads_in_the_servers_language(put: Put, speaking: Callable[[str | None], None]) -> None:
    await put(
        "de", haptik_form_ask="Bitte: {label}", haptik_form_word_tomorrow="Morgen", haptik_form_word_skip="Weiter"
    )
    speaking("de")
    chat = FormChat(VisitForm)
    assert (await chat.start())[-1] == "Bitte: City"
    await chat.say("Goa")
    assert "Morgen" in chat.chips()
    # Where people write dates with dots, the day comes first: nothing to ask back.
    await chat.say("3.4.2027")
    assert chat.slots["visit_form_day"] == "2027-04-03"


async def test_what_the_user_speaks_goes_before_the_servers_language(
    put: Put, speaking: Callable[[str | None], None]
) -> None:
    await put("de", haptik_form_ask="Bitte: {label}")
    await put("fr", haptik_form_ask="{label}, s'il vous plaît")
    speaking("de")
    assert (await FormChat(VisitForm, language_code="fr").start())[-1] == "City, s'il vous plaît"
    assert (await FormChat(VisitForm, slots={"language_code": "fr"}).start())[-1] == "City, s'il vous plaît"
    assert (await FormChat(VisitForm, language_code="hi").start())[-1] == "Bitte: City"


async def test_without_the_setting_the_server_speaks_english(put: Put, speaking: Callable[[str | None], None]) -> None:
    await put("de", haptik_form_ask="Bitte: {label}")
    speaking(None)
    chat = FormChat(VisitForm)
    assert (await chat.start())[-1] == "City?"
    await chat.say("Goa")
    await chat.say("3/4/2027")
    assert chat.slots["visit_form_day"] is None, "in English the two orders of a date are asked about"


async def test_runtimes_of_two_languages_say_their_own(valkey_url: str, put: Put) -> None:
    await put("de", haptik_apology="Das hat leider nicht geklappt.")
    runtimes = [
        Runtime(load_settings=lambda tag=tag: Settings(redis_url=valkey_url, locale=tag))  # type: ignore[misc]
        for tag in ("de-CH", "en")
    ]
    said = await asyncio.gather(*(runtime.messages().text("haptik_apology") for runtime in runtimes))
    assert said[0] == "Das hat leider nicht geklappt."
    assert said[1].startswith("I'm sorry")
    for runtime in runtimes:
        await runtime.aclose()
