"""Reads an element for channels that do not know HSL, into bubbles, cards and controls, which all of them have.

A form, a receipt and a list of tabs, which other platforms do not have, become text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from haptik_actions import hsl
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._controls import control
from haptik_actions.render._conversion import Copy, Note
from haptik_actions.render._markup import NONE

# Rasa's connectors cut a text at each "\n\n": three line feeds would send an empty bubble, which Messenger refuses.
_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
# Commands of the platform's bot says ("Bot says", tips): none of them is text.
_COMMANDS = re.compile(r"\{(?:task|taskbox|feedback|chatform)\}(?:\{\d+\})?|\{\}")
_YOUTUBE = re.compile(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]{6,})")
_BULLET = "• "


def read(element: hsl.Element, copy: Copy) -> Content:
    """Read an element; text comes out without space around it and with paragraphs one blank line apart."""
    return _READERS[type(element)](element, copy)


def tidy(text: str) -> str:
    """A text as it is shown: no space around it, no command, one blank line between paragraphs."""
    if "{" in text:
        text = _COMMANDS.sub("", text)
    text = text.strip()
    if "\n" in text or "\r" in text:
        text = _BLANK_LINES.sub("\n\n", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text


def _text(element: hsl.Text, copy: Copy) -> Content:
    return _bubble(element, element.quick_replies, "data.quick_replies", copy)


def _button(element: hsl.Button, copy: Copy) -> Content:
    return _bubble(element, element.items, "data.items", copy, persistent=True)


def _bubble(
    element: hsl.Text | hsl.Button,
    actionables: Sequence[hsl.Actionable],
    path: str,
    copy: Copy,
    *,
    persistent: bool = False,
) -> Content:
    notes: list[Note] = []
    controls = _controls(actionables, path, notes)
    text = _shown(element.text, notes) or (copy.choose if controls else "")
    return Content(
        element,
        "bubble" if text else "nothing",
        text,
        path,
        controls,
        persistent,
        voice=element.voice_text or "",
        notes=tuple(notes),
    )


def _controls(actionables: Sequence[hsl.Actionable], path: str, notes: list[Note]) -> tuple[Control, ...]:
    if not actionables:
        return ()
    return tuple([control(item, f"{path}[{index}]", notes) for index, item in enumerate(actionables)])


def _shown(text: str, notes: list[Note]) -> str:
    if "{" in text and _COMMANDS.search(text):
        notes.append(Note("dropped", "text", "commands in braces"))
    return tidy(text)


def _carousel(element: hsl.Carousel, copy: Copy) -> Content:
    notes: list[Note] = []
    cards = []
    for index, item in enumerate(element.items):
        card = _card(item, f"data.items[{index}]", element.shows_images, copy, notes)
        if card.lines or card.image or card.controls:
            cards.append(card)
        else:  # The card has nothing but commands in braces, or a picture that must not be shown.
            notes.append(Note("dropped", card.path, "a card that shows nothing"))
    return _cards(element, cards, notes)


def _cards(element: hsl.Carousel | hsl.Image, cards: Sequence[Card], notes: list[Note]) -> Content:
    return Content(
        element,
        "cards" if cards else "nothing",
        tidy(element.text),
        "data.items",
        persistent=True,
        cards=tuple(cards),
        ratio=element.image_aspect_ratio,
        large=element.width in ("FAT", "BIG"),
        voice=element.voice_text or "",
        notes=tuple(notes),
    )


def _card(card: hsl.Card, path: str, with_image: bool, copy: Copy, notes: list[Note]) -> Card:
    controls = _controls(card.actionables, f"{path}.actionables", notes)
    if card.mini_actionable is not None:
        controls = (*controls, control(card.mini_actionable, f"{path}.mini_actionable", notes))
    image = card.image_url or "" if with_image else ""
    if image:
        image, video = _picture(image, path, copy, notes)
        controls = (*controls, *video)
    lines = [line for line in map(tidy, (card.title, card.sub_title, card.description)) if line]
    if card.meta:
        lines.append(f"★ {card.meta}".strip())
    if card.tool_name.strip():
        lines.append(card.tool_name.strip())
    return Card(tuple(lines), image, controls, path)


def _picture(url: str, path: str, copy: Copy, notes: list[Note]) -> tuple[str, tuple[Control, ...]]:
    """A picture's address; that of a video is its still, with a link to watch it."""
    place = f"{path}.thumbnail.image"
    video = _YOUTUBE.match(url)
    if video:
        notes.append(Note("replaced", place, "video by its still and a link"))
        watch = f"https://www.youtube.com/watch?v={video[1]}"
        return f"https://img.youtube.com/vi/{video[1]}/hqdefault.jpg", (Control("url", copy.watch, watch, place),)
    if url[:5].lower() == "http:":
        notes.append(Note("insecure_url", place, url))
    return url.replace("&amp;", "&"), ()


def _image(element: hsl.Image, copy: Copy) -> Content:
    notes: list[Note] = []
    pictures = [
        _picture(card.image_url or "", f"data.items[{index}]", copy, notes) for index, card in enumerate(element.items)
    ]
    if any(links for _, links in pictures):
        paths = (f"data.items[{index}]" for index in range(len(pictures)))
        return _cards(
            element, [Card((), url, links, path) for (url, links), path in zip(pictures, paths, strict=True)], notes
        )
    images = tuple(url for url, _ in pictures)
    return Content(
        element, "images", tidy(element.text), images=images, voice=element.voice_text or "", notes=tuple(notes)
    )


def _form(element: hsl.Form, copy: Copy) -> Content:
    notes = (Note("replaced", "data.fields", "form by the list of its fields"),)
    return Content(element, "bubble", tidy(form_text(element)), notes=notes)


