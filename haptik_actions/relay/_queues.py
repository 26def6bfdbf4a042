"""The queues of the relay as calls: what the scripts take and give, with types."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec

from haptik_actions.relay._board import Board, keys_of, shard_keys
from haptik_actions.relay._host import FromUser, LedgerRow, Queued
from haptik_actions.relay._lanes import Lane
from haptik_actions.relay._link import Link, decode_link, read_link, to_json
from haptik_actions.relay._platform_events import PlatformEvent
from haptik_actions.relay._scripts_in import EVENT, LEAVE, OWN, TIMER, WORDS
from haptik_actions.relay._scripts_out import FOR_AGENT, FOR_USER, LATER, MOVED, POLL, RELEASE, RENEW

__all__ = ["DamagedLink", "Done", "ForAgent", "ForUser", "Queues", "Stored", "Wait", "Words"]

Stored: TypeAlias = Literal["stored", "twice", "old", "full", "unknown"]
Words: TypeAlias = FromUser | Literal["note"]

T = TypeVar("T")

_encode = msgspec.msgpack.encode
_NOTE = b"\xa4note"


class DamagedLink(Exception):
    """The link of a conversation that is due cannot be read: another version wrote it, or it is damaged."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do for `seconds`; None: until something comes."""

    seconds: float | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is done with, and its row for the ledger.

    `inbox` is what goes into the inbox; `ended` says that it was the end of the chat; `sent` is the platform's id.
    """

    member: str
    row: LedgerRow
    inbox: bytes = b""
    ended: bool = False
    sent: int | None = None


class ForUser(msgspec.Struct, frozen=True, kw_only=True):
    """The next entry for a user. `again`: somebody has begun with it before. `tries` failed.

    `queued` is None where it cannot be read: another version wrote it.
    """

    member: str
    queued: Queued | None
    again: bool
    tries: int
    link: Link


class ForAgent(msgspec.Struct, frozen=True, kw_only=True):
    """What is next for an agent: the words at the head, a move to a team (`team`), or both.

    `words` are None where there are none, or none that can be read. `sent` is the platform's id of the last message
    that it confirmed. `is_told`: it is for the agent although the chat is over: the user wrote it before they left.
    """

    member: str
    words: Words | None
    again: bool
    tries: int
    sent: int | None
    is_told: bool
    team: bool
    link: Link


class Queues:
    """Queues on `board`, worked on under one `token`. A lease lasts `lease` seconds.

    `says`: this process works on what waits for users.
    """

    def __init__(self, board: Board, *, lease: float) -> None:
        self._board, self.lease = board, lease
        self.token = secrets.token_hex(12)
        self.says = False
        self._held: set[tuple[Lane, str]] = set()
        # When those events came that are being stored, by conversation.
        self._storing: dict[str, list[float]] = {}

    async def put(self, id_: str, event: PlatformEvent, name: str, hold: float, came: float) -> Stored:
        """Store an event, once for each `name`. The caller looks at the queue itself.

        `came`: when this process got it, by the monotonic clock. What it took since then is added to `hold`: an earlier
        message that has come as well will take as long.
        """

        def lag() -> int:
            return _ms(time.monotonic() - came)

        self._storing.setdefault(id_, []).append(came)
        try:
            return await self._put(id_, event, name, hold, lag)
        finally:
            self._storing[id_].remove(came)
            if not self._storing[id_]:
                del self._storing[id_]

    async def _put(self, id_: str, event: PlatformEvent, name: str, hold: float, lag: Callable[[], int]) -> Stored:
        answer = await self._board.on_quietly(
            EVENT,
            *(id_, self.token, _ms(hold), lag, name, to_json(event.business_id), _kind(event), _order(event)),
            _encode(_queued(event)),
            _encode(Queued(what="assigned", id=event.message_id, at=event.at, name=event.agent)),
            *(_optional(value) for value in (event.agent, event.user_name, event.auth_id, event.conversation_no)),
            round(event.at * 1000),
            int(event.kind == "webhook_conversation_complete"),
            self.token if self.says else "",
        )
        stored: Stored = _text(answer)  # type: ignore[assignment]
        return stored

    async def own(self, id_: str, key: str, name: str, *, once: str = "") -> bool:
        """Say something of the relay's own; with `once`, only where that was not told yet."""
        return bool(await self._board.on(OWN, id_, name, _encode(Queued(what="own", key=key)), once))

    async def timer(self, id_: str, key: str) -> bool:
        """Tell the user that nobody has come, where it is time and that is still so."""
        return bool(await self._board.on(TIMER, id_, _encode(Queued(what="own", key=key, choice=True))))

    async def leave(self, id_: str, name: str, at: float) -> bool:
        """End the chat because the user wants the bot; False where no agent was asked for."""
        return bool(await self._board.on(LEAVE, id_, name, _encode(Queued(what="ended", left=True, at=at)), _NOTE))

    async def words(self, id_: str, name: str, words: FromUser, *, told: bool) -> Stored:
        """Store what the user wrote. `told`: they know already that it takes long. The caller looks by itself."""
        answer = await self._board.on_quietly(WORDS, id_, self.token, f"w:{name}", _encode(words), int(told))
        stored: Stored = _text(answer)  # type: ignore[assignment]
        return stored

    async def for_user(self, id_: str, hold: float, done: Done | None) -> ForUser | Wait:
        """Tick `done` off, and return what is next.

        While this process stores an event of that chat, it may be an earlier one: what is next is held back for as long
        as that has been here already.
        """
        if hold and id_ in self._storing:
            hold += time.monotonic() - min(self._storing[id_])
        ticked: tuple[object, ...] = ("", "", "", "", "")
        if done is not None:
            ticked = (done.member, _row(done), done.inbox, int(done.ended), _twice(done))
        answer = await self._board.on(
            FOR_USER, id_, self.token, _ms(self.lease), _ms(hold), secrets.token_hex(8), *ticked
        )
        if (wait := self._wait("user", id_, answer)) is not None:
            return wait
        _, member, content, again, tries, link = answer
        return ForUser(
            member=_text(member),
            queued=_read(content, Queued),
            again=again == b"1",
            tries=int(tries),
            link=self._link("user", id_, link),
        )

    async def for_agent(self, id_: str, done: Done | None, put_off: float | None = None) -> ForAgent | Wait:
        """Tick `done` off, and return what is next. `put_off`: seconds for which no move to a team is wanted."""
        ticked = ("", "", "") if done is None else (done.member, _row(done), _optional(done.sent))
        answer = await self._board.on(
            *(FOR_AGENT, id_, self.token, _ms(self.lease), secrets.token_hex(8), *ticked),
            *("" if put_off is None else _ms(put_off), _twice(done)),
        )
        if (wait := self._wait("agent", id_, answer)) is not None:
            return wait
        _, head, again, tries, sent, is_told, team, link = answer
        return ForAgent(
            member=_text(head[:12]),
            words=_words(head[12:]) if head else None,
            again=again == b"1",
            tries=int(tries),
            sent=int(sent) if sent else None,
            is_told=is_told == b"1",
            team=team == b"1",
            link=self._link("agent", id_, link),
        )

    async def moved(self, id_: str, receipt: str, row: LedgerRow) -> None:
        """Note that the chat is with a team, or that no team takes it."""
        await self._board.on(MOVED, id_, to_json(receipt), _encode(row))

    async def later(self, lane: Lane, id_: str, pause: float, *, untouched: str = "") -> None:
        """Put the head off. `untouched` is its member where it is certain that nobody got it."""
        self._held.discard((lane, id_))
        await self._board.on(LATER, id_, lane, self.token, _ms(pause), untouched)

    async def release(self, lane: Lane, id_: str, after: float, *, untouched: str = "") -> None:
        """Leave the head to whoever comes first, from `after` seconds on."""
        self._held.discard((lane, id_))
        await self._board.on(RELEASE, id_, lane, self.token, untouched, _ms(after))

    async def renew(self) -> None:
        """Prolong every lease that this process holds."""
        for lane, id_ in list(self._held):
            await self._board.on(RENEW, id_, lane, self.token, _ms(self.lease))

    async def poll(self, shard: int, most: int, offsets: list[int]) -> list[list[str]]:
        """Return the ids of a shard that are due: for users, for agents, timers."""
        answer = await self._board.run(POLL, shard_keys(shard), [self._board.now_ms(), most, *offsets])
        return [[_text(id_) for id_ in some] for some in answer]

    async def link(self, id_: str) -> Link | None:
        """Return a link."""
        return read_link(id_, await self._board.members(keys_of(id_)[0]))

    def _wait(self, lane: Lane, id_: str, answer: list[Any]) -> Wait | None:
        self._held.discard((lane, id_))
        if answer[0] == b"nothing":
            return Wait()
        if answer[0] == b"wait":
            return Wait(int(answer[1]) / 1000)
        self._held.add((lane, id_))
        return None

    def _link(self, lane: Lane, id_: str, answer: Any) -> Link:
        link = decode_link(id_, answer)
        if link is None:
            # Another process may be able to read it: this one lets the lease run out.
            self._held.discard((lane, id_))
            raise DamagedLink
        return link


