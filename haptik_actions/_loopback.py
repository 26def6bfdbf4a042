"""Which names mean this machine alone."""

from __future__ import annotations

from ipaddress import ip_address

__all__ = ["is_loopback"]


def is_loopback(host: str | None) -> bool:
    """Tell whether this names the loopback interface: `localhost`, 127.0.0.0/8, `::1`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
