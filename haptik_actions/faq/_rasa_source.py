"""A Rasa project as a source: its retrieval intents `faq/…`, and the responses `utter_faq/…` that answer them.

Source of the format: Rasa's documentation, "Training Data Format" and "Retrieval Intents" (3.x): examples are lines
beginning with `- `, entities are annotated as `[text](entity)` or `[text]{"entity": …}`, and a retrieval intent
`faq/hours` is answered by the response `utter_faq/hours`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from haptik_actions._rasa_yaml import read_rasa_yaml
from haptik_actions.errors import ConfigurationError, InvalidElement
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import Found, Row
from haptik_actions.faq._text_sources import Tell, as_json, joined
from haptik_actions.hsl import Actionable, Text

__all__ = ["RasaSource"]

# No bracket stands inside one of its kind: each of many would be looked to the end from.
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()\[\]]*\)|\{[^{}\[\]]*\}|\[\{[^\[\]]*\}\])")
# A slot that Rasa would fill; JSON's own braces hold quotes.
_PLACEHOLDER = re.compile(r"\{([^\n{}\":]+)\}")
_FILES = ("*.yml", "*.yaml")
_MOST_NAMED = 20


class RasaSource:
    """The retrieval intents below `prefix` in the folder of a Rasa project; the node is called what follows it.

    Examples are read from `data/`, responses from `domain.yml`, `domain/` and `data/`. Buttons become quick replies;
    a `custom` response that is an HSL object stays one. A node has one answer: the first variation that is under no
    condition, for no channel, and not blank.
    """

    def __init__(self, path: str | Path, *, prefix: str = "faq") -> None:
        self.name = str(path)
        self._path, self._prefix = Path(path), f"{prefix.rstrip('/')}/"
        self._at = self.name
        self._others: set[str] = set()

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`. The row is the intent's place, from 1, in the order of the files."""
        examples, responses = self._read(found)
        for row, (intent, (file, questions)) in enumerate(examples.items(), start=1):
            self._at = file
            tell = partial(self._tell, found, row)
            variations = responses.get(f"utter_{intent}")
            answer = _answer(variations, tell) if variations else None
            if answer is None:
                tell("no_response", f"utter_{intent} is not in the domain, or says nothing to everybody.", "answer")
                continue
            name = intent.removeprefix(self._prefix)
            yield row, [name, joined("question", questions, tell), joined("answer", answer, tell), "", "", "", ""]
        self._at = self.name
        if not examples:
            self._tell(found, 0, "no_rows", self._no_intents())
        for response in responses:
            intent = response.removeprefix("utter_")
            if intent.startswith(self._prefix) and intent not in examples:
                self._tell(found, 0, "no_examples", f"{response} answers no intent that has examples.", "question")

    def locate(self) -> tuple[str, int]:
        """See `Source`."""
        return self._at, 0

    def _read(self, found: Found) -> tuple[dict[str, tuple[str, list[str]]], dict[str, Any]]:
        examples: dict[str, tuple[str, list[str]]] = {}
        responses: dict[str, Any] = {}
        for path in self._files():
            try:
                content = read_rasa_yaml(path)
            except ConfigurationError as error:
                self._at = str(path)
                self._tell(found, 0, "broken_file", str(error))
                continue
            if not isinstance(content, Mapping):
                continue
            for item in content.get("nlu") or ():
                intent = str(item.get("intent", "")) if isinstance(item, Mapping) else ""
                if intent.startswith(self._prefix):
                    _, known = examples.setdefault(intent, (str(path), []))
                    known += _examples(item.get("examples"))
                elif "/" in intent:
                    self._others.add(intent.partition("/")[0])
            more = content.get("responses")
            responses.update(more if isinstance(more, Mapping) else {})
        return examples, responses

    def _no_intents(self) -> str:
        none = f"The project has no retrieval intents `{self._prefix}…`"
        if not self._others:
            return f"{none}, and none with another prefix."
        known = ", ".join(f"`{prefix}/…`" for prefix in sorted(self._others)[:_MOST_NAMED])
        return f"{none}. It has {known}: name the prefix with --intents."

    def _files(self) -> list[Path]:
        files = [path for name in ("domain.yml", "domain.yaml") if (path := self._path / name).is_file()]
        for folder in ("domain", "data"):
            files += sorted(path for pattern in _FILES for path in (self._path / folder).rglob(pattern))
        if not files:
            raise ConfigurationError(f"{self.name} is no Rasa project: it has neither domain.yml, domain/ nor data/.")
        return files

    def _tell(self, found: Found, row: int, code: str, message: str, column: str = "") -> None:
        found(Finding(code=code, message=message, file=self._at, row=row, column=column))


def _examples(examples: Any) -> list[str]:
    if isinstance(examples, str):
        lines = [line.strip()[1:] for line in examples.splitlines() if line.strip().startswith("-")]
    else:
        lines = [str(item.get("text", "") if isinstance(item, Mapping) else item) for item in examples or ()]
    return [_ENTITY.sub(r"\1", line).strip() for line in lines if line.strip()]


def _answer(variations: Any, tell: Tell) -> list[str] | None:
    """What is said to everybody: the first variation under no condition and, where there is one, for no channel."""
    known = [item for item in variations if isinstance(item, Mapping)] if isinstance(variations, list) else []
    for_all = sorted((item for item in known if not item.get("condition")), key=lambda item: bool(item.get("channel")))
    for variation in for_all:
        says = _bot_says(variation, tell)
        if says:
            if len(known) > 1:
                tell("variations_left_out", f"One of {len(known)} is taken.", "answer")
            for name in _placeholders(says):
                tell("placeholder", f"{{{name}}} stands in it.", "answer")
            return says
    return None


def _placeholders(says: list[str]) -> list[str]:
    return sorted({found[1] for part in says for found in _PLACEHOLDER.finditer(part)})


def _bot_says(variation: Mapping[str, Any], tell: Tell) -> list[str]:
    text, buttons, custom = (variation.get(key) for key in ("text", "buttons", "custom"))
    text = "" if text is None else str(text).strip()
    says: list[str] = []
    if text and buttons:
        says.append(_with_quick_replies(text, buttons, tell))
    elif text:
        says.append(text)
    if isinstance(custom, Mapping):
        says.append(as_json(custom))
    return says + [str(variation[key]) for key in ("image", "attachment") if variation.get(key)]


def _with_quick_replies(text: str, buttons: Any, tell: Tell) -> str:
    titles = [str(button["title"]) for button in buttons if isinstance(button, Mapping) and button.get("title")]
    try:
        return as_json(Text(text, [Actionable.reply(title) for title in titles]).to_hsl())
    except InvalidElement as error:
        tell("invalid_hsl", f"The buttons cannot be quick replies: {error}.", "answer")
        return text
