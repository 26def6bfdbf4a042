"""The component that brings answers back to Rasa itself; it runs in Rasa's process.

    # config.yml
    pipeline:
      - name: haptik_actions.channel.OfferedReplies
        opens: haptik_open
      - name: KeywordIntentClassifier

Rasa 3.6.21 gives the conversation's tracker to an NLU component whose `process` has a parameter of that name
(`_get_needs_from_args` in `engine/recipes/default_recipe.py`), and it does so while the conversation is locked, so what
was offered last is really the last. A message that is sent to `POST /model/parse`, or to an NLU server of its own, has
no conversation: there the component changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.events import BotUttered, Restarted, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from haptik_actions._from_outside import JsonObject
from haptik_actions.answers import ANSWER_KEY, choose, read_offers
from haptik_actions.render import Offer

__all__ = ["OfferedReplies"]


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER], is_trainable=False)
class OfferedReplies(GraphComponent):
    """Replaces what the user typed ("2", "the last one", a label) by the payload of the option that is meant.

    The components behind it, and the actions, get the payload; `/intent{"key": "value"}` becomes that intent. The
    conversation keeps the user's own words. Where no option is meant, or several, nothing is changed. It has to stand
    first in the pipeline.

    Config:
        opens: The intent of a tap on "More" and on other controls that open something. A rule answers it with
            `action_haptik_open`. Without it such controls are not offered.
    """

    # A trained model names the class by its module: that has to be the public one, also for models of older versions.
    __module__ = "haptik_actions.channel"

    @staticmethod
    def get_default_config() -> JsonObject:
        """Return the config where the pipeline says nothing."""
        return {"opens": None}

    @classmethod
    def create(
        cls,
        config: JsonObject,
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> OfferedReplies:
        """Create the component, as Rasa asks for it."""
        return cls(config)

    def __init__(self, config: JsonObject) -> None:
        self._opens: str | None = config.get("opens")

    def process(self, messages: list[Message], tracker: DialogueStateTracker | None = None) -> list[Message]:
        """Resolve the text of each message by what its conversation was offered."""
        for message in messages:
            offer = _chosen(message.get(TEXT) or "", tracker)
            if offer is not None:
                message.set(TEXT, f"/{self._opens}" if offer.opens and self._opens else offer.payload)
            # Actions see by this that somebody resolves, and may offer pages.
            message.set(ANSWER_KEY, {"opens": self._opens is not None}, add_to_output=True)
        return messages


def _chosen(text: str, tracker: DialogueStateTracker | None) -> Offer | None:
    if tracker is None or not text:
        return None
    offered = read_offers(_metadata(tracker))
    if not offered:
        return None
    older = [offer for before in offered[1:] for offer in before.offers]
    return choose(text, offered[0].offers, older, words=offered[0].words)


def _metadata(tracker: DialogueStateTracker) -> Iterator[Any]:
    for event in reversed(tracker.events):
        if isinstance(event, (Restarted, SessionStarted)):
            return
        if isinstance(event, BotUttered):
            yield event.metadata
