"""Refusals of the platform, and the checks that its APIs share."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import JSONResponse, Response

from haptik_actions.sandbox._state import Partner

__all__ = ["HeaderMessages", "Refusal", "authenticate", "json_object"]

_BEARER = "Bearer"


class Refusal(Exception):
    """The platform refuses a request: `message` is the text of `error_message`, `status` the HTTP status.

    `data` stands beside the message, where an API explains itself further.
    """

    def __init__(self, message: str, *, status: int = 400, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.data = data

    def response(self) -> Response:
        """Return the answer that says so."""
        content = {"error_message": self.message, **({} if self.data is None else {"data": self.data})}
        return JSONResponse(content, status_code=self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderMessages:
    """An API's own words for what is wrong with the headers; the documentation's tables differ between APIs."""

    client_id_missing: str
    client_id_invalid: str
    authorization_invalid: str
    token_missing: str
    token_invalid: str

    @classmethod
    def two(cls, client_id: str, token: str) -> HeaderMessages:
        """Return the words of an API that tells no more than which of the two headers is wrong."""
        return cls(
            client_id_missing=client_id,
            client_id_invalid=client_id,
            authorization_invalid=token,
            token_missing=token,
            token_invalid=token,
        )


def authenticate(headers: Mapping[str, str], partners: Mapping[str, Partner], messages: HeaderMessages) -> Partner:
    """Return the partner that the headers name, or raise `Refusal` with status 401."""
    client_id = headers.get("client-id", "").strip()
    if not client_id:
        raise Refusal(messages.client_id_missing, status=401)
    partner = partners.get(client_id)
    if partner is None:
        raise Refusal(messages.client_id_invalid, status=401)
    token = _bearer_token(headers.get("authorization", ""), messages)
    if not hmac.compare_digest(token.encode(), partner.token.encode()):
        raise Refusal(messages.token_invalid, status=401)
    return partner


def _bearer_token(authorization: str, messages: HeaderMessages) -> str:
    scheme, *rest = authorization.split() or [_BEARER]
    if scheme != _BEARER or len(rest) > 1:
        raise Refusal(messages.authorization_invalid, status=401)
    if not rest:
        raise Refusal(messages.token_missing, status=401)
    return rest[0]


def json_object(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request's body, or raise `Refusal`. The texts are assumed, not documented."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refusal("invalid content-type in headers")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("request body is not a JSON object") from None
