"""The relay between a host and the platform, on a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.messages import packaged_copy
from haptik_actions.relay import FromUser, Link
from haptik_actions.relay._board import keys_of
from tests.support.patience import until
from tests.support.relay import Bench, agent, bench, completed, message, pinned


@pytest.fixture
async def one(redis_client: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[Bench]:
    async with bench(valkey_url) as made:
        yield made


@pytest.fixture
async def idle(redis_client: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[Bench]:
    """One that has not begun to work yet: what it was told is all there when it does."""
    async with bench(valkey_url, start=False) as made:
        yield made


async def test_a_chat_from_its_hand_off_to_its_end(one: Bench) -> None:
    link = await one.opened()
    assert await one.relay.holds("callback", "asha") == link

    assert await one.take(pinned(link, 1), message(link, 2, "Hello"), message(link, 3, "How can I help?")) == [200] * 3
    await one.host.until_said(3)
    assert await one.write(link, "Order 1001", "It is late") == ["queued", "queued"]
    await one.platform.until(lambda: len(one.platform.logged) == 2)
    assert await one.state(link) == "agent"
    await one.take(completed(link))
    await one.host.until_said(4)

    assert one.host.of[link.id] == [
        "assigned: Priya is here now, and reads what you write.",
        "Hello",
        "How can I help?",
        "ended: ('completed', \"The chat with our agent is over. I'm here again.\")",
    ]
    assert one.platform.texts(link.id) == ["Order 1001", "It is late"]
    await until(lambda: is_ended(one, link))
    assert await one.relay.holds("callback", "asha") is None
    rows = sorted(await one.ledger(link))
    assert rows == sorted([("assigned", "said"), ("message", "said"), ("message", "said"), ("words", "sent"),
                           ("words", "sent"), ("ended", "said")])  # fmt: skip


async def is_ended(one: Bench, link: Link) -> bool:
    return await one.state(link) == "ended"


async def test_shuffled_and_doubled_events_come_in_order_and_once(idle: Bench) -> None:
    link = await idle.opened()
    events: list[dict[str, Any]] = [message(link, number, f"m{number}") for number in (5, 3, 5, 1, 4, 2, 3, 1)]
    assert await idle.take(*events) == [200] * 8

    idle.relay.start()
    await idle.host.until_said(6)

    here = "assigned: Priya is here now, and reads what you write."
    assert idle.host.of[link.id] == [here, "m1", "m2", "m3", "m4", "m5"]


async def test_a_message_of_an_agent_says_that_somebody_is_there(one: Bench) -> None:
    link = await one.opened()
    await one.take(message(link, 7, "Hi"))
    await one.host.until_said(2)
    await one.take(pinned(link, 6), message(link, 8, "There?"))
    await one.host.until_said(3)

    assert one.host.of[link.id] == ["assigned: Priya is here now, and reads what you write.", "Hi", "There?"]


async def test_another_agent_is_announced(one: Bench) -> None:
    link = await one.opened()
    await one.take(pinned(link, 1))
    await one.host.until_said(1)
    await one.take(pinned(link, 5, "Ravi"))
    await one.host.until_said(2)

    assert one.host.of[link.id][1] == "assigned: Ravi is here now, and reads what you write."


async def test_automatic_sentences_reach_the_user_and_bring_no_agent(one: Bench) -> None:
    link = await one.opened()
    await one.take(message(link, 1, "You are number 3", agent=agent("gogo", automated=True)))
    await one.host.until_said(1)

    assert one.host.of[link.id] == ["You are number 3"]
    assert one.host.sayings[0].author == "platform"
    assert await one.state(link) == "asked"


NOBODY = "ended: ('nobody_came', \"I'm sorry, none of our agents could take your chat. I'm here again.\")"
OVER = "ended: ('completed', \"The chat with our agent is over. I'm here again.\")"


@pytest.mark.parametrize(
    ("with_agent", "data", "said"),
    [
        (False, {"completion_by": "Team Offline Flag", "completion_type": "autocomplete"}, NOBODY),
        (True, {"completion_by": "Team Offline Flag", "completion_type": "autocomplete"}, NOBODY),
        (False, {"completion_by": "Waiting for User", "completion_type": "autocomplete"}, NOBODY),
        (True, {"completion_by": "Waiting for User", "completion_type": "autocomplete"}, OVER),
        (False, {"completion_by": "Priya", "completion_type": "agent"}, OVER),
        (False, {"completion_by": None, "completion_type": None}, NOBODY),
        (True, {"completion_by": 7, "completion_type": [], "conversation_no": "x"}, OVER),
    ],
)
async def test_how_a_chat_ended(one: Bench, with_agent: bool, data: dict[str, Any], said: str) -> None:
    link = await one.opened()
    if with_agent:
        await one.take(pinned(link, 1))
        await one.host.until_said(1)

    await one.take(completed(link, **data))
    await one.host.until_said(1 + with_agent)

    assert one.host.of[link.id][-1] == said


async def test_the_end_comes_behind_messages_that_arrive_with_it(idle: Bench) -> None:
    link = await idle.opened()
    await idle.take(completed(link), message(link, 9, "Bye"), message(link, 8, "All done"))

    idle.relay.start()
    await idle.host.until_said(3)

    assert idle.host.of[link.id] == ["All done", "Bye", OVER]


async def test_both_events_of_an_end_are_one(one: Bench) -> None:
    link = await one.opened()
    await one.take(pinned(link, 1))
    await one.host.until_said(1)
    deprecated = message(link, 5, "The conversation has been completed") | {"event_name": "chat_complete"}
    await one.take(
        deprecated, completed(link, conversation_no=4), deprecated, completed(link, conversation_no=4, by="?")
    )
    await one.host.until_said(2)
    await until(lambda: is_ended(one, link))
    await one.take(completed(link, conversation_no=5))

    assert one.host.of[link.id][1:] == [OVER]
    now = await one.store.link(link.id)
    assert now is not None
    assert now.conversation_no == 4


async def test_an_end_of_an_earlier_episode_does_nothing(one: Bench) -> None:
    link = await one.opened()
    assert await one.take(completed(link, at=link.opened_at - 60)) == [200]
    assert await one.state(link) == "asked"
    assert one.host.log == []


async def test_a_message_behind_the_end_still_arrives(one: Bench) -> None:
    link = await one.opened()
    await one.take(completed(link))
    await until(lambda: is_ended(one, link))
    await one.take(message(link, 5, "One more thing"))
    await one.host.until_said(2)

    assert one.host.of[link.id][-1] == "One more thing"
    assert await one.state(link) == "ended"


async def test_a_new_episode(one: Bench) -> None:
    link = await one.opened()
    await one.take(pinned(link, 1), completed(link))
    await until(lambda: is_ended(one, link))
    again = await one.opened(receipt="another")

    assert (again.state, again.agent, again.receipt, again.token) == ("asked", None, "another", link.token)
    await one.take(pinned(link, 9), completed(link, conversation_no=2))
    await one.host.until_said(4)
    assert one.host.of[link.id][-1] == OVER


async def test_unknown_chats_get_200_and_leave_nothing(idle: Bench, redis_client: redis.asyncio.Redis) -> None:
    stranger, other = Link.of("callback", "stranger", 343), await idle.opened("known")
    before = sorted([key async for key in redis_client.scan_iter("haptik:*")])

    bodies = [
        message(stranger, 1, "Hello"),
        completed(stranger),
        message(other, 1, "Hello", business_id=1),
        message(other, 1, "x", user={"user_name": "nobody"}),
        message(other, 1, "x", user={"auth_id": "haptiks-own"}),
        message(other, 1, "x", user="?"),
        {"event_name": "agent_coffee_break", "user": {}},
        {},
    ]
    assert await idle.take(*bodies) == [200] * len(bodies)
    assert sorted([key async for key in redis_client.scan_iter("haptik:*")]) == before


async def test_a_user_known_by_user_name_alone(one: Bench) -> None:
    link = await one.opened("known", auth_id=None, user_name="9f0c2b")
    assert await one.write(link, "Hello?") == ["queued"]
    event = message(link, 4, "Hi", user={"user_name": "9f0c2b", "auth_id": "ownofhaptik"})
    one.platform.users.add("ownofhaptik")

    await one.take(event)
    await one.host.until_said(2)
    await one.platform.until(lambda: one.platform.texts("ownofhaptik") == ["Hello?"])
    # An older page has no user_name.
    await one.take(message(link, 5, "Still there?", user={"auth_id": "ownofhaptik"}))


async def test_the_user_is_registered_where_haptik_does_not_know_them(one: Bench) -> None:
    link = await one.opened(locale="de-AT")
    one.platform.users.clear()

    await one.write(link, "Hallo")
    await one.platform.until(lambda: one.platform.texts(link.id) == ["Hallo"])

    assert one.platform.users == {link.id}


async def test_the_team_is_asked_for_as_soon_as_the_user_name_is_known(one: Bench) -> None:
    link = await one.opened(teams=("orders", "support"), countdown=7)
    await one.take(message(link, 1, "You are in line", agent=agent("gogo", automated=True)))
    await one.platform.until(lambda: len(one.platform.moves) == 1)

    wanted = {"user_name": f"u-{link.id[:8]}", "business_id": 343, "team_name": "orders", "countdown": 7}
    assert one.platform.moves == [wanted]

    async def moved() -> bool:
        now = await one.store.link(link.id)
        return now is not None and now.moved

    await until(moved)
    found = await one.store.find_chat(343, f"u-{link.id[:8]}")
    assert found is not None
    assert found.id == link.id


async def test_a_file_goes_to_the_agent(one: Bench) -> None:
    link = await one.opened()
    words = FromUser(kind="image", name="broken.png", content=b"\x89PNG", text="Look")

    assert await one.relay.write(link, words) == "queued"
    await one.platform.until(lambda: len(one.platform.logged) == 1)

    assert "broken.png" in one.platform.logged[0][1]
    await until(lambda: has_rows(one, link, 1))
    assert await one.ledger(link) == [("file", "sent")]


async def has_rows(one: Bench, link: Link, count: int) -> bool:
    return len(await one.ledger(link)) == count


@pytest.mark.parametrize("said", ["Back to the bot", "back to the bot!", "END CHAT", " talk to the bot. "])
async def test_the_user_goes_back(one: Bench, said: str) -> None:
    link = await one.opened()
    assert await one.write(link, "Hello?", said, "Where is my order?") == ["queued", "left", "queued"]

    await one.host.until_said(2)
    await one.platform.until(lambda: len(one.platform.logged) == 2)

    assert one.host.of[link.id] == [
        "ended: ('user_left', 'All right, you are back with me.')",
        "hear: Where is my order?",
    ]
    assert one.platform.texts(link.id) == ["Hello?", "(The user has gone back to the bot. This chat can be completed.)"]
    assert await one.state(link) == "ended"


async def test_going_back_is_no_wish_in_the_middle_of_a_sentence(one: Bench) -> None:
    link = await one.opened()
    assert await one.write(link, "How do I get back to the bot?") == ["queued"]


async def test_nobody_comes_in_time(one: Bench) -> None:
    link = await one.opened(assign_within=0.2)
    await one.host.until_said(1)

    assert one.host.sayings[0].element.to_hsl()["data"]["quick_replies"][1]["actionable_text"] == "Back to the bot"
    assert await one.write(link, "I'll wait") == ["waits"]
    await one.host.until_said(2)
    assert one.host.of[link.id] == [
        "None of our agents has been free yet. Would you like to wait, or go back to the bot?",
        "All right. You will read it here as soon as somebody is there.",
    ]
    assert one.platform.logged == []


async def test_a_user_who_is_not_there_is_waited_for(one: Bench) -> None:
    link = await one.opened()
    one.host.reaches[link.id] = "away"
    await one.take(pinned(link, 1), message(link, 2, "Hello"))
    await until(lambda: is_agent(one, link))
    assert one.host.log == []

    one.host.reaches[link.id] = "push"
    await one.relay.user_is_here(link)
    await one.host.until_said(2)
    assert one.host.of[link.id][1] == "Hello"
    assert [how for _, how in await one.ledger(link)][:1] == ["said"]


async def is_agent(one: Bench, link: Link) -> bool:
    return await one.state(link) == "agent"


async def test_a_channel_that_cannot_push(one: Bench) -> None:
    link = await one.opened()
    one.host.reaches[link.id] = "pull"
    await one.take(pinned(link, 1), message(link, 2, "Hello"), message(link, 3, "You there?"))
    await until(lambda: has_rows(one, link, 3))

    def shown(messages: list[Any]) -> list[tuple[int, str]]:
        return [(each.number, each.saying.element.text) for each in messages]

    here = "Priya is here now, and reads what you write."
    assert shown(await one.relay.collect(link, 1)) == [(2, "Hello"), (3, "You there?")]
    assert shown(await one.relay.collect(link)) == []
    assert shown(await one.relay.collect(link, 0)) == [(1, here), (2, "Hello"), (3, "You there?")]
    await one.take(message(link, 4, "Well"))
    await until(lambda: has_rows(one, link, 4))
    assert shown(await one.relay.collect(link)) == [(4, "Well")]
    assert shown(await one.relay.collect(link)) == []


async def test_what_the_user_wrote_while_the_chat_ended_is_for_the_bot(one: Bench) -> None:
    link = await one.opened()
    one.host.reaches[link.id] = "away"
    await one.take(pinned(link, 1), completed(link))
    assert await one.write(link, "Where is my order?", "Hello?") == ["queued"] * 2
    assert one.platform.logged == []

    one.host.reaches[link.id] = "push"
    await one.relay.user_is_here(link.id)
    await one.host.until_said(4)

    assert one.host.of[link.id][1:] == [OVER, "hear: Where is my order?", "hear: Hello?"]
    assert one.platform.logged == []


async def test_a_file_that_comes_while_the_chat_ends_is_refused_with_a_word(one: Bench) -> None:
    link = await one.opened()
    one.host.reaches[link.id] = "away"
    await one.take(pinned(link, 1), completed(link))
    assert await one.relay.write(link, FromUser(kind="image", name="a.png", content=b"png")) == "queued"

    one.host.reaches[link.id] = "push"
    await one.relay.user_is_here(link.id)
    await one.host.until_said(3)

    assert one.host.of[link.id][1:] == [OVER, packaged_copy()["haptik_relay_not_sent"]]
    assert ("file", "refused") in await one.ledger(link)
    assert one.platform.logged == []


async def test_a_link_that_cannot_be_read_is_told_once(
    one: Bench, redis_client: redis.asyncio.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    link = await one.opened()
    await redis_client.hset(keys_of(link.id)[0], "opened_at", '"yesterday"')
    await one.take(message(link, 1, "Hello"))
    other = await one.opened("ravi")
    await one.take(message(other, 1, "Good morning"))
    await one.host.until_said(1)
    for _ in range(3):
        assert await one.relay.holds("callback", "asha") is None

    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert link.id in errors[0]
    assert one.host.of[link.id] == []


async def test_a_channel_that_fails_is_asked_again(one: Bench) -> None:
    link = await one.opened()
    failures = [RuntimeError("the channel is down")] * 2
    one.host.fails = lambda *_: failures.pop() if failures else None
    await one.take(message(link, 1, "Hello"), message(link, 2, "There?"))
    await one.host.until_said(3)

    assert one.host.of[link.id][1:] == ["Hello", "There?"]
    await until(lambda: has_rows(one, link, 3))
    assert [how for _, how in await one.ledger(link)] == ["said_again", "said", "said"]


async def test_a_timer_outlives_the_process_that_set_it(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    async with bench(valkey_url) as first:
        link = await first.opened(assign_within=0.5)
    async with bench(valkey_url) as second:
        await second.host.until_said(1)
        assert second.host.sayings[0].key == "haptik_relay_nobody_yet"
        assert await has_rows_soon(second, link, 1)


async def has_rows_soon(one: Bench, link: Link, count: int) -> bool:
    await until(lambda: has_rows(one, link, count))
    return True


async def test_an_agent_who_was_faster_than_the_confirmation(idle: Bench) -> None:
    link = await idle.store.prepare(Link.of("callback", "fast", 343, receipt="r", opened_at=0))
    await idle.take(pinned(link, 1))
    asked = await idle.store.asked(link.id, "r", paused=True)
    assert asked is not None
    assert (asked.state, asked.agent, asked.paused) == ("agent", "Priya", True)
    assert await idle.store.asked(link.id, "another", paused=True) is None


async def test_a_hand_off_that_failed_leaves_the_conversation_with_the_bot(idle: Bench) -> None:
    link = await idle.store.prepare(Link.of("callback", "unlucky", 343, receipt="r"))
    await idle.store.withdraw(link.id, "r")
    assert await idle.state(link) == "ended"
    assert await idle.relay.holds("callback", "unlucky") is None


async def test_a_second_hand_off_while_an_agent_has_it_changes_nothing(idle: Bench) -> None:
    link = await idle.opened()
    stands = await idle.store.prepare(Link.of("callback", "asha", 343, receipt="second"))
    assert (stands.receipt, stands.state) == (link.receipt, "asked")
