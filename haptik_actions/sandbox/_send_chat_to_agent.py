"""Move a chat to pending: `POST /integration/external/v1.0/send_chat_to_agent/`.

Source: Haptik's documentation, Webhooks, "Move a chat to pending". Its error table stands below word for word; what it
leaves open (HTTP statuses, order of the checks, wrong types) is decided here and marked as assumed in docs/sandbox.md.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._refusal import HeaderMessages, Refusal, authenticate, json_object
from haptik_actions.sandbox._state import Business, Team, User

__all__ = ["send_chat_to_agent"]

_PATH = "/integration/external/v1.0/send_chat_to_agent/"

_MESSAGES = HeaderMessages(
    client_id_missing="client_id missing in headers",
    client_id_invalid="invalid client_id in headers",
    authorization_invalid="invalid authorization in headers",
    token_missing="token missing in headers",
    token_invalid="invalid token provided",
)

_REQUIRED = ("user_name", "business_id", "team_name")

_SHORTEST_COUNTDOWN = 5
_LONGEST_COUNTDOWN = 10
_DEFAULT_COUNTDOWN = 10


def send_chat_to_agent(platform: Platform) -> Route:
    """Return the API's route on that platform."""

    async def endpoint(request: Request) -> Response:
        try:
            authenticate(request.headers, platform.partners, _MESSAGES)
            _move(platform, json_object(request.headers.get("content-type", ""), await request.body()))
        except Refusal as refusal:
            return refusal.response()
        return JSONResponse({"success": True})

    return Route(_PATH, endpoint, methods=["POST"], name="send_chat_to_agent")


def _move(platform: Platform, fields: dict[str, Any]) -> None:
    for name in _REQUIRED:
        if fields.get(name) in (None, ""):
            raise Refusal(f"{name} missing in the request")
    user = _user(platform, fields["user_name"])
    business = _business(platform, fields["business_id"])
    team = _team(platform, fields["team_name"])
    if not platform.board.exists(user.user_name, business.id):
        raise Refusal("user has not sent a message")
    countdown = _countdown(fields.get("countdown"))
    platform.board.move_to_team(user.user_name, business.id, team.name, countdown)


def _user(platform: Platform, user_name: object) -> User:
    user = platform.users.get(user_name) if isinstance(user_name, str) else None
    if user is None:
        raise Refusal("invalid user_name")
    return user


def _business(platform: Platform, business_id: object) -> Business:
    business = platform.businesses.get(business_id) if _is_number(business_id) else None
    if business is None:
        raise Refusal("invalid business_id provided")
    if not business.active:
        raise Refusal(f'business "{business.id}" is inactive')
    return business


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
    if not (_is_number(countdown) and _SHORTEST_COUNTDOWN <= countdown <= _LONGEST_COUNTDOWN):
        raise Refusal("invalid countdown provided")
    return countdown


def _is_number(value: object) -> TypeGuard[float]:
    # JSON's true is Python's 1, and no number.
    return isinstance(value, (int, float)) and not isinstance(value, bool)
