"""The Bot API: users whom a bot registers, what they say and send, what they think of it, and the webhook's switch.

A file that a user sends comes by `POST /v1.0/log_file_from_user/`, a form with the file and who sent it. Its fields,
kinds and largest size are documented, the words of its refusals are not.

Source: Haptik's documentation, Bot API. Paths, fields and the texts of its errors are documented; docs/sandbox.md marks
what is assumed around them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._chats import as_hsl
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._requests import (
    FormPart,
    HeaderMessages,
    Refusal,
    authenticate,
    business_of,
    is_number,
    json_object,
    needed,
    number,
    read_form,
    text,
)
from haptik_actions.sandbox._users import Person, SentFile

__all__ = ["bot_api"]

_LARGEST = 10 * 1024 * 1024
_IMAGE, _DOCUMENT = 1, 52
_ENDINGS = {
    _IMAGE: frozenset({"gif", "jpeg", "jpg", "png"}),
    _DOCUMENT: frozenset({"csv", "doc", "docx", "pdf", "xls", "xlsx"}),
}


def log_file(platform: Platform, content_type: str, body: bytes, base_url: str) -> dict[str, Any]:
    """Take the file in and return the answer's JSON, or raise `Refusal`. `base_url` opens the file's address."""
    parts = read_form(content_type, body)
    if parts is None:
        raise Refusal("request body is not a form")
    fields = {name: _text(part) for name, part in parts.items() if part.file_name is None}
    needed(fields, "auth_id", "business_id", "message_type")
    file = _file(parts.get("file"), number(fields, "message_type"))
    person = platform.users.registered(fields["auth_id"])
    if person is None:
        raise Refusal("user is not registered", status=403)
    business = business_of(platform, number(fields, "business_id"))
    words = fields.get("message_body", "")
    address = f"{base_url}_sandbox/files/{platform.files.keep(file)}/{quote(file.name, safe='')}"
    message = platform.conversations.log(person.user_name, business.id, _element(words, file, address))
    return {
        "message_id": message.id,
        "message_body": words,
        "created_at": message.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message_type": _IMAGE if file.is_image else _DOCUMENT,
        "file_url": address,
    }


def _text(part: FormPart) -> str:
    return part.content.decode("utf-8", "replace")


def _file(part: FormPart | None, kind: int | None) -> SentFile:
    if kind not in _ENDINGS:
        raise Refusal("invalid message_type")
    if part is None or part.file_name is None:
        raise Refusal("file missing in the request")
    # Some devices send a path; only the last part is the name.
    name = part.file_name.replace("\\", "/").rpartition("/")[2]
    if name.rpartition(".")[2].lower() not in _ENDINGS[kind] or "." not in name:
        raise Refusal("invalid file type")
    if len(part.content) > _LARGEST:
        raise Refusal("file is larger than 10 MB")
    return SentFile(name=name, content=part.content, is_image=kind == _IMAGE)


def _element(words: str, file: SentFile, address: str) -> dict[str, Any]:
    """Return the element that stands for the file in the transcript; how the platform writes it is not documented."""
    if file.is_image:
        return {"text": words, "type": "CAROUSEL", "data": {"items": [{"thumbnail": {"image": address}}]}}
    tap = {
        "actionable_text": file.name,
        "type": "APP_ACTION",
        "uri": "LINK",
        "is_default": 0,
        "location_required": False,
        "payload": {"message": "", "url": address, "gogo_message": ""},
    }
    return {"text": words, "type": "BUTTON", "data": {"items": [tap]}}


_UNAUTHORIZED = "invalid authorization details"
_MESSAGES = HeaderMessages.two(_UNAUTHORIZED, _UNAUTHORIZED)
_NO_AGENT = "Failed to submit feedback, please make sure there is an active conversation with the agent"
_AUTH_ID = re.compile(r"[0-9A-Za-z]+\Z")
_LANGUAGE = re.compile(r"[a-z]{2}\Z")
_TEXTS = ("name", "email", "mobile_no")

_Step = Callable[[Platform, dict[str, Any]], dict[str, Any]]


def bot_api(platform: Platform) -> list[Route]:
    """Return the routes of all its calls on that platform."""
    return [
        _json_route(platform, "/v1.0/user/", "create_user", _create_user),
        _json_route(platform, "/v1.0/user/", "update_user", _update_user, method="PUT"),
        _json_route(platform, "/v1.0/log_message_from_user/", "log_message_from_user", _log_message),
        _json_route(platform, "/v1.0/log_feedback_from_user/", "log_feedback_from_user", _log_feedback, status=201),
        _json_route(platform, "/v1.0/webhook/", "enable_webhook", _enable_webhook),
        _file_route(platform),
    ]


def _json_route(
    platform: Platform, path: str, name: str, step: _Step, *, method: str = "POST", status: int = 200
) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            authenticate(request.headers, platform.partners, _MESSAGES)
            fields = json_object(request.headers.get("content-type", ""), await request.body())
            return JSONResponse(step(platform, fields), status)
        except Refusal as refusal:
            return refusal.response()

    return Route(path, endpoint, methods=[method], name=name)


def _file_route(platform: Platform) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            authenticate(request.headers, platform.partners, _MESSAGES)
            content_type = request.headers.get("content-type", "")
            return JSONResponse(log_file(platform, content_type, await request.body(), str(request.base_url)))
        except Refusal as refusal:
            return refusal.response()

    return Route("/v1.0/log_file_from_user/", endpoint, methods=["POST"], name="log_file_from_user")


def _create_user(platform: Platform, fields: dict[str, Any]) -> dict[str, Any]:
    needed(fields, "auth_id")
    auth_id = fields["auth_id"]
    if not isinstance(auth_id, str) or not _AUTH_ID.match(auth_id):
        raise Refusal("invalid auth_id")
    return _written(platform.users.register(auth_id, _given(fields)))


def _update_user(platform: Platform, fields: dict[str, Any]) -> dict[str, Any]:
    needed(fields, "auth_id")
    person = _registered(platform, fields["auth_id"])
    return _written(platform.users.register(person.auth_id, _given(fields)))


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the request sets. What it leaves out is not changed."""
    given: dict[str, Any] = {name: text(fields, name) for name in _TEXTS if name in fields}
    language = fields.get("language_code")
    if language is not None:
        if not isinstance(language, str) or not _LANGUAGE.match(language):
            raise Refusal("invalid language_code")
        given["language_code"] = language
    custom = fields.get("custom_data")
    if custom is not None:
        if not isinstance(custom, dict) or any(isinstance(value, (dict, list)) for value in custom.values()):
            raise Refusal("invalid custom_data")
        given["custom_data"] = custom
    return given


