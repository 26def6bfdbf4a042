"""Where a request comes from: this machine's own names, and the studio's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

__all__ = ["is_own_page", "local_path"]

_OWN_PAGE = frozenset({"none", "same-origin"})


def is_own_page(request: Request) -> bool:
    """Tell whether a form came from a page of the studio, by what browsers say that send it."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in _OWN_PAGE
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:
        return False


def local_path(address: str) -> str:
    """Return `address` where it is a path of the studio, else the studio's first page: nobody is led elsewhere."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() else "/"
