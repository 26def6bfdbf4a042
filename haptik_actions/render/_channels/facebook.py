"""Facebook Messenger through Rasa's connector (rasa 3.6.21, `core/channels/facebook.py`, over fbmessenger 6.0.0)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import SPELLED, Card, Content, Control
from haptik_actions.render._conversion import Message
from haptik_actions.render._draft import Draft, first_page, titles
from haptik_actions.render._limits import Channel, Limit, clip, counted, limits
from haptik_actions.render._renderer import Renderer

_PLATFORM = "developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages"
_CODE_POINTS: Final = "code points"

TEXT = Limit(2000, _CODE_POINTS, "Meta states none; what integrators report (Chatwoot's table of text lengths)")
QUICK_REPLIES = Limit(13, "items", f"{_PLATFORM}/quick-replies")
# fbmessenger raises on more, and Rasa then rolls back the whole turn. It does not check what is sent as `custom`.
QUICK_REPLIES_OF_CONNECTOR = Limit(11, "items", "fbmessenger 6.0.0, quick_replies.py: QuickReplies.LIMIT")
BUTTONS = Limit(3, "items", f"{_PLATFORM}/template/button; with more, Rasa's connector drops all of them")
BUTTON_TEXT = Limit(640, _CODE_POINTS, f"{_PLATFORM}/template/button")
TITLE = Limit(20, _CODE_POINTS, f"{_PLATFORM}/buttons and /quick-replies")
PAYLOAD = Limit(1000, _CODE_POINTS, f"{_PLATFORM}/buttons and /quick-replies")
CARDS = Limit(10, "items", f"{_PLATFORM}/template/generic")
CARD_TITLE = Limit(80, _CODE_POINTS, f"{_PLATFORM}/template/generic")
CARD_SUBTITLE = Limit(80, _CODE_POINTS, f"{_PLATFORM}/template/generic")

# A larger BUTTON of several kinds becomes lines of text: nobody reads five templates in a row as one question.
_TEMPLATES = 4
# A card needs a title and something beside it. This blank one shows nothing.
_NOTHING = "•"


class Facebook(Renderer):
    """Quick replies for a TEXT, button templates for a BUTTON, generic templates for a CAROUSEL."""

    channel = Channel(
        name="facebook",
        title="Facebook Messenger",
        connector="Rasa's own: text, buttons, quick_replies, image; the rest as `custom`, a raw `message` object",
        limits=limits(
            text=TEXT,
            quick_replies=QUICK_REPLIES,
            quick_replies_of_connector=QUICK_REPLIES_OF_CONNECTOR,
            buttons=BUTTONS,
            button_text=BUTTON_TEXT,
            label=TITLE,
            payload=PAYLOAD,
            cards=CARDS,
            card_title=CARD_TITLE,
            card_subtitle=CARD_SUBTITLE,
            card_buttons=BUTTONS,
        ),
        native={
            "TEXT": "quick replies; more than 13 are numbered lines",
            "BUTTON": "button templates of 3; more than 3 replies alone are quick replies, more than 12 controls lines",
            "CAROUSEL": "generic templates of 10 cards; a card with more than 3 buttons goes on as a further card",
            "IMAGE": "image attachment",
        },
        controls=frozenset({"reply", "url", "call"}),
    )
    text_limit = TEXT
    dials_anything = False
    template_text: ClassVar[Limit] = BUTTON_TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A few lasting controls become buttons, others quick replies, and what fits neither numbered lines."""
        native, lines = self.sorted(controls, draft)
        only_answers = all(control.kind not in SPELLED for control in native)
        if not native:
            self.say(text, lines, draft)
        elif (content.persistent or not only_answers) and self._fit_templates(native, only_answers):
            self._templates(text, lines, native, draft)
        elif only_answers:
            self._quick_replies(text, lines, native, content, draft)
        else:
            self._as_lines(text, lines, native, draft)

    def _fit_templates(self, native: Sequence[Control], only_answers: bool) -> bool:
        most = 1 if only_answers and len(native) <= QUICK_REPLIES.size else _TEMPLATES
        return len(native) <= BUTTONS.size * most

    def _templates(self, text: str, lines: list[str], native: Sequence[Control], draft: Draft) -> None:
        for start in range(0, len(native), BUTTONS.size):
            run = native[start : start + BUTTONS.size]
            shown = titles(run, TITLE, draft)
            *before, last = self.parts(text, [*lines, *shown.lines], draft, self.template_text)
            for part in before:
                draft.say(part)
            buttons = [
                self.button(control, title, number, draft)
                for control, title, number in zip(run, shown.shown, shown.numbers, strict=True)
            ]
            draft.messages.append(self.button_template(last, buttons))
            if start:
                draft.note("split", run[0].path, "further buttons in a message of their own")
            text, lines = draft.copy.continued, []

    def _quick_replies(
        self, text: str, lines: list[str], answers: Sequence[Control], content: Content, draft: Draft
    ) -> None:
        page = first_page(answers, QUICK_REPLIES.size, content, draft)
        if page is None:
            self._as_lines(text, lines, answers, draft)
            return
        if content.persistent:
            draft.note("replaced", content.path, "buttons by quick replies")
        shown = titles(page, TITLE, draft)
        *before, last = self.parts(text, [*shown.lines, *lines], draft, self.text_limit)
        for part in before:
            draft.say(part)
        chips = [
            {"content_type": "text", "title": title, "payload": draft.tap(control, title, PAYLOAD, number)}
            for control, title, number in zip(page, shown.shown, shown.numbers, strict=True)
        ]
        draft.messages.append(self.chips(last, chips))

    def _as_lines(self, text: str, lines: list[str], native: Sequence[Control], draft: Draft) -> None:
        # An address that a cut divides is no link any more. On a button it has no limit.
        long_links = [
            control for control in native if control.kind == "url" and not self.text_limit.fits(control.value)
        ]
        answers = [control for control in native if control.kind not in SPELLED]
        written = self.counted(answers, draft)
        spelled = [c for c in native if c.kind in SPELLED and c not in long_links]
        written += [*(self.spelled(control, draft) for control in spelled), *lines]
        if answers and draft.resolves:
            written.append(draft.copy.reply_with_number)
        self.say(text, written, draft)
        for link in long_links:
            self._templates("", [link.label], [link], draft)

    def button(self, control: Control, title: str, number: int | None, draft: Draft) -> dict[str, str]:
        """A button of a template."""
        if control.kind == "url":
            return {"type": "web_url", "title": title, "url": control.value}
        if control.kind == "call":
            return {"type": "phone_number", "title": title, "payload": control.value}
        return {"type": "postback", "title": title, "payload": draft.tap(control, title, PAYLOAD, number)}

    def button_template(self, text: str, buttons: list[dict[str, str]]) -> Message:
        """A text with up to three buttons."""
        return {"text": text, "buttons": buttons}

    def chips(self, text: str, quick_replies: list[dict[str, str]]) -> Message:
        """A text with quick replies."""
        message: Message = {"text": text, "quick_replies": quick_replies}
        return {"json_message": message} if len(quick_replies) > QUICK_REPLIES_OF_CONNECTOR.size else message

    def cards(self, content: Content, draft: Draft) -> None:
        """Generic templates. Words that do not fit on a card follow as text."""
        elements: list[JsonObject] = []
        cut: list[Card] = []
        lines: list[str] = []
        for card in content.cards:
            elements += self._elements(card, content, draft, cut, lines)
        for start in range(0, len(elements), CARDS.size):
            draft.custom(self.generic_template(elements[start : start + CARDS.size], content))
        if len(elements) > CARDS.size:
            draft.note("split", "data.items", f"{len(elements)} cards in templates of {CARDS.size}")
        for card in cut:
            draft.note("split", card.path, "words that a card has no room for in a message of their own")
            self.say(self.card_text(card), [], draft)
        if lines:
            self.say("", lines, draft)

    def generic_template(self, elements: list[JsonObject], content: Content) -> JsonObject:
        """Cards side by side."""
        payload: JsonObject = {"template_type": "generic", "elements": elements}
        if any("image_url" in element for element in elements):
            payload["image_aspect_ratio"] = "horizontal" if content.wide else "square"
        return {"attachment": {"type": "template", "payload": payload}}

    def _elements(
        self, card: Card, content: Content, draft: Draft, cut: list[Card], lines: list[str]
    ) -> Iterator[JsonObject]:
        native, spelled = self.sorted(card.controls, draft)
        lines += [f"{card.lines[0]} – {line}" if card.lines else line for line in spelled]
        written = [self.dialect.text(line) for line in card.lines] or [self.dialect.text(content.text) or _NOTHING]
        title, subtitle = clip(written[0], CARD_TITLE), clip("\n".join(written[1:]), CARD_SUBTITLE)
        if card.lines and (title != written[0] or not CARD_SUBTITLE.fits("\n".join(written[1:]))):
            cut.append(card)
        head: JsonObject = {"title": title}
        if subtitle:
            head["subtitle"] = subtitle
        if card.image:
            head["image_url"] = card.image
        if not (native or len(head) > 1):
            head["subtitle"] = _NOTHING
        yield from self._with_buttons(head, native, draft, lines)

    def _with_buttons(
        self, head: JsonObject, native: Sequence[Control], draft: Draft, lines: list[str]
    ) -> Iterator[JsonObject]:
        default = next((c.value for c in native if c.is_default and c.kind == "url"), None)
        if default is not None:
            head["default_action"] = {"type": "web_url", "url": default}
        shown = titles(native, TITLE, draft)
        lines += shown.lines
        buttons = [
            self.button(control, title, number, draft)
            for control, title, number in zip(native, shown.shown, shown.numbers, strict=True)
        ]
        yield {**head, "buttons": buttons[: BUTTONS.size]} if buttons else head
        for start in range(BUTTONS.size, len(buttons), BUTTONS.size):
            draft.note("split", native[start].path, "further buttons on a further card")
            place, places = start // BUTTONS.size + 1, -(-len(buttons) // BUTTONS.size)
            title = counted(head["title"], place, places, CARD_TITLE)
            yield {**head, "title": title, "buttons": buttons[start : start + BUTTONS.size]}
