"""A neural policy predicts what comes after the agent: a model that takes the place of the running one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .relay_chats import ENDED, GREETING, HERE, goes_on, hand_over
from .relay_stack import Relayed
from .relay_users import CallbackUser
from .stack import train

SECONDS = 120.0


@pytest.fixture(scope="module")
def ted(rasa: str, relayed: Relayed, relay_bot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Both Rasas load a model with TED in place of Memoization, and go back to their own afterwards."""
    here = Path(__file__).parent
    trained = train(rasa, tmp_path_factory.mktemp("relay_ted"), here / "relay_bot", here / "relay_ted")
    load(relayed, trained)
    yield
    load(relayed, relay_bot)


def load(relayed: Relayed, project: Path) -> None:
    for url in (relayed.rasa, relayed.second.url):
        body = {"model_file": str(project / "models" / "bot.tar.gz")}
        httpx.put(f"{url}/model", json=body, timeout=SECONDS).raise_for_status()


@pytest.mark.usefixtures("ted")
@pytest.mark.parametrize("words", [0, 5])
async def test_a_neural_policy_goes_on_after_the_agent(relayed: Relayed, caller: CallbackUser, words: int) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    for number in range(words):
        await caller.say(f"user {number}")
        await relayed.has_read(caller, number + 2)
        await relayed.desk.write(name, f"agent {number}")
        await caller.reads(f"agent {number}")
    await relayed.desk.complete(name)
    await caller.reads(ENDED)
    for text, answer in (("hello", GREETING), ("yes", "At your service.")):
        await caller.say(text)
        await caller.reads(answer)
    await goes_on(caller)
