"""The pytest plugin: its fixtures, what it costs, what it says without the extra, and that docs/testing.md is true."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox
from haptik_actions.testing import SandboxServer, actions_on, serve_in_thread, settings_for
from tests.support.patience import SECONDS

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "testing.md").read_text("utf-8"), re.M | re.S)
SEND = "/integration/external/v1.0/send_chat_to_agent/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
BODY = {"user_name": "asha", "business_id": 1201, "team_name": "orders"}


def run_pytest(folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run pytest as a user would, in a process of its own; `before` runs ahead of it."""
    code = (
        f"{before}\nimport sys, pytest\nsys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--asyncio-mode=auto']))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


async def test_the_sandbox_is_reached_without_a_socket(haptik_sandbox: Sandbox) -> None:
    transport = haptik_sandbox.transport()
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=HEADERS) as client:
        assert (await client.post(SEND, json=BODY)).json() == {"success": True}
    haptik_sandbox.assert_called("send_chat_to_agent", times=1)


def test_the_server_is_the_same_sandbox_for_synchronous_tests(
    haptik_sandbox: Sandbox, haptik_sandbox_server: SandboxServer
) -> None:
    assert haptik_sandbox_server.sandbox is haptik_sandbox
    answer = httpx.post(haptik_sandbox_server.url + SEND, json=BODY, headers=HEADERS, timeout=SECONDS)
    assert answer.json() == {"success": True}
    haptik_sandbox.assert_called("send_chat_to_agent", times=1, user_name="asha")


async def test_the_server_serves_asynchronous_tests_too(haptik_sandbox_server: SandboxServer) -> None:
    async with httpx.AsyncClient(base_url=haptik_sandbox_server.url, timeout=SECONDS) as client:
        assert (await client.get("/_sandbox/queue")).json() == []


def test_nothing_is_left_of_a_server() -> None:
    before = set(threading.enumerate())
    with serve_in_thread(Sandbox()) as server:
        assert urllib.request.urlopen(server.url).status == 200
    assert set(threading.enumerate()) == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, timeout=SECONDS)


def test_a_server_ends_when_its_test_fails() -> None:
    before = set(threading.enumerate())
    with pytest.raises(LookupError), serve_in_thread(Sandbox()):
        raise LookupError
    assert set(threading.enumerate()) == before


def test_a_port_that_cannot_be_had_is_an_error(haptik_sandbox_server: SandboxServer) -> None:
    taken = int(haptik_sandbox_server.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"Port {taken} "), serve_in_thread(Sandbox(), taken):
        pass


def test_settings_fit_the_sandbox(haptik_sandbox_server: SandboxServer) -> None:
    pair: dict[str, Any] = {"client_id": "demo-client", "token": "demo-token"}
    in_process = Settings(base_url="http://127.0.0.1", business_id=1201, team="support", **pair)
    assert settings_for(haptik_sandbox_server.sandbox) == in_process
    assert settings_for(haptik_sandbox_server.sandbox, team="orders").team == "orders"
    assert haptik_sandbox_server.environment == {
        "HAPTIK_BASE_URL": haptik_sandbox_server.url,
        "HAPTIK_CLIENT_ID": "demo-client",
        "HAPTIK_TOKEN": "demo-token",
        "HAPTIK_BUSINESS_ID": "1201",
        "HAPTIK_TEAM": "support",
    }


def test_settings_of_a_sandbox_without_businesses_and_teams_leave_them_out() -> None:
    sandbox = Sandbox.from_mapping({"partners": [{"client_id": "a", "token": "b"}]})
    assert settings_for(sandbox) == Settings(base_url="http://127.0.0.1", client_id="a", token="b")


async def test_actions_go_back_to_their_own_settings(haptik_sandbox: Sandbox) -> None:
    from haptik_actions.actions._runtime import current_runtime

    async with actions_on(haptik_sandbox, settings=settings_for(haptik_sandbox, team="orders")):
        assert current_runtime().settings().team == "orders"
    assert current_runtime().settings().team is None


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("{'partners': [{'client_id': 'a', 'token': 'b'}]}", "1 passed"),
        ("State(partners=(Partner(client_id='a', token='b'),))", "1 passed"),
        ("'state.yaml'", "1 passed"),
        ("pathlib.Path('state.yaml')", "1 passed"),
        ("'other.yaml'", "other.yaml: cannot be read (No such file or directory). Check the path"),
        ("{'teams': []}", "missing required field `partners`"),
    ],
)
def test_a_state_of_ones_own(tmp_path: Path, state: str, outcome: str) -> None:
    (tmp_path / "state.yaml").write_text("partners: [{client_id: a, token: b}]")
    (tmp_path / "test_it.py").write_text(
        f"import pathlib, pytest\nfrom haptik_actions.sandbox import Partner, State\n"
        f"@pytest.fixture\ndef haptik_sandbox_state(): return {state}\n"
        f"def test_it(haptik_sandbox): assert haptik_sandbox.state.partners[0].client_id == 'a'\n"
    )
    assert outcome in run_pytest(tmp_path).stdout


def test_the_plugin_costs_next_to_nothing_until_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.get_plugin('haptik_actions')\n"
        "    heavy = {'httpx', 'starlette', 'uvicorn', 'rasa_sdk', 'redis', 'msgspec', 'haptik_actions.sandbox'}\n"
        "    assert heavy.isdisjoint(sys.modules)\n"
    )
    assert "1 passed" in run_pytest(tmp_path).stdout


def test_without_the_extra_a_fixture_names_the_command_that_brings_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(haptik_sandbox): pass\ndef test_other(): pass\n")
    done = run_pytest(tmp_path, before="import sys; sys.modules['starlette'] = None")
    assert 'The sandbox needs the package starlette: pip install "haptik-actions[sandbox]"' in done.stdout
    assert "1 passed, 1 error" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_examples_of_the_documentation_run(tmp_path: Path) -> None:
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    done: Any = run_pytest(tmp_path)
    assert f"{len(EXAMPLES)} passed" in done.stdout, done.stdout
    assert len(EXAMPLES) == 4
