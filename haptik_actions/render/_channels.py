"""Which renderer serves which channel, by the name that the channel has in Rasa."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from haptik_actions.hsl import Element
from haptik_actions.render._content import read
from haptik_actions.render._conversion import Conversion
from haptik_actions.render._facebook import Facebook
from haptik_actions.render._plain import PlainText
from haptik_actions.render._rest import Rest
from haptik_actions.render._socketio import SocketIO

_PLAIN = PlainText()
_REST = Rest()

_RENDERERS: Mapping[str, PlainText] = MappingProxyType(
    {
        "callback": _REST,
        "cmdline": _REST,
        "facebook": Facebook(),
        "rasa": _REST,
        "rest": _REST,
        "socketio": SocketIO(),
    }
)


def render(element: Element, channel: str | None = None) -> Conversion:
    """The best form that the channel has for an element.

    Args:
        element: What to say.
        channel: The channel's name in Rasa, as `tracker.get_latest_input_channel()` gives it. A channel that is not
            known here, and None, gets plain text.

    Returns:
        Messages for `dispatcher.utter_message(**message)`, and notes on what they lose.
    """
    return _RENDERERS.get(channel or "", _PLAIN).convert(read(element))
