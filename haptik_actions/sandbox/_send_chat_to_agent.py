"""Move a chat to pending: `POST /integration/external/v1.0/send_chat_to_agent/`, and the same of `v2.0`.

Source: Haptik's documentation, Webhooks, "Move a chat to pending". Its error table stands below word for word; what it
leaves open (HTTP statuses, order of the checks, wrong types) is decided here and marked as assumed in docs/sandbox.md.
v2.0 has one more field, `receiver`; nothing else of that page could be read.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._requests import HeaderMessages, Refusal, authenticate, business_of, is_number, json_object
from haptik_actions.sandbox._state import Team
from haptik_actions.sandbox._users import Person, looks_made_up

__all__ = ["send_chat_to_agent"]

_PATH = "/integration/external/{version}/send_chat_to_agent/"

_MESSAGES = HeaderMessages(
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
    return [_route(platform, "v1.0", _V1_REQUIRED), _route(platform, "v2.0", _V2_REQUIRED)]


def _route(platform: Platform, version: str, required: tuple[str, ...]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            authenticate(request.headers, platform.partners, _MESSAGES)
            fields = json_object(request.headers.get("content-type", ""), await request.body())
            _move(platform, fields, required)
        except Refusal as refusal:
            return refusal.response()
        return JSONResponse({"success": True})

    return Route(_PATH.replace("{version}", version), endpoint, methods=["POST"], name="send_chat_to_agent")


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
