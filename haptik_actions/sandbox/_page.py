"""The agents' page at `/`: queues, one chat with what was said in it, agents, events, requests, the outage's switch.

With the composer an agent sends an HSL element besides text. Source: Haptik's documentation, HSL: Text with quick
replies, Button, Carousel. Written by hand, so that sandbox and `haptik_actions.hsl` cannot share a mistake.

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

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat, as_hsl
from haptik_actions.sandbox._events import Closing, Ending
from haptik_actions.sandbox._hsl_view import view
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import Sentence
from haptik_actions.sandbox._users import DEVICES

__all__ = ["Page"]

_FIELDS = ("replies", "buttons", "image", "cards", "hsl")
_ADDRESS = re.compile(r"\s+(https?://\S+)\s*\Z")


def compose(form: Mapping[str, str]) -> str | dict[str, Any]:
    """Return the text of the form, or the element that its one other field stands for.

    `replies` and `buttons` are labels between `|`; a label with an address behind it is a button that opens it. `image`
    is an address; `cards` has one line a card: title, subtitle, address of an image, label of a button, between `|`.
    `hsl` is an element as JSON. `ConfigurationError` where two of them are filled in or one does not fit.
    """
    # A browser sends every line end as "\r\n".
    text = form.get("text", "").replace("\r\n", "\n")
    given = [name for name in _FIELDS if form.get(name, "").strip()]
    if len(given) > 1:
        raise ConfigurationError(f"answer: {' and '.join(given)} do not fit into one message. Send them one by one")
    if not given:
        return text
    return _WAYS[given[0]](text.strip(), form[given[0]].strip())


def _replies(text: str, labels: str) -> dict[str, Any]:
    if not text:
        raise ConfigurationError("answer: quick replies need a text above them. Write it")
    replies = [_tap(label, "TEXT_ONLY") for label in _parts(labels)]
    return {"text": text, "type": "TEXT", "data": {"quick_replies": replies}}


def _buttons(text: str, labels: str) -> dict[str, Any]:
    if not text:
        raise ConfigurationError("answer: buttons need a text above them. Write it")
    return {"text": text, "type": "BUTTON", "data": {"items": [_button(label) for label in _parts(labels)]}}


def _image(text: str, address: str) -> dict[str, Any]:
    return _carousel(text, [{"thumbnail": {"image": _http(address)}, "actionables": []}])


def _cards(text: str, lines: str) -> dict[str, Any]:
    return _carousel(text, [_card(line) for line in lines.splitlines() if line.strip()])


def _card(line: str) -> dict[str, Any]:
    title, subtitle, image, button = ([part.strip() for part in line.split("|", 3)] + [""] * 3)[:4]
    card: dict[str, Any] = {"title": title, "sub_title": subtitle, "description": ""}
    if image:
        card["thumbnail"] = {"image": _http(image)}
    return {**card, "actionables": [_button(button)] if button else []}


def _hsl(text: str, raw: str) -> dict[str, Any]:
    if text:
        raise ConfigurationError("answer: the JSON says its own text. Leave the text above it empty")
    try:
        element = msgspec.json.decode(raw.encode("utf-8", "replace"), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"answer: this is not an element as JSON ({error}). Check its brackets") from error
    return element


_WAYS = {"replies": _replies, "buttons": _buttons, "image": _image, "cards": _cards, "hsl": _hsl}


def _carousel(text: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"text": text, "type": "CAROUSEL", "data": {"image_aspect_ratio": 1.77, "width": "FAT", "items": items}}


def _button(label: str) -> dict[str, Any]:
    address = _ADDRESS.search(label)
    if address is None:
        return _tap(label, "TEXT_ONLY")
    tap = _tap(label[: address.start()], "APP_ACTION", uri="LINK")
    return {**tap, "payload": {"message": "", "url": address[1], "gogo_message": ""}}


def _tap(label: str, kind: str, **more: object) -> dict[str, Any]:
    return {
        "actionable_text": label,
        "location_required": False,
        "is_default": 0,
        "type": kind,
        **more,
        "payload": {"message": label, "gogo_message": ""},
    }


def _parts(labels: str) -> list[str]:
    return [label.strip() for label in labels.split("|") if label.strip()]


def _http(address: str) -> str:
    if not re.match(r"https?://\S+\Z", address):
        raise ConfigurationError(f"answer: {address!r} is no address of an image. Write one that begins with https://")
    return address


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


def _one_of(choice: object, value: str | None) -> Any:
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
