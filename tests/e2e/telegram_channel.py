"""Rasa's channel for Telegram, with the way to send that works inside Rasa's server.

That of Rasa 3.6.21 opens its connection in an event loop that is closed by the time the first message comes, so that
each message is answered with 500 (`Event loop is closed`). Runs in the interpreter that has Rasa.
"""

from __future__ import annotations

from rasa.core.channels.telegram import TelegramInput, TelegramOutput


class Telegram(TelegramInput):
    def get_output_channel(self) -> TelegramOutput:
        return TelegramOutput(self.access_token)
