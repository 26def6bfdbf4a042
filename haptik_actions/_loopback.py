"""Which names mean this machine alone, and which requests come from elsewhere all the same."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["host_of", "is_forwarded", "is_loopback"]

_BY_PROXIES = ("x-forwarded-", "forwarded", "x-real-ip", "via", "x-original-", "cf-connecting-ip", "true-client-ip")


def is_forwarded(headers: Iterable[str]) -> bool:
    """Tell whether a request came through a proxy, by the names of its headers."""
    return any(name.lower().startswith(_BY_PROXIES) for name in headers)


def is_loopback(host: str | None) -> bool:
    """Tell whether this names the loopback interface: `localhost`, 127.0.0.0/8, `::1`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str | None:
    """Return the name in a `Host` header, without its port; None where there is none."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None
