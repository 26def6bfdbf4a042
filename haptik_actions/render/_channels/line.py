"""LINE Messaging API: quick replies, buttons templates and flex messages. Rasa has no connector for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.hsl import Element, Receipt
from haptik_actions.render._content import SPELLED, Card, Content, Control
from haptik_actions.render._conversion import Conversion, Copy, Note
from haptik_actions.render._draft import Draft, first_page, titles
from haptik_actions.render._limits import Channel, Limit, clip, json_size, limits
from haptik_actions.render._markup import NONE
from haptik_actions.render._read import receipt_rows, receipt_total, tidy
from haptik_actions.render._renderer import Renderer

_API = "developers.line.biz/en/reference/messaging-api"
_UTF16: Final = "UTF-16 units"
_CLUSTERS: Final = "grapheme clusters"

MESSAGES = Limit(5, "items", f"{_API}/#send-reply-message, messages")
TEXT = Limit(5000, _UTF16, f"{_API}/#text-message and docs/messaging-api/text-character-count")
QUICK_REPLIES = Limit(13, "items", f"{_API}/#quick-reply")
LABEL = Limit(20, _CLUSTERS, f"{_API}/#action-objects, label of a quick reply or a template")
FLEX_LABEL = Limit(40, _CLUSTERS, f"{_API}/#action-objects, label in a flex message")
PAYLOAD = Limit(300, _UTF16, f"{_API}/#postback-action, data")
DISPLAY = Limit(300, _UTF16, f"{_API}/#postback-action, displayText")
URL = Limit(1000, _UTF16, f"{_API}/#uri-action, uri")
TEMPLATE_BUTTONS = Limit(4, "items", f"{_API}/#buttons, actions")
TEMPLATE_TEXT = Limit(160, _CLUSTERS, f"{_API}/#buttons, text without a title and an image")
ALT_TEXT = Limit(400, _UTF16, "@line/bot-sdk 9.4.0, altText; newer pages are said to allow 1,500")
CARDS = Limit(12, "items", f"{_API}/#f-carousel")
FLEX_BUTTONS = Limit(10, "items", "no figure of LINE; what a bubble still shows without scrolling")
FLEX_TEXT = Limit(2000, _UTF16, "no figure of LINE; a bubble is 30 kB of JSON at most")
BODY = Limit(8000, "UTF-8 bytes", "no figure of LINE; with ten buttons within the 30 kB of a bubble")
CAROUSEL = Limit(50_000, "UTF-8 bytes", f"{_API}/#f-carousel: 50 kB of JSON at most")
IMAGE_URL = Limit(2000, _UTF16, "developers.line.biz/en/news/2020/05/12; https alone")


_WIDTHS = {True: "mega", False: "kilo"}

# developers.line.biz/en/reference/messaging-api/#f-bubble: 30 kB of JSON, its frame and its buttons among them.
_MOST_BYTES = 28_000
_BYTES_OF_A_BUTTON = 200


class Line(Renderer):
    """Quick replies for a TEXT, a buttons template or a flex bubble for a BUTTON, a flex carousel for a CAROUSEL."""

    channel = Channel(
        name="line",
        title="LINE",
        connector="your own: `text`, and `custom`, a message object of the Messaging API",
        limits=limits(
            messages=MESSAGES,
            text=TEXT,
            quick_replies=QUICK_REPLIES,
            label=LABEL,
            flex_label=FLEX_LABEL,
            payload=PAYLOAD,
            display_text=DISPLAY,
            url=URL,
            buttons=TEMPLATE_BUTTONS,
            button_text=TEMPLATE_TEXT,
            alt_text=ALT_TEXT,
            cards=CARDS,
            card_buttons=FLEX_BUTTONS,
            card_text=FLEX_TEXT,
            card_body=BODY,
            carousel=CAROUSEL,
            image_url=IMAGE_URL,
        ),
        native={
            "TEXT": "quick replies up to 13",
            "BUTTON": "buttons template up to 4, flex bubbles of 10 buttons beyond; a location is a quick reply below",
            "CAROUSEL": "flex carousels of 12 bubbles",
            "IMAGE": "image message; more than 5 are flex carousels",
            "RECEIPT": "flex bubble",
        },
        controls=frozenset({"reply", "url", "call", "location"}),
        remark="what is more than five messages has to be pushed; quick replies show below the last one alone",
    )
    text_limit = TEXT

    def render(self, element: Element, copy: Copy, resolves: bool) -> Conversion:
        """Renders as the base does, and notes an answer that needs more messages than LINE takes in one reply."""
        conversion = super().render(element, copy, resolves)
        count = len(conversion.messages)
        if count <= MESSAGES.size:
            return conversion
        note = Note("split", "type", f"{count} messages where a reply takes {MESSAGES.size}: push the others")
        return msgspec.structs.replace(conversion, notes=(*conversion.notes, note))

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text with controls."""
        native, lines = self._sorted(controls, draft)
        places = [control for control in native if control.kind == "location"]
        others = [control for control in native if control.kind != "location"]
        links = any(control.kind in SPELLED for control in others)
        if others and (content.persistent or links):
            self._buttons(text, lines, others, draft)
            self._chips(draft.copy.share_location, [], places, content, draft)
        else:
            self._chips(text, lines, native, content, draft)

    def _sorted(self, controls: Sequence[Control], draft: Draft) -> tuple[list[Control], list[str]]:
        long = [control for control in controls if control.kind == "url" and not URL.fits(control.value)]
        native, lines = self.sorted([control for control in controls if control not in long], draft)
        return native, [*lines, *(self.spelled(control, draft) for control in long)]

    def _chips(self, text: str, lines: list[str], answers: Sequence[Control], content: Content, draft: Draft) -> None:
        if not answers:
            if text != draft.copy.share_location:
                self.say(text, lines, draft)
            return
        page = first_page(answers, QUICK_REPLIES.size, content, draft)
        if page is None:
            counted = self.counted(answers, draft)
            self.say(text, [*counted, *lines], draft)
            return
        shown = titles(page, LABEL, draft)
        *before, last = self.parts(text, [*shown.lines, *lines], draft, TEXT)
        for part in before:
            draft.say(part)
        items = [
            {"type": "action", "action": _action(control, title, number, draft)}
            for control, title, number in zip(page, shown.shown, shown.numbers, strict=True)
        ]
        draft.custom({"type": "text", "text": last, "quickReply": {"items": items}})

    def _buttons(self, text: str, lines: list[str], controls: Sequence[Control], draft: Draft) -> None:
        whole = "\n".join([self.dialect.text(text), *lines])
        small = len(controls) <= TEMPLATE_BUTTONS.size and all(LABEL.fits(c.label) and not c.detail for c in controls)
        if small and TEMPLATE_TEXT.fits(whole):
            actions = [_action(control, control.label, None, draft) for control in controls]
            template = {"type": "buttons", "text": whole, "actions": actions}
            draft.custom({"type": "template", "altText": clip(whole, ALT_TEXT), "template": template})
            return
        shown = titles(controls, FLEX_LABEL, draft)
        *before, last = self.parts(text, [*shown.lines, *lines], draft, FLEX_TEXT)
        for part in before:
            draft.say(part)
        bubbles = list(self._bubbles([_words(last)], None, "kilo", controls, shown.shown, shown.numbers, draft))
        self._flex(bubbles, last, draft)

    def _flex(self, bubbles: Sequence[JsonObject], alt_text: str, draft: Draft) -> None:
        for run in _runs(bubbles):
            contents = run[0] if len(run) == 1 else {"type": "carousel", "contents": list(run)}
            draft.custom({"type": "flex", "altText": clip(alt_text, ALT_TEXT), "contents": contents})

    def _bubbles(
        self,
        body: list[JsonObject],
        hero: JsonObject | None,
        size: str,
        controls: Sequence[Control],
        shown: Sequence[str],
        numbers: Sequence[int | None],
        draft: Draft,
    ) -> Iterable[JsonObject]:
        buttons = [
            {"type": "button", "height": "sm", "action": _action(control, title, number, draft)}
            for control, title, number in zip(controls, shown, numbers, strict=True)
        ]
        bubble: JsonObject = {"type": "bubble", "size": size}
        if hero is not None:
            bubble["hero"] = hero
        if body:
            bubble["body"] = _box(body)
        if buttons:
            bubble["footer"] = _box(buttons[: FLEX_BUTTONS.size])
        yield bubble
        for start in range(FLEX_BUTTONS.size, len(buttons), FLEX_BUTTONS.size):
            draft.note("split", controls[start].path, "further buttons on a further card")
            footer = _box(buttons[start : start + FLEX_BUTTONS.size])
            yield {"type": "bubble", "size": size, "body": _box([_words(draft.copy.continued)]), "footer": footer}

    def cards(self, content: Content, draft: Draft) -> None:
        """Flex bubbles side by side; locations are asked for by quick replies below."""
        bubbles: list[JsonObject] = []
        places: list[Control] = []
        after: list[str] = []
        for card in content.cards:
            bubbles += self._card(card, content, draft, places, after)
        self._flex(bubbles, NONE.text(content.text) or _alt_text(content), draft)
        if len(bubbles) > CARDS.size:
            draft.note("split", "data.items", f"{len(bubbles)} cards in messages of {CARDS.size}")
        if after:
            self.say("", after, draft)
        self._chips(draft.copy.share_location, [], places, content, draft)

    def _card(
        self, card: Card, content: Content, draft: Draft, places: list[Control], after: list[str]
    ) -> Iterable[JsonObject]:
        native, lines = self._sorted(card.controls, draft)
        places += [control for control in native if control.kind == "location"]
        buttons = [control for control in native if control.kind != "location"]
        shown = titles(buttons, FLEX_LABEL, draft)
        body = []
        written = 0
        for place, line in enumerate([*map(self.dialect.text, card.lines), *shown.lines, *lines]):
            size = BODY.measure(line)
            if FLEX_TEXT.fits(line) and written + size <= BODY.size:
                written += size
                body.append(_words(line, heavy=place == 0 and bool(card.lines)))
            else:
                draft.note("split", card.path, "words that a card has no room for in a message of their own")
                after.append(line)
        hero = _hero(card, content, draft) if card.image else None
        if not (body or hero or buttons):
            return []
        if not (body or hero):
            body = [_words(draft.copy.choose)]
        return self._bubbles(body, hero, _WIDTHS[content.large], buttons, shown.shown, shown.numbers, draft)

    def receipt(self, content: Content, draft: Draft) -> None:
        """A flex bubble with its buttons at the foot. A receipt that is too large for one becomes text."""
        element = content.element
        body = receipt_body(element, content.controls, draft.copy) if isinstance(element, Receipt) else None
        if not isinstance(element, Receipt) or body is None:
            super().receipt(content, draft)
            return
        self.without_pictures(element, draft)
        native, lines = self._sorted(content.controls, draft)
        places = [control for control in native if control.kind == "location"]
        buttons = [control for control in native if control.kind != "location"]
        shown = titles(buttons, FLEX_LABEL, draft)
        body += [_words(line) for line in [*shown.lines, *lines]]
        bubbles = list(self._bubbles(body, None, _WIDTHS[True], buttons, shown.shown, shown.numbers, draft))
        self._flex(bubbles, NONE.text(content.text), draft)
        self._chips(draft.copy.share_location, [], places, content, draft)

    def images(self, content: Content, draft: Draft) -> None:
        """One message for each image, as many as a reply takes. More images are shown side by side."""
        urls = [_secure(image, f"data.items[{index}]", draft) for index, image in enumerate(content.images)]
        if len(urls) <= MESSAGES.size or not all(map(IMAGE_URL.fits, urls)):
            for url in urls:
                self.picture(url, draft)
            return
        ratio = _ratio(content)
        bubbles = [{"type": "bubble", "size": _WIDTHS[content.large], "hero": _image(url, ratio)} for url in urls]
        draft.note("replaced", "data.items", "image messages by cards side by side")
        self._flex(bubbles, NONE.text(content.text) or "…", draft)

    def picture(self, url: str, draft: Draft) -> None:
        """An image message; an address that is too long is sent as text."""
        if IMAGE_URL.fits(url):
            draft.custom({"type": "image", "originalContentUrl": url, "previewImageUrl": url})
        else:
            draft.note("replaced", "data.items", "picture by its address")
            self.say("", [url], draft)