def _queued(event: PlatformEvent) -> Queued:
    if event.ends_the_chat:
        return Queued(
            what="ended",
            id=event.message_id,
            at=event.at,
            conversation_no=event.conversation_no,
            completion_type=event.completion_type,
            completion_by=event.completion_by,
            reason=event.reason,
        )
    return Queued(
        what="message",
        id=event.message_id,
        at=event.at,
        name=None if event.automated else event.agent,
        automated=event.automated,
        body=event.body,
    )


def _kind(event: PlatformEvent) -> str:
    if event.ends_the_chat:
        return "ended"
    if event.kind == "chat_pinned":
        return "pinned"
    return "automated" if event.automated else "human"


def _order(event: PlatformEvent) -> str:
    return "" if event.message_id is None or event.ends_the_chat else f"{event.message_id:020d}"


def _words(content: bytes) -> Words | None:
    return "note" if content == _NOTE else _read(content, FromUser)


def _read(content: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.msgpack.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _twice(done: Done | None) -> int:
    return int(done is not None and done.row.how in ("said_again", "sent_again"))


def _row(done: Done) -> bytes:
    return _encode(done.row)


def _optional(value: object) -> bytes | str:
    return "" if value is None else to_json(value)


def _text(answer: bytes | str) -> str:
    return answer.decode() if isinstance(answer, bytes) else answer


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
