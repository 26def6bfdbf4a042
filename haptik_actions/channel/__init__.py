"""What runs inside Rasa's own process. The only package that imports rasa.

    # config.yml                                        # credentials.yml
    pipeline:                                           haptik_actions.channel.HaptikInput:
      - name: haptik_actions.channel.OfferedReplies       secret: …
        opens: haptik_open                                webhook_secret: …

    # endpoints.yml
    nlg:
      type: haptik_actions.channel.HaptikNLG

The names below are imported when they are first used: a bot that trains with `OfferedReplies` pays nothing for the
channel or for the message store, and the other way round.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haptik_actions.channel._input import HaptikInput
    from haptik_actions.channel._nlg import HaptikNLG
    from haptik_actions.channel._offered_replies import OfferedReplies

_HOMES = {"HaptikInput": "_input", "HaptikNLG": "_nlg", "OfferedReplies": "_offered_replies"}

__all__ = ["HaptikInput", "HaptikNLG", "OfferedReplies"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
