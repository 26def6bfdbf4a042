"""Rasa's processes are killed while an agent has a chat, and started again."""

from __future__ import annotations

from .relay_chats import ENDED, HERE, QUESTION, goes_on, hand_over, is_said
from .relay_stack import Relayed
from .relay_users import CallbackUser, until


async def test_an_agents_words_reach_the_user_once_when_rasa_is_back(relayed: Relayed, caller: CallbackUser) -> None:
    desk, name = relayed.desk, await hand_over(relayed, caller)
    await desk.claim(name)
    await caller.reads(HERE)
    await desk.write(name, "said before")
    await caller.reads("said before")
    await is_said(caller, ("agent", "said before"))
    # Rasa has taken this one and begun to say it, and has to wait for the conversation.
    relayed.occupy(caller)
    await desk.write(name, "taken before")
    await until("somebody who waits for the conversation", lambda: relayed.queued(caller) == 2)
    relayed.kill_rasas()
    relayed.let_go(caller)
    try:
        await desk.write(name, "written meanwhile")
        await desk.write(name, QUESTION)
        await until("both are refused", lambda: _are_refused(relayed, name, 2))
    finally:
        relayed.start_rasas()
    await desk.repeat(name)
    await caller.reads("taken before", "written meanwhile", "Which size?")

    await caller.say("I take the small one")
    await caller.say("are you still there?")
    assert (await relayed.has_read(caller, 3))[1:] == ["Small", "are you still there?"]
    await desk.complete(name)
    await caller.reads(ENDED)
    await goes_on(caller)
    caller.reads_no_more()
    assert len(await relayed.has_read(caller, 3)) == 3


async def _are_refused(relayed: Relayed, user_name: str, count: int) -> bool:
    untold = await relayed.desk.untold(user_name)
    return len(untold) == count and all(event["tries"] for event in untold)