def _system(element: hsl.System, copy: Copy) -> Content:
    text = tidy(element.text)
    agent = str(element.payload.get("agent_name") or "").strip()
    if not text and element.event_name == "chat_pinned" and agent:
        text = copy.agent_joined.replace("{agent_name}", agent)
    if not text:
        return Content(element, "nothing", "")
    notes = (Note("replaced", "type", "line of the platform by a text"),)
    return Content(element, "bubble", text, voice=element.voice_text or "", notes=notes)


def _silent(element: hsl.Silent, copy: Copy) -> Content:
    return Content(element, "nothing", "")


def _native_action(element: hsl.NativeAction, copy: Copy) -> Content:
    # Without a text the user would read nothing at all, so a sentence says that this cannot be opened here.
    notes = (Note("unsupported", "data.method", element.method),)
    text = tidy(element.text) or copy.not_here
    return Content(element, "bubble", text, voice=element.voice_text or "", notes=notes)


def _tab_list(element: hsl.TabList, copy: Copy) -> Content:
    notes = [Note("replaced", "data.tabs", "tabs by one list")]
    if element.expiry is not None:
        notes.append(Note("dropped", "data.expiry", f"{element.expiry} s"))
    text = tidy(element.text) or tidy(element.actionable.option_unselected_text) or copy.choose
    controls = tab_controls(element)
    voice = element.voice_text or ""
    return Content(element, "bubble", text, "data.tabs", controls, persistent=True, voice=voice, notes=tuple(notes))


def _receipt(element: hsl.Receipt, copy: Copy) -> Content:
    notes: list[Note] = []
    path = "data.footer.actionables"
    controls = _controls(element.actionables, path, notes)
    text = tidy(receipt_text(element, copy))
    voice = element.voice_text or ""
    return Content(element, "receipt", text, path, controls, persistent=True, voice=voice, notes=tuple(notes))


def _unknown(element: hsl.Unknown, copy: Copy) -> Content:
    text = tidy(element.text) or tidy(str(element.raw.get("title") or ""))
    notes = (Note("unsupported", "type", element.type),) if text else ()
    return Content(element, "bubble" if text else "nothing", text, voice=element.voice_text or "", notes=notes)


_READERS: Mapping[type, Callable[[Any, Copy], Content]] = {
    hsl.Button: _button,
    hsl.Carousel: _carousel,
    hsl.Form: _form,
    hsl.Image: _image,
    hsl.NativeAction: _native_action,
    hsl.Receipt: _receipt,
    hsl.Silent: _silent,
    hsl.System: _system,
    hsl.TabList: _tab_list,
    hsl.Text: _text,
    hsl.Unknown: _unknown,
}


def form_text(form: hsl.Form) -> str:
    """The title of a form and the labels of its fields, in order."""
    lines = [_bold(form.title), form.subtitle.strip()]
    for field in form.ordered:
        hint = field.hint.strip()
        lines.append(f"{_BULLET}{field.key.strip()} ({hint})" if hint else f"{_BULLET}{field.key.strip()}")
    return "\n".join(filter(None, lines))


def receipt_rows(receipt: hsl.Receipt) -> list[tuple[str, str]]:
    """The facts and rows of a receipt as pairs of label and value, without marks. Either may be empty."""
    facts = [(fact.header, fact.body) for fact in receipt.subheader]
    rows = [(" — ".join(filter(str.strip, (row.title, row.header))), row.body) for row in receipt.order_items]
    written = [(_bare(left), _bare(right)) for left, right in [*facts, *rows]]
    return [row for row in written if any(row)]


def _bare(words: str) -> str:
    return NONE.text(" ".join(words.split()))


def receipt_text(receipt: hsl.Receipt, copy: Copy) -> str:
    """A receipt, its rows one below the other."""
    facts = [f"{fact.header.strip()}: {fact.body.strip()}".rstrip(": ") for fact in receipt.subheader]
    rows = [" — ".join(filter(None, map(str.strip, (row.title, row.header, row.body)))) for row in receipt.order_items]
    lines = [receipt.text.strip(), _bold(receipt.header), *facts, *(f"{_BULLET}{row}" for row in rows if row)]
    return "\n".join(filter(None, [*lines, receipt_total(receipt, copy), receipt.offer_text.strip()]))


def receipt_total(receipt: hsl.Receipt, copy: Copy) -> str:
    """The sum of a receipt in a phrase; empty where it has none."""
    amount = receipt.amount.strip()
    return copy.total.replace("{amount}", amount) if amount else ""


def tab_controls(tab_list: hsl.TabList) -> tuple[Control, ...]:
    """A reply for each row, below the head of its tab."""
    return tuple(
        _row(row, f"data.tabs[{place}].tab_items[{index}]", _heading(tab))
        for place, tab in enumerate(tab_list.tabs)
        for index, row in enumerate(tab.tab_items)
    )


def _row(row: hsl.TabItem, path: str, heading: str) -> Control:
    label = " ".join(hsl.strip_braces(row.title).split()) or row.title.strip()
    payload = row.message.strip()
    if not payload.startswith("/"):
        payload = hsl.strip_braces(payload)
    detail = " · ".join(filter(None, (" ".join(part.split()) for part in (row.price, row.caption, row.meta))))
    return Control("reply", label, payload or label, path, detail=detail, section=heading)


def _heading(tab: hsl.Tab) -> str:
    return " · ".join(filter(None, (" ".join(part.split()) for part in (tab.title, tab.sub_title))))


def _bold(words: str) -> str:
    words = " ".join(words.split())
    return words if "*" in words else f"*{words}*"
