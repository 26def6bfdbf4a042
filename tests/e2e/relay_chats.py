"""Steps that every chat between a user and an agent has, and the words in them."""

from __future__ import annotations

import asyncio

import pytest

from haptik_actions.hsl import Actionable, Text
from haptik_actions.messages import packaged_copy

from .relay_stack import Relayed
from .relay_users import User

COPY = packaged_copy()

GREETING = "Hello! I book tables and take reports."
NOT_UNDERSTOOD = "I did not understand that."
CONNECTED = COPY["haptik_handoff_connected_here"]
HERE = COPY["haptik_relay_agent_here"].format(agent="Priya")
ENDED = COPY["haptik_relay_ended"]
QUESTION = Text("Which size?", [Actionable.reply("Small", "I take the small one")]).to_hsl()


async def hand_over(relayed: Relayed, user: User) -> str:
    """Let an integration fail; return Haptik's name for the user."""
    await user.say("hello")
    await user.reads(GREETING)
    relayed.one.orders("broken")
    await user.say("my parcel is broken")
    await user.reads(CONNECTED)
    relayed.one.orders("working")
    return await relayed.desk.user_name(relayed.link(user))


async def goes_on(user: User) -> None:
    """The bot has the conversation: it answers what it does not understand, rules and the trained policy hold."""
    for text, answer in (
        ("qwertz", NOT_UNDERSTOOD),
        ("qwertz", NOT_UNDERSTOOD),
        ("hello", GREETING),
        ("yes", "At your service."),
        ("my parcel is broken", "Your report is in."),
    ):
        await user.say(text)
        await user.reads(answer)
    assert (await user.tracker())["paused"] is False


async def is_said(user: User, wanted: tuple[str, str]) -> None:
    """Wait until the tracker has these words of this author."""
    for _ in range(600):
        if wanted in await user.said():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{wanted} was not said")
