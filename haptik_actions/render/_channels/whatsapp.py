"""WhatsApp Cloud API: reply buttons, lists, one link to a message. Rasa has no connector for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._draft import Draft
from haptik_actions.render._limits import Channel, Limit, clip, limits
from haptik_actions.render._markup import WHATSAPP
from haptik_actions.render._renderer import Renderer

_DOCS = "developers.facebook.com/documentation/business-messaging/whatsapp/messages"
_CODE_POINTS: Final = "code points"

TEXT = Limit(4096, _CODE_POINTS, f"{_DOCS}/text-messages")
BODY = Limit(1024, _CODE_POINTS, f"{_DOCS}/interactive-reply-buttons-messages; of lists what most providers accept")
CAPTION = Limit(1024, _CODE_POINTS, "what most providers accept; Meta states none")
BUTTONS = Limit(3, "items", f"{_DOCS}/interactive-reply-buttons-messages")
LABEL = Limit(20, _CODE_POINTS, f"{_DOCS}/interactive-reply-buttons-messages; unique in a message")
PAYLOAD = Limit(256, _CODE_POINTS, f"{_DOCS}/interactive-reply-buttons-messages, id; unique in a message")
ROWS = Limit(10, "items", f"{_DOCS}/interactive-list-messages; in all sections together")
ROW_TITLE = Limit(24, _CODE_POINTS, f"{_DOCS}/interactive-list-messages")
ROW_DETAIL = Limit(72, _CODE_POINTS, f"{_DOCS}/interactive-list-messages")
ROW_PAYLOAD = Limit(200, _CODE_POINTS, f"{_DOCS}/interactive-list-messages, id")
SECTION = Limit(24, _CODE_POINTS, f"{_DOCS}/interactive-list-messages")
OPENER = Limit(20, _CODE_POINTS, f"{_DOCS}/interactive-list-messages, button")
LINK_LABEL = Limit(20, _CODE_POINTS, f"{_DOCS}/interactive-cta-url-messages")
URL = Limit(2000, _CODE_POINTS, "no figure of Meta for a session message; that of a template's button")

# Each link needs a message of its own. From four links on, one text with all of them is easier to read.
_LINKS = 3


class WhatsApp(Renderer):
    """Reply buttons up to three, a list up to ten, one message for each link."""

    channel = Channel(
        name="whatsapp",
        title="WhatsApp (Cloud API)",
        connector="your own: `text`, and `custom`, a message object of the Cloud API without its receiver",
        markup="whatsapp",
        limits=limits(
            text=TEXT,
            body=BODY,
            caption=CAPTION,
            buttons=BUTTONS,
            label=LABEL,
            payload=PAYLOAD,
            rows=ROWS,
            row_title=ROW_TITLE,
            row_description=ROW_DETAIL,
            row_payload=ROW_PAYLOAD,
            section_title=SECTION,
            list_button=OPENER,
            link_label=LINK_LABEL,
            url=URL,
        ),
        native={
            "TEXT": "reply buttons up to 3, lists of 10 rows beyond",
            "BUTTON": "runs of one kind: reply buttons or lists, a message with a link button each (up to 3 links)",
            "CAROUSEL": "card by card: picture as header, or with the words as its caption",
            "IMAGE": "image message",
            "TAB_LIST": "list with a section for each tab",
        },
        controls=frozenset({"reply", "url", "location"}),
        remark="numbers are lines of text; carousels of a session are too new to rely on",
    )
    dialect = WHATSAPP
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text with controls."""
        self._bubble(text, controls, "", draft)

    def _bubble(self, text: str, controls: Sequence[Control], image: str, draft: Draft) -> None:
        native, lines = self._sorted(controls, draft)
        answers = [c for c in native if c.kind not in ("url", "location")]
        others = [c for c in native if c.kind in ("url", "location")]
        if answers:
            self._answers(text, lines, answers, image, draft)
        elif others:
            first, *others = others
            self._single(text, lines, first, image, draft)
        else:
            self._plain(text, lines, image, draft)
        for control in others:
            draft.note("split", control.path, f"{control.kind} in a message of its own")
            self._single("", [], control, "", draft)

    def _sorted(self, controls: Sequence[Control], draft: Draft) -> tuple[list[Control], list[str]]:
        links = [control for control in controls if control.kind == "url"]
        spelled = [c for c in links if len(links) > _LINKS or not URL.fits(c.value) or not LINK_LABEL.fits(c.label)]
        native, lines = self.sorted([control for control in controls if control not in spelled], draft)
        return native, [*lines, *(self.spelled(control, draft) for control in spelled)]

    def _plain(self, text: str, lines: list[str], image: str, draft: Draft) -> None:
        if not image:
            self.say(text, lines, draft)
            return
        *before, caption = self.parts(text, lines, draft, CAPTION) if text or lines else [""]
        for part in before:
            draft.say(part)
        draft.custom(_image(image, caption))

    def _answers(self, text: str, lines: list[str], answers: Sequence[Control], image: str, draft: Draft) -> None:
        as_buttons = len(answers) <= BUTTONS.size and all(LABEL.fits(c.label) and not c.section for c in answers)
        if as_buttons and len({control.label for control in answers}) == len(answers):
            details = [f"{control.label} – {control.detail}" for control in answers if control.detail]
            body = self._body(text, [*details, *lines], draft)
            taken: set[str] = set()
            buttons = [
                {"type": "reply", "reply": {"id": draft.tap_once(c, c.label, PAYLOAD, taken), "title": c.label}}
                for c in answers
            ]
            draft.custom(_interactive("button", body, {"buttons": buttons}, image))
        else:
            if image:
                draft.custom(_image(image, ""))
            self._lists(text, lines, answers, draft)

    def _lists(self, text: str, lines: list[str], answers: Sequence[Control], draft: Draft) -> None:
        pages = range(0, len(answers), ROWS.size)
        for page, start in enumerate(pages, start=1):
            run = answers[start : start + ROWS.size]
            body = self._body(text, lines, draft)
            opener = draft.copy.options if len(pages) == 1 else f"{draft.copy.options} {page}/{len(pages)}"
            action = {"button": clip(opener, OPENER), "sections": list(self._sections(run, draft))}
            draft.custom(_interactive("list", body, action, ""))
            if start:
                draft.note("split", run[0].path, "further rows in a list of their own")
            text, lines = draft.copy.continued, []

    def _sections(self, run: Sequence[Control], draft: Draft) -> Iterator[JsonObject]:
        several = len({control.section for control in run}) > 1
        taken: set[str] = set()
        for heading, controls in groupby(run, key=lambda control: control.section):
            rows = list(controls)
            section: JsonObject = {"rows": [self._row(control, draft, taken) for control in rows]}
            if heading or several:
                section["title"] = clip(heading or draft.copy.options, SECTION)
            if not SECTION.fits(heading):
                draft.cut(rows[0].path, section["title"], SECTION)
            yield section

    def _row(self, control: Control, draft: Draft, taken: set[str]) -> JsonObject:
        title = clip(control.label, ROW_TITLE)
        # A row whose label is cut shows the whole label as its description.
        detail = control.detail if title == control.label else " – ".join(filter(None, [control.label, control.detail]))
        if not ROW_DETAIL.fits(detail):
            draft.cut(control.path, clip(detail, ROW_DETAIL), ROW_DETAIL)
        elif title != control.label:
            draft.note("replaced", f"{control.path}.actionable_text", "label by a row with its second line")
        row: JsonObject = {"id": draft.tap_once(control, title, ROW_PAYLOAD, taken), "title": title}
        if detail:
            row["description"] = clip(detail, ROW_DETAIL)
        return row

    def _single(self, text: str, lines: list[str], control: Control, image: str, draft: Draft) -> None:
        """A message for one control that sends no text: a link, or the request for a location."""
        if control.kind == "url":
            body = self._body(text, lines if text else [*lines, control.label], draft)
            action = {"name": "cta_url", "parameters": {"display_text": control.label, "url": control.value}}
            draft.custom(_interactive("cta_url", body, action, image))
            return
        if image:
            draft.custom(_image(image, ""))
        body = self._body(text, [*lines, control.label], draft)
        draft.hear(control)
        draft.custom(_interactive("location_request_message", body, {"name": "send_location"}, ""))

    def _body(self, text: str, lines: Sequence[str], draft: Draft) -> str:
        *before, last = self.parts(text or ("" if lines else draft.copy.choose), lines, draft, BODY)
        for part in before:
            draft.say(part)
        return last

    def cards(self, content: Content, draft: Draft) -> None:
        """Card by card."""
        for card in content.cards:
            self._card(card, draft)

    def _card(self, card: Card, draft: Draft) -> None:
        text = self.card_text(card)
        if text or card.controls or card.image:
            self._bubble(text or (draft.copy.choose if card.controls else ""), card.controls, card.image, draft)

    def picture(self, url: str, draft: Draft) -> None:
        """An image message."""
        draft.custom(_image(url, ""))


def _image(url: str, caption: str) -> JsonObject:
    image = {"link": url, "caption": caption} if caption else {"link": url}
    return {"type": "image", "image": image}


def _interactive(kind: str, body: str, action: JsonObject, image: str) -> JsonObject:
    interactive: JsonObject = {"type": kind, "body": {"text": body}, "action": action}
    if image:
        interactive["header"] = {"type": "image", "image": {"link": image}}
    return {"type": "interactive", "interactive": interactive}
