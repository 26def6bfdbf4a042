"""The client: one method per documented call."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable
from types import TracebackType

import httpx
import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions.client._bot_methods import BotApi
from haptik_actions.client._call import Call, number, text
from haptik_actions.client._caller import Caller, Line
from haptik_actions.client._faq import (
    CsvFile,
    FaqTask,
    create_faq_call,
    faq_task_call,
    load_csv,
    read_task_id,
)
from haptik_actions.client._haptik_server import PlatformServer
from haptik_actions.client._replies import check_success
from haptik_actions.client._transcripts import Transcript, Version, history_call, read_text, read_transcript
from haptik_actions.client._transport import MAX_REPLY_BYTES, default_transport
from haptik_actions.credentials import CredentialsProvider, CredentialsSelector
from haptik_actions.errors import ConfigurationError, DeadlineExceeded, HaptikError

__all__ = ["COUNTDOWN_SECONDS", "HaptikClient", "send_chat_call"]

_ENDPOINT = "/integration/external/v1.0/send_chat_to_agent/"
_ENDPOINT_WITH_RECEIVER = "/integration/external/v2.0/send_chat_to_agent/"
COUNTDOWN_SECONDS = (5, 10)
"""The platform takes 5 to 10 seconds and uses 10 where none is given ("Move a chat to pending")."""


class HaptikClient(BotApi):
    """Calls the platform at `server`, signed with what `credentials` provides.

    `messenger` is the host of the Bot API, and None where that is not used. `receiver` is the agents' tool that
    `send_chat_to_agent` names in its version 2.0 (Haptik's own is `athena`); None takes version 1.0, which has none.

    `timeout` is the time in seconds that one call may take, everything included: reading the credentials, connecting,
    and every repetition. Connection failures, time-outs, 429 (after its `Retry-After`), 502, 503 and 504 are repeated
    up to `retries` times with full jitter; other refusals are not. `repeat_refused=False` leaves a 429 to the caller,
    who may know of other calls that it concerns. An answer larger than `max_reply_bytes` is refused.

    `ca_file` names the certificates (PEM) of a private authority; None takes SSL_CERT_FILE or SSL_CERT_DIR. `proxy` is
    a proxy's URL; None takes HTTPS_PROXY, ALL_PROXY and NO_PROXY as httpx does, and none for loopback. `transport`
    replaces the connection altogether (any `httpx.AsyncBaseTransport`); it is closed with the client. Redirects are
    never followed: the token belongs to one server. A client belongs to the event loop that it is first used in.
    `sleep` is what waits between repetitions.

    Every method raises, besides what it names itself:
        ConfigurationError: an argument cannot work; nothing was sent.
        CredentialsUnavailable: the credentials could not be read; nothing was sent.
        ApiError: the platform refused, as one of the classes below it.
        UnexpectedResponse: the answer is not the documented one.
        TransportError: the platform was not reached; `DeadlineExceeded` when `timeout` passed.
    """

    def __init__(
        self,
        server: PlatformServer,
        credentials: CredentialsProvider | CredentialsSelector,
        *,
        messenger: PlatformServer | None = None,
        receiver: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 8.0,
        retries: int = 2,
        repeat_refused: bool = True,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._receiver, self._sleep = receiver, sleep
        self._line = Line(
            credentials, lambda server: transport or default_transport(server, ca_file=ca_file, proxy=proxy)
        )

        def caller(server: PlatformServer) -> Caller:
            return Caller(
                server,
                self._line,
                timeout=timeout,
                retries=retries,
                repeat_refused=repeat_refused,
                max_reply_bytes=max_reply_bytes,
                sleep=sleep,
            )

        self._servers = [server] if messenger is None else [server, messenger]
        self._caller = caller(server)
        self._messenger = None if messenger is None else caller(messenger)

    async def __aenter__(self) -> HaptikClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def prepare(self) -> None:
        """Read the certificates and the proxy now and not at the first call, so that a mistake is said at the start.

        Raises:
            ConfigurationError: SSL_CERT_FILE, SSL_CERT_DIR, HTTPS_PROXY, ALL_PROXY, `ca_file` or `proxy` cannot work.
        """
        for server in self._servers:
            self._line.transport(server)

    async def aclose(self) -> None:
        """Close the connections. A client without a `transport` of its own opens new ones if it is used again."""
        await self._line.aclose()

    async def send_chat_to_agent(
        self, *, user_name: str, business_id: int, team_name: str, countdown: int | None = None
    ) -> None:
        """Move the user's chat to the queue of a team; returning means that the platform said `"success": true`.

        `user_name` is the identifier from Haptik's integration request, `business_id` the number of the channel where
        the user writes, `team_name` a name from the Teams page of the Agent Chat Tool. The chat enters the queue after
        `countdown` seconds, 5 to 10; the platform takes 10 where it is None. The call may be repeated, and is after a
        failure that passes: a chat that is pending stays pending. Source: Haptik's documentation, "Webhooks", "Move a
        chat to pending"; of version 2.0 (with the client's `receiver`) a later page of it.
        """
        call = send_chat_call(
            user_name=user_name,
            business_id=business_id,
            team_name=team_name,
            countdown=countdown,
            receiver=self._receiver,
        )
        await self._caller.call(call, check_success, business_id=business_id)

    async def get_chat_history(
        self,
        *,
        conversation_no: int,
        user_name: str | None = None,
        business_id: int | None = None,
        pxut: str | None = None,
        limit: int | None = None,
        version: Version = "2.0",
    ) -> Transcript:
        """Return the messages of a conversation.

        A user is named by `user_name` and `business_id` together, or in v2.0 by `pxut`, the user token of TRACT; where
        both are given the first is used, and half of the first is refused. `limit` is the highest number of messages.
        Both versions give the same `Transcript`. Source: "Webhooks", "Get Chat Transcripts".
        """
        call = history_call(
            version=version,
            conversation_no=conversation_no,
            user_name=user_name,
            business_id=business_id,
            pxut=pxut,
            limit=limit,
            response_type="json",
        )
        return await self._caller.call(call, read_transcript(version), business_id=business_id)

    async def get_chat_history_text(
        self,
        *,
        conversation_no: int,
        user_name: str | None = None,
        business_id: int | None = None,
        pxut: str | None = None,
        limit: int | None = None,
        version: Version = "2.0",
    ) -> str:
        """Return the conversation as the platform's own text, a line `sender: text` per message.

        Arguments as for `get_chat_history`.
        """
        call = history_call(
            version=version,
            conversation_no=conversation_no,
            user_name=user_name,
            business_id=business_id,
            pxut=pxut,
            limit=limit,
            response_type="text",
        )
        return await self._caller.call(call, read_text, business_id=business_id)

    async def create_faq_nodes(self, *, domain_name: str, csv_file: CsvFile) -> str:
        """Upload a CSV of FAQ nodes for a bot and return the id of the task that loads it.

        The upload makes every existing FAQ node of the domain inactive, then creates or updates a node per row. It is
        repeated only where nothing of it was sent. Source: "Webhooks", "FAQ Node Creation APIs for KMS".
        """
        name, content = await asyncio.to_thread(load_csv, csv_file)
        call = create_faq_call(domain_name=domain_name, name=name, content=content)
        return await self._caller.call(call, read_task_id)

    async def faq_task(self, task_id: str) -> FaqTask:
        """Return how far a task is, with the platform's own words."""
        return await self._caller.call(*faq_task_call(task_id))

    async def wait_for_faq_task(
        self,
        task_id: str,
        *,
        timeout: float = 600.0,
        on_progress: Callable[[FaqTask], Awaitable[None] | None] | None = None,
        interval: float = 1.0,
    ) -> FaqTask:
        """Ask until the task has succeeded or failed, and return it so.

        The first question comes at once, the next after `interval` seconds, then more rarely, up to ten times as long.
        Failures that pass are passed over. `on_progress` is called with each answer and may be a coroutine function.

        Raises:
            DeadlineExceeded: the task was still in progress after `timeout` seconds; it goes on at the platform.
        """
        try:
            async with deadline(timeout):
                return await self._poll(task_id, on_progress, interval)
        except DeadlinePassed as error:
            raise DeadlineExceeded(
                f"The FAQ task {task_id} was not finished after {timeout:g} s. It goes on; ask for it again."
            ) from error

    async def _poll(
        self, task_id: str, on_progress: Callable[[FaqTask], Awaitable[None] | None] | None, interval: float
    ) -> FaqTask:
        (call, read), pause = faq_task_call(task_id), interval
        while True:
            try:
                task = await self._caller.call(call, read)
            except HaptikError as error:
                if not error.temporary:
                    raise
            else:
                if on_progress is not None and inspect.isawaitable(told := on_progress(task)):
                    await told
                if task.state != "in_progress":
                    return task
            await self._sleep(pause)
            pause = min(pause * 1.5, 10 * interval)


def send_chat_call(
    *, user_name: object, business_id: object, team_name: object, countdown: object, receiver: object = None
) -> Call:
    """Return the call; `business_id` is a number in its JSON, `countdown` is left out when None.

    With a `receiver` (the agents' tool that gets the chat) it is the call of version 2.0.

    Raises:
        ConfigurationError: a value is missing or cannot be what the documentation asks for; names it.
    """
    body = {
        "team_name": text("team_name", team_name),
        "user_name": text("user_name", user_name),
        "business_id": number("business_id", business_id),
    }
    if countdown is not None:
        body["countdown"] = _countdown(countdown)
    if receiver is not None:
        body["receiver"] = text("receiver", receiver)
    endpoint = _ENDPOINT if receiver is None else _ENDPOINT_WITH_RECEIVER
    # A chat that is pending stays pending, so asking twice moves it once.
    return Call(method="POST", endpoint=endpoint, body=msgspec.json.encode(body), repeatable=True)


def _countdown(value: object) -> int:
    low, high = COUNTDOWN_SECONDS
    seconds = number("countdown", value)
    if not low <= seconds <= high:
        raise ConfigurationError(f"countdown is {seconds} and must be from {low} to {high} seconds, or left out.")
    return seconds
