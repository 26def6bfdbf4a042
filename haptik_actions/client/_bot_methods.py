"""The client's methods for the Bot API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from haptik_actions.client._bot_api import (
    BotUser,
    LoggedMessage,
    create_user_call,
    enable_webhook_call,
    log_feedback_call,
    log_file_call,
    log_message_call,
    read_accepted,
    read_enabled,
    read_logged,
    read_user,
    update_user_call,
)
from haptik_actions.client._caller import Caller
from haptik_actions.client._files import FileKind, load_file
from haptik_actions.errors import ConfigurationError

__all__ = ["BotApi"]

CustomData = Mapping[str, str | int | float | bool | None]
"""What Haptik keeps about a user beside the named fields: one flat object."""


class BotApi:
    """For bots in front: their users write on the bot's own channels, and Haptik hears of them by these calls.

    A user is named by `auth_id`: one of your own, of letters a to z and digits, or one that an event of Haptik told.
    `business_id` is the number of the business whose agents read the chat. All of it goes to the messenger host, and
    without one every method raises `ConfigurationError`. What creates something (a user, a message, a file, feedback)
    is repeated only where nothing had been sent: there is no idempotency key. After any other `temporary` error Haptik
    may have it or not; `was_not_sent` tells. Source: Haptik's documentation, "Bot API".
    """

    _messenger: Caller | None

    async def create_user(
        self,
        *,
        auth_id: str,
        name: str | None = None,
        email: str | None = None,
        mobile_no: str | None = None,
        language_code: str | None = None,
        custom_data: CustomData | None = None,
        business_id: int | None = None,
    ) -> BotUser:
        """Register a user. `language_code` is two letters of ISO 639-1, `custom_data` one flat object.

        `business_id` is not sent. It chooses the credentials, for bots that serve several partners.
        """
        call = create_user_call(
            auth_id=auth_id,
            name=name,
            email=email,
            mobile_no=mobile_no,
            language_code=language_code,
            custom_data=custom_data,
        )
        return await self._host().call(call, read_user, business_id=business_id)

    async def update_user(
        self,
        *,
        auth_id: str,
        name: str | None = None,
        email: str | None = None,
        mobile_no: str | None = None,
        language_code: str | None = None,
        custom_data: CustomData | None = None,
        business_id: int | None = None,
    ) -> BotUser:
        """Change what Haptik knows of a user; what is None is left as it is. Arguments as for `create_user`."""
        call = update_user_call(
            auth_id=auth_id,
            name=name,
            email=email,
            mobile_no=mobile_no,
            language_code=language_code,
            custom_data=custom_data,
        )
        return await self._host().call(call, read_user, business_id=business_id)

    async def log_message_from_user(self, *, auth_id: str, business_id: int, message_body: str) -> LoggedMessage:
        """Tell Haptik what a registered user wrote. The first such call puts the chat before agents.

        Raises:
            UserNotRegistered: Haptik does not know this `auth_id`.
        """
        call = log_message_call(auth_id=auth_id, business_id=business_id, message_body=message_body)
        return await self._host().call(call, read_logged, business_id=business_id)

    async def log_file_from_user(
        self,
        *,
        auth_id: str,
        business_id: int,
        kind: FileKind,
        name: str,
        content: bytes | str | os.PathLike[str],
        message_body: str | None = None,
    ) -> LoggedMessage:
        """Give a user's file to Haptik; `file_url` of the result is where agents find it.

        `content` is the bytes, or a path to read them from; at most `MAX_FILE_BYTES`. `name` tells the type by its
        ending: jpg, jpeg, png and gif are of the kind `image`; docx, doc, pdf, xls, xlsx and csv of the kind
        `document` (`file_kind` tells). A large file may need a larger `timeout` of the client.

        Raises:
            UserNotRegistered: Haptik does not know this `auth_id`.
        """
        file = await asyncio.to_thread(load_file, kind=kind, name=name, content=content)
        call = log_file_call(auth_id=auth_id, business_id=business_id, file=file, message_body=message_body)
        return await self._host().call(call, read_logged, business_id=business_id)

    async def log_feedback_from_user(
        self,
        *,
        auth_id: str,
        business_id: int,
        query_resolved: bool,
        query_rating: int,
        feedback: str | None = None,
    ) -> None:
        """Log what a user thought of the chat with the agent: solved or not, 1 to 5, and words if there are any.

        Raises:
            DuplicateFeedback: the user has given feedback within the last hour.
            NoActiveConversation: no agent has a chat with the user.
            UserNotRegistered: Haptik does not know this `auth_id`.
        """
        call = log_feedback_call(
            auth_id=auth_id,
            business_id=business_id,
            query_resolved=query_resolved,
            query_rating=query_rating,
            feedback=feedback,
        )
        await self._host().call(call, read_accepted, business_id=business_id)

    async def enable_webhook(self, *, business_id: int, enabled: bool = True) -> None:
        """Switch the platform's webhook on, or off; Haptik switches it off by itself after too many failures."""
        call = enable_webhook_call(business_id=business_id, enabled=enabled)
        await self._host().call(call, read_enabled(enabled), business_id=business_id)

    def _host(self) -> Caller:
        if self._messenger is None:
            raise ConfigurationError(
                "HAPTIK_MESSENGER_URL is not set. The Bot API has a host of its own: set this environment variable, or "
                "`messenger_url` in section `haptik:` of endpoints.yml (Haptik gives it at integration)."
            )
        return self._messenger
