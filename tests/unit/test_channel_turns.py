"""Turns that take longer than Haptik waits, clients that go away, and where the words go that come too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from haptik_actions._redis import connect, disconnect
from haptik_actions.channel._turns import LateWords, MemoryLateWords, RedisLateWords, Spoken, Turns
from tests.support.valkey import Valkey

SOON = 0.05
NEVER = 60.0


def saying(*strings: str, after: asyncio.Event | None = None) -> Callable[[Spoken], Awaitable[str]]:
    async def turn(spoken: Spoken) -> str:
        if after is not None:
            await after.wait()
        spoken.say(strings)
        return "done"

    return turn


@pytest.fixture(params=["memory", "redis"])
def late(request: pytest.FixtureRequest, redis_client: Redis) -> LateWords:
    return MemoryLateWords() if request.param == "memory" else RedisLateWords(redis_client)


async def test_a_turn_that_is_over_in_time_is_its_own_answer(late: LateWords) -> None:
    assert await Turns[str](late, seconds=NEVER).run("c", saying("one", "two")) == (["one", "two"], "done")


async def test_what_comes_late_stands_first_in_the_next_answer(late: LateWords) -> None:
    turns, go = Turns[str](late, seconds=SOON), asyncio.Event()
    assert await turns.run("c", saying("late one", "late two", after=go)) == ([], None)
    go.set()
    await turns.aclose(NEVER)
    assert await turns.run("other", saying("theirs")) == (["theirs"], "done")
    assert await turns.run("c", saying("now")) == (["late one", "late two", "now"], "done")
    assert await turns.run("c", saying("later")) == (["later"], "done")


async def test_what_was_said_so_far_is_answered_and_the_rest_is_late(late: LateWords) -> None:
    go = asyncio.Event()

    async def turn(spoken: Spoken) -> str:
        spoken.say(["One moment."])
        await go.wait()
        spoken.say(["Here it is."])
        return "done"

    turns = Turns[str](late, seconds=SOON)
    assert await turns.run("c", turn) == (["One moment."], None)
    go.set()
    await turns.aclose(NEVER)
    assert await turns.run("c", saying("now")) == (["Here it is.", "now"], "done")


async def test_another_process_takes_the_late_words_along(redis_client: Redis) -> None:
    first, second = (Turns[str](RedisLateWords(redis_client), seconds=SOON) for _ in range(2))
    go = asyncio.Event()
    assert await first.run("c", saying("late \ud83d", after=go)) == ([], None)
    go.set()
    await first.aclose(NEVER)
    assert await second.run("c", saying("now")) == (["late \ud83d", "now"], "done")


async def test_a_client_that_goes_away_does_not_end_its_turn(late: LateWords) -> None:
    turns, go = Turns[str](late, seconds=NEVER), asyncio.Event()
    call = asyncio.create_task(turns.run("c", saying("words", after=go)))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go.set()
    await turns.aclose(NEVER)
    assert await turns.run("c", saying("now")) == (["words", "now"], "done")


class SlowToTake(MemoryLateWords):
    """Takes when it is told to, so that a client can go away meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def take(self, conversation: str) -> list[str]:
        self.asked.set()
        await self.go.wait()
        return await super().take(conversation)


async def test_a_client_that_goes_away_while_its_answer_is_made_loses_no_word() -> None:
    late = SlowToTake()
    await late.put("c", ["before"])
    turns = Turns[str](late, seconds=NEVER)
    call = asyncio.create_task(turns.run("c", saying("words")))
    await late.asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    late.go.set()
    await turns.aclose(NEVER)
    assert await turns.run("c", saying("now")) == (["before", "words", "now"], "done")


async def test_a_turn_that_fails_says_so() -> None:
    async def turn(_: Spoken) -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await Turns[str](MemoryLateWords(), seconds=NEVER).run("c", turn)


async def test_turns_that_wait_for_each_other_answer_in_their_order(late: LateWords) -> None:
    """Rasa takes the messages of one conversation one by one."""
    lock, go = asyncio.Lock(), asyncio.Event()

    def locked(word: str) -> Callable[[Spoken], Awaitable[str]]:
        async def turn(spoken: Spoken) -> str:
            async with lock:
                await go.wait()
                spoken.say([word])
            return "done"

        return turn

    turns = Turns[str](late, seconds=SOON)
    for word in ("first", "second"):
        assert await turns.run("c", locked(word)) == ([], None)
    go.set()
    patient = Turns[str](late, seconds=NEVER)
    assert await patient.run("c", locked("third")) == (["first", "second", "third"], "done")


@pytest.mark.parametrize("seconds", [0.0, NEVER])
async def test_the_end_waits_for_turns_as_long_as_it_may(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    turns, go = Turns[str](MemoryLateWords(), seconds=SOON), asyncio.Event()
    await turns.run("c", saying("words", after=go))
    if seconds:
        go.set()
    await turns.aclose(seconds)
    assert ("1 turns are cut off" in caplog.text) is not bool(seconds)
    go.set()
    await turns.aclose(NEVER)


async def test_late_words_stay_in_this_process_while_redis_is_away(own_valkey: Valkey) -> None:
    client = connect(own_valkey.url, seconds=0.5)
    late = RedisLateWords(client)
    await late.put("c", ["kept in Redis"])
    own_valkey.stop()
    await late.put("c", ["kept here"])
    assert await late.take("c") == ["kept here"]
    assert await late.take("c") == []
    await disconnect(client)


async def test_only_so_many_words_wait(late: LateWords) -> None:
    for number in range(150):
        await late.put("c", [str(number)])
    assert await late.take("c") == [str(number) for number in range(50, 150)]


async def test_a_turn_that_knows_that_nothing_waits_takes_nothing(late: LateWords) -> None:
    turns: Turns[str] = Turns(late, seconds=30)
    await late.put("c", ["earlier"])

    async def first(spoken: Spoken) -> str:
        spoken.say(["hello"])
        spoken.is_first = True
        return "done"

    assert await turns.run("c", first) == (["hello"], "done")
    assert (await turns.run("c", saying("again")))[0] == ["earlier", "again"]


async def test_where_to_look_for_what_waits(late: LateWords, redis_client: Redis) -> None:
    key = late.key("c")
    if isinstance(late, MemoryLateWords):
        assert key is None
        return
    assert key is not None
    assert not await redis_client.exists(key)
    await late.put("c", ["earlier"])
    assert await redis_client.exists(key)


async def test_nowhere_where_the_process_has_something_itself(own_valkey: Valkey) -> None:
    client = connect(own_valkey.url, seconds=1)
    late = RedisLateWords(client)
    own_valkey.stop()
    await late.put("c", ["earlier"])
    own_valkey.start()
    assert late.key("c") is None
    assert await late.take("c") == ["earlier"]
    await disconnect(client)
