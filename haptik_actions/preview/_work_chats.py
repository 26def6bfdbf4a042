"""Payloads of the chats of offices: Slack, Microsoft Teams, Google Chat, Rocket.Chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haptik_actions.preview._marks import Marker, plain
from haptik_actions.preview._parts import (
    Bubble,
    Keyboard,
    Menu,
    Part,
    Strip,
    Tap,
    mapping,
    mappings,
    opens,
    tap,
    text,
    unescaped,
    unseen,
)


def slack(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """Arguments of `chat.postMessage`: blocks, or a text alone."""
    blocks = list(mappings(payload.get("blocks")))
    if not blocks:
        yield Bubble(text=mark(text(payload.get("text"))))
    for block in blocks:
        yield from _block(block, mark)


def _block(block: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    kind = block.get("type")
    if kind == "section":
        image = text(mapping(block.get("accessory")).get("image_url"))
        words = [block.get("text"), *mappings(block.get("fields"))]
        shown = "\n".join(filter(None, (text(mapping(part).get("text")) for part in words)))
        yield Bubble(text=mark(shown), image=image)
    elif kind == "header":
        yield Bubble(title=plain(text(mapping(block.get("text")).get("text"))))
    elif kind == "image":
        yield Bubble(image=text(block.get("image_url")), text=plain(text(block.get("alt_text"))))
    elif kind == "context":
        yield Bubble(text=mark(" ".join(text(part.get("text")) for part in mappings(block.get("elements")))))
    elif kind == "actions":
        yield from _actions(list(mappings(block.get("elements"))))
    elif kind == "table":
        yield _table(block)
    elif kind != "divider":
        yield unseen(block)


def _table(block: Mapping[str, Any]) -> Bubble:
    """Two columns: a first row of one cell is a head, a last one without its first cell is a sum."""
    rows = [[text(mapping(cell).get("text")).strip() for cell in row] for row in block.get("rows") or [] if row]
    facts = [(row[0], " ".join(row[1:])) for row in rows]
    title = facts.pop(0)[0] if facts and not facts[0][1] else ""
    total = facts.pop() if facts and not facts[-1][0] else None
    return Bubble(title=plain(title), facts=tuple(facts), total=total)


def _actions(elements: list[Mapping[str, object]]) -> Iterator[Part]:
    buttons = tuple(_slack_button(element) for element in elements if element.get("type") == "button")
    if buttons:
        yield Keyboard(rows=(buttons,))
    for element in elements:
        if element.get("type") == "static_select":
            yield _select(element)
        elif element.get("type") != "button":
            yield unseen(element)


def _slack_button(element: Mapping[str, object]) -> Tap:
    return tap(unescaped(mapping(element.get("text")).get("text")), opens(element.get("url")))


def _select(element: Mapping[str, object]) -> Menu:
    groups = list(mappings(element.get("option_groups"))) or [{"options": element.get("options")}]
    return Menu(
        label=text(mapping(element.get("placeholder")).get("text")),
        sections=tuple(
            (text(mapping(group.get("label")).get("text")), tuple(map(_option, mappings(group.get("options")))))
            for group in groups
        ),
    )


def _option(option: Mapping[str, object]) -> Tap:
    detail = unescaped(mapping(option.get("description")).get("text"))
    return tap(unescaped(mapping(option.get("text")).get("text")), detail=detail)


def teams(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A Bot Framework activity."""
    if payload.get("text"):
        yield Bubble(text=mark(text(payload["text"])))
    cards = tuple(_card(attachment, mark) for attachment in mappings(payload.get("attachments")))
    drawn = [card for card in cards if isinstance(card, Bubble)]
    if payload.get("attachmentLayout") == "carousel" and len(cards) == len(drawn) > 1:
        yield Strip(cards=tuple(drawn))
    else:
        yield from cards
    suggested = mappings(mapping(payload.get("suggestedActions")).get("actions"))
    taps = tuple(map(_card_action, suggested))
    if taps:
        yield Keyboard(rows=(taps,))


