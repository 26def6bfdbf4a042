"""The relay itself: what the host calls, and the workers behind it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec
from cachetools import LRUCache

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._log import get_logger
from haptik_actions.client import HaptikClient
from haptik_actions.errors import RelayAway
from haptik_actions.messages import MessageStore
from haptik_actions.relay._host import FromUser, Host, InboxMessage, LedgerRow, Saying
from haptik_actions.relay._lanes import Lane, Lanes
from haptik_actions.relay._link import Link, conversation_id
from haptik_actions.relay._link_store import RelayStore
from haptik_actions.relay._memory import Backlog, Kept, Names
from haptik_actions.relay._platform_events import (
    MOST_BYTES,
    PlatformEvent,
    UnreadableEvent,
    event_name,
    is_signed,
    read_event,
)
from haptik_actions.relay._presence import Presence
from haptik_actions.relay._queues import DamagedLink, Queues, Stored
from haptik_actions.relay._sayings import Sayings, read_saying
from haptik_actions.relay._to_agent import ToAgent
from haptik_actions.relay._to_user import ToUser
from haptik_actions.relay._watch import Watch

__all__ = ["Relay", "Written"]

logger = get_logger(__name__)

Written: TypeAlias = Literal["queued", "kept", "left", "waits", "full", "gone"]
"""What became of the user's words. `queued`: they stand in Redis. `kept`: in this process, until Redis answers.
`left`: they were the wish to go back to the bot, which has been granted. `waits`: they were the answer "I'll wait".
`full`: there is no room any more, and the user is told that. `gone`: the link has expired: the words are the bot's."""

_ANSWER_SECONDS = 4.0
_DRAIN_SECONDS = 5.0
_DAMAGED_SECONDS = 60.0
_MOST_LINKS = 10_000
MOST_FILE_BYTES = 10_000_000


