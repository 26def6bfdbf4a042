"""The domain's files, checked: every mistake by file, line and path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from haptik_actions.cli import main
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import Engine, check_domain

EXAMPLE = Path(__file__).parents[2] / "examples" / "rasa_project" / "domain"

SLOT = """
slots:
  haptik:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
    initial_value:
      team: support
"""
RECEIPT = """
  haptik_handoff:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
"""
ACTIONS = """
intents: [greet]
actions:
  - action_order_status
  - action_cancel_order: {send_domain: true}
"""
INITIAL = "slots.haptik.initial_value"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder


def found(domain: Path) -> list[tuple[str, int | None, str]]:
    return [(finding.file.name, finding.line, finding.path) for finding in check_domain(domain)]


def test_the_example_is_fine() -> None:
    assert check_domain(EXAMPLE) == []


def test_a_domain_without_the_slot_is_fine(tmp_path: Path) -> None:
    assert check_domain(write(tmp_path, domain="slots:\n  other: {type: text}\n", empty="", text="hello")) == []


MISTAKES = [
    ("      teem: vip\n", (9, f"{INITIAL}.teem"), "'team'"),
    ("      deadline: soon\n", (9, f"{INITIAL}.deadline"), "a number of seconds"),
    ("      teams:\n        - {when: {tier: gold}, team: vip}\n", (10, f"{INITIAL}.teams[0].when"), "conditions on"),
    (
        '      hours:\n        timezone: UTC\n        open:\n          mon: "9-18"\n',
        (12, f"{INITIAL}.hours.open.mon"),
        "09:00-18:00",
    ),
    (
        "      actions:\n        action_order_status: {retry: -1}\n",
        (10, f"{INITIAL}.actions.action_order_status.retry"),
        "",
    ),
    (
        "      actions:\n        action_order_stat: {retry: 1}\n",
        (10, f"{INITIAL}.actions.action_order_stat"),
        "'action_order_status'",
    ),
    ("      breaker: {name: orders, failure: 3}\n", (9, f"{INITIAL}.breaker.failure"), "'failures'"),
    ("      breaker: {failures: 3}\n", (9, f"{INITIAL}.breaker"), "a name"),
    ("      assign_within: 5\n", (9, f"{INITIAL}.assign_within"), "a number of seconds from 10 to 86400"),
    ("      after_agent: {triger: a}\n", (9, f"{INITIAL}.after_agent.triger"), "'trigger'"),
    ("      after_agent: {trigger: 5}\n", (9, f"{INITIAL}.after_agent.trigger"), "the name of an intent"),
    ("      after_agent: {reset: all}\n", (9, f"{INITIAL}.after_agent.reset"), "form, none, or a list of slot names"),
    ("      after_agent: {trigger: gret}\n", (9, f"{INITIAL}.after_agent.trigger"), "'greet'"),
    ("      after_agent: {reset: [haptic]}\n", (9, f"{INITIAL}.after_agent.reset"), "'haptik'"),
    (
        "      actions:\n        action_order_status:\n          after_agent: {trigger: gret}\n",
        (11, f"{INITIAL}.actions.action_order_status.after_agent.trigger"),
        "'greet'",
    ),
    ("      messages: {conected: x}\n", (9, f"{INITIAL}.messages.conected"), "'connected'"),
]


@pytest.mark.parametrize(("wrong", "place", "said"), MISTAKES)
def test_a_mistake_is_named_with_its_place(wrong: str, place: tuple[int, str], said: str, tmp_path: Path) -> None:
    (finding,) = check_domain(write(tmp_path, domain=SLOT + wrong + RECEIPT + ACTIONS))
    assert (finding.line, finding.path.removesuffix(".name")) == place
    assert said in finding.problem
    assert str(finding).startswith(f"{tmp_path / 'domain.yml'}:{finding.line}: {finding.path} ")


def test_what_after_agent_may_say(tmp_path: Path) -> None:
    for after in (
        "{trigger: greet}",
        "{reset: form}",
        "{reset: none}",
        "{reset: [haptik]}",
        "{trigger: greet, reset: []}",
    ):
        text = f"{SLOT}      after_agent: {after}\n      assign_within: 90\n{RECEIPT}{ACTIONS}"
        assert check_domain(write(tmp_path, domain=text)) == []


def test_actions_that_need_no_listing_may_have_options(tmp_path: Path) -> None:
    names = ("action_cancel_order", "action_default_fallback", "validate_my_form", "action_ask_my_form_day")
    options = "".join(f"        {name}: {{deadline: 3}}\n" for name in names)
    assert check_domain(write(tmp_path, domain=SLOT + "      actions:\n" + options + RECEIPT + ACTIONS)) == []


DECLARATIONS = [
    (SLOT + ACTIONS, [("domain.yml", 2, "slots.haptik_handoff")]),
    (SLOT.replace("any", "text") + RECEIPT, [("domain.yml", 4, "slots.haptik.type")]),
    (SLOT.replace("type: custom", "type: from_text") + RECEIPT, [("domain.yml", 6, "slots.haptik.mappings")]),
    (
        SLOT.replace("    influence_conversation: false\n", "") + RECEIPT,
        [("domain.yml", 3, "slots.haptik.influence_conversation")],
    ),
    (SLOT + RECEIPT.replace("any", "text"), [("domain.yml", 11, "slots.haptik_handoff.type")]),
    ("slots:\n  haptik: text" + RECEIPT, [("domain.yml", 2, "slots.haptik")]),
    (SLOT.replace("    initial_value:\n      team: support\n", "") + RECEIPT, [("domain.yml", 3, INITIAL)]),
]


@pytest.mark.parametrize(("text", "places"), DECLARATIONS)
def test_how_the_slots_have_to_be_declared(text: str, places: list[Any], tmp_path: Path) -> None:
    assert found(write(tmp_path, domain=text)) == places


def test_a_folder_is_one_domain(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path, a=SLOT, b=ACTIONS)
    write(tmp_path / "deep", receipt="slots:" + RECEIPT)
    assert check_domain(tmp_path) == []
    write(tmp_path, z=SLOT)
    assert found(tmp_path) == [("z.yml", 3, "slots.haptik")]


def test_what_is_no_domain_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        check_domain(tmp_path / "nothing")
    with pytest.raises(ConfigurationError, match=r"broken\.yml:2: this is not valid YAML"):
        check_domain(write(tmp_path, broken="a: 1\n b: 2\n"))


# The command


def check(*options: str, **environ: str) -> Any:
    return CliRunner().invoke(main, ["check", *options], env=environ)


def test_the_command_ends_with_1_where_something_is_wrong(tmp_path: Path) -> None:
    domain = write(tmp_path, domain=SLOT + "      teem: vip\n" + RECEIPT) / "domain.yml"
    result = check("--domain", str(domain))
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == f"{domain}:9: {INITIAL}.teem is unknown and ignored. Did you mean 'team'?\n"
    (row,) = json.loads(check("--json", HAPTIK_DOMAIN=str(domain)).stdout)
    assert row == {
        "file": str(domain),
        "line": 9,
        "path": f"{INITIAL}.teem",
        "problem": "is unknown and ignored. Did you mean 'team'?",
    }


def test_the_command_finds_the_domain_as_rasa_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HAPTIK_DOMAIN", raising=False)
    nothing = check()
    assert (nothing.exit_code, "--domain" in nothing.stderr) == (2, True)
    write(tmp_path, domain=SLOT + RECEIPT)
    result = check()
    assert (result.exit_code, result.stdout) == (0, "domain.yml is fine.\n")
    assert check("--json").stdout == "[]\n"
    missing = check("--domain", "nothing")
    assert (missing.exit_code, "no such file" in missing.stderr) == (2, True)


# What is no mistake, and costs something


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a bot, with no setting in the environment."""
    for name in ("HAPTIK_TEAM", "HAPTIK_MESSENGER_URL", "REDIS_URL", "HAPTIK_DOMAIN", "HAPTIK_ENDPOINTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_bot_without_the_slots_reads_what_that_costs(bot: Path) -> None:
    write(bot, domain="slots:\n  other: {type: text}\n")
    result = check()
    assert (result.exit_code, result.stderr) == (0, "")
    no_team, no_receipt = result.stdout.splitlines()
    assert no_team.startswith("domain.yml: slots.haptik is missing: actions are guarded by the defaults, and no team")
    assert no_receipt.startswith("domain.yml: slots.haptik_handoff is missing: Rasa keeps no receipts")
    assert "to the team of HAPTIK_TEAM" in check(HAPTIK_TEAM="support").stdout
    in_json = check("--json")
    assert (in_json.exit_code, in_json.stdout, in_json.stderr) == (0, "[]\n", result.stdout)


CHANNELS = """
rest:
socketio:
  user_message_evt: user_uttered
telegram: {access_token: x}
haptik_actions.channel.HaptikInput: {webhook_secret: x}
my_bot.OwnChannel:
"""


def test_channels_whose_users_haptik_does_not_know_are_named_before_the_first_failure(bot: Path) -> None:
    write(bot, domain=SLOT + RECEIPT, credentials=CHANNELS)
    result = check()
    assert result.exit_code == 0
    socketio, telegram = result.stdout.splitlines()
    assert socketio.startswith("credentials.yml:3: socketio does not tell who its users are for Haptik")
    assert "metadata_key" in socketio
    assert telegram.startswith("credentials.yml:5: telegram does not tell")
    assert "HAPTIK_MESSENGER_URL" in telegram


def test_they_are_not_named_where_they_are_registered_or_the_bot_knows_them(bot: Path) -> None:
    write(bot, domain=SLOT + RECEIPT, credentials=CHANNELS)
    both = {"HAPTIK_MESSENGER_URL": "https://m.example", "REDIS_URL": "redis://localhost"}
    assert check(**both).stdout == "domain.yml is fine.\n"
    assert check(REDIS_URL="redis://localhost").stdout.count("\n") == 2
    write(bot, domain=SLOT + RECEIPT + "  user_name: {type: text, mappings: [{type: custom}]}\n")
    assert check().stdout == "domain.yml is fine.\n"
    write(bot, credentials="socketio: {metadata_key: customData}\n", domain=SLOT + RECEIPT)
    assert check().stdout == "domain.yml is fine.\n"


async def test_they_are_named_in_the_log_when_a_server_starts(bot: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(bot, credentials=CHANNELS)
    engine = Engine(load_settings=lambda: Settings(base_url="https://haptik.example", team="support"))
    engine.start()
    await engine.aclose()
    assert "credentials.yml:5: telegram does not tell who its users are for Haptik" in caplog.text
