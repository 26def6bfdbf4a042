"""RCS Business Messaging: suggestions below a text, rich cards. Rasa has no connector for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import SPELLED, Card, Content, Control
from haptik_actions.render._draft import Draft, first_page, titles
from haptik_actions.render._limits import Channel, Limit, clip, limits
from haptik_actions.render._renderer import Renderer

_DOCS = "developers.google.com/business-communications/rcs-business-messaging"
_CODE_POINTS: Final = "code points"

TEXT = Limit(3072, _CODE_POINTS, f"{_DOCS}; docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-rcs.html")
SUGGESTIONS = Limit(11, "items", f"{_DOCS}, suggestions of a message")
LABEL = Limit(25, _CODE_POINTS, f"{_DOCS}, text of a suggestion")
PAYLOAD = Limit(2048, _CODE_POINTS, f"{_DOCS}, postbackData")
URL = Limit(2048, _CODE_POINTS, f"{_DOCS}, openUrlAction")
CARDS = Limit(10, "items", f"{_DOCS}, rich card carousel: 2 to 10")
CARD_TITLE = Limit(200, _CODE_POINTS, f"{_DOCS}, rich card")
CARD_TEXT = Limit(2000, _CODE_POINTS, f"{_DOCS}, rich card, description")
CARD_SUGGESTIONS = Limit(4, "items", f"{_DOCS}, rich card")


class Rcs(Renderer):
    """Suggestions for TEXT and BUTTON, rich cards for a CAROUSEL."""

    channel = Channel(
        name="rcs",
        title="RCS",
        connector="your own: `text`, and `custom`, an agent message of RCS Business Messaging",
        limits=limits(
            text=TEXT,
            quick_replies=SUGGESTIONS,
            buttons=SUGGESTIONS,
            label=LABEL,
            payload=PAYLOAD,
            url=URL,
            cards=CARDS,
            card_title=CARD_TITLE,
            card_text=CARD_TEXT,
            card_buttons=CARD_SUGGESTIONS,
        ),
        native={
            "TEXT": "suggestions up to 11",
            "BUTTON": "suggestions up to 11; they vanish after a tap",
            "CAROUSEL": "carousels of 10 rich cards, one alone as a standalone card; a fifth suggestion is below them",
            "IMAGE": "file",
        },
        controls=frozenset({"reply", "url", "call", "location"}),
    )
    text_limit = TEXT
    dials_anything = False

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text with suggestions."""
        native, lines = self._sorted(controls, draft)
        page = first_page(native, SUGGESTIONS.size, content, draft)
        if page is None:
            answers = [control for control in native if control.kind not in SPELLED]
            lines = [*self.counted(answers, draft), *lines]
            lines += [self.spelled(control, draft) for control in native if control.kind in SPELLED]
        if not page:
            self.say(text, lines, draft)
            return
        shown = titles(page, LABEL, draft)
        *before, last = self.parts(text, [*shown.lines, *lines], draft, TEXT)
        for part in before:
            draft.say(part)
        draft.custom(
            {"contentMessage": {"text": last, "suggestions": _suggestions(page, draft, shown.shown, shown.numbers)}}
        )

    def _sorted(self, controls: Sequence[Control], draft: Draft) -> tuple[list[Control], list[str]]:
        long = [control for control in controls if control.kind == "url" and not URL.fits(control.value)]
        native, lines = self.sorted([control for control in controls if control not in long], draft)
        return native, [*lines, *(self.spelled(control, draft) for control in long)]

    def cards(self, content: Content, draft: Draft) -> None:
        """Rich cards. What does not fit on them follows below."""
        after: list[str] = []
        further: list[Control] = []
        cards = [self._card(card, content, draft, after, further) for card in content.cards]
        for start in range(0, len(cards), CARDS.size):
            draft.custom({"contentMessage": {"richCard": _rich_card(cards[start : start + CARDS.size], content)}})
        if len(cards) > CARDS.size:
            draft.note("split", "data.items", f"{len(cards)} cards in messages of {CARDS.size}")
        if after:
            self.say("", after, draft)
        if further:
            self.bubble(draft.copy.continued, further, content, draft)

    def _card(self, card: Card, content: Content, draft: Draft, after: list[str], further: list[Control]) -> JsonObject:
        native, lines = self._sorted(card.controls, draft)
        rest = native[CARD_SUGGESTIONS.size :]
        if rest:
            draft.note("split", rest[0].path, "further suggestions below the cards")
            further += rest
        written = [self.dialect.text(line) for line in card.lines]
        title, text = (written[0], "\n".join(written[1:])) if written else ("", "")
        shown = titles(native[: CARD_SUGGESTIONS.size], LABEL, draft)
        text = "\n".join(filter(None, [text, *shown.lines, *lines]))
        if not (CARD_TITLE.fits(title) and CARD_TEXT.fits(text)):
            draft.note("split", card.path, "words that a card has no room for in a message of their own")
            after += filter(None, [title, text])
        rich: JsonObject = {}
        if title or not (text or card.image):
            rich["title"] = clip(title or draft.copy.choose, CARD_TITLE)
        if text:
            rich["description"] = clip(text, CARD_TEXT)
        if card.image:
            height = "SHORT" if content.wide else "MEDIUM"
            rich["media"] = {"height": height, "contentInfo": {"fileUrl": card.image, "forceRefresh": False}}
        if native:
            rich["suggestions"] = _suggestions(native[: CARD_SUGGESTIONS.size], draft, shown.shown, shown.numbers)
        return rich

    def picture(self, url: str, draft: Draft) -> None:
        """A file."""
        draft.custom({"contentMessage": {"contentInfo": {"fileUrl": url, "forceRefresh": False}}})


def _rich_card(cards: list[JsonObject], content: Content) -> JsonObject:
    if len(cards) == 1:
        return {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": cards[0]}}
    return {"carouselCard": {"cardWidth": "MEDIUM" if content.large else "SMALL", "cardContents": cards}}


def _suggestions(
    controls: Sequence[Control], draft: Draft, shown: Sequence[str], numbers: Sequence[int | None]
) -> list[JsonObject]:
    return [
        _suggestion(control, title, number, draft)
        for control, title, number in zip(controls, shown, numbers, strict=True)
    ]


def _suggestion(control: Control, title: str, number: int | None, draft: Draft) -> JsonObject:
    if control.kind == "url":
        return _action(title, control.label, {"openUrlAction": {"url": control.value}})
    if control.kind == "call":
        return _action(title, control.label, {"dialAction": {"phoneNumber": control.value}})
    payload = draft.tap(control, title, PAYLOAD, number)
    if control.kind == "location":
        return _action(title, payload, {"shareLocationAction": {}})
    return {"reply": {"text": title, "postbackData": payload}}


def _action(title: str, payload: str, what: JsonObject) -> JsonObject:
    return {"action": {"text": title, "postbackData": clip(payload, PAYLOAD), **what}}
