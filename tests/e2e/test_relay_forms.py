"""A form is interrupted in the middle by a step that fails; after the agent it begins anew, or goes on."""

from __future__ import annotations

import pytest

from .relay_chats import CONNECTED, ENDED, GREETING, HERE, NOT_UNDERSTOOD, goes_on
from .relay_stack import Relayed
from .relay_users import CallbackUser

DAY, HOUR = "On which day?", "At what hour?"
IN_DOMAIN = {"team": "support", "countdown": 5, "pause": True}


async def talk(user: CallbackUser, *turns: tuple[str, str]) -> None:
    for text, answer in turns:
        await user.say(text)
        await user.reads(answer)


@pytest.mark.parametrize("reset", ["", "none"], ids=["by default", "reset: none"])
@pytest.mark.parametrize("fails", ["a question", "a validation"])
async def test_a_form_after_the_agent(relayed: Relayed, caller: CallbackUser, fails: str, reset: str) -> None:
    await talk(caller, ("hello", GREETING))
    if reset:
        policy = {**IN_DOMAIN, "after_agent": {"reset": reset}}
        slot = {"event": "slot", "name": "haptik", "value": policy}
        await caller.post(f"/conversations/{caller.sender}/tracker/events", slot)
    await talk(caller, ("plan a visit", DAY))
    if fails == "a validation":
        await talk(caller, ("monday", HOUR))
    relayed.one.orders("broken")
    await talk(caller, ("monday" if fails == "a question" else "eight", CONNECTED))
    relayed.one.orders("working")
    name = await relayed.desk.user_name(relayed.link(caller))
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    await caller.say("not on a sunday")
    await relayed.has_read(caller, 2)
    await relayed.desk.complete(name)
    await caller.reads(ENDED)

    # Nothing is asked or submitted by itself, and no words are taken for an answer.
    await talk(caller, ("qwertz", NOT_UNDERSTOOD))
    slots = (await caller.tracker())["slots"]
    assert (slots["day"], slots["hour"]) == ("monday" if reset else None, None)
    again = [("plan a visit", HOUR)] if reset else [("plan a visit", DAY), ("tuesday", HOUR)]
    await talk(caller, *again, ("nine", f"You come on {'monday' if reset else 'tuesday'} at nine."))
    await goes_on(caller)
    caller.reads_no_more()
