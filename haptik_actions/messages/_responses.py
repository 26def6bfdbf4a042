"""The variations of one response as a Rasa domain has them, made ready for the store: of each as much as can be said.

Source of the keys: `rasa/shared/nlu/training_data/schemas/responses.yml` of Rasa 3.6.21 and of rasa-pro 3.21.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from haptik_actions._halves import without_halves
from haptik_actions.config import nearest
from haptik_actions.errors import InvalidMessage
from haptik_actions.messages._value import KEYS, Message, can_be_evaluated, predicate

__all__ = ["usable_variations"]

# `response_id` is an older name of `id`; `rephrase` and `rephrase_prompt` are Rasa Pro's, below metadata today.
_TOOLS_KEYS = frozenset({"rephrase", "rephrase_prompt", "response_id"})


def usable_variations(variations: Any) -> tuple[list[Any], list[str]]:
    """Return what can be said of a list of variations, and a sentence for each thing that cannot."""
    if not isinstance(variations, Sequence) or isinstance(variations, str) or not variations:
        return [], []
    usable, problems = [], []
    for index, variation in enumerate(variations):
        where = f"Variation {index + 1}: " if len(variations) > 1 else ""
        read, notes = _read(without_halves(variation))
        problems += [f"{where}{note}" for note in notes]
        try:
            Message.from_responses([read])
        except InvalidMessage as error:
            what = error.findings[0]
            path = what.path.removeprefix("[0]").removeprefix(".")
            problems.append(f"{where}{f'{path}: ' if path else ''}{what.words}")
        else:
            usable.append(read)
    return usable, problems


def _read(variation: Any) -> tuple[Any, list[str]]:
    """A variation with what the store can hold of it, and what that leaves out."""
    if not isinstance(variation, Mapping):
        return variation, []
    read = {key: value for key, value in variation.items() if value is not None and key not in _TOOLS_KEYS}
    problems = [f"`{key}` is not known here.{nearest(str(key), KEYS)}" for key in read if key not in KEYS]
    read = {key: value for key, value in read.items() if key in KEYS}
    if isinstance(read.get("text"), str) and not read["text"].strip() and len(read) > 1:
        del read["text"]
    problems += _label_buttons(read)
    problems += _read_condition(read)
    return read, problems


def _label_buttons(read: dict[str, Any]) -> Iterator[str]:
    """Leave out the buttons that nobody could read."""
    buttons = read.get("buttons")
    if not isinstance(buttons, list):
        return
    labelled = [button for button in buttons if not isinstance(button, Mapping) or _has_label(button)]
    if len(labelled) < len(buttons):
        yield "A button without a title is left out."
        read["buttons"] = labelled


def _has_label(button: Mapping[str, Any]) -> bool:
    title = button.get("title")
    return isinstance(title, str) and bool(title.strip())


def _read_condition(read: dict[str, Any]) -> Iterator[str]:
    """Keep a condition that cannot be evaluated here as one that never holds."""
    condition = read.pop("condition", None)
    if not condition:
        return
    given = condition if isinstance(condition, list) else [condition]
    read["condition"] = [each if can_be_evaluated(each) else predicate(each) for each in given]
    if not all(map(can_be_evaluated, given)):
        yield "Its condition cannot be evaluated here and counts as not fulfilled."
