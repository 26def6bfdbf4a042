"""The calls that Haptik documents under "Webhooks".

Get Chat Transcripts: `GET /integration/external/v1.0/get_chat_history/`, and the same of `v2.0`.

Source: Haptik's documentation, Webhooks, "Get Chat Transcripts". Both error tables stand below word for word, with
their capital letters and full stops. The documentation shows the parameters as JSON and its curl sends them in the
address; the address is what is read here. docs/sandbox.md marks what else is assumed.

FAQ nodes: `POST /mogambo_api/nodes/faq/create/` and `GET /mogambo_api/nodes/faq/create/status/<task_id>/`.

Source: Haptik's documentation, Webhooks, "FAQ Node Creation APIs for KMS". The words of its table of errors stand
below; `invalid doman` is spelt as there.

Move a chat to pending: `POST /integration/external/v1.0/send_chat_to_agent/`, and the same of `v2.0`.

Source: Haptik's documentation, Webhooks, "Move a chat to pending". Its error table stands below word for word; what it
leaves open (HTTP statuses, order of the checks, wrong types) is decided here and marked as assumed in docs/sandbox.md.
v2.0 has one more field, `receiver`; nothing else of that page could be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._chats import Message
from haptik_actions.sandbox._faq_csv import read_nodes
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._requests import (
    HeaderMessages,
    Refusal,
    authenticate,
    business_of,
    is_number,
    json_object,
    read_form,
)
from haptik_actions.sandbox._state import Team
from haptik_actions.sandbox._users import Person, looks_made_up

__all__ = ["faq", "get_chat_history", "send_chat_to_agent"]

_V1_MESSAGES = HeaderMessages.two("invalid client_id", "invalid token")
_V2_MESSAGES = HeaderMessages.two("Invalid token", "Invalid token")
_NO_PAIR = "Either the user has not sent a message yet, or the provided user_name-business_id pair is invalid."
_NO_PXUT = "Unable to decode pxut-client_id pair"

_GROUPS = {"group 1": ("business_id", "user_name", "conversation_no"), "group 2": ("pxut", "conversation_no")}
_FORMS = ("json", "text")
_MOST_DIGITS = 18

_Conversation = tuple[str, int, int]


def get_chat_history(platform: Platform) -> list[Route]:
    """Return the API's routes on that platform, one for each version."""
    return [_route("v1.0", partial(_v1, platform)), _route("v2.0", partial(_v2, platform))]


