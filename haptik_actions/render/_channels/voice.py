"""Speech: twilio_voice of Rasa (rasa 3.6.21, `core/channels/twilio_voice.py`), and any other channel that speaks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from haptik_actions.render._content import SPELLED, Content, Control
from haptik_actions.render._draft import Draft, told_apart
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._renderer import Renderer

TEXT = Limit(4096, "UTF-8 bytes", "twilio.com/docs/voice/twiml/say")
OPTIONS = Limit(5, "items", "what a listener keeps in mind; a choice of this library")
CARDS = Limit(3, "items", "what a listener keeps in mind; a choice of this library")

# Rasa puts the text into Twilio's <Say>, which would speak tags aloud.
_SSML = re.compile(r"<[^<>]+>")
# Characters that XML 1.0 does not have: with one of them Twilio refuses the whole answer.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Voice(Renderer):
    """What the element says, then what can be answered, in one sentence. Addresses and pictures are not spoken."""

    channel = Channel(
        name="twilio_voice",
        title="voice (Twilio)",
        connector="Rasa's own: text",
        limits=limits(text=TEXT, options=OPTIONS, cards=CARDS),
        native={"TEXT": "speech; up to 5 options are read out", "CAROUSEL": "the first lines of 3 cards are read out"},
        answers="speech",
        remark="links and pictures are left out: nobody can listen to an address",
    )
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """The text, or its `voice_text`, and the options."""
        spoken = _SSML.sub("", content.voice).strip() or text
        self.say(spoken, self._options(controls, draft), draft)

    def say(self, text: str, lines: Sequence[str], draft: Draft) -> None:
        """A text and lines below it, without what XML cannot hold."""
        text, lines = _UNSPEAKABLE.sub("", text), [_UNSPEAKABLE.sub("", line) for line in lines]
        if text.strip() or lines:
            super().say(text.strip(), lines, draft)

    def _options(self, controls: Sequence[Control], draft: Draft) -> list[str]:
        for control in controls:
            if control.kind in SPELLED:
                draft.note("dropped", control.path, f"{control.kind} cannot be listened to")
            else:
                self.as_reply(control, draft)
        heard = [control for control in controls if control.kind not in SPELLED]
        if not heard:
            return []
        answers = []
        for control, name in zip(heard, told_apart(heard, draft), strict=True):
            draft.hear(control, name)
            answers.append(name if control.detail in name else f"{name} {control.detail}")
        if len(answers) > OPTIONS.size:
            draft.note("paginated", controls[0].path, f"{OPTIONS.size} of {len(answers)} options are read out")
        options = ", ".join(dict.fromkeys(answers[: OPTIONS.size]))
        said = [draft.copy.say_one_of.replace("{options}", options)]
        return said if len(answers) <= OPTIONS.size else [*said, draft.copy.say_more]

    def cards(self, content: Content, draft: Draft) -> None:
        """The notification, the first lines of some cards, and the options of all cards."""
        spoken = _SSML.sub("", content.voice).strip() or content.text
        titled = [card for card in content.cards if card.lines]
        lines = [f"{number}: {', '.join(card.lines[:2])}" for number, card in enumerate(titled[: CARDS.size], start=1)]
        for card in titled[CARDS.size :]:
            draft.note("dropped", card.path, "not read out")
        controls = [control for card in content.cards for control in card.controls]
        lines += self._options(controls, draft)
        for card in content.cards:
            if card.image:
                draft.note("dropped", f"{card.path}.thumbnail.image", "a picture cannot be listened to")
        if spoken or lines:
            self.say(spoken, lines, draft)

    def images(self, content: Content, draft: Draft) -> None:
        """The notification alone: pictures cannot be heard."""
        draft.note("dropped", "data.items", "a picture cannot be listened to")
        spoken = _SSML.sub("", content.voice).strip() or content.text
        if spoken:
            self.say(spoken, [], draft)
