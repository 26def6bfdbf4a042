"""Rocket.Chat through Rasa's connector (rasa 3.6.21, `core/channels/rocketchat.py`): attachments as `elements`."""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions._from_outside import JsonObject
from haptik_actions.render._channels.rest import details
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._draft import Draft, told_apart
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._markup import Dialect
from haptik_actions.render._renderer import Renderer

TEXT = Limit(5000, "code points", "docs.rocket.chat: Message_MaxAllowedSize, as it is set at first")

# Rocket.Chat uses the same single marks as HSL, but has none for underline.
ROCKETCHAT = Dialect("rocketchat", {"*": ("*", "*"), "_": ("_", "_"), "~": ("~", "~")})


class RocketChat(Renderer):
    """Text and buttons as attachment; a carousel as one attachment per card."""

    channel = Channel(
        name="rocketchat",
        title="Rocket.Chat",
        connector="Rasa's own: text, buttons, image; `custom` and `elements` with attachments",
        markup="rocketchat",
        limits=limits(text=TEXT),
        native={
            "TEXT": "attachment with buttons",
            "BUTTON": "attachment with buttons, links among them",
            "CAROUSEL": "attachment with title, text, image and buttons, card below card",
            "IMAGE": "attachment with an image",
        },
        controls=frozenset({"reply", "url"}),
        remark="a tap posts its payload in the user's name, so the user reads it",
    )
    dialect = ROCKETCHAT
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """A text, the buttons below its last part."""
        native, lines = self.sorted(controls, draft)
        *before, last = self.parts(text or draft.copy.choose, [*details(native), *lines], draft, self.text_limit)
        for part in before:
            draft.say(part)
        if native:
            draft.custom({"text": last, "attachments": [{"actions": _actions(native, draft)}]})
        else:
            draft.say(last)

    def cards(self, content: Content, draft: Draft) -> None:
        """Attachments, one below the other."""
        lines: list[str] = []
        attachments = [self._attachment(card, draft, lines) for card in content.cards]
        draft.messages.append({"elements": attachments})
        if lines:
            self.say("", lines, draft)

    def _attachment(self, card: Card, draft: Draft, lines: list[str]) -> JsonObject:
        attachment: JsonObject = {}
        native, spelled = self.sorted(card.controls, draft)
        text = [self.dialect.text(line) for line in card.lines[1:]] + [self.dialect.plain(line) for line in spelled]
        if card.lines:
            attachment["title"] = card.lines[0]
        first, *others = self.parts("\n".join(text), [], draft, self.text_limit) if text else [""]
        lines += others
        if first:
            attachment["text"] = first
        if card.image:
            attachment["image_url"] = card.image
        if native:
            attachment["actions"] = _actions(native, draft)
        return attachment


def _actions(native: Sequence[Control], draft: Draft) -> list[JsonObject]:
    return [
        {"type": "button", "text": title, "url": control.value}
        if control.kind == "url"
        else {"type": "button", "text": title, "msg": draft.tap(control, title), "msg_in_chat_window": True}
        for control, title in zip(native, told_apart(native, draft), strict=True)
    ]