def _card(attachment: Mapping[str, object], mark: Marker) -> Part:
    content, kind = mapping(attachment.get("content")), text(attachment.get("contentType"))
    if kind.endswith("card.hero"):
        return _hero(content, mark)
    if kind.endswith("card.receipt"):
        return _receipt(content)
    return unseen(attachment)


def _receipt(card: Mapping[str, object]) -> Bubble:
    facts = [(text(fact.get("key")), text(fact.get("value"))) for fact in mappings(card.get("facts"))]
    rows = [(_receipt_row(row), text(row.get("price"))) for row in mappings(card.get("items"))]
    return Bubble(
        title=plain(text(card.get("title"))),
        facts=(*facts, *rows),
        total=("Total", text(card["total"])) if card.get("total") else None,
        taps=tuple(map(_card_action, mappings(card.get("buttons")))),
    )


def _receipt_row(row: Mapping[str, object]) -> str:
    return " – ".join(filter(None, (text(row.get(key)) for key in ("title", "subtitle", "text"))))


def _hero(card: Mapping[str, object], mark: Marker) -> Bubble:
    lines = [text(card.get("subtitle")), text(card.get("text"))]
    image = next(mappings(card.get("images")), {})
    return Bubble(
        title=plain(text(card.get("title"))),
        text=mark("\n".join(filter(None, lines))),
        image=text(image.get("url")),
        taps=tuple(map(_card_action, mappings(card.get("buttons")))),
    )


def _card_action(action: Mapping[str, object]) -> Tap:
    return tap(action.get("title"), opens(action.get("value")) if action.get("type") == "openUrl" else "")


def google_chat(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A message of Google Chat: cards of sections of widgets."""
    if payload.get("text"):
        yield Bubble(text=plain(text(payload["text"])))
    for card in mappings(payload.get("cards")):
        widgets = [w for section in mappings(card.get("sections")) for w in mappings(section.get("widgets"))]
        yield _google_card(text(mapping(card.get("header")).get("title")), widgets, mark)
    if not payload.keys() & {"text", "cards"}:
        yield unseen(payload)


def _google_card(title: str, widgets: list[Mapping[str, object]], mark: Marker) -> Bubble:
    places = [place for place, widget in enumerate(widgets) if "keyValue" in widget]
    above, below = (widgets[: places[0]], widgets[places[-1] :]) if places else (widgets, [])
    images = [text(mapping(widget.get("image")).get("imageUrl")) for widget in widgets]
    pairs = [mapping(widget.get("keyValue")) for widget in widgets if "keyValue" in widget]
    buttons = [mapping(b.get("textButton")) for widget in widgets for b in mappings(widget.get("buttons"))]
    return Bubble(
        title=plain(title),
        text=mark(_paragraphs(above)),
        image=next(filter(None, images), ""),
        facts=tuple((unescaped(pair.get("topLabel")), unescaped(pair.get("content"))) for pair in pairs),
        below=mark(_paragraphs(below)),
        taps=tuple(
            tap(b.get("text"), opens(mapping(mapping(b.get("onClick")).get("openLink")).get("url"))) for b in buttons
        ),
    )


def _paragraphs(widgets: list[Mapping[str, object]]) -> str:
    return "\n".join(filter(None, (text(mapping(widget.get("textParagraph")).get("text")) for widget in widgets)))


def rocket_chat(payload: Mapping[str, object], mark: Marker) -> Iterator[Part]:
    """A message of Rocket.Chat with attachments."""
    if payload.get("text"):
        yield Bubble(text=mark(text(payload["text"])))
    for attachment in mappings(payload.get("attachments")):
        yield attached(attachment, mark)


def attached(attachment: Mapping[str, object], mark: Marker) -> Bubble:
    """One attachment of Rocket.Chat, which is also what Rasa's `elements` are there."""
    actions = mappings(attachment.get("actions"))
    return Bubble(
        title=plain(text(attachment.get("title"))),
        text=mark(text(attachment.get("text"))),
        image=text(attachment.get("image_url")),
        taps=tuple(tap(action.get("text"), opens(action.get("url"))) for action in actions),
    )
