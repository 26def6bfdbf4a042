"""Channels that collect messages as JSON: rest, callback, rasa, and the shell's cmdline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from haptik_actions import hsl
from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import Card, Content, Control
from haptik_actions.render._conversion import Conversion, Copy
from haptik_actions.render._draft import Draft, told_apart, with_details
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._markup import HSL, Dialect
from haptik_actions.render._read import tidy
from haptik_actions.render._renderer import Renderer

TEXT = Limit(1_000_000, "code points", "none: rasa 3.6.21, core/channels/channel.py, CollectingOutputChannel")


class Rest(Renderer):
    """Replies as Rasa's `buttons`, of any number and length; links as lines of the text.

    Rasa hands the buttons on as they are, but its clients expect a `payload` in each, which a link has not.
    """

    channel = Channel(
        name="rest",
        title="HTTP (rest)",
        connector="Rasa's own: text, buttons, image; `custom` for what the user does not see",
        markup="hsl",
        limits=limits(text=TEXT),
        native={
            "TEXT": "text and buttons",
            "BUTTON": "text and buttons",
            "IMAGE": "image",
            "SILENT": '`custom`: {"hsl": the element}',
            "NATIVE_ACTION": 'text, and `custom`: {"hsl": the element}',
        },
        controls=frozenset({"reply"}),
    )
    dialect: ClassVar[Dialect] = HSL
    text_limit = TEXT

    def bubble(self, text: str, controls: Sequence[Control], content: Content, draft: Draft) -> None:
        """One message."""
        native, lines = self.sorted(controls, draft)
        lines = [*details(native), *lines]
        for part in self.parts(text or draft.copy.choose, lines, draft, self.text_limit):
            draft.say(part)
        if native:
            draft.messages[-1]["buttons"] = self.buttons(native, draft)

    def card_text(self, card: Card) -> str:
        """The words of a card without marks: the client knows by itself which is the title."""
        return "\n".join(card.lines)

    def buttons(self, native: Sequence[Control], draft: Draft) -> list[dict[str, str]]:
        """Rasa's own form of a button."""
        shown = told_apart(native, draft)
        return [{"title": title, "payload": draft.tap(c, title)} for c, title in zip(native, shown, strict=True)]

    def render(self, element: hsl.Element, copy: Copy, resolves: bool) -> Conversion:
        """Says the text. An element that only a client can act on follows unchanged, for the client."""
        if not isinstance(element, (hsl.NativeAction, hsl.Silent, hsl.Unknown)):
            return super().render(element, copy, resolves)
        draft = Draft(copy, resolves)
        shown = "" if isinstance(element, hsl.Silent) else tidy(element.text)
        if shown:
            self.say(shown, [], draft)
        draft.custom(self.raw(element))
        if isinstance(element, hsl.Unknown):
            draft.note("unsupported", "type", element.type)
        return draft.finished()

    def raw(self, element: hsl.Element) -> JsonObject:
        """The element itself, for a client that knows HSL."""
        return {"hsl": element.to_hsl()}


def details(controls: Sequence[Control]) -> list[str]:
    """Lines that say more about controls whose labels are not clear by themselves."""
    if not any(control.detail or control.section for control in controls):
        return []
    return with_details(controls, [control.label for control in controls])
