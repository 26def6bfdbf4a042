"""Answers come back: what a user typed or tapped, and which of the offered options is meant by it.

    offered = read_offers(metadata_of_bot_messages)          # latest first
    resolve("the second one", offered[0].offers, words=offered[0].words)

Pure: what was offered travels as metadata of the bot's message, in Rasa's own tracker.
"""

from haptik_actions.answers._resolve import (
    ANSWER_KEY,
    METADATA_KEY,
    Offered,
    candidates,
    choose,
    matching,
    read_offers,
    resolve,
    to_metadata,
)
from haptik_actions.answers._words import WORD_KEYS, AnswerWords, fold

__all__ = [
    "ANSWER_KEY",
    "METADATA_KEY",
    "WORD_KEYS",
    "AnswerWords",
    "Offered",
    "candidates",
    "choose",
    "fold",
    "matching",
    "read_offers",
    "resolve",
    "to_metadata",
]
