"""Which names mean this machine alone, which requests came through a proxy, and which certificates are trusted."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from haptik_actions.errors import ConfigurationError

__all__ = ["host_of", "is_forwarded", "is_loopback", "tls_context"]

_BY_PROXIES = ("x-forwarded-", "forwarded", "x-real-ip", "via", "x-original-", "cf-connecting-ip", "true-client-ip")
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")
"""OpenSSL finds the certificates of a folder by such names, which `c_rehash` makes."""


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


def tls_context(ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """Return a context that trusts the certificates in `ca_file` (PEM).

    Without one it trusts those that SSL_CERT_FILE or SSL_CERT_DIR names, as httpx does, and without these certifi's.

    Raises:
        ConfigurationError: what is named is missing or holds no certificate.
    """
    folder = os.environ.get("SSL_CERT_DIR")
    if ca_file is not None:
        return _from_file(ca_file, f"The CA file {os.fspath(ca_file)}")
    if named := os.environ.get("SSL_CERT_FILE"):
        return _from_file(named, f"SSL_CERT_FILE names {named}, which")
    if folder:
        return _from_folder(folder)
    # Here, not at the top: only those who connect pay for the import.
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _from_file(path: str | os.PathLike[str], what: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        # OpenSSL says of a file without a certificate only that there is none "or CRL".
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise ConfigurationError(f"{what} cannot be used ({reason}). Name a file in PEM format.") from error


def _from_folder(folder: str) -> ssl.SSLContext:
    try:
        holds_one = any(_HASHED_NAME.fullmatch(name) for name in os.listdir(folder))
    except OSError as error:
        raise ConfigurationError(
            f"SSL_CERT_DIR names {folder}, which cannot be used ({error.strerror or error}). Name a folder."
        ) from error
    if not holds_one:
        raise ConfigurationError(
            f"SSL_CERT_DIR names {folder}, which cannot be used (it holds no certificate under a hashed name). "
            "Run c_rehash on it, or name another."
        )
    return ssl.create_default_context(capath=folder)
