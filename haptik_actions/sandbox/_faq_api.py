"""FAQ nodes: `POST /mogambo_api/nodes/faq/create/` and `GET /mogambo_api/nodes/faq/create/status/<task_id>/`.

Source: Haptik's documentation, Webhooks, "FAQ Node Creation APIs for KMS". The words of its table of errors stand
below; `invalid doman` is spelt as there.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._faq_csv import read_nodes
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._requests import HeaderMessages, Refusal, authenticate, read_form

__all__ = ["faq"]

_CREATE = "/mogambo_api/nodes/faq/create/"
_STATUS = "/mogambo_api/nodes/faq/create/status/{task_id}/"

_UNAUTHORIZED = "Unauthorized Access or invalid token"
_MESSAGES = HeaderMessages.two(_UNAUTHORIZED, _UNAUTHORIZED)
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
    partner = authenticate(request.headers, platform.partners, _MESSAGES)
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
    authenticate(request.headers, platform.partners, _MESSAGES)
    task = platform.faq.task(request.path_params["task_id"])
    if task is None:
        raise Refusal("invalid task_id", status=404)
    return task.status


def _success(body: dict[str, Any]) -> Response:
    return JSONResponse({"success": True, "body": body, "error": "", "meta": {}})
