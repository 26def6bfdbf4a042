"""The agents' page at `/`: queues, one chat with what was said in it, agents, events, requests, the outage's switch.

Everything that changes something is an HTML form, so that the page works without its script; with it, the forms are
sent in place. Nothing is loaded from elsewhere, images of messages neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from inspect import isawaitable
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat
from haptik_actions.sandbox._composer import compose
from haptik_actions.sandbox._events import Closing, Ending
from haptik_actions.sandbox._habits import Sentence
from haptik_actions.sandbox._hsl_view import view
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._transcripts import as_hsl
from haptik_actions.sandbox._users import DEVICES

__all__ = ["Page"]

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
_SHOWN_REQUESTS = 8
_SHOWN_EVENTS = 8
_SHOWN_CALLS = 8

_POLICY = "default-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors"
_NO_PAGE = "'none'"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": then a form would not tell that it comes from the sandbox's own page.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_OWN_FILE = re.compile(r"http://[^/]+(/_sandbox/files/[0-9]+/[^/?#]+)\Z")

_Form = Mapping[str, str]


class Page:
    """Shows a platform to people. The script replaces the part that lives, `/_sandbox/live`, once a second.

    `framed_by` is the origin of the page that may show it in a frame, None for no page.
    """

    def __init__(self, platform: Platform, caller: NodeCaller, framed_by: str | None = None) -> None:
        self._platform = platform
        self._caller = caller
        self._headers = {"Content-Security-Policy": f"{_POLICY} {framed_by or _NO_PAGE}", **_HEADERS}

    def routes(self) -> list[BaseRoute]:
        """Return the page itself, and the icon that browsers ask for at the root."""
        return [Route("/", self._whole), Route("/favicon.ico", self._icon)]

    def parts(self) -> list[BaseRoute]:
        """Return what the page loads and where its forms go, relative to `/_sandbox`."""
        forms = {
            "claim": self._claim,
            "answer": self._answer,
            "complete": self._complete,
            "announce": self._announce,
            "end": self._end,
            "write": self._write,
            "online": self._set_online,
            "outage": self._set_outage,
        }
        return [
            Route("/live", self._live),
            Mount("/static", StaticFiles(directory=_STATIC)),
            *(Route(f"/page/{name}", self._form(step), methods=["POST"]) for name, step in forms.items()),
        ]

    async def _whole(self, request: Request) -> Response:
        return self._render("page.html", request.query_params)

    async def _live(self, request: Request) -> Response:
        return self._render("live.html", request.query_params)

    async def _icon(self, request: Request) -> Response:
        return FileResponse(_STATIC / "icon.svg")

    def _form(self, step: Callable[[_Form], object]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
            try:
                done = step(form)
                if isawaitable(done):
                    await done
            except ConfigurationError as error:
                return self._render("page.html", form, problem=str(error), status=409)
            return RedirectResponse(_address(form), status_code=303)

        return endpoint

    def _claim(self, form: _Form) -> object:
        return self._platform.desk.claim(*_chosen(form), agent=form.get("agent", ""))

    def _answer(self, form: _Form) -> object:
        return self._platform.desk.answer(*_chosen(form), compose(form))

    def _announce(self, form: _Form) -> object:
        return self._platform.desk.announce(*_chosen(form), _one_of(Sentence, form.get("sentence")))

    def _end(self, form: _Form) -> object:
        return self._platform.desk.end(*_chosen(form), _one_of(Ending, form.get("ending")))

    def _write(self, form: _Form) -> object:
        user_name, business_id = _chosen(form)
        text = form.get("text", "").replace("\r\n", "\n")
        node = self._caller.named(form.get("node") or None)
        if node is not None:
            return self._caller.write(user_name, business_id, text, node)
        if not text.strip():
            raise ConfigurationError("the user says nothing. Give a text")
        return self._platform.conversations.say(user_name, business_id, as_hsl(text), sender="user")

    def _complete(self, form: _Form) -> object:
        return self._platform.desk.complete(*_chosen(form), Closing(reason=form.get("reason", "")))

    def _set_online(self, form: _Form) -> object:
        return self._platform.desk.set_online(form.get("agent", ""), online=form.get("active") == "true")

    def _set_outage(self, form: _Form) -> None:
        self._platform.outage = form.get("active") == "true"

    def _render(self, template: str, chosen: _Form, *, problem: str = "", status: int = 200) -> Response:
        html = _templates().get_template(template).render(**self._seen(chosen), problem=problem)
        # Messages of tests may hold lone surrogates, which cannot be encoded.
        return HTMLResponse(html.encode("utf-8", "replace"), status, headers=self._headers)

    def _seen(self, chosen: _Form) -> dict[str, Any]:
        platform = self._platform
        chats = platform.board.chats()
        chat = platform.board.find(*_chosen(chosen)) if "user_name" in chosen else None
        return {
            "outage": platform.outage,
            "now": platform.clock(),
            "teams": list(platform.teams.values()),
            "businesses": platform.businesses,
            "in_teams": platform.board.queue() + [chat for chat in chats if chat.state == "assigned"],
            "elsewhere": [chat for chat in chats if chat.team is None],
            "agents": platform.desk.agents(),
            "chat": chat,
            "is_missing": "user_name" in chosen and chat is None,
            "messages": platform.conversations.messages(chat) if chat else [],
            "able": platform.desk.able_for(chat) if chat else [],
            "last_agent": platform.conversations.last_agent(chat) if chat else None,
            "person": platform.users.named(chat.user_name) if chat else None,
            "people": {person.user_name: person for person in platform.users.all()},
            "devices": DEVICES,
            "nodes": self._caller.nodes(),
            "calls": self._caller.calls()[: -_SHOWN_CALLS - 1 : -1],
            "webhook": platform.events.webhook,
            "webhook_enabled": platform.events.is_enabled,
            "events": platform.events.events()[: -_SHOWN_EVENTS - 1 : -1],
            "requests": platform.journal.entries()[: -_SHOWN_REQUESTS - 1 : -1],
        }


@cache
def _templates() -> Environment:
    # Shared by all sandboxes: compiling the templates takes longer than most tests that make a sandbox.
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"duration": _duration, "address": _address, "element": view, "own_file": _own_file}
    return templates


def _one_of(choice: Any, value: str | None) -> Any:
    if value not in get_args(choice):
        raise ConfigurationError(f"{value!r} is none of {', '.join(get_args(choice))}. Use the page's buttons")
    return value


def _chosen(form: _Form) -> tuple[str, int]:
    number = form.get("business_id", "")
    return form.get("user_name", ""), int(number) if number.isascii() and number.isdigit() else 0


def _address(chosen: Chat | _Form) -> str:
    if isinstance(chosen, Chat):
        return "/?" + urlencode({"user_name": chosen.user_name, "business_id": chosen.business_id})
    names = [name for name in ("user_name", "business_id") if chosen.get(name)]
    return "/?" + urlencode({name: chosen[name] for name in names}) if names else "/"


def _own_file(address: str) -> str | None:
    """Return the path of a file that the sandbox itself holds, None for the addresses of others."""
    found = _OWN_FILE.match(address)
    return found[1] if found else None


def _duration(seconds: float) -> str:
    whole = math.floor(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"