def _runs(bubbles: Sequence[JsonObject]) -> Iterator[list[JsonObject]]:
    """The bubbles in carousels, as many in each as LINE takes and shows."""
    run: list[JsonObject] = []
    room = CAROUSEL.size
    for bubble in bubbles:
        size = json_size(bubble) + 1
        if run and (len(run) == CARDS.size or size > room):
            yield run
            run, room = [], CAROUSEL.size
        run.append(bubble)
        room -= size
    if run:
        yield run


def _action(control: Control, title: str, number: int | None, draft: Draft) -> JsonObject:
    if control.kind == "url":
        return {"type": "uri", "label": title, "uri": control.value}
    if control.kind == "call":
        return {"type": "uri", "label": title, "uri": f"tel:{control.value}"}
    if control.kind == "location":
        draft.hear(control, title)
        return {"type": "location", "label": title}
    data = draft.tap(control, title, PAYLOAD, number)
    return {"type": "postback", "label": title, "data": data, "displayText": clip(control.label, DISPLAY)}


def _hero(card: Card, content: Content, draft: Draft) -> JsonObject | None:
    url = _secure(card.image, f"{card.path}.thumbnail.image", draft)
    if not IMAGE_URL.fits(url):
        draft.note("dropped", f"{card.path}.thumbnail.image", "an address that is too long for LINE")
        return None
    hero = _image(url, _ratio(content))
    default = next((control for control in card.controls if control.is_default and control.kind == "url"), None)
    if default is not None and URL.fits(default.value):
        hero["action"] = {"type": "uri", "uri": default.value}
    return hero


