"""The pytest plugin: fixtures with a sandbox of the platform. Nothing else is imported before one of them is used."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

import pytest

from haptik_actions._from_outside import JsonObject

if TYPE_CHECKING:
    from haptik_actions.sandbox import Sandbox, State
    from haptik_actions.testing import SandboxServer

__all__ = ["haptik_sandbox", "haptik_sandbox_server", "haptik_sandbox_state"]


@pytest.fixture
def haptik_sandbox_state() -> State | JsonObject | str | PathLike[str] | None:
    """What the sandbox knows at the start; None for the packaged state.

    Override it with a state file's path, with what such a file holds, or with a `State`.
    """
    return None


@pytest.fixture
def haptik_sandbox(haptik_sandbox_state: State | JsonObject | str | PathLike[str] | None) -> Sandbox:
    """A new sandbox of the Haptik platform, in process. `haptik_sandbox.transport()` reaches it without a socket."""
    from haptik_actions.errors import ConfigurationError

    try:
        return _sandbox(haptik_sandbox_state)
    except ConfigurationError as error:
        problem = str(error)
    # Raised outside of the handler, so that pytest prints only this sentence, which says what to do.
    pytest.fail(problem, pytrace=False)


@pytest.fixture
def haptik_sandbox_server(haptik_sandbox: Sandbox) -> Iterator[SandboxServer]:
    """The same sandbox on a port of 127.0.0.1: `.url`, `.environment`, `.sandbox`. It runs in a thread."""
    from haptik_actions.testing import serve_in_thread

    with serve_in_thread(haptik_sandbox) as server:
        yield server


def _sandbox(state: State | JsonObject | str | PathLike[str] | None) -> Sandbox:
    from haptik_actions.sandbox import Sandbox

    if isinstance(state, dict):
        return Sandbox.from_mapping(state)
    if isinstance(state, (str, PathLike)):
        return Sandbox.from_file(state)
    return Sandbox(state)
