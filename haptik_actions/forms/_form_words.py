"""The words of a language that a form understands. They are copy, and come from the message store."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeAlias, get_args

import msgspec

from haptik_actions.answers import WORD_KEYS, AnswerWords, fold

__all__ = ["Command", "FormWords", "read_words"]

Command: TypeAlias = Literal["back", "cancel", "confirm", "done", "edit", "more", "restart", "skip"]
"""What a user can say in place of an answer."""

_COMMANDS: tuple[Command, ...] = get_args(Command)
_LISTS = (
    *("all", "and", "both", "clock", "hours", "minutes", "next", "none", "on", "parts", "to", "today", "tomorrow"),
    "weekdays",
)
_PREFIX = "haptik_form_word_"
_NUMBERED = re.compile(r"(.*\S)\s+([+-]?\d{1,2})")
_HOURS = re.compile(r"(.*\S)\s+(\d{1,2})(?:-(\d{1,2}))?")


class FormWords(msgspec.Struct, frozen=True):
    """For each word of ours what people say, the one for the chip first."""

    said: Mapping[str, tuple[str, ...]]
    answers: AnswerWords = AnswerWords()

    def label(self, word: str) -> str:
        """Return the word as a chip shows it."""
        return self.said[word][0]

    def means(self, word: str, text: str) -> bool:
        """Tell whether the text says this word and nothing else."""
        folded = fold(text)
        return any(fold(said) == folded for said in self.said.get(word, ()))

    def numbers(self, word: str) -> dict[str, int]:
        """Return what is said and the number behind it, folded and the longest first: `half past 30`."""
        found = (_NUMBERED.fullmatch(said) for said in self.said.get(word, ()))
        numbers = {fold(match[1]): int(match[2]) for match in found if match}
        return {said: numbers[said] for said in sorted(numbers, key=len, reverse=True) if said}

    def spans(self, word: str) -> dict[str, frozenset[tuple[int, int]]]:
        """Return what is said, folded, and the minutes of the day it reaches over: `lunchtime 12-14`, `midday 12`."""
        found = (_HOURS.fullmatch(said) for said in self.said.get(word, ()))
        return {fold(match[1]): _span(int(match[2]), match[3]) for match in found if match and int(match[2]) < 24}

    def command(self, text: str) -> Command | None:
        """Return the command that the text is."""
        return next((command for command in _COMMANDS if self.means(command, text)), None)


async def read_words(text: Callable[[str], Awaitable[str]]) -> FormWords:
    """Read the words with `text`, which gives a message by its key. Commas stand between the words of a message."""
    names = (*_COMMANDS, *_LISTS)
    keys = [*(_PREFIX + name for name in names), *WORD_KEYS.values()]
    texts = await asyncio.gather(*map(text, keys))
    said = {name: _parts(texts[place]) or (name,) for place, name in enumerate(names)}
    answers = dict(zip(WORD_KEYS, texts[len(names) :], strict=True))
    return FormWords(said, AnswerWords.parse(answers))


def _span(first: int, end: str | None) -> frozenset[tuple[int, int]]:
    # An hour on its own is a moment, as noon is.
    return frozenset({(first * 60, int(end) * 60 if end else first * 60 + 1)})


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))