def _image(url: str, ratio: str) -> JsonObject:
    return {"type": "image", "url": url, "size": "full", "aspectMode": "cover", "aspectRatio": ratio}


def _secure(url: str, path: str, draft: Draft) -> str:
    if url[:5].lower() != "http:":
        return url
    draft.note("coerced", path, "http to https: LINE shows no other picture")
    return f"https:{url[5:]}"


def _ratio(content: Content) -> str:
    # LINE allows a height of up to three times the width, and numbers up to 100,000.
    return f"{min(max(round(content.ratio * 100), 34), 100_000)}:100"


def _words(text: str, *, heavy: bool = False) -> JsonObject:
    words: JsonObject = {"type": "text", "text": text, "wrap": True}
    return {**words, "weight": "bold"} if heavy else words


def _box(contents: list[JsonObject]) -> JsonObject:
    return {"type": "box", "layout": "vertical", "spacing": "sm", "contents": contents}


def _alt_text(content: Content) -> str:
    return ", ".join(card.lines[0] for card in content.cards if card.lines) or "…"


def receipt_body(receipt: Receipt, controls: Sequence[Control], copy: Copy) -> list[JsonObject] | None:
    """The body of the bubble: what the element says, its head, two columns of facts and rows, the sum and the offer.

    None where body and buttons together are larger than LINE allows.
    """
    said, total, offer = tidy(receipt.text), receipt_total(receipt, copy), tidy(receipt.offer_text)
    facts = len(receipt.subheader)
    rows = [_row(left, right) for left, right in receipt_rows(receipt)]
    body = [_flex_text(said)] if said else []
    body += [_flex_text(tidy(receipt.header), weight="bold", size="lg"), *rows[:facts]]
    if rows[facts:]:
        body += [{"type": "separator"}, *rows[facts:]]
    if total:
        body += [{"type": "separator"}, _flex_text(total, weight="bold", align="end")]
    if offer:
        body.append(_flex_text(offer))
    # A label is written twice: on its button, and in what the tap says.
    buttons = sum(2 * _size(control.label) + _size(control.value) + _BYTES_OF_A_BUTTON for control in controls)
    return body if _size(body) + buttons <= _MOST_BYTES else None


def _row(left: str, right: str) -> JsonObject:
    """Both texts side by side, or the one that there is."""
    if not (left and right):
        return _flex_text(left or right)
    columns = [_flex_text(left, flex=3), _flex_text(right, flex=2, align="end")]
    return {"type": "box", "layout": "horizontal", "spacing": "md", "contents": columns}


def _flex_text(text: str, **style: object) -> JsonObject:
    return {"type": "text", "text": NONE.text(text), "wrap": True, **style}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
