"""A server that is told to stop while its main process asks for its workers: the signal waits for the answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from haptik_actions.actions._patches import look_after_workers


class Manager:
    """As Sanic's: one connection for what it asks by itself and for what the handler of the signal asks."""

    def __init__(self) -> None:
        self._shutting_down = False
        self.transient_processes: list[Any] = []
        self.said: list[str] = []
        self.is_asked = False
        signal.signal(signal.SIGTERM, lambda number, frame: self.shutdown())

    def shutdown(self) -> None:
        assert not self.is_asked, "it took the answer to another question"
        self._shutting_down = True
        self.said.append("stops")

    def _ask(self, what: str) -> bool:
        self.is_asked = True
        os.kill(os.getpid(), signal.SIGTERM)
        self.is_asked = False
        self.said.append(what)
        return False

    def _sync_states(self) -> None:
        self._ask("synchronised")

    def _all_workers_ack(self) -> bool:
        return self._ask("not started")


class App:
    def __init__(self) -> None:
        self.manager = Manager()


@pytest.fixture
def app() -> Iterator[App]:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    yield App()
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


def test_it_stops_behind_the_answer(app: App) -> None:
    manager = app.manager
    assert look_after_workers(app, lambda: manager.said.append("looked"))
    manager._sync_states()
    assert manager.said == ["synchronised", "looked", "stops"]


def test_it_stops_while_workers_start(app: App) -> None:
    manager = app.manager
    assert look_after_workers(app, lambda: None)
    assert manager._all_workers_ack() is False
    assert manager.said == ["not started", "stops"]
    assert manager._all_workers_ack() is True


def test_a_signal_at_another_time_is_handled_at_once(app: App) -> None:
    look_after_workers(app, lambda: None)
    signal.raise_signal(signal.SIGTERM)
    assert app.manager.said == ["stops"]
