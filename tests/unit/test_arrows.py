"""The arrows of docs/architecture.md: what each package may bring in when it is imported alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PACKAGES = [
    *("client", "credentials", "messages", "escalation", "actions", "hsl", "render", "sandbox", "demo", "cli"),
    *("rasa_api", "testing", "nlg", "faq", "preview", "studio", "answers", "forms", "relay"),
]
FOREIGN = ["httpx", "redis", "rasa_sdk", "rasa", "aiohttp", "starlette", "ruamel", "jinja2"]

ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    # module: (packages of ours, foreign packages) that may come with it
    "haptik_actions": (set(), set()),
    "haptik_actions.errors": (set(), set()),
    "haptik_actions.config": (set(), set()),
    "haptik_actions.hsl": (set(), set()),
    "haptik_actions.render": ({"hsl"}, set()),
    "haptik_actions.credentials": (set(), set()),
    "haptik_actions.messages": ({"hsl"}, set()),
    "haptik_actions.nlg": ({"messages", "hsl", "render"}, set()),
    "haptik_actions.client": ({"credentials"}, {"httpx"}),
    "haptik_actions.answers": ({"hsl", "render"}, set()),
    "haptik_actions.forms": ({"hsl", "render", "answers"}, set()),
    "haptik_actions.relay": ({"client", "credentials", "messages", "hsl"}, {"httpx"}),
    "haptik_actions.escalation": ({"client", "credentials", "messages", "hsl", "relay"}, {"httpx"}),
    "haptik_actions.faq": ({"client", "credentials", "hsl"}, {"httpx"}),
    "haptik_actions.actions": (
        {"client", "credentials", "messages", "escalation", "hsl", "render", "answers", "forms", "relay"},
        {"httpx", "rasa_sdk", "aiohttp", "ruamel", "redis"},
    ),
    "haptik_actions.sandbox": ({"hsl"}, {"starlette", "ruamel", "httpx", "jinja2"}),
    "haptik_actions.preview": ({"hsl", "render"}, {"jinja2"}),
    "haptik_actions.rasa_api": (set(), {"httpx"}),
    "haptik_actions.studio": (
        {"messages", "nlg", "preview", "hsl", "render"},
        {"starlette", "redis", "jinja2", "httpx"},
    ),
    # pytest loads it in every run of every project that has haptik-actions installed.
    "haptik_actions.testing.plugin": ({"testing"}, set()),
    "haptik_actions.cli": (set(), set()),
}


def brought_in_by(module: str) -> tuple[set[str], set[str]]:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(json.loads(out.stdout))
    ours = {package for package in PACKAGES if f"haptik_actions.{package}" in names}
    return ours - {module.rpartition(".")[2]}, {package for package in FOREIGN if package in names}


@pytest.mark.parametrize("module", list(ALLOWED))
def test_a_package_brings_in_only_what_the_arrows_allow(module: str) -> None:
    ours, foreign = brought_in_by(module)
    assert ours <= ALLOWED[module][0]
    assert foreign <= ALLOWED[module][1]


def test_every_public_name_of_the_package_can_be_imported() -> None:
    import haptik_actions

    for name in haptik_actions.__all__:
        assert getattr(haptik_actions, name) is not None
    assert dir(haptik_actions) == haptik_actions.__all__
    with pytest.raises(AttributeError, match="no_such_name"):
        haptik_actions.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("import haptik_actions.sandbox", "sandbox"),
        ("import haptik_actions.preview", "sandbox"),
        ("import haptik_actions.demo", "sandbox"),
        ("import haptik_actions.studio", "studio"),
        ("from haptik_actions.escalation import PrometheusMetrics as P; P()", "metrics"),
        ("from haptik_actions.faq import open_source; open_source(sys.executable, format='xlsx')", "faq"),
    ],
    ids=["sandbox", "preview", "demo", "studio", "metrics", "xlsx"],
)
def test_what_lacks_its_extra_says_which(code: str, extra: str) -> None:
    hidden = ("starlette", "jinja2", "argon2", "prometheus_client", "openpyxl")
    program = f"import sys; sys.modules.update(dict.fromkeys({hidden}))\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("haptik_actions.errors.ConfigurationError: ")
    assert f'pip install "haptik-actions[{extra}]"' in said
