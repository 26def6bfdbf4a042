"""A file that a user sends: `POST /v1.0/log_file_from_user/`, a form with the file and who sent it.

Source: Haptik's documentation, Bot API, "Log file from user". Fields, kinds and the largest size are documented, the
words of the refusals are not.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from haptik_actions.sandbox._fields import business_of, needed, number
from haptik_actions.sandbox._files import SentFile
from haptik_actions.sandbox._form import FormPart, read_form
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._refusal import Refusal

__all__ = ["log_file"]

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
