"""Rasa's NLG endpoint on the message store: every `utter_*` of the domain can be edited, without training.

app = nlg_app(MessageStore.from_url("redis://localhost:6379/0"))
"""

from haptik_actions.nlg._app import nlg_app

__all__ = ["nlg_app"]
