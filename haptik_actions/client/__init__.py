"""Haptik's documented API as an async Python client.

async with HaptikClient(PlatformServer("https://example.haptikapi.com"), EnvironmentCredentials()) as client:
    await client.send_chat_to_agent(user_name="u1", business_id=343, team_name="support")
"""

from haptik_actions.client._bot_api import BotUser, LoggedMessage
from haptik_actions.client._client import HaptikClient
from haptik_actions.client._faq import FaqTask
from haptik_actions.client._files import MAX_FILE_BYTES, FileKind, file_kind
from haptik_actions.client._haptik_server import PlatformServer
from haptik_actions.client._transcripts import ChatMessage, Transcript
from haptik_actions.client._transport import was_not_sent

__all__ = [
    "MAX_FILE_BYTES",
    "BotUser",
    "ChatMessage",
    "FaqTask",
    "FileKind",
    "HaptikClient",
    "LoggedMessage",
    "PlatformServer",
    "Transcript",
    "file_kind",
    "was_not_sent",
]
