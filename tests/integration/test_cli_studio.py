"""`haptik-actions studio` as a command: where it listens, who may come in, users, and Rasa's endpoint."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis.asyncio
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import Catalogue
from haptik_actions.studio import serve
from tests.support.patience import SECONDS
from tests.support.studio import PASSWORD, add_users, token_of
from tests.support.valkey import Valkey

USER = ["studio", "user"]


def run(url: str, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env={"REDIS_URL": url}, input=typed)


def test_users_are_added_listed_changed_and_removed(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    assert "There are no users" in run(valkey_url, *USER, "list").output
    added = run(valkey_url, *USER, "add", "asha", "--role", "publisher", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert added.output.endswith("asha is a user now: publisher.\n")
    added = run(valkey_url, *USER, "add", "ben", "--role", "viewer", "--password-stdin", typed=f"{PASSWORD}\n")
    assert added.output == "ben is a user now: viewer.\n"
    assert run(valkey_url, *USER, "list").output == "asha  publisher\nben  viewer\n"
    listed = json.loads(run(valkey_url, *USER, "list", "--json").output)
    assert listed == [{"name": "asha", "role": "publisher"}, {"name": "ben", "role": "viewer"}]
    changed = run(valkey_url, *USER, "passwd", "ben", "--password-stdin", typed=f"{PASSWORD}2\n")
    assert changed.output == "ben has a new password.\n"
    assert run(valkey_url, *USER, "remove", "asha").output == "asha is no user any more.\n"
    assert run(valkey_url, *USER, "list").output == "ben  viewer\n"


def test_a_user_is_unlocked_and_the_log_tells_of_it(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    run(valkey_url, *USER, "add", "asha", "--role", "publisher", "--password-stdin", typed=f"{PASSWORD}\n")
    assert run(valkey_url, *USER, "unlock", "asha").output == "asha had no failed sign-ins.\n"
    run(valkey_url, *USER, "passwd", "asha", "--password-stdin", typed=f"{PASSWORD}2\n")
    run(valkey_url, *USER, "remove", "asha")
    lines = run(valkey_url, "studio", "log").output.splitlines()
    assert [line.partition("+00:00  ")[2] for line in lines] == [
        "user removed  asha  by command line",
        "password changed  asha  by command line",
        "user unlocked  asha  by command line",
        "user added  asha  by command line  as publisher",
    ]
    listed = json.loads(run(valkey_url, "studio", "log", "--json", "--limit", "1").output)
    assert [(entry["event"], entry["name"]) for entry in listed] == [("user removed", "asha")]
    assert "pa55" not in str(lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "asha", "--role", "admin", "--password-stdin"], "'admin' is not one of"),
        (["add", "two words", "--role", "viewer", "--password-stdin"], "cannot be a user's name"),
        (["role", "asha", "publishr"], "'publishr' is not one of 'viewer', 'editor', 'publisher'"),
    ],
)
def test_what_cannot_be_is_refused(
    redis_client: redis.asyncio.Redis, valkey_url: str, arguments: list[str], said: str
) -> None:
    result = run(valkey_url, *USER, *arguments, typed=f"{PASSWORD}\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "pa55" not in result.output


@pytest.mark.parametrize("words", [["remove"], ["passwd", "--password-stdin"], ["role", "editor"], ["unlock"]])
def test_a_user_who_is_not_there_is_not_found_and_the_nearest_is_named(
    redis_client: redis.asyncio.Redis, valkey_url: str, words: list[str]
) -> None:
    run(valkey_url, *USER, "add", "asha", "--role", "viewer", "--password-stdin", typed=f"{PASSWORD}\n")
    for name, hint in [("ahsa", "Did you mean 'asha'?"), ("nobody", "`list` shows who there is.")]:
        result = run(valkey_url, *USER, words[0], name, *words[1:], typed=f"{PASSWORD}\n")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"Error: There is no user {name!r}. {hint}\n"
    assert [line.split("  ")[1] for line in run(valkey_url, "studio", "log").output.splitlines()] == ["user added"]


def test_a_role_is_changed_and_the_log_tells_of_it(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    run(valkey_url, *USER, "add", "asha", "--role", "publisher", "--password-stdin", typed=f"{PASSWORD}\n")
    assert run(valkey_url, *USER, "role", "asha", "viewer").output == "asha is viewer now.\n"
    assert run(valkey_url, *USER, "list").output == "asha  viewer\n"
    newest = run(valkey_url, "studio", "log", "--limit", "1").output
    assert newest.partition("+00:00  ")[2] == "role changed  asha  by command line  as viewer\n"


def test_a_redis_that_is_down_or_not_named_is_said(unused_port: int) -> None:
    result = run(f"redis://127.0.0.1:{unused_port}", *USER, "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Redis does not answer" in result.stderr
    assert "REDIS_URL is not set" in CliRunner().invoke(main, [*USER, "list"]).stderr
    assert "REDIS_URL is not set" in CliRunner().invoke(main, ["studio"]).stderr


@pytest.mark.parametrize("arguments", [["studio"], ["studio", "user", "list"]])
def test_a_missing_extra_is_named(arguments: list[str]) -> None:
    code = f"""
