"""A response's own translations, as Rasa Pro writes them beside its text and in its buttons.

    {"text": "Hello", "translation": {"de": "Hallo"}, "buttons": [{"title": "Yes", "payload": "/yes",
     "translation": {"de": {"title": "Ja"}}}]}

Source: https://rasa.com/docs/pro/build/translating-your-assistant
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from haptik_actions.messages import Variation, locale_chain

__all__ = ["translated"]

_KEY = "translation"


def translated(variation: Variation, locale: str, wanted: str | None) -> tuple[Variation, str]:
    """Return what is said of a message in `locale` to a user whose language is `wanted`, and the language of that.

    A message in the user's own language needs no translation, nor one whose user's language nobody knows. What is
    not translated stays. The result has no `translation`: it is for nobody's eyes.
    """
    buttons = variation.extra.get("buttons") or ()
    if _KEY not in variation.extra and not any(isinstance(each, Mapping) and _KEY in each for each in buttons):
        return variation, locale
    tags = _before(locale, locale_chain(wanted, locale) if wanted else ())
    extra = {key: value for key, value in variation.extra.items() if key != _KEY}
    if buttons:
        extra["buttons"] = [_button(button, tags) for button in buttons]
    tag, text = _first(variation.extra.get(_KEY), tags, str)
    said = replace(variation, text=variation.text if text is None else text, extra=extra)
    return said, tag or locale


def _before(locale: str, chain: Sequence[str]) -> Sequence[str]:
    """The languages that the user would rather read than `locale`."""
    return chain[: chain.index(locale)] if locale in chain else chain


def _button(button: Any, tags: Sequence[str]) -> Any:
    if not isinstance(button, Mapping):
        return button
    _, other = _first(button.get(_KEY), tags, Mapping)
    return {key: (other or {}).get(key, value) for key, value in button.items() if key != _KEY}


def _first(translations: Any, tags: Sequence[str], kind: type) -> tuple[str | None, Any]:
    if isinstance(translations, Mapping):
        for tag in tags:
            if isinstance(translations.get(tag), kind):
                return tag, translations[tag]
    return None, None