class Relay:
    """Carries words between users and agents.

    Every conversation has two queues in Redis. Any process that runs a relay on that Redis works on them, one process
    at a time per queue.

    Args:
        store: The links and queues.
        client: Calls Haptik; None where this process cannot (then another one sends what users write).
        messages: The relay's own sentences.
        host: Reaches users.
        secret: The secret of the platform's webhook; None: every event is refused.
        hold_back: Seconds that an event waits for an earlier one that is still on its way.
        poll: Seconds between two looks into Redis for what nobody has told this process of.
        lease: Seconds that a queue belongs to a process without a sign of life. It is prolonged while that works; after
            a crash another process takes over when it is out.
        on_told: Called with the id of the link and the row of the ledger, for each entry that is done with.
    """

    def __init__(
        self,
        store: RelayStore,
        client: HaptikClient | None,
        messages: MessageStore,
        host: Host,
        *,
        secret: str | None = None,
        hold_back: float = 0.3,
        poll: float = 0.5,
        lease: float = 15.0,
        on_told: Callable[[str, LedgerRow], None] | None = None,
    ) -> None:
        self._store, self._host, self._secret, self._hold_back = store, host, secret, hold_back
        self._queues = Queues(store.board, lease=lease)
        self._sayings = Sayings(messages)
        told = on_told or _nobody_asked
        self._to_user = ToUser(self._queues, self._sayings, host, hold_back=hold_back, told=told)
        self._to_agent = ToAgent(self._queues, self._sayings, client, host, told=told)
        self._lanes = Lanes(self._work)
        self._watch = Watch(self._queues, self._lanes, self._to_user.is_away, poll=poll, flush=self._flush)
        self._presence = Presence(store.board)
        self._backlog = Backlog()
        self._names = Names(store)
        self._links: LRUCache[str, Link] = LRUCache(_MOST_LINKS)
        self._named: LRUCache[str, tuple[str | None, str | None]] = LRUCache(_MOST_LINKS)
        self._told_kept: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to work on queues, in the running event loop; once is enough.

        Without it this process takes events and words, and others work on them.
        """
        self._lanes.open()
        self._queues.says = True
        self._watch.start(self._store.board.redis)
        if self._secret:
            self._presence.start()

    async def aclose(self) -> None:
        """Finish what is under way, for five seconds at most, and stop. Does not close store, client or messages."""
        await self._presence.aclose()
        await self._watch.aclose()
        await self._lanes.aclose(_DRAIN_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._flush()
        if len(self._backlog):
            logger.error("%d messages of users are lost: Redis did not come back in time.", len(self._backlog))

    async def holds(self, channel: str, sender_id: str) -> Link | None:
        """Return the link where what the user writes goes to the agent now, None where the bot has it.

        One read of Redis. Where Redis does not answer, what was read last counts.

        Raises:
            RelayAway: Redis does not answer, and nothing is known of this conversation.
        """
        id_ = conversation_id(channel, sender_id)
        try:
            link = await self._store.link(id_)
        except RelayAway:
            link = self._links.get(id_)
            if link is None:
                raise
        if link is None:
            self._links.pop(id_, None)
            return None
        self._links[id_] = link
        if not link.holds:
            return None
        self._names.note(id_, link.business_id, link.user_name, link.auth_id)
        return link

    async def write(self, link: Link, words: FromUser) -> Written:
        """Take what the user wrote, for the agent.

        Never raises for Redis or Haptik being away; calls neither the host nor Haptik before it returns, so it may be
        called inside the conversation's lock. A file above 10 MB is `full`.
        """
        words = _clean(words, self._store.board.now())
        if len(words.content) > MOST_FILE_BYTES:
            self._say_directly(link, "haptik_relay_not_sent")
            return "full"
        if self._backlog.has(link.id):
            return self._keep(link, words, None)
        name = secrets.token_hex(12)
        try:
            return await self._write(link, words, name)
        except RelayAway:
            return self._keep(link, words, name)

    async def take(self, body: bytes, signature: str | None) -> int:
        """Take an event of the platform's webhook and its header `X-Hub-Signature`; return the HTTP status.

        200: stored, a duplicate, or of a chat that nobody here handed over. 400: no JSON object. 401: the signature
        is wrong. 413: larger than 1 MB. 503: Redis does not answer, the platform sends it again.
        """
        came = time.monotonic()
        if len(body) > MOST_BYTES:
            return 413
        if self._secret is None or not is_signed(self._secret, body, signature):
            return 401
        try:
            event = read_event(body)
        except UnreadableEvent as error:
            logger.warning("An event of the platform cannot be read: %s.", error)
            return 400
        if event is None:
            return 200
        try:
            async with deadline(_ANSWER_SECONDS):
                await self._store_event(event, event_name(event, body), came)
        except (RelayAway, DeadlinePassed):
            return 503
        return 200

    async def leave(self, link: Link) -> None:
        """Give the user back to the bot, as they asked by a word or a button. The agent is told.

        Raises:
            RelayAway: Redis does not answer.
        """
        if await self._queues.leave(link.id, f"leave:{secrets.token_hex(12)}", self._store.board.now()):
            self._lanes.look("user", link.id)
            self._lanes.look("agent", link.id)

    async def collect(self, link: Link, after: int | None = None) -> list[InboxMessage]:
        """Return messages for a channel that cannot push, in order.

        `after` is a cursor: the number of the last message that the user's client has. None means all that was not
        returned yet, for the answer to the user's next message. What is returned counts as returned in both ways.

        Raises:
            RelayAway: Redis does not answer.
        """
        return [
            InboxMessage(number=number, at=at, saying=read_saying(written))
            for number, at, written in await self._store.inbox(link.id, after)
        ]

    async def user_is_here(self, who: Link | str) -> None:
        """The user (a link or its id) can be reached from this process now: look at what waits for them."""
        id_ = who if isinstance(who, str) else who.id
        self._to_user.is_here(id_)
        self._lanes.look("user", id_)
        self._lanes.look("agent", id_)

    async def _work(self, lane: Lane, id_: str) -> float | None:
        try:
            return await (self._to_user.work(id_) if lane == "user" else self._to_agent.work(id_))
        except RelayAway:
            # Polling finds it again when Redis is back.
            return None
        except DamagedLink:
            # It has been logged. What waits there stays, for a process that can read the link.
            return _DAMAGED_SECONDS

    async def _store_event(self, event: PlatformEvent, name: str, came: float) -> None:
        for id_ in await self._names.ids_of(event):
            stored = await self._queues.put(id_, event, name, self._hold_back, came)
            if stored == "unknown":
                continue
            self._look_at(id_, stored, event)
            self._names.note(id_, event.business_id, event.user_name, event.auth_id)
            await self._store.learn(id_, event.user_name, event.auth_id)
            return

    def _look_at(self, id_: str, stored: Stored, event: PlatformEvent) -> None:
        if stored == "full":
            logger.error("A message for conversation %s is lost: more wait for the user than are kept.", id_)
        self._lanes.look("user", id_, self._hold_back)
        names = event.user_name, event.auth_id
        # Words for the agent wait for who the user is, or for the end of the chat. Other events let none of them go.
        if event.ends_the_chat or self._named.get(id_) != names:
            self._named[id_] = names
            self._lanes.look("agent", id_)

    async def _write(self, link: Link, words: FromUser, name: str) -> Written:
        wish = None if words.kind != "text" else await self._sayings.wish(link, words.text)
        if wish == "wait":
            await self._queues.own(link.id, "haptik_relay_waits", f"o:{name}")
            self._lanes.look("user", link.id)
            return "waits"
        if wish == "back":
            await self.leave(link)
            return "left"
        stored = await self._queues.words(link.id, name, words, told=link.id in self._told_kept)
        if stored == "full":
            await self._queues.own(link.id, "haptik_relay_not_sent", f"o:{name}")
            self._lanes.look("user", link.id)
            return "full"
        self._lanes.look("agent", link.id)
        if stored == "unknown":
            return "gone"
        await self._names.keep_up(link)
        return "queued"

    def _keep(self, link: Link, words: FromUser, name: str | None) -> Written:
        self._links[link.id] = link
        if not self._backlog.add(link.id, words, name):
            self._say_directly(link, "haptik_relay_not_sent")
            return "full"
        if link.id not in self._told_kept:
            self._told_kept.add(link.id)
            self._say_directly(link, "haptik_relay_delayed")
        return "kept"

    def _say_directly(self, link: Link, key: str) -> None:
        """Say something without Redis, in a task of its own: the caller may hold the conversation's lock."""

        async def say() -> None:
            try:
                if self._host.reach(link) == "push":
                    saying = Saying(element=await self._sayings.element(link, key), key=key)
                    await self._host.say(link, saying)
            except Exception as error:  # noqa: BLE001
                # A host may raise anything; this is one sentence, and there is nobody to raise it to.
                logger.warning("The user of conversation %s could not be told: %s.", link.id, type(error).__name__)

        task = asyncio.get_running_loop().create_task(say())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush(self) -> None:
        """Write what was kept while Redis was away, in the order in which each user wrote it."""
        failed: set[str] = set()
        while (kept := self._backlog.oldest(failed)) is not None:
            try:
                await self._write_kept(kept)
            except RelayAway:
                return
            except Exception:
                logger.exception("Words of conversation %s could not be written down.", kept.id)
                failed.add(kept.id)
                continue
            self._backlog.forget(kept)
        if not failed:
            self._told_kept.clear()

    async def _write_kept(self, kept: Kept) -> None:
        link = await self._store.link(kept.id) or self._links.get(kept.id)
        if link is None or await self._write(link, kept.words, kept.name) == "gone":
            logger.error("Words of conversation %s are lost: its link has expired.", kept.id)


def _clean(words: FromUser, now: float) -> FromUser:
    text = words.text.encode("utf-8", "replace").decode()
    name = words.name.encode("utf-8", "replace").decode()
    return msgspec.structs.replace(words, text=text, name=name, at=words.at or now)


def _nobody_asked(_id: str, _row: LedgerRow) -> None:
    return None