def _written(person: Person) -> dict[str, Any]:
    return {
        "auth_id": person.auth_id,
        "mobile_no": person.mobile_no,
        "email": person.email,
        "name": person.name,
    }


def _log_message(platform: Platform, fields: dict[str, Any]) -> dict[str, Any]:
    needed(fields, "user", "message_body", "message_type", "business_id")
    user = fields["user"]
    if not isinstance(user, Mapping):
        raise Refusal("invalid user")
    needed(dict(user), "auth_id")
    if not is_number(fields["message_type"]) or fields["message_type"] != 0:
        raise Refusal("invalid message_type")
    words = text(fields, "message_body")
    person = _registered(platform, user["auth_id"])
    business = business_of(platform, fields["business_id"])
    message = platform.conversations.log(person.user_name, business.id, as_hsl(words))
    return {
        "message_id": message.id,
        "message_body": words,
        "created_at": message.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message_type": 0,
    }


def _log_feedback(platform: Platform, fields: dict[str, Any]) -> dict[str, Any]:
    needed(fields, "auth_id", "business_id", "query_resolved", "query_rating")
    resolved, rating = fields["query_resolved"], fields["query_rating"]
    if not isinstance(resolved, bool):
        raise Refusal("invalid query_resolved")
    if not is_number(rating) or rating not in range(1, 6):
        raise Refusal("invalid query_rating")
    words = text(fields, "feedback")
    person = platform.users.registered(fields["auth_id"])
    if person is None:
        raise Refusal("Invalid_User", status=403)
    business = business_of(platform, fields["business_id"])
    chat = platform.board.find(person.user_name, business.id)
    if chat is None or chat.state != "assigned":
        raise Refusal(_NO_AGENT, status=404)
    if platform.feedback.is_early(person.user_name, business.id):
        raise Refusal("duplicate feedback")
    platform.feedback.add(
        person.user_name, business.id, query_resolved=resolved, query_rating=int(rating), feedback=words
    )
    return {"success": True}


def _enable_webhook(platform: Platform, fields: dict[str, Any]) -> dict[str, Any]:
    enabled, business_id = fields.get("enabled"), fields.get("business_id")
    if not isinstance(enabled, bool):
        raise Refusal("invalid enabled")
    if business_id is not None:
        # The documentation's sample call writes the number as text.
        business_of(platform, number(fields, "business_id") if isinstance(business_id, str) else business_id)
    if enabled:
        platform.events.enable()
    else:
        platform.events.disable()
    return {"enabled": enabled}


def _registered(platform: Platform, auth_id: object) -> Person:
    person = platform.users.registered(auth_id)
    if person is None:
        raise Refusal("user is not registered", status=403)
    return person
