"""The studio's HTML: Jinja templates in which everything is escaped."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from haptik_actions.studio._visit import Visit

__all__ = ["render"]

_TEMPLATES = Path(__file__).parent / "templates"


def render(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """Return the page, or the part of one, that `template` makes of `values` and `visit`."""
    html = _environment().get_template(template).render(visit=visit, **values)
    # What comes from Redis may hold halves of characters.
    return HTMLResponse(html.encode("utf-8", "replace"), status)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


def _moment(at: datetime) -> Markup:
    shown = at.astimezone(timezone.utc)
    words = f"{shown.day} {shown:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(shown.isoformat(timespec="seconds"), words)
