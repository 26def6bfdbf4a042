"""Haptik itself: HSL as it is, in the form that the response of an integration request wants.

`response` of an integration request is a list of strings, each of them plain text or an element as a string of JSON
(Haptik's documentation, "Integrating custom code"); the platform converts for the channels behind it by itself.
"""

from __future__ import annotations

import json
from typing import get_args

from haptik_actions import hsl
from haptik_actions.render._content import SPELLED
from haptik_actions.render._conversion import Conversion, Copy, OfferKind
from haptik_actions.render._draft import Draft
from haptik_actions.render._limits import Channel, Limit, limits
from haptik_actions.render._read import read
from haptik_actions.render._renderer import Renderer

TEXT = Limit(1_000_000, "code points", "none is documented; the editor advises 150")
_TYPES = (
    "TEXT",
    "BUTTON",
    "CAROUSEL",
    "IMAGE",
    "FORM",
    "SYSTEM",
    "SILENT",
    "NATIVE_ACTION",
    "TAB_LIST",
    "RECEIPT",
)


class Haptik(Renderer):
    """Every element as it is; nothing is converted, so nothing is lost."""

    channel = Channel(
        name="haptik",
        title="Haptik",
        connector="your endpoint of the integration request: each `text` is one string of `response`",
        markup="hsl",
        limits=limits(text=TEXT),
        native=dict.fromkeys(_TYPES, "HSL"),
        controls=frozenset(get_args(OfferKind)) | SPELLED,
    )
    text_limit = TEXT

    def render(self, element: hsl.Element, copy: Copy, resolves: bool) -> Conversion:
        """The element as a string."""
        draft = Draft(copy, resolves)
        content = read(element, copy)
        for controls in (content.controls, *(card.controls for card in content.cards)):
            for control in controls:
                if control.kind not in SPELLED:
                    draft.tap(control, control.label)
        # json and not msgspec, which raises on lone surrogates: a conversion never raises.
        draft.say(json.dumps(element.to_hsl(), ensure_ascii=False, separators=(",", ":")))
        return draft.finished()
