"""What is done to conversations from outside, over Rasa's HTTP API (`rasa run --enable-api`). Needs no Rasa here.

await resume("chat-1", rasa_url="http://rasa:5005", token="…")
"""

from haptik_actions.rasa_api._resume import DEFAULT_RASA_URL, resume

__all__ = ["DEFAULT_RASA_URL", "resume"]
