"""FAQ nodes: the upload of a CSV, and the state of the task that the platform makes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.client._call import Call, encode_form, text
from haptik_actions.client._replies import check_reply, unexpected, words_of_failure
from haptik_actions.client._transport import Reply
from haptik_actions.errors import ApiError, ConfigurationError

__all__ = ["CsvFile", "FaqTask", "create_faq_call", "faq_task_call", "load_csv", "read_task_id"]

CsvFile = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the file's bytes, or a file opened in binary mode."""

_CREATE = "/mogambo_api/nodes/faq/create/"
_IN_PROGRESS = re.compile(r"(node creation is )?in progress\b.*", re.DOTALL)
_SUCCEEDED = re.compile(r"success\b.*|(all )?nodes? ha(s|ve) been created successfully.*", re.DOTALL)


class FaqTask(msgspec.Struct, frozen=True):
    """How far a task is: its state, and the platform's own words (for `failed`, the error of the row it stopped at)."""

    task_id: str
    state: Literal["in_progress", "succeeded", "failed"]
    message: str


def load_csv(csv_file: CsvFile) -> tuple[str, bytes]:
    """Return the name and the bytes of the file.

    Raises:
        ConfigurationError: it cannot be read or is empty; names it.
    """
    if isinstance(csv_file, (bytes, bytearray)):
        name, content = "faq.csv", bytes(csv_file)
    elif isinstance(csv_file, (str, os.PathLike)):
        name = Path(csv_file).name
        try:
            content = Path(csv_file).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{csv_file} cannot be read: {error.strerror}.") from error
    else:
        name, content = Path(str(getattr(csv_file, "name", "faq.csv"))).name, csv_file.read()
    if not content:
        raise ConfigurationError(f"{name} is empty, and uploading it would make every FAQ node inactive.")
    return name, content


def create_faq_call(*, domain_name: object, name: str, content: bytes) -> Call:
    """Return the call that uploads a CSV. It is not repeatable: each upload starts a task of its own."""
    fields = {"domain_name": text("domain_name", domain_name)}
    body, kind = encode_form(fields, field="csv_file", name=name, content=content, content_type="text/csv")
    return Call(method="POST", endpoint=_CREATE, body=body, content_type=kind, repeatable=False)


def faq_task_call(task_id: Any) -> tuple[Call, Callable[[str, Reply, Callable[[str], str]], FaqTask]]:
    """Return the call that asks for a task's state, and what reads its reply."""
    call = Call(method="GET", endpoint=f"{_CREATE}status/{quote(text('task_id', task_id), safe='')}/")

    def read(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> FaqTask:
        try:
            words = _body(endpoint, reply, hide).get("status")
        except ApiError:
            failure = words_of_failure(reply)
            if not failure:
                raise
            # The call succeeded and the task failed, whatever words the platform uses.
            return FaqTask(task_id, "failed", hide(failure))
        if not isinstance(words, str) or not words.strip():
            raise unexpected(endpoint, reply, "without the documented `body.status`")
        return FaqTask(task_id, _state(words.strip().lower()), hide(words.strip()))

    return call, read


def read_task_id(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> str:
    """Read the reply to an upload."""
    task_id = _body(endpoint, reply, hide).get("task_id")
    if not isinstance(task_id, str) or not task_id:
        raise unexpected(endpoint, reply, "without the documented `body.task_id`")
    return task_id


def _state(words: str) -> Literal["in_progress", "succeeded", "failed"]:
    # The documentation names "In Progress", a sentence of success, and otherwise the error of the last node.
    if _IN_PROGRESS.fullmatch(words):
        return "in_progress"
    return "succeeded" if _SUCCEEDED.fullmatch(words) else "failed"


def _body(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> JsonObject:
    content = check_reply(endpoint, reply, hide=hide)
    body = content.get("body")
    if content.get("success") is not True or not isinstance(body, dict):
        raise unexpected(endpoint, reply, 'without the documented `"success": true` and `body`')
    return body