def _route(version: str, answer: Callable[[Request], dict[str, Any]]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(answer(request))
        except Refusal as refusal:
            return refusal.response()

    path = f"/integration/external/{version}/get_chat_history/"
    return Route(path, endpoint, methods=["GET"], name="get_chat_history")


def _v1(platform: Platform, request: Request) -> dict[str, Any]:
    authenticate(request.headers, platform.partners, _V1_MESSAGES)
    query = request.query_params
    for name in ("user_name", "business_id", "conversation_no"):
        if not query.get(name):
            raise Refusal(f"{name} missing")
    conversation = _v1_conversation(platform, query)
    limit = _number(query, "limit", Refusal("invalid limit"))
    # The documentation spells the parameter `respose_type`; the other spelling is taken, too.
    form = query.get("respose_type") or query.get("response_type") or "json"
    if form not in _FORMS:
        raise Refusal("invalid response_type")
    return _written(platform.transcripts.of(*conversation), limit, form, agent="agent({})")


def _v1_conversation(platform: Platform, query: Mapping[str, str]) -> _Conversation:
    user_name = query["user_name"]
    if platform.users.named(user_name) is None:
        raise Refusal("invalid user_name")
    business_id = _whole(query["business_id"])
    if business_id is None or not platform.board.exists(user_name, business_id):
        raise Refusal("user has not sent a message")
    number = _whole(query["conversation_no"])
    if number is None:
        raise Refusal("invalid conversation_no")
    return user_name, business_id, number


def _v2(platform: Platform, request: Request) -> dict[str, Any]:
    query = request.query_params
    group = next((name for name, needed in _GROUPS.items() if all(map(query.get, needed))), None)
    # A pxut belongs to a client id, so with a pxut a wrong client id has other words.
    messages = HeaderMessages.two(_NO_PXUT, "Invalid token") if group == "group 2" else _V2_MESSAGES
    authenticate(request.headers, platform.partners, messages)
    if group is None:
        missing = {name: [one for one in needed if not query.get(one)] for name, needed in _GROUPS.items()}
        raise Refusal("Argument group validation: no valid group.", data={"missing": missing})
    conversation = _v2_conversation(platform, query, group)
    limit = _number(query, "limit", _wrong_type("limit"))
    form = query.get("response_type") or "json"
    if form not in _FORMS:
        raise _wrong_type("response_type")
    return _written(platform.transcripts.of(*conversation), limit, form, agent="{}")


def _v2_conversation(platform: Platform, query: Mapping[str, str], group: str) -> _Conversation:
    business_id = _whole(query.get("business_id", ""))
    if group == "group 1" and business_id is None:
        raise Refusal("Invalid business_id")
    number = _whole(query["conversation_no"])
    if number is None:
        raise _wrong_type("conversation_no")
    if group == "group 2":
        return *_of_pxut(platform, query["pxut"]), number
    if business_id is None or not platform.board.exists(query["user_name"], business_id):
        raise Refusal(_NO_PAIR)
    return query["user_name"], business_id, number


def _of_pxut(platform: Platform, pxut: str) -> tuple[str, int]:
    user = next((user for user in platform.users.all() if user.pxut == pxut), None)
    if user is None:
        raise Refusal(_NO_PXUT)
    businesses = [chat.business_id for chat in platform.board.chats() if chat.user_name == user.user_name]
    if not businesses:
        raise Refusal(_NO_PAIR)
    return user.user_name, businesses[0]


def _written(messages: list[Message], limit: int | None, form: str, *, agent: str) -> dict[str, Any]:
    """Return the documented JSON of the last `limit` messages; `agent` is the pattern of an agent's `sender`."""
    shown = messages[-limit:] if limit else messages
    senders = [agent.format(message.agent_name) if message.agent_name else message.sender for message in shown]
    if form == "text":
        lines = (f"{sender}: {_text(message)}\n" for sender, message in zip(senders, shown, strict=True))
        return {"chat_text": "".join(lines)}
    return {"chat_json": [_row(sender, message) for sender, message in zip(senders, shown, strict=True)]}


def _row(sender: str, message: Message) -> dict[str, Any]:
    return {"text": _text(message), "sender": sender, "message_id": message.id, "timestamp": _timestamp(message.at)}


def _text(message: Message) -> str:
    # The documentation does not say how a card or a form is written here.
    text = message.body.get("text")
    return text if isinstance(text, str) else ""


def _timestamp(at: datetime) -> str:
    # In place of %p, whose words depend on the locale.
    return f"{at:%m/%d/%y %I:%M:%S} {'AM' if at.hour < 12 else 'PM'} UTC"


def _number(query: Mapping[str, str], name: str, refusal: Refusal) -> int | None:
    if not query.get(name):
        return None
    number = _whole(query[name])
    if not number:
        raise refusal
    return number


def _whole(text: str) -> int | None:
    # Limited in length, because int() raises on texts of thousands of digits.
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _wrong_type(name: str) -> Refusal:
    return Refusal("Argument group validation: invalid group found.", data={"invalid": [name]})


_CREATE = "/mogambo_api/nodes/faq/create/"
_STATUS = "/mogambo_api/nodes/faq/create/status/{task_id}/"

_FAQ_UNAUTHORIZED = "Unauthorized Access or invalid token"
_FAQ_MESSAGES = HeaderMessages.two(_FAQ_UNAUTHORIZED, _FAQ_UNAUTHORIZED)
_BAD_REQUEST = "Invalid or bad request body"


def faq(platform: Platform) -> list[Route]:
    """Return the routes of both calls on that platform."""

    async def create(request: Request) -> Response:
        try:
            return _success({"task_id": _submit(platform, request, await request.body())})
        except Refusal as refusal:
            return refusal.response()

    async def status(request: Request) -> Response:
        try:
            return _success({"status": _status(platform, request)})
        except Refusal as refusal:
            return refusal.response()

    return [
        Route(_CREATE, create, methods=["POST"], name="create_faq_nodes"),
        Route(_STATUS, status, methods=["GET"], name="faq_task"),
    ]


def _submit(platform: Platform, request: Request, body: bytes) -> str:
    partner = authenticate(request.headers, platform.partners, _FAQ_MESSAGES)
    parts = read_form(request.headers.get("content-type", ""), body) or {}
    name, file = parts.get("domain_name"), parts.get("csv_file")
    if name is None or name.file_name is not None or file is None or file.file_name is None:
        raise Refusal(_BAD_REQUEST)
    domain = platform.faq.domain(name.content.decode("utf-8", "replace"))
    if domain is None:
        raise Refusal("invalid doman")
    if domain.client_ids is not None and partner.client_id not in domain.client_ids:
        raise Refusal("Access Forbidden", status=403)
    rows = read_nodes(file.content)
    if rows is None:
        raise Refusal(_BAD_REQUEST)
    return platform.faq.submit(domain.name, rows)


def _status(platform: Platform, request: Request) -> str:
    authenticate(request.headers, platform.partners, _FAQ_MESSAGES)
    task = platform.faq.task(request.path_params["task_id"])
    if task is None:
        raise Refusal("invalid task_id", status=404)
    return task.status


def _success(body: dict[str, Any]) -> Response:
    return JSONResponse({"success": True, "body": body, "error": "", "meta": {}})


_PENDING_PATH = "/integration/external/{version}/send_chat_to_agent/"

_PENDING_MESSAGES = HeaderMessages(
    client_id_missing="client_id missing in headers",
    client_id_invalid="invalid client_id in headers",
    authorization_invalid="invalid authorization in headers",
    token_missing="token missing in headers",
    token_invalid="invalid token provided",
)

_V1_REQUIRED = ("user_name", "business_id", "team_name")
_V2_REQUIRED = (*_V1_REQUIRED, "receiver")

_SHORTEST_COUNTDOWN = 5
_LONGEST_COUNTDOWN = 10
_DEFAULT_COUNTDOWN = 10


def send_chat_to_agent(platform: Platform) -> list[Route]:
    """Return the API's routes on that platform, one for each version."""
    return [_pending_route(platform, "v1.0", _V1_REQUIRED), _pending_route(platform, "v2.0", _V2_REQUIRED)]


def _pending_route(platform: Platform, version: str, required: tuple[str, ...]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            authenticate(request.headers, platform.partners, _PENDING_MESSAGES)
            fields = json_object(request.headers.get("content-type", ""), await request.body())
            _move(platform, fields, required)
        except Refusal as refusal:
            return refusal.response()
        return JSONResponse({"success": True})

    return Route(_PENDING_PATH.replace("{version}", version), endpoint, methods=["POST"], name="send_chat_to_agent")


def _move(platform: Platform, fields: dict[str, Any], required: tuple[str, ...]) -> None:
    for name in required:
        if fields.get(name) in (None, ""):
            raise Refusal(f"{name} missing in the request")
    if "receiver" in required and not isinstance(fields["receiver"], str):
        raise Refusal("invalid receiver provided")
    user = _user(platform, fields["user_name"])
    business = business_of(platform, fields["business_id"])
    team = _team(platform, fields["team_name"])
    if not platform.board.exists(user.user_name, business.id):
        raise Refusal("user has not sent a message")
    countdown = _countdown(fields.get("countdown"))
    platform.board.move_to_team(user.user_name, business.id, team.name, countdown)


def _user(platform: Platform, user_name: object) -> Person:
    person = platform.users.named(user_name)
    if person is None:
        # The Bot API gives such names to users whom it registers. Nobody has this one, so nobody was registered.
        raise Refusal("user is not registered" if looks_made_up(user_name) else "invalid user_name")
    return person


def _team(platform: Platform, team_name: object) -> Team:
    team = platform.teams.get(team_name) if isinstance(team_name, str) else None
    if team is None:
        raise Refusal("invalid team_name provided")
    if not team.active:
        raise Refusal(f'team "{team.name}" is inactive')
    return team


def _countdown(countdown: object) -> float:
    if countdown is None:
        return _DEFAULT_COUNTDOWN
    if not (is_number(countdown) and _SHORTEST_COUNTDOWN <= countdown <= _LONGEST_COUNTDOWN):
        raise Refusal("invalid countdown provided")
    return countdown
