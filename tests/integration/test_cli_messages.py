from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.messages import packaged_copy, packaged_translations
from tests.support.patience import SECONDS
from tests.support.ports import free_port

DOMAIN = """
version: "3.1"
slots: {name: {type: text, mappings: [{type: custom}]}}
responses:
  utter_greet:
    - text: "Hello {name}"
    - {text: "Hey", channel: slack}
  utter_menu:
    - text: "What now?"
      buttons: [{title: Order, payload: /order}]
"""


@pytest.fixture
def url(valkey_url: str) -> Iterator[str]:
    client = redis.Redis.from_url(valkey_url)

    def forget() -> None:
        for key in client.scan_iter("haptik:messages*"):
            client.delete(key)

    forget()
    yield valkey_url
    forget()
    client.close()


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    folder = tmp_path / "domain"
    folder.mkdir()
    (folder / "a.yml").write_text(DOMAIN, encoding="utf-8")
    return folder


def run(url: str, *arguments: str, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["messages", *arguments], env={"REDIS_URL": url}, input=input)


def test_from_the_domain_to_an_edit_and_back(url: str, domain: Path) -> None:
    assert run(url, "seed", "--domain", str(domain)).output == (
        "2 defaults are new, 0 changed, 0 removed, 0 unchanged.\n"
    )
    assert json.loads(run(url, "get", "utter_greet").output) == ["Hello {name}", {"text": "Hey", "channel": "slack"}]
    done = run(url, "set", "utter_greet", "Namaste {name}", "--author", "asha", "--why", "a campaign")
    assert done.output == "utter_greet in en is version 1 now.\n"
    assert run(url, "get", "utter_greet").output == "Namaste {name}\n"
    assert run(url, "set", "utter_greet", "-", input="Hi {name}\n").exit_code == 0
    assert (
        run(url, "history", "utter_greet").output.splitlines()[1].endswith("asha  publish (a campaign): Namaste {name}")
    )
    assert json.loads(run(url, "history", "utter_greet", "--json").output)[0]["value"] == "Hi {name}"
    assert "-Namaste {name}\n+Hi {name}" in run(url, "diff", "utter_greet", "1").output
    assert run(url, "rollback", "utter_greet", "1").output == (
        "utter_greet in en is version 3 now, the same as version 1.\n"
    )
    assert "Namaste" in run(url, "list", "namaste").output
    assert json.loads(run(url, "list", "--only", "edited", "--json").output)["total"] == 1
    assert "default is read again" in run(url, "delete", "utter_greet").output
    assert "Nothing differs" in run(url, "diff", "utter_greet").output


