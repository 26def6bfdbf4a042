"""The studio's door: every page and every form goes through it, and nothing else decides who may do what.

In this order: the address is this machine's where nobody has to sign in; the visitor is known and has the right; a form
comes from the studio's own page and carries the visitor's token.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import quote

from redis.exceptions import RedisError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from haptik_actions._log import get_logger
from haptik_actions._network import host_of, is_forwarded, is_loopback
from haptik_actions.errors import HaptikError
from haptik_actions.studio._origin import is_own_page
from haptik_actions.studio._roles import Right
from haptik_actions.studio._sessions import Sessions, new_token
from haptik_actions.studio._users import User, Users
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["Door", "Handler"]

logger = get_logger(__name__)

Handler: TypeAlias = Callable[[Visit], Awaitable[Response]]

_COOKIE = "haptik_studio"
# Fifty variations, each with fifty buttons, conditions and cases of a few fields; a file is looked at by who takes it.
_FIELDS, _FIELD_BYTES = 30_000, 1_000_000
_PROXY = (
    "A proxy stands in front of the studio, which does not know of it and is open to whoever comes from this machine. "
    "Add a user (haptik-actions studio user add NAME --role publisher) and start it with --proxy ADDRESS."
)
_STALE = "This form is out of date, or did not come from the studio. Go back, reload the page and try again."


class Door:
    """Lets visitors in. `must_sign_in` holds whatever the users; otherwise it depends on whether there are any."""

    def __init__(self, users: Users, sessions: Sessions, *, must_sign_in: bool, has_proxy: bool = False) -> None:
        self._users = users
        self._sessions = sessions
        self._must_sign_in = must_sign_in
        self._has_proxy = has_proxy

    def opens(self, right: Right | None, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint that runs `handler` for who has `right`; with None, for everybody."""

        async def endpoint(request: Request) -> Response:
            visit = Visit(request=request, token="", role=None)
            try:
                visit = await self._visit(request)
                refusal = self._refusal(visit, right)
                response = refusal if refusal is not None else await self._let_in(visit, handler)
            except (RedisError, OSError) as error:
                logger.warning("The studio cannot reach Redis (%s).", type(error).__name__)
                response = render(visit, "problem.html", 503, problem="The message store does not answer. Try again.")
            except RecursionError:
                # JSON in a form, a thousand lists inside each other: no message is like that.
                response = render(visit, "problem.html", 400, problem="What was sent is nested too deep.")
            except HaptikError as error:
                response = _problem(visit, error)
            self._keep_cookie(visit, response)
            return response

        return endpoint

    async def begin_session(self, visit: Visit, user: User, response: Response) -> None:
        """Sign the visitor in as `user`, under a token that nobody has seen before."""
        await self._sessions.end(visit.token)
        self._set_cookie(visit.request, response, await self._sessions.begin(user))

    async def end_session(self, visit: Visit, response: Response) -> None:
        """Sign the visitor out."""
        await self._sessions.end(visit.token)
        self._set_cookie(visit.request, response, new_token())

    async def needs_sign_in(self) -> bool:
        """Tell whether only users may come in."""
        return self._must_sign_in or await self._users.existed()

    def refuse(self, visit: Visit) -> Response:
        """Return what a visitor sees who has not the right."""
        return render(visit, "problem.html", 403, problem=f"Your role, {visit.role}, does not allow this.")

    async def _visit(self, request: Request) -> Visit:
        token = request.cookies.get(_cookie(request), "")
        if not await self.needs_sign_in():
            return Visit(request=request, token=token or new_token())
        user = await self._sessions.user(token) if token else None
        if user is None:
            return Visit(request=request, token=token or new_token(), name="", role=None)
        return Visit(request=request, token=token, name=user.name, role=user.role, is_signed_in=True)

    def _refusal(self, visit: Visit, right: Right | None) -> Response | None:
        request = visit.request
        if visit.role is not None and not visit.is_signed_in and not self._has_proxy and is_forwarded(request.headers):
            return render(visit, "problem.html", 403, problem=_PROXY)
        if (
            visit.role is not None
            and not visit.is_signed_in
            and not is_loopback(host_of(request.headers.get("host", "")))
        ):
            # Another name that was pointed at this machine, by who would like a look through the user's browser.
            return render(visit, "problem.html", 403, problem="Nobody signs in here, so it is open at localhost alone.")
        if right is None or visit.may(right):
            return None
        return _to_sign_in(visit) if visit.role is None else self.refuse(visit)

    async def _let_in(self, visit: Visit, handler: Handler) -> Response:
        if visit.request.method != "POST":
            return await handler(visit)
        async with visit.request.form(max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES) as form:
            if not _is_genuine(visit, form):
                return render(visit, "problem.html", 403, problem=_STALE)
            return await handler(replace(visit, form=form))

    def _keep_cookie(self, visit: Visit, response: Response) -> None:
        is_new = visit.request.cookies.get(_cookie(visit.request)) != visit.token
        if visit.token and is_new and "set-cookie" not in response.headers:
            self._set_cookie(visit.request, response, visit.token)

    def _set_cookie(self, request: Request, response: Response, token: str) -> None:
        response.set_cookie(_cookie(request), token, httponly=True, samesite="lax", secure=_is_secure(request))


def _is_genuine(visit: Visit, form: FormData) -> bool:
    carried = form.get("csrf")
    return (
        is_own_page(visit.request)
        and isinstance(carried, str)
        # As bytes: the text of a form may be any, and the comparison takes ASCII alone.
        and hmac.compare_digest(carried.encode("utf-8", "replace"), visit.csrf.encode())
    )


def _to_sign_in(visit: Visit) -> Response:
    request = visit.request
    if visit.is_scripted:
        return Response("Sign in again.", 401)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(asked if request.method != 'POST' else '/')}", 303)


def _problem(visit: Visit, error: HaptikError) -> Response:
    said = f"{error} {error.remedy}".strip()
    return render(visit, "problem.html", 503 if error.temporary else 400, problem=said)


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie(request: Request) -> str:
    # With the prefix browsers take the cookie from this very host alone, and over https.
    return f"__Host-{_COOKIE}" if _is_secure(request) else _COOKIE
