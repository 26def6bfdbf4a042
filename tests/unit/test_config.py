from __future__ import annotations

import logging
from pathlib import Path

import pytest

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError

EVERYTHING = {
    "HAPTIK_BASE_URL": "https://haptik.example",
    "HAPTIK_MESSENGER_URL": "https://messenger.example",
    "HAPTIK_RECEIVER": "athena",
    "HAPTIK_CLIENT_ID": "client-1",
    "HAPTIK_TOKEN": "s3cr3t-token",
    "HAPTIK_BUSINESS_ID": "343",
    "HAPTIK_TEAM": "support",
    "REDIS_URL": "redis://:pa55word@localhost:6379/0",
}


def write(text: str) -> Path:
    path = Path("endpoints.yml")
    path.write_text(text, encoding="utf-8")
    return path


def test_the_environment_gives_every_setting() -> None:
    assert Settings.load(EVERYTHING) == Settings(
        base_url="https://haptik.example",
        messenger_url="https://messenger.example",
        receiver="athena",
        client_id="client-1",
        token="s3cr3t-token",
        business_id=343,
        team="support",
        redis_url="redis://:pa55word@localhost:6379/0",
    )


def test_the_file_gives_every_setting_and_expands_variables() -> None:
    path = write(
        "action_endpoint: {url: http://localhost:5055/webhook}\n"
        "haptik:\n"
        "  base_url: https://haptik.example\n"
        "  messenger_url: https://messenger.example\n"
        "  receiver: athena\n"
        "  client_id: 1234\n"
        "  token: ${SECRET}\n"
        "  business_id: 343\n"
        "  team: support\n"
        "  redis_url: redis://$REDIS_HOST:6379\n"
    )
    assert Settings.load({"SECRET": "s3cr3t", "REDIS_HOST": "cache"}, path) == Settings(
        base_url="https://haptik.example",
        messenger_url="https://messenger.example",
        receiver="athena",
        client_id="1234",
        token="s3cr3t",
        business_id=343,
        team="support",
        redis_url="redis://cache:6379",
    )


def test_the_environment_wins() -> None:
    path = write("haptik: {team: from_file, business_id: 1}")
    assert Settings.load({"HAPTIK_TEAM": "from_env"}, path) == Settings(team="from_env", business_id=1)


@pytest.mark.parametrize(
    "text", ["", "action_endpoint: {url: x}", "haptik:", "haptik: {team: ''}", "haptik: {team: $NO}"]
)
def test_nothing_said_is_nothing_set(text: str) -> None:
    assert Settings.load({"HAPTIK_TEAM": "  "}, write(text)) == Settings()


@pytest.mark.parametrize(
    "name", ["base_url", "messenger_url", "receiver", "client_id", "token", "business_id", "team", "redis_url"]
)
def test_a_missing_setting_names_itself_and_both_places(name: str) -> None:
    variable = "REDIS_URL" if name == "redis_url" else f"HAPTIK_{name.upper()}"
    with pytest.raises(ConfigurationError, match=f"{variable}.*`{name}`.*endpoints.yml"):
        Settings().require(name)
    assert Settings.load(EVERYTHING).require(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("haptik: [1]", "`haptik` must be a section"),
        ("haptik: {business_id: abc}", "`haptik.business_id` in endpoints.yml must be a number"),
        ("haptik: {business_id: true}", "`haptik.business_id` in endpoints.yml must be a number"),
        ("haptik: {team: [a]}", "`haptik.team` in endpoints.yml must be text"),
        ("haptik: {token: s3cr3t\nteam: 'x", "endpoints.yml, line"),
    ],
)
def test_a_bad_file_is_refused_with_place_and_without_its_text(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load({}, write(text))
    assert said in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_business_id_of_the_environment_must_be_a_number() -> None:
    with pytest.raises(ConfigurationError, match="the environment variable HAPTIK_BUSINESS_ID must be a number"):
        Settings.load({"HAPTIK_BUSINESS_ID": "acme"})


def test_an_unknown_key_is_a_warning_with_the_nearest_one(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Settings.load({}, write("haptik: {basurl: https://haptik.example}"))
    assert "haptik.basurl" in caplog.text
    assert "'base_url'" in caplog.text


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings.load(EVERYTHING))
    assert "s3cr3t" not in shown
    assert "pa55word" not in shown
    assert "client-1" not in shown


def test_a_patience_that_is_no_number_costs_no_hand_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    environ = {"HAPTIK_FROZEN_SECONDS": "ten", "HAPTIK_TEAM": "orders"}
    settings = Settings.load(environ, tmp_path / "endpoints.yml", tolerant=True)
    assert (settings.team, settings.frozen_seconds) == ("orders", None)
    assert "HAPTIK_FROZEN_SECONDS must be a number (whole seconds, or 0 for never)" in caplog.text
    with pytest.raises(ConfigurationError, match="HAPTIK_FROZEN_SECONDS"):
        Settings.load(environ, tmp_path / "endpoints.yml")
    assert Settings.load({"HAPTIK_FROZEN_SECONDS": "0"}, tmp_path / "endpoints.yml").frozen_seconds == 0
