"""Reads requests to the platform's APIs, and refuses those that do not fit."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeGuard

import msgspec
from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File
from starlette.responses import JSONResponse, Response

from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import Business, Partner

__all__ = [
    "FormPart",
    "HeaderMessages",
    "Refusal",
    "authenticate",
    "business_of",
    "is_number",
    "json_object",
    "needed",
    "number",
    "read_form",
    "text",
]


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a form: its bytes, and the name of the file where it is one."""

    content: bytes
    file_name: str | None = None


def read_form(content_type: str, body: bytes) -> dict[str, FormPart] | None:
    """Return the parts by name, of equal names the last; None where the body is no form or not a whole one."""
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        return None
    parts: dict[str, FormPart] = {}
    files: list[File] = []

    def on_field(field: Field) -> None:
        parts[_text(field.field_name)] = FormPart(field.value or b"")

    def on_file(file: File) -> None:
        files.append(file)
        file.file_object.seek(0)
        parts[_text(file.field_name)] = FormPart(file.file_object.read(), _text(file.file_name))

    try:
        parse_form({"Content-Type": content_type.encode("latin-1")}, BytesIO(body), on_field, on_file)
    except FormParserError:
        return None
    finally:
        # Closed only now, because the parser uses each file once more at the end.
        for file in files:
            file.close()
    return parts


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


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


def business_of(platform: Platform, business_id: object) -> Business:
    """Return the active business of that number, or raise `Refusal`."""
    business = platform.businesses.get(business_id) if is_number(business_id) else None
    if business is None:
        raise Refusal("invalid business_id provided")
    if not business.active:
        raise Refusal(f'business "{business.id}" is inactive')
    return business


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether this is a number in JSON."""
    # In Python True is an int, but in JSON it is no number.
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def needed(fields: dict[str, Any], *names: str) -> None:
    """Raise `Refusal` for the first of the names that is not given, `null` or empty text."""
    for name in names:
        if fields.get(name) in (None, ""):
            raise Refusal(f"{name} missing in the request")


def text(fields: dict[str, Any], name: str) -> str:
    """Return a text, empty where it is left out or `null`, or raise `Refusal`."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(f"invalid {name}")
    return value or ""


def number(fields: dict[str, Any], name: str) -> int | None:
    """Return the whole number that a form or an address carries as text, None where it is none."""
    value = fields.get(name)
    if not isinstance(value, str):
        return None
    # Limited in length, because int() raises on texts of thousands of digits.
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 18 else None
