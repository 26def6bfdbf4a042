"""Rasa's responses out of the message store: every `utter_*` of the domain can be edited, without training.

    app = nlg_app(MessageStore.from_url("redis://localhost:6379/0"))

is the endpoint that Rasa can ask; `haptik_actions.channel.HaptikNLG` is the same inside Rasa's own process.
"""

from haptik_actions.nlg._answer import Answer, Call, answer, last_resort
from haptik_actions.nlg._app import nlg_app

__all__ = ["Answer", "Call", "answer", "last_resort", "nlg_app"]
