"""What Rasa can read of an answer. One event or message that it cannot read costs the user the whole answer."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

__all__ = ["Domain", "Event", "Events", "Message", "carried_by_grpc", "is_json", "is_message"]

Event = dict[str, Any]
"""An event as rasa-sdk's `SlotSet` and the others make it: JSON, with its kind as `event`."""
Events = list[Event]
Message = dict[str, Any]
"""What an action has uttered, as `CollectingDispatcher` holds it."""
Domain = dict[str, Any]
"""The domain that comes with a call, as JSON; Rasa leaves it out at times."""


_PLAIN = frozenset({str, bool, type(None)})
_NUMBERS = frozenset({int, float})
_CONTAINERS = frozenset({list, dict})
# Only values of these classes are tested for being empty. Others may have no truth value (an array of numpy, a column
# of pandas), or raise any exception when they are tested.
_EMPTY = frozenset({list, dict, bool, int, float})
_LISTS_OF_OBJECTS = frozenset({"buttons", "elements", "quick_replies"})
_LARGEST = 2**53

_over_grpc = False


def carried_by_grpc() -> None:
    """Refuse from now on also JSON that cannot be sent over gRPC: this process is a gRPC server."""
    global _over_grpc
    _over_grpc = True


def is_message(message: object) -> bool:
    """Tell whether Rasa can say a message: others raise in its output channels, which undoes the whole turn."""
    if message.__class__ is not dict and not isinstance(message, dict):
        return False
    # A quick look first, as in `_is_json`. Rasa ignores empty values.
    for name, value in message.items():
        if value.__class__ is str:
            if name in _LISTS_OF_OBJECTS:
                break
        elif value is not None and (value.__class__ not in _EMPTY or value):
            break
    else:
        return not _over_grpc or _fits_grpc("responses", message)
    # JSON first: a value that can be written as JSON can also be tested for being empty.
    is_said = _is_json(message, nan=False) and _has_its_types(message)
    return is_said and (not _over_grpc or _fits_grpc("responses", message))


def is_json(event: Event) -> bool:
    """Tell whether an event can be written as JSON, and sent where it is going to be sent."""
    return _is_json(event, nan=not _over_grpc) and (not _over_grpc or _fits_grpc("events", event))


def _is_json(event: Event, *, nan: bool) -> bool:
    """NaN and infinity (`nan`) are no JSON: Rasa reads them over HTTP; browsers and gRPC refuse the whole answer."""
    # Nearly all events hold only plain values, and to see that takes a tenth of the time of writing them as JSON.
    for value in event.values():
        kind = value.__class__
        if kind not in _PLAIN and (kind not in _CONTAINERS or value):
            # No comparison holds for NaN.
            if kind in _NUMBERS and -_LARGEST < value < _LARGEST:
                continue
            break
    else:
        return True
    try:
        json.dumps(event, allow_nan=nan)
    # Values may be of any class, and raise anything when they are looked at.
    except Exception:  # noqa: BLE001
        return False
    return True


def _has_its_types(message: Message) -> bool:
    if message.get("text") and not isinstance(message["text"], str):
        return False
    lists = [message[name] for name in _LISTS_OF_OBJECTS if message.get(name)]
    return all(isinstance(items, (list, tuple)) and all(isinstance(item, dict) for item in items) for items in lists)


def _fits_grpc(field: str, value: Event | Message) -> bool:
    # gRPC refuses keys that are no strings, halves of surrogate pairs, and nesting deeper than 100. This asks the same
    # code as rasa-sdk's server, so that both agree.
    proto = import_module("google.protobuf.json_format")
    answer = import_module("rasa_sdk.grpc_py.action_webhook_pb2").WebhookResponse()
    try:
        proto.ParseDict({field: [value]}, answer)
    except Exception:  # noqa: BLE001
        return False
    return True
