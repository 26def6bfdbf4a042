"""Signing in and out, and changing one's password."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from haptik_actions._log import get_logger
from haptik_actions.errors import ConfigurationError
from haptik_actions.studio._audit import Audit
from haptik_actions.studio._door import Door
from haptik_actions.studio._origin import local_path
from haptik_actions.studio._passwords import Passwords
from haptik_actions.studio._throttle import Throttle
from haptik_actions.studio._users import User, Users
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

__all__ = ["AccountPages"]

logger = get_logger(__name__)

_WRONG = "The name or the password is wrong."


@dataclass(frozen=True, slots=True)
class _Refused:
    problem: str
    status: int


class AccountPages:
    """`/sign-in`, `/sign-out` and `/account`."""

    def __init__(self, door: Door, users: Users, passwords: Passwords, throttle: Throttle, audit: Audit) -> None:
        self._door = door
        self._users = users
        self._passwords = passwords
        self._throttle = throttle
        self._audit = audit

    def routes(self) -> list[BaseRoute]:
        """Return the pages and where their forms go."""
        opens = self._door.opens
        return [
            Route("/sign-in", opens(None, self._sign_in_page), methods=["GET"]),
            Route("/sign-in", opens(None, self._sign_in), methods=["POST"]),
            Route("/sign-out", opens(None, self._sign_out), methods=["POST"]),
            Route("/account", opens("read", self._account_page), methods=["GET"]),
            Route("/account", opens("read", self._change_password), methods=["POST"]),
        ]

    async def _sign_in_page(self, visit: Visit) -> Response:
        target = local_path(visit.asked("next", "/"))
        if visit.role is not None:
            return RedirectResponse(target, 303)
        return render(visit, "sign_in.html", target=target, name="", problem="")

    async def _sign_in(self, visit: Visit) -> Response:
        name, target = visit.field("name").strip(), local_path(visit.field("next", "/"))
        tried = await self._tried(visit, name, visit.field("password"))
        if isinstance(tried, _Refused):
            return render(visit, "sign_in.html", tried.status, target=target, name=name, problem=tried.problem)
        answer = RedirectResponse(target, 303)
        await self._door.begin_session(visit, tried, answer)
        await self._audit.note("signed in", tried.name, by=tried.name, address=_address(visit), detail=tried.role)
        return answer

    async def _tried(self, visit: Visit, name: str, password: str) -> User | _Refused:
        address = _address(visit)
        knock = await self._throttle.knock(name, address)
        user = await self._users.get(name)
        known = user.name if user else ""
        if knock.wait:
            logger.warning("Too many failed sign-ins to the studio from %s.", address)
            await self._audit.note("sign-in refused", known, by="", address=address)
            return _too_many(knock.wait)
        # Without a user it takes as long, so that nobody learns which names there are.
        if not await self._passwords.verify(user.password_hash if user else None, password) or user is None:
            await self._audit.note("sign-in failed", known, by="", address=address)
            return _too_many(knock.wait_if_wrong) if knock.wait_if_wrong else _Refused(_WRONG, 403)
        await self._throttle.succeeded(name, address)
        await self._users.refresh_hash(user, password)
        return user

    async def _sign_out(self, visit: Visit) -> Response:
        answer = RedirectResponse("/sign-in", 303)
        await self._door.end_session(visit, answer)
        if visit.is_signed_in:
            await self._audit.note("signed out", visit.name, by=visit.name, address=_address(visit))
        return answer

    async def _account_page(self, visit: Visit) -> Response:
        return render(visit, "account.html", problem="", done=False)

    async def _change_password(self, visit: Visit) -> Response:
        if not visit.is_signed_in:
            return render(visit, "account.html", 400, problem="Nobody signs in here.", done=False)
        changed = await self._changed(visit)
        if isinstance(changed, _Refused):
            return render(visit, "account.html", changed.status, problem=changed.problem, done=False)
        await self._audit.note("password changed", visit.name, by=visit.name, address=_address(visit))
        answer = render(visit, "account.html", problem="", done=True)
        await self._door.begin_session(visit, changed, answer)
        return answer

    async def _changed(self, visit: Visit) -> User | _Refused:
        tried = await self._tried(visit, visit.name, visit.field("old"))
        if isinstance(tried, _Refused):
            return tried if tried.status == 429 else _Refused("The old password is wrong.", 400)
        if visit.field("new") != visit.field("again"):
            return _Refused("The two new passwords differ.", 400)
        try:
            return await self._users.set_password(visit.name, visit.field("new"))
        except ConfigurationError as error:
            return _Refused(str(error), 400)


def _too_many(seconds: int) -> _Refused:
    return _Refused(f"Too many tries. Wait {_duration(seconds)}, then try again.", 429)


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client else ""


def _duration(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