import sys
sys.modules["argon2"] = None
from haptik_actions.cli import main
main({arguments!r})
"""
    environ = {**os.environ, "REDIS_URL": "redis://127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'Error: The studio needs the package argon2-cffi: pip install "haptik-actions[studio]"\n'


@pytest.mark.parametrize("options", [["--host", "0.0.0.0"], ["--host", "::"], ["--proxy", "127.0.0.1"]])
def test_it_opens_to_others_only_with_sign_in(
    redis_client: redis.asyncio.Redis, valkey_url: str, options: list[str]
) -> None:
    result = run(valkey_url, "studio", "--port", "0", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there are no users" in result.stderr
    assert "studio user add" in result.stderr


def test_channels_that_there_are_not_are_named(valkey_url: str) -> None:
    result = run(valkey_url, "studio", "--channels", "facebook, fax")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "fax is not one of haptik, facebook" in result.stderr


async def test_a_domain_is_shown_and_said_and_checked_for_the_bots_channels(
    redis_client: redis.asyncio.Redis, valkey_url: str, tmp_path: Path
) -> None:
    domain = tmp_path / "domain.yml"
    domain.write_text('version: "3.1"\nresponses:\n  utter_greet:\n  - text: Hallo\n')
    settings = Settings(redis_url=valkey_url)
    async with (
        serve(settings, domain=domain, locale="de", channels=["slack"]) as url,
        httpx.AsyncClient(base_url=url, timeout=SECONDS) as http,
    ):
        assert "Hallo" in (await http.get("/?q=utter_greet")).text
        page = (await http.get("/message", params={"key": "utter_greet"})).text
        assert re.findall("<figcaption>(.*?)</figcaption>", page) == ["Slack"]
        call = {"response": "utter_greet", "arguments": {}, "tracker": {}, "channel": {"name": "slack"}}
        assert (await http.post("/nlg", json=call)).json()["text"] == "Hallo"


async def test_it_starts_while_redis_is_down_and_rasa_gets_its_answer(own_valkey: Valkey, tmp_path: Path) -> None:
    domain = tmp_path / "domain.yml"
    domain.write_text('version: "3.1"\nresponses:\n  utter_greet:\n  - text: Hello\n')
    call = {"response": "utter_greet", "arguments": {}, "tracker": {}, "channel": {"name": "rest"}}
    own_valkey.stop()
    async with (
        serve(Settings(redis_url=own_valkey.url), domain=domain) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):
        assert (await http.post("/nlg", json=call)).json()["text"] == "Hello"
        assert (await http.get("/")).status_code == 503
        own_valkey.start()
        assert "key=utter_greet" in (await http.get("/?q=utter_greet")).text


async def test_an_address_that_is_none_is_said(valkey_url: str, redis_client: redis.asyncio.Redis) -> None:
    await add_users(redis_client)
    with pytest.raises(ConfigurationError, match="no address of this machine"):
        async with serve(Settings(redis_url=valkey_url), host="nowhere.invalid"):
            pass


@pytest.fixture
def process(redis_client: redis.asyncio.Redis, valkey_url: str) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, "REDIS_URL": valkey_url, "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "haptik_actions.cli", "studio", "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ, text=True)
    yield process
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")


async def test_a_process_of_its_own_serves_pages_and_rasa(
    redis_client: redis.asyncio.Redis, process: subprocess.Popen[str]
) -> None:
    await Catalogue(redis_client).seed({"utter_greet": [{"text": "Hello {name}!"}]})
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Studio: http://127.0.0.1:")
    async with httpx.AsyncClient(base_url=line.split()[1], timeout=SECONDS) as http:
        assert "key=utter_greet" in (await http.get("/?q=utter_greet")).text
        call = {"response": "utter_greet", "arguments": {"name": "Asha"}, "tracker": {}, "channel": {"name": "rest"}}
        assert (await http.post("/nlg", json=call)).json()["text"] == "Hello Asha!"


async def test_the_studio_begins_in_the_settings_language_and_so_does_rasas_endpoint(
    redis_client: redis.asyncio.Redis, valkey_url: str
) -> None:
    await Catalogue(redis_client).seed({"utter_greet": [{"text": "Guten Tag"}]}, locale="de")
    await Catalogue(redis_client).seed({"utter_greet": [{"text": "Good day"}]}, locale="en")
    call = {"response": "utter_greet", "arguments": {}, "tracker": {}, "channel": {"name": "rest"}}
    for named, told, said in (("de", None, "Guten Tag"), ("de", "en", "Good day"), (None, None, "Good day")):
        settings = Settings(redis_url=valkey_url, locale=named)
        async with serve(settings, locale=told) as url, httpx.AsyncClient(base_url=url, timeout=SECONDS) as http:
            assert said in (await http.get("/?q=utter_greet")).text
            assert (await http.post("/nlg", json=call)).json()["text"] == said


async def test_rasas_endpoint_has_a_door_of_its_own(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    await add_users(redis_client)
    call = {"response": "utter_greet", "arguments": {}, "tracker": {}, "channel": {"name": "rest"}}
    settings = Settings(redis_url=valkey_url, nlg_token="rasas-own")
    async with serve(settings) as url, httpx.AsyncClient(base_url=url, timeout=SECONDS) as http:
        assert (await http.post("/nlg/", json=call)).status_code == 401
        assert (await http.post("/nlg/?token=wrong", json=call)).status_code == 401
        assert (await http.post("/nlg?token=rasas-own", json=call)).status_code == 200
    async with (
        serve(Settings(redis_url=valkey_url), proxy="127.0.0.1") as url,
        httpx.AsyncClient(base_url=url, timeout=SECONDS) as http,
    ):
        assert (await http.post("/nlg/", json=call)).status_code in (404, 405)


async def test_a_proxy_is_believed_and_nobody_else(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    await add_users(redis_client)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    for proxy, is_secure in [("127.0.0.1", True), ("10.9.9.9", False), (None, False)]:
        async with (
            serve(Settings(redis_url=valkey_url), proxy=proxy) as url,
            httpx.AsyncClient(base_url=url, timeout=SECONDS) as http,
        ):
            page = await http.get("/sign-in", headers=forwarded)
            assert ("Secure" in page.headers["set-cookie"]) is is_secure
            if is_secure:
                cookie = page.headers["set-cookie"].partition(";")[0]
                form = {"csrf": token_of(page.text), "name": "viewer", "password": PASSWORD}
                headers = {**forwarded, "Cookie": cookie, "Origin": url.replace("http:", "https:")}
                assert (await http.post("/sign-in", data=form, headers=headers)).status_code == 303