def test_a_rollback_reads_the_history_once(url: str, domain: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    run(url, "set", "utter_greet", "Namaste {name}")
    client = redis.Redis.from_url(url)
    client.config_resetstat()
    assert run(url, "rollback", "utter_greet", "1").exit_code == 0
    assert client.info("commandstats")["cmdstat_lrange"]["calls"] == 1


def test_standard_input_of_windows_has_no_marks_that_users_would_be_sent(url: str, domain: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    given = "\ufeffGrüß dich\r\n{name}\r\n".encode()
    assert run(url, "set", "utter_greet", "-", input=given).exit_code == 0
    assert run(url, "get", "utter_greet").output == "Grüß dich\n{name}\n"
    refused = run(url, "set", "utter_greet", "-", input="Grüß".encode("latin-1"))
    assert refused.exit_code == 2
    assert "<stdin> is not UTF-8" in refused.output


def test_a_key_that_does_not_exist_is_said_and_leaves_no_trace(url: str, domain: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    for command in ("get", "diff", "delete", "history"):
        refused = run(url, command, "utter_gret")
        assert refused.exit_code == 1
        assert "There is no message utter_gret in en. Did you mean 'utter_greet'?" in refused.output
        refused = run(url, command, "nothing_like_it_at_all")
        assert refused.exit_code == 1
        assert "There is no message nothing_like_it_at_all in en. `list` shows what there is" in refused.output
    refused = run(url, "delete", "utter_greet")
    assert (refused.exit_code, refused.output) == (1, "Error: utter_greet in en is its default already.\n")
    assert run(url, "history", "utter_greet").output == "utter_greet in en was never edited.\n"


def test_a_new_key_that_looks_like_another_is_said(url: str, domain: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    done = run(url, "set", "utter_gret", "Hi")
    assert done.exit_code == 0
    assert "utter_gret is new: nothing had this key. Did you mean 'utter_greet'?" in done.output
    # It is known now, and so is what the domain and the package have.
    assert "is new" not in run(url, "set", "utter_gret", "Hello").output
    assert "is new" not in run(url, "set", "haptik_handoff_delayed", "Sorry").output
    assert "is new" not in run(url, "set", "utter_greet", "Hello {name}", "--locale", "hi").output
    assert "is new" not in run(url, "set", "nothing_like_it_at_all", "x").output


def test_the_slots_of_the_package_are_no_placeholders(url: str, domain: Path) -> None:
    slots = "{haptik: {type: any}, haptik_handoff: {type: any}}"
    (domain / "haptik.yml").write_text(f"version: '3.1'\nslots: {slots}\n", encoding="utf-8")
    run(url, "seed", "--domain", str(domain))
    assert json.loads(run(url, "get", "utter_greet", "--json").output)["placeholders"] == ["name"]


def test_a_language_that_is_no_tag_is_refused(url: str) -> None:
    for arguments in (["list"], ["get", "utter_greet"], ["history", "utter_greet"], ["set", "utter_greet", "Hi"]):
        refused = run(url, *arguments, "--locale", "xx yy")
        assert refused.exit_code == 2
        assert "'xx yy' is not a language tag such as `en` or `en-IN`." in refused.output
    assert (
        run(url, "set", "utter_greet", "Hi", "--locale", "en_IN").output == "utter_greet in en-IN is version 1 now.\n"
    )
    assert run(url, "get", "utter_greet", "--locale", "en_IN").output == "Hi\n"


def test_a_list_says_how_to_see_the_rest(url: str, domain: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    shown = run(url, "list", "utter", "--limit", "1")
    assert shown.output.endswith("2 messages. 1 are not shown: name words of theirs, or --limit 2.\n")


def test_the_endpoint_names_a_missing_extra(url: str) -> None:
    code = """
import sys
sys.modules["uvicorn"] = None
from haptik_actions.cli import main
main(["messages", "serve-nlg"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'Error: The NLG endpoint needs the package uvicorn: pip install "haptik-actions[sandbox]"\n'


def test_a_mistake_is_refused_with_its_remedy(url: str, domain: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    refused = run(url, "set", "utter_greet", "Hi {nmae}")
    assert refused.exit_code == 1
    assert "Did you mean 'name'?" in refused.output
    warned = run(url, "set", "utter_greet", "Hi")
    assert warned.exit_code == 0
    assert "warning: text: The default says {name}" not in warned.output  # one of its variations does not
    reply = {"actionable_text": "x" * 300, "type": "TEXT_ONLY", "payload": {"message": "x"}}
    element = json.dumps({"type": "TEXT", "text": "Hi {name}", "data": {"quick_replies": [reply]}})
    assert "warning: " in run(url, "set", "utter_greet", element, "--channels", "facebook").output
    conflict = run(url, "set", "utter_greet", "Hi", "--expected", "0-")
    assert conflict.exit_code == 1
    assert "was changed by" in conflict.output
    assert run(url, "get", "utter_nowhere").exit_code == 1
    assert run(url, "rollback", "utter_greet", "9").exit_code == 1
    assert run(url, "diff", "utter_greet", "9").exit_code == 1
    assert run(url, "set", "a b", "x").exit_code == 2
    assert run(f"redis://127.0.0.1:{free_port()}", "list").exit_code == 1


def test_files(url: str, domain: Path, tmp_path: Path) -> None:
    run(url, "seed", "--domain", str(domain))
    file = tmp_path / "copy.csv"
    assert run(url, "export", str(file)).exit_code == 0
    assert "utter_menu" in file.read_text(encoding="utf-8-sig")
    assert "0 added, 0 changed" in run(url, "import", str(file)).output
    file.write_text(file.read_text(encoding="utf-8").replace("What now?", "What next?"), encoding="utf-8")
    planned = run(url, "import", str(file), "--dry-run")
    assert "changed: utter_menu in en" in planned.output
    assert "What now?" in run(url, "get", "utter_menu").output
    assert "1 messages are published." in run(url, "import", str(file)).output
    assert "What next?" in run(url, "get", "utter_menu").output
    exported = run(url, "export", "--locale", "en").output
    assert "utter_menu:\n    text: What next?\n" in exported
    bad = tmp_path / "bad.yml"
    bad.write_text("en: {utter_greet: 'Hi {nmae}', utter_menu: fine}", encoding="utf-8")
    refused = run(url, "import", str(bad))
    assert refused.exit_code == 1
    assert "utter_greet" in refused.output
    assert "What next?" in run(url, "get", "utter_menu").output
    drafted = run(url, "import", str(file), "--draft")
    assert drafted.exit_code == 0
    assert run(url, "import", str(domain / "a.yml")).exit_code == 2
    assert run(url, "import", str(domain / "a.yml"), "--format", "csv").exit_code == 2


OTHER = "responses:\n  utter_greet: [{text: Hello there}]\n  utter_other: [{text: Other}]\n"


@pytest.fixture
def other(url: str, domain: Path, tmp_path: Path) -> Path:
    """The domain of another bot, on the Redis that the first has seeded."""
    assert run(url, "seed", "--domain", str(domain)).exit_code == 0
    (tmp_path / "other.yml").write_text(OTHER, encoding="utf-8")
    return tmp_path / "other.yml"


def test_what_another_domain_wrote_is_not_removed_unasked(url: str, domain: Path, other: Path) -> None:
    refused = run(url, "seed", "--domain", str(other))
    assert refused.exit_code == 1
    assert "would remove 1 defaults in en that the domain does not have: utter_menu. Nothing is written." in (
        refused.output
    )
    assert "--yes" in refused.output
    assert json.loads(run(url, "get", "utter_greet").output) == ["Hello {name}", {"text": "Hey", "channel": "slack"}]
    assert run(url, "get", "utter_other").exit_code == 1
    # Another language is another set of defaults.
    assert run(url, "seed", "--domain", str(other), "--locale", "de").exit_code == 0
    assert run(url, "seed", "--domain", str(domain)).output.endswith("0 removed, 2 unchanged.\n")
    assert run(url, "seed", "--domain", str(other), "--yes").output == (
        "1 defaults are new, 1 changed, 1 removed, 0 unchanged.\n"
    )


@pytest.mark.parametrize(("answer", "status", "said"), [("y\n", 0, "1 removed"), ("n\n", 1, "Nothing is written.")])
def test_on_a_terminal_it_asks(url: str, other: Path, answer: str, status: int, said: str) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "haptik_actions.cli", "messages", "seed", "--domain", str(other)]
    os.write(ours, answer.encode())
    done = subprocess.run(
        command, stdin=theirs, capture_output=True, text=True, env={**os.environ, "REDIS_URL": url}, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == status
    assert "Remove them?" in done.stderr
    assert said in done.stdout + done.stderr


def test_what_a_domain_says_that_cannot_be_kept_is_named(url: str, tmp_path: Path) -> None:
    responses = {
        "utter_a": [{"text": "One"}, {"text": ""}],
        "utter_b": [{"text": "Gold", "condition": 'slots.tier is "gold"'}, {"text": "All"}],
        "utter_c": [{"text": " "}],
    }
    (tmp_path / "pro.yml").write_text(json.dumps({"responses": responses}), encoding="utf-8")
    done = run(url, "seed", "--domain", str(tmp_path / "pro.yml"))
    assert done.output.splitlines() == [
        "warning: utter_c is left out: text: It is blank, and a blank message is silence.",
        "warning: utter_a is not seeded as it stands: Variation 2: text: It is blank, and a blank message is silence.",
        "warning: utter_b is not seeded as it stands: Variation 1: Its condition cannot be evaluated here and counts "
        "as not fulfilled.",
        "2 defaults are new, 0 changed, 0 removed, 0 unchanged.",
    ]


def test_a_domain_that_is_none(url: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(url, "seed", "--domain", str(tmp_path / "empty")).exit_code == 2
    (tmp_path / "odd.yml").write_text("responses: {utter_a: text}")
    refused = run(url, "seed", "--domain", str(tmp_path / "odd.yml"))
    assert refused.exit_code == 2
    assert "responses.utter_a" in refused.output


def test_the_nlg_endpoint_alone(url: str, domain: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "haptik_actions.cli",
        "messages",
        "serve-nlg",
        "--port",
        "0",
        "--domain",
        str(domain),
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"REDIS_URL": url})
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        call = {"response": "utter_menu", "id": None, "arguments": {}, "tracker": {}, "channel": {"name": "collector"}}
        assert httpx.post(address, json=call, timeout=SECONDS).json()["text"] == "What now?"
        run(url, "set", "utter_menu", "Edited")
        give_up = time.monotonic() + SECONDS
        while (answer := httpx.post(address, json=call, timeout=SECONDS).json()) != {"text": "Edited"}:
            assert time.monotonic() < give_up, answer
        assert answer == {"text": "Edited"}
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_nlg_endpoint_speaks_the_settings_language(url: str) -> None:
    run(url, "set", "utter_menu", "Was nun?", "--locale", "de")
    run(url, "set", "utter_menu", "What now?", "--locale", "en")
    words = [sys.executable, "-m", "haptik_actions.cli", "messages", "serve-nlg", "--port", "0"]
    environ = os.environ | {"REDIS_URL": url, "HAPTIK_LOCALE": "de"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        call = {"response": "utter_menu", "id": None, "arguments": {}, "tracker": {}, "channel": {"name": "collector"}}
        assert httpx.post(address, json=call, timeout=SECONDS).json()["text"] == "Was nun?"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_another_address_than_loopback_needs_a_token(url: str) -> None:
    refused = run(url, "serve-nlg", "--host", "0.0.0.0")
    assert refused.exit_code == 2
    assert "HAPTIK_NLG_TOKEN" in refused.output


def test_without_a_locale_the_commands_take_the_settings(url: str) -> None:
    def speaking(locale: str, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["messages", *arguments], env={"REDIS_URL": url, "HAPTIK_LOCALE": locale})

    assert speaking("de", "set", "utter_greet", "Guten Tag").output == "utter_greet in de is version 1 now.\n"
    assert speaking("de", "get", "utter_greet").output == "Guten Tag\n"
    assert "no message utter_greet in en" in run(url, "get", "utter_greet").output
    assert "no message utter_greet in en" in speaking("de", "get", "utter_greet", "--locale", "en").output
    bad = speaking("d e", "get", "utter_greet")
    assert bad.exit_code == 2
    assert "the environment variable HAPTIK_LOCALE is 'd e' and must be one language tag" in bad.output


def test_the_packages_own_translations_are_seeded_where_they_are_asked_for(url: str, domain: Path) -> None:
    total = len(packaged_copy())
    assert run(url, "seed", "--packaged", "hi", "--packaged", "de").output == (
        f"hi: {total} defaults are new, 0 changed, 0 removed, 0 unchanged.\n"
        f"de: {total} defaults are new, 0 changed, 0 removed, 0 unchanged.\n"
    )
    assert run(url, "get", "haptik_hsl_choose", "--locale", "hi").output == "कृपया चुनें:\n"
    assert run(url, "get", "haptik_hsl_choose").output == "Please choose:\n"
    run(url, "set", "haptik_hsl_choose", "Wählen Sie bitte:", "--locale", "de")
    assert run(url, "seed", "--packaged", "de").output.startswith("de: 0 defaults are new, 0 changed, 0 removed")
    assert run(url, "get", "haptik_hsl_choose", "--locale", "de").output == "Wählen Sie bitte:\n"


def test_a_domains_own_words_for_a_key_of_the_package_win(url: str, tmp_path: Path) -> None:
    own = tmp_path / "domain.yml"
    own.write_text("responses: {haptik_apology: [{text: Oje.}]}", encoding="utf-8")
    seeded = run(url, "seed", "--packaged", "de", "--domain", str(own), "--locale", "de")
    assert seeded.output.endswith("\n0 defaults are new, 1 changed, 0 removed, 0 unchanged.\n")
    assert run(url, "get", "haptik_apology", "--locale", "de").output == "Oje.\n"


def test_a_seeding_of_nothing_and_of_an_unknown_language_are_refused(url: str) -> None:
    nothing = run(url, "seed")
    assert nothing.exit_code == 2
    assert "--domain, --packaged, or both" in nothing.output
    unknown = run(url, "seed", "--packaged", "fr")
    assert unknown.exit_code == 2
    assert "'de', 'hi'" in unknown.output
    assert sorted(packaged_translations()) == ["de", "hi"], "the option offers all that there are"
