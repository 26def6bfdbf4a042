"""The way to the agent: the user's words go to Haptik one after the other, each confirmed before the next.

Where a confirmation was lost, the chat's transcript tells whether Haptik has the words.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Literal

from haptik_actions._log import get_logger
from haptik_actions.client import ChatMessage, HaptikClient, was_not_sent
from haptik_actions.errors import (
    AccessForbidden,
    ApiError,
    AuthenticationError,
    HaptikError,
    InactiveTeam,
    RateLimited,
    RelayAway,
    ServerError,
    TransportError,
    UnexpectedResponse,
    UnknownTeam,
    UserNotRegistered,
)
from haptik_actions.relay._host import FromUser, Host, How, LedgerRow
from haptik_actions.relay._link import Link
from haptik_actions.relay._queues import Done, ForAgent, Queues, Wait
from haptik_actions.relay._sayings import Sayings

__all__ = ["ToAgent", "look_up"]

logger = get_logger(__name__)

_LONGEST_PAUSE = 30.0
_LONGEST_WISH = 300.0
_KEPT_SECONDS = 24 * 3600.0
_AWAY_SECONDS = 2.0
_TELL_AFTER_SECONDS = 5.0
_REDIS_PAUSE = 0.2
_CLOCKS_DIFFER = 5.0


class ToAgent:
    """Works on what waits for agents. `client` is None where this process does not call Haptik.

    What the user wrote after the chat had ended goes to the bot, through `host`. `told` is called with each row of the
    ledger.
    """

    def __init__(
        self,
        queues: Queues,
        sayings: Sayings,
        client: HaptikClient | None,
        host: Host,
        *,
        told: Callable[[str, LedgerRow], None],
    ) -> None:
        self._queues, self._sayings, self._client, self._host, self._told = queues, sayings, client, host, told
        self._move_at: dict[str, tuple[float, int]] = {}

    async def work(self, id_: str) -> float | None:
        """Send what is due; return the seconds until there is more."""
        if self._client is None and not await self._is_for_the_bot(id_):
            return None
        done: Done | None = None
        while True:
            got = await self._next(id_, done)
            if isinstance(got, Wait):
                return got.seconds
            done = None
            try:
                if got.team:
                    await self._move(got)
                elif not got.member:
                    return None
                else:
                    done = await self._handle(got)
                    if done is None:
                        return None
                    self._told(id_, done.row)
            except asyncio.CancelledError:
                await self._queues.release("agent", id_, 0)
                raise
            except RelayAway:
                raise
            except Exception as error:  # noqa: BLE001
                # Whatever it is, the words stay where they are. It is logged.
                return await self._put_off(got, error)

    async def _next(self, id_: str, done: Done | None) -> ForAgent | Wait:
        while True:
            try:
                return await self._queues.for_agent(id_, done, self._put_off_move(id_))
            except RelayAway:
                # What was confirmed must be ticked off, or somebody sends it again.
                if done is None:
                    raise
                await asyncio.sleep(_REDIS_PAUSE)

    async def _is_for_the_bot(self, id_: str) -> bool:
        link = await self._queues.link(id_)
        return link is not None and link.state == "ended"

    async def _handle(self, got: ForAgent) -> Done | None:
        """Return the entry as done; None where it was left to somebody else."""
        if got.words is None:
            logger.error("Words of conversation %s cannot be read: another version wrote them.", got.link.id)
            return _done(got, "dropped", why="Unreadable")
        if got.link.state == "ended" and not got.is_told:
            return await self._give_to_bot(got, got.words)
        words, auth_id = got.words, got.link.auth_id
        assert auth_id is not None
        if words == "note":
            text = await self._sayings.text("haptik_relay_user_left")
            words = FromUser(text=text)
        return await self._send(got, auth_id, words)

    async def _give_to_bot(self, got: ForAgent, words: FromUser | str) -> Done | None:
        if not isinstance(words, FromUser):
            return _done(got, "dropped", why="EpisodeOver")
        if self._host.reach(got.link) == "away":
            await self._queues.release("agent", got.link.id, _AWAY_SECONDS, untouched="*")
            return None
        if not words.text:
            # A file: Rasa hears words alone, and the agent has gone.
            await self._queues.own(got.link.id, "haptik_relay_not_sent", secrets.token_hex(8))
            return _done(got, "refused", why="EpisodeOver")
        try:
            await self._host.hear(got.link, words)
        except Exception as error:
            raise _HostFailed(type(error).__name__) from error
        return _done(got, "to_bot")

    async def _send(self, got: ForAgent, auth_id: str, words: FromUser) -> Done:
        assert self._client is not None
        how: How = "sent"
        if got.again:
            found = await look_up(self._client, got.link, words, got.sent)
            if isinstance(found, int):
                return _done(got, "found", sent=found)
            how = "sent_again" if found == "unknown" else "sent"
        try:
            if time.time() - words.at > _KEPT_SECONDS and words.at:
                raise _TooLate("The words are a day old.")
            return _done(got, how, sent=await self._log(got.link, auth_id, words))
        except HaptikError as error:
            if _is_worth_trying_again(error):
                raise
            return await self._refused(got, error)

    async def _log(self, link: Link, auth_id: str, words: FromUser) -> int:
        try:
            return await self._log_once(link, auth_id, words)
        except UserNotRegistered:
            if auth_id != link.id:
                raise
        assert self._client is not None
        await self._client.create_user(auth_id=auth_id, language_code=_language(link.locale))
        return await self._log_once(link, auth_id, words)

    async def _log_once(self, link: Link, auth_id: str, words: FromUser) -> int:
        assert self._client is not None
        if words.kind == "text":
            logged = await self._client.log_message_from_user(
                auth_id=auth_id, business_id=link.business_id, message_body=words.text
            )
        else:
            logged = await self._client.log_file_from_user(
                auth_id=auth_id,
                business_id=link.business_id,
                kind=words.kind,
                name=words.name,
                content=words.content,
                message_body=words.text or None,
            )
        return logged.message_id

    async def _refused(self, got: ForAgent, error: HaptikError) -> Done:
        logger.error(
            "Haptik does not take what the user of conversation %s wrote: %s %s",
            *(got.link.id, type(error).__name__, error.remedy),
        )
        if got.words != "note":
            await self._queues.own(got.link.id, "haptik_relay_not_sent", secrets.token_hex(8))
        return _done(got, "refused", why=type(error).__name__)

    async def _put_off(self, got: ForAgent, error: Exception) -> float:
        pause = _pause(got.tries, error)
        logger.warning(
            "What the user of conversation %s wrote waits %.1f s: %s",
            *(got.link.id, pause, type(error).__name__),
            exc_info=None if isinstance(error, HaptikError) else error,
        )
        is_certain = not _may_have_arrived(error)
        await self._queues.later("agent", got.link.id, pause, untouched="*" if is_certain and not got.again else "")
        if isinstance(got.words, FromUser) and not isinstance(error, _HostFailed) and _takes_long(got, got.words):
            name = secrets.token_hex(8)
            await self._queues.own(got.link.id, "haptik_relay_delayed", name, once="told_delayed")
        return pause

    async def _move(self, got: ForAgent) -> None:
        """Move the chat to the first of its teams that takes it. Words do not wait for that."""
        link = got.link
        assert self._client is not None
        assert link.user_name is not None
        for position, team in enumerate(link.teams, start=1):
            try:
                await self._client.send_chat_to_agent(
                    user_name=link.user_name, business_id=link.business_id, team_name=team, countdown=link.countdown
                )
            except (UnknownTeam, InactiveTeam) as error:
                logger.warning("Chat %s goes to the next team: %s %s", link.id, error, error.remedy)
                if position == len(link.teams):
                    await self._moved(got, "refused", why=type(error).__name__)
                continue
            except HaptikError as error:
                if _is_worth_trying_again(error):
                    self._try_move_later(link.id, error)
                else:
                    logger.error("Chat %s stays with the team where it is: %s %s", link.id, error, error.remedy)
                    await self._moved(got, "refused", why=type(error).__name__)
                return
            else:
                await self._moved(got, "sent", why=None)
                return

    async def _moved(self, got: ForAgent, how: How, why: str | None) -> None:
        self._move_at.pop(got.link.id, None)
        row = LedgerRow(what="team", id=got.link.receipt, how=how, at=time.time(), why=why)
        await self._queues.moved(got.link.id, got.link.receipt, row)
        self._told(got.link.id, row)

    def _try_move_later(self, id_: str, error: HaptikError) -> None:
        tries = self._move_at.get(id_, (0.0, 0))[1]
        pause = _pause(tries, error)
        self._move_at[id_] = (time.monotonic() + pause, tries + 1)
        logger.warning("Chat %s is moved to its team in %.1f s: %s", id_, pause, error)

    def _put_off_move(self, id_: str) -> float | None:
        at = self._move_at.get(id_, (0.0, 0))[0]
        return max(0.05, at - time.monotonic()) if at > time.monotonic() else None


class _HostFailed(HaptikError):
    temporary = True


class _TooLate(HaptikError):
    remedy = "Look at why Haptik took nothing for a day."


def _done(got: ForAgent, how: How, *, sent: int | None = None, why: str | None = None) -> Done:
    kind = "note" if got.words == "note" else "file" if _is_file(got.words) else "words"
    row = LedgerRow(what=kind, id=str(int(got.member)), how=how, at=time.time(), why=why)
    return Done(member=got.member, row=row, sent=sent)


def _is_file(words: object) -> bool:
    return isinstance(words, FromUser) and words.kind != "text"


def _is_worth_trying_again(error: HaptikError) -> bool:
    # A token that is rejected now may be renewed in a minute.
    return error.temporary or isinstance(error, (AuthenticationError, AccessForbidden))


def _takes_long(got: ForAgent, words: FromUser) -> bool:
    # A hiccup of a second is nothing to tell people of.
    return got.tries >= 1 or time.time() - words.at > _TELL_AFTER_SECONDS


def _may_have_arrived(error: Exception) -> bool:
    if isinstance(error, TransportError):
        return not was_not_sent(error)
    return isinstance(error, (ServerError, UnexpectedResponse, _HostFailed)) or not isinstance(error, HaptikError)


def _pause(tries: int, error: Exception) -> float:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return min(_LONGEST_WISH, error.retry_after)
    return float(min(_LONGEST_PAUSE, 2.0 ** min(tries, 10))) * random.uniform(0.5, 1.0)


def _language(locale: str | None) -> str | None:
    return locale.replace("_", "-").partition("-")[0].lower()[:2] if locale else None


async def look_up(
    client: HaptikClient, link: Link, words: FromUser, sent: int | None
) -> int | Literal["no", "unknown"]:
    """Return the platform's id of the user's words, `no` where it does not have them, `unknown` where nobody can tell.

    `sent` is the id of the last message that was confirmed: these words come behind it. Files cannot be told by a text.

    Raises:
        HaptikError: a temporary one; ask again.
    """
    if link.user_name is None or link.conversation_no is None or words.kind != "text":
        return "unknown"
    try:
        transcript = await client.get_chat_history(
            conversation_no=link.conversation_no, user_name=link.user_name, business_id=link.business_id
        )
    except ApiError as error:
        if error.temporary:
            raise
        return "unknown"
    found = [message.message_id for message in _candidates(transcript.messages, words, sent)]
    return min(found) if found else "no"


def _candidates(messages: Iterable[ChatMessage], words: FromUser, sent: int | None) -> Iterable[ChatMessage]:
    wanted = " ".join(words.text.split())
    for message in messages:
        if message.sender != "user" or " ".join(message.text.split()) != wanted:
            continue
        if message.message_id > sent if sent is not None else _is_recent(message, words):
            yield message


def _is_recent(message: ChatMessage, words: FromUser) -> bool:
    try:
        return message.timestamp.timestamp() >= words.at - _CLOCKS_DIFFER
    except UnexpectedResponse:
        return False
