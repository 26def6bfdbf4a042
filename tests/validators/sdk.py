"""The platforms' own packages as a third reading: each builds its models from a payload and gives the payload again.

Where a package does not check lengths, it still knows the members: what it would not write itself is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.validators._place import Place


def slack(payload: Place) -> None:
    """slack_sdk checks the sizes of every block when it writes one."""
    from slack_sdk.errors import SlackObjectFormationError
    from slack_sdk.models.blocks import Block

    for block in (block for blocks in payload.given("blocks") for block in blocks.items()):
        parsed = Block.parse(block.value)
        if parsed is None:
            block.refuse("slack_sdk knows no such block")
        try:
            _same(block, parsed.to_dict())
        except SlackObjectFormationError as error:
            block.refuse(str(error))


def line(payload: Place) -> None:
    """line-bot-sdk's models are those of LINE's OpenAPI description, limits included."""
    from linebot.v3.messaging import Message

    _same(payload, Message.from_dict(payload.value).to_dict())


def telegram(payload: Place) -> None:
    """aiogram's methods are generated from the Bot API's page; what they do not know is kept as an extra."""
    from aiogram import methods

    kinds: Mapping[str, type[methods.TelegramMethod[Any]]] = {
        "text": methods.SendMessage,
        "photo": methods.SendPhoto,
        "media": methods.SendMediaGroup,
        "phone_number": methods.SendContact,
        "latitude": methods.SendLocation,
    }
    kind = next(kind for key, kind in kinds.items() if key in payload)
    for model in _models(kind(**{"chat_id": 1, **payload.value})):
        if model.model_extra:
            payload.refuse(f"aiogram knows no {sorted(model.model_extra)} in {type(model).__name__}")


def teams(payload: Place) -> None:
    """botbuilder-schema's activity and cards; members of the wire beyond them are kept aside."""
    from botbuilder import schema

    cards = {"hero": schema.HeroCard, "thumbnail": schema.ThumbnailCard, "receipt": schema.ReceiptCard}
    for model in _parts(schema.Activity.deserialize(payload.value)):
        if model.additional_properties:
            payload.refuse(f"an Activity has no {sorted(model.additional_properties)}")
    for attachment in (item for items in payload.given("attachments") for item in items.items()):
        kind = cards.get(attachment["contentType"].value.rpartition(".")[2])
        for model in _parts(kind.deserialize(attachment["content"].value)) if kind else ():
            if model.additional_properties:
                attachment.refuse(f"{type(model).__name__} has no {sorted(model.additional_properties)}")


def facebook(payload: Place) -> None:
    """fbmessenger's quick replies, elements and buttons. (Its templates want a Python before 3.10.)"""
    from fbmessenger.quick_replies import QuickReply

    for reply in (reply for replies in payload.given("quick_replies") for reply in replies.items()):
        _same(reply, QuickReply(**reply.value).to_dict())
    for attachment in payload.given("attachment"):
        template = attachment["payload"]
        for button in (button for buttons in template.given("buttons") for button in buttons.items()):
            _same(button, _facebook_button(button.value).to_dict())
        for element in (element for elements in template.given("elements") for element in elements.items()):
            _same(element, _facebook_element(element.value).to_dict())


def _facebook_button(button: Mapping[str, Any]) -> Any:
    from fbmessenger.elements import Button

    return Button(button_type=button["type"], **{key: value for key, value in button.items() if key != "type"})


def _facebook_element(element: Mapping[str, Any]) -> Any:
    from fbmessenger.elements import Element

    members = dict(element)
    if "buttons" in members:
        members["buttons"] = [_facebook_button(button) for button in members["buttons"]]
    if "default_action" in members:
        members["default_action"] = _facebook_button(members["default_action"])
    return Element(**members)


def whatsapp(payload: Place) -> None:
    """pywa's buttons, lists, links and cards."""
    from pywa.types import callback

    if payload["type"].value != "interactive":
        return
    action = payload["interactive"]["action"]
    for button in (button for buttons in action.given("buttons") for button in buttons.items()):
        reply = button["reply"].value
        _same(button, callback.Button(title=reply["title"], callback_data=reply["id"]).to_dict())
    if "sections" in action:
        sections = [_pywa_section(section.value) for section in action["sections"].items()]
        written = callback.SectionList(button_title=action["button"].value, sections=sections).to_dict()
        _same(action, written)
    if "parameters" in action:
        link = action["parameters"].value
        _same(action, callback.URLButton(title=link["display_text"], url=link["url"]).to_dict())
    for card in (card for cards in action.given("cards") for card in cards.items()):
        _same(card, _pywa_card(card).to_dict(card["card_index"].value))


def _pywa_section(section: Mapping[str, Any]) -> Any:
    from pywa.types import callback

    rows = [callback.SectionRow(row["title"], row["id"], row.get("description")) for row in section["rows"]]
    title: Any = section.get("title")
    return callback.Section(title, rows)


def _pywa_card(card: Place) -> Any:
    from pywa.types import callback

    body = card["body"]["text"].value if "body" in card else None
    action = card["action"].value
    buttons: Any
    if "buttons" in action:
        buttons = [
            callback.Button(each["quick_reply"]["title"], each["quick_reply"]["id"]) for each in action["buttons"]
        ]
    else:
        buttons = callback.URLButton(action["parameters"]["display_text"], action["parameters"]["url"])
    return callback.ImageCarouselCard(body=body, buttons=buttons, image=card["header"]["image"]["link"].value)


def viber(payload: Place) -> None:
    """viberbot's messages, each with its own idea of what has to be there."""
    from viberbot.api import messages

    message = messages.get_message(payload.value)
    if message.validate() is False:
        payload.refuse("viberbot misses something")
    _same(payload, {key: value for key, value in message.to_dict().items() if value is not None})


READINGS: Mapping[str, tuple[str, Callable[[Place], None]]] = {
    "slack": ("slack_sdk", slack),
    "line": ("linebot", line),
    "telegram": ("aiogram", telegram),
    "botframework": ("botbuilder.schema", teams),
    "facebook": ("fbmessenger", facebook),
    "instagram": ("fbmessenger", facebook),
    "whatsapp": ("pywa", whatsapp),
    "viber": ("viberbot", viber),
}
"""For each channel the package that has to be there, and the reading."""


def _same(place: Place, written: Any) -> None:
    """The package wrote every member again; defaults that it has added are its own matter."""
    if not _holds(written, place.value):
        place.refuse(f"the platform's package writes {written!r} for")


def _holds(written: Any, value: Any) -> bool:
    if isinstance(value, Mapping):
        return isinstance(written, Mapping) and all(
            key in written and _holds(written[key], item) for key, item in value.items()
        )
    if isinstance(value, (list, tuple)):
        return len(written) == len(value) and all(map(_holds, written, value))
    return bool(written == value)


def _models(value: Any) -> Iterator[Any]:
    """A pydantic model and those inside of it."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _models(item)
    elif hasattr(value, "model_extra"):
        yield value
        for name in type(value).model_fields:
            yield from _models(getattr(value, name))


def _parts(value: Any) -> Iterator[Any]:
    """A model of msrest and those inside of it."""
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)
    elif hasattr(value, "additional_properties"):
        yield value
        for item in vars(value).values():
            yield from _parts(item)
