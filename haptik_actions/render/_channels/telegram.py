"""Telegram through Rasa's connector (rasa 3.6.21, `core/channels/telegram.py`, over aiogram 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._draft import Draft, first_page, titles
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._markup import HTML
from haptik_actions.render._renderer import Renderer

_API = "core.telegram.org/bots/api"
_UTF16: Final = "UTF-16 units"

TEXT = Limit(4096, _UTF16, f"{_API}#sendmessage, after parsing; entities are counted in UTF-16 units")
CAPTION = Limit(1024, _UTF16, f"{_API}#sendphoto, after parsing")
PAYLOAD = Limit(64, "UTF-8 bytes", f"{_API}#inlinekeyboardbutton, callback_data")
BUTTONS = Limit(100, "items", "no figure of Telegram; what works (tginfo/Telegram-Limits, issue 228)")
LABEL = Limit(64, _UTF16, "no figure of Telegram; what a phone still shows on one button in full width")
ALBUM = Limit(10, "items", f"{_API}#sendmediagroup")
URL = Limit(2048, "code points", "no figure of Telegram; longer addresses of buttons are refused as BUTTON_URL_INVALID")

# Two buttons with labels up to this length fit beside each other on a phone.
_SHORT = 12
_PER_ROW = 2


class Telegram(Renderer):
    """Keyboards below the text: a one-time one for a TEXT whose replies send their labels, else an inline one."""

    channel = Channel(
        name="telegram",
        title="Telegram",
        connector="Rasa's own: text, image; the rest as `custom`, arguments of the Bot API's methods",
        markup="html",
        limits=limits(text=TEXT, caption=CAPTION, payload=PAYLOAD, buttons=BUTTONS, label=LABEL, images=ALBUM, url=URL),
        native={
            "TEXT": "one-time reply keyboard; inline keyboard where a reply sends something else than its label",
            "BUTTON": "inline keyboard; a location is asked for by a reply keyboard in a message of its own",
            "CAROUSEL": "photo with caption and inline keyboard, card by card",
            "IMAGE": "photo; several are an album",
        },
        controls=frozenset({"reply", "url", "location"}),
        remark="numbers are lines of text: Telegram makes them tappable, and its buttons refuse `tel:`",
    )
    dialect = HTML
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text with a keyboard."""
        native, lines = self._sorted(controls, draft)
        places = [control for control in native if control.kind == "location"]
        buttons = [control for control in native if control.kind != "location"]
        page = first_page(buttons, BUTTONS.size, content, draft)
        if page is None:
            page, lines = [], [*self.counted([c for c in buttons if c.kind != "url"], draft), *lines]
            lines += [self.spelled(control, draft) for control in buttons if control.kind == "url"]
        if page and not content.persistent and all(c.value == c.label and c.kind != "url" for c in page):
            self._reply_keyboard(text, lines, page, draft)
        else:
            self._inline(text, lines, page, draft)
        for place in places:
            self._ask_location(place, draft)

    def _sorted(self, controls: Sequence[Control], draft: Draft) -> tuple[list[Control], list[str]]:
        long = [control for control in controls if control.kind == "url" and not URL.fits(control.value)]
        native, lines = self.sorted([control for control in controls if control not in long], draft)
        return native, [*lines, *(self.spelled(control, draft) for control in long)]

    def _reply_keyboard(self, text: str, lines: list[str], page: Sequence[Control], draft: Draft) -> None:
        # A tap sends the words on the button, so two equal ones could not be told apart.
        shown = titles(page, LABEL, draft, unique=True)
        for control, title, number in zip(page, shown.shown, shown.numbers, strict=True):
            draft.tap_of_title(control, title, number)
        rows = _rows([{"text": title} for title in shown.shown])
        keyboard = {"keyboard": rows, "one_time_keyboard": True, "resize_keyboard": True}
        self._with_keyboard(text, [*shown.lines, *lines], keyboard, draft)

    def _inline(self, text: str, lines: list[str], page: Sequence[Control], draft: Draft) -> None:
        if not page:
            self.say(text, lines, draft)
            return
        shown = titles(page, LABEL, draft)
        self._with_keyboard(
            text, [*shown.lines, *lines], _inline_keyboard(page, shown.shown, shown.numbers, draft), draft
        )

    def _with_keyboard(self, text: str, lines: list[str], keyboard: JsonObject, draft: Draft) -> None:
        *before, last = self.parts(text, lines, draft, self.text_limit)
        for part in before:
            _say(part, draft)
        draft.custom({"text": last, "parse_mode": "HTML", "reply_markup": keyboard})

    def _ask_location(self, place: Control, draft: Draft) -> None:
        """A message of its own: an inline keyboard cannot ask for a location."""
        [title] = titles([place], LABEL, draft).shown
        draft.hear(place, title)
        button = {"text": title, "request_location": True}
        keyboard = {"keyboard": [[button]], "one_time_keyboard": True, "resize_keyboard": True}
        draft.note("split", place.path, "location in a message of its own")
        self._with_keyboard(draft.copy.share_location, [], keyboard, draft)

    def say(self, text: str, lines: Sequence[str], draft: Draft) -> None:
        """A text and lines below it."""
        for part in self.parts(text, lines, draft, self.text_limit):
            _say(part, draft)

    def cards(self, content: Content, draft: Draft) -> None:
        """Photos with caption and keyboard. A card whose words or controls do not fit below a photo follows as text."""
        for card in content.cards:
            caption = self.dialect.text(self.card_text(card))
            if card.image and CAPTION.fits(caption) and self._fits_photo(card):
                self._photo(card, caption, draft)
            else:
                if card.image:
                    self.picture(card.image, draft)
                if card.lines or card.controls:
                    text = self.card_text(card) or draft.copy.choose
                    self.bubble(text, card.controls, content, draft)

    def _fits_photo(self, card: Card) -> bool:
        fits = all(LABEL.fits(c.label) and (c.kind != "url" or URL.fits(c.value)) for c in card.controls)
        spelled = any(c.kind in ("call", "contact", "location") for c in card.controls)
        return fits and not spelled and len(card.controls) <= BUTTONS.size

    def _photo(self, card: Card, caption: str, draft: Draft) -> None:
        photo: JsonObject = {"photo": card.image}
        native, _ = self.sorted(card.controls, draft)
        if caption:
            photo["caption"] = caption
            photo["parse_mode"] = "HTML"
        if native:
            shown = titles(native, LABEL, draft)
            photo["reply_markup"] = _inline_keyboard(native, shown.shown, shown.numbers, draft)
        draft.custom(photo)

    def images(self, content: Content, draft: Draft) -> None:
        """One photo, or albums of up to ten."""
        images = content.images
        for start in range(0, len(images), ALBUM.size):
            album = images[start : start + ALBUM.size]
            if len(album) == 1:
                self.picture(album[0], draft)
            else:
                draft.custom({"media": [{"type": "photo", "media": image} for image in album]})


def _say(written: str, draft: Draft) -> None:
    # Rasa sends a text without parse_mode, and users would read the marks and entities. So it is sent as `custom`.
    if "<" in written or "&" in written:
        draft.custom({"text": written, "parse_mode": "HTML"})
    else:
        draft.say(written)


def _inline_keyboard(
    page: Sequence[Control], shown: Sequence[str], numbers: Sequence[int | None], draft: Draft
) -> JsonObject:
    buttons = [
        {"text": title, "url": control.value}
        if control.kind == "url"
        else {"text": title, "callback_data": draft.tap(control, title, PAYLOAD, number)}
        for control, title, number in zip(page, shown, numbers, strict=True)
    ]
    return {"inline_keyboard": _rows(buttons)}


def _rows(buttons: list[JsonObject]) -> list[list[JsonObject]]:
    width = _PER_ROW if len(buttons) > _PER_ROW and all(len(b["text"]) <= _SHORT for b in buttons) else 1
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]
