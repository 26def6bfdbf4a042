"""What users send besides words, and what they write while their chat ends."""

from __future__ import annotations

import asyncio
import base64

from .relay_chats import ENDED, GREETING, HERE, goes_on, hand_over
from .relay_stack import Relayed
from .relay_users import CallbackUser, socket_user, until

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
TABLE = b"size,colour\nS,blue\n"


async def test_files_of_a_user_arrive_at_the_agent(relayed: Relayed) -> None:
    async with socket_user(relayed.rasa) as user:
        name = await hand_over(relayed, user)
        await relayed.desk.claim(name)
        await user.reads(HERE)
        picture = {"name": "shoe.png", "url": f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"}
        table = {"name": "order.csv", "url": f"data:text/csv;base64,{base64.b64encode(TABLE).decode()}"}
        await user.say("these", {"files": [picture, table]})
        await user.say("that was all")
        assert (await relayed.has_read(user, 3))[1:] == ["these", "that was all"]
        # What a user writes is confirmed one after the other: the files stand between the two.
        assert await relayed.desk.files(relayed.link(user)) == [("shoe.png", PIXEL), ("order.csv", TABLE)]
        with_files = [event for event in (await user.tracker())["events"] if event.get("text") == "these"]
        urls = [file["url"] for file in with_files[0]["metadata"]["files"]]
        assert urls == ["data:image/png;base64,", "data:text/csv;base64,"]
        await relayed.desk.complete(name)
        await user.reads(ENDED)
        await goes_on(user)


async def test_words_while_the_chat_ends_are_answered_by_the_bot_once(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    # As long as this one is on its way, the user cannot be told that the chat is over.
    caller.is_slow = True
    await relayed.desk.write(name, "Good bye")
    await caller.reads("Good bye")
    await relayed.desk.complete(name)
    await until("Rasa knows of the end", lambda: _is_told(relayed, name))
    words = asyncio.create_task(caller.say("hello"))
    await until("the words wait for the conversation", lambda: relayed.queued(caller) == 2)
    caller.is_slow = False
    await words
    await caller.reads(ENDED, GREETING)
    assert (await caller.said())[-4:] == [("agent", "Good bye"), ("bot", ENDED), ("user", "hello"), ("bot", GREETING)]
    await goes_on(caller)
    caller.reads_no_more()
    assert len(await relayed.has_read(caller, 1)) == 1


async def _is_told(relayed: Relayed, user_name: str) -> bool:
    return not await relayed.desk.untold(user_name)
