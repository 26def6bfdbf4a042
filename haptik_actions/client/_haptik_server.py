"""Which platform is called: production and the sandbox differ in this one value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from haptik_actions._network import is_loopback
from haptik_actions.errors import ConfigurationError

__all__ = ["PlatformServer"]


@dataclass(frozen=True, slots=True)
class PlatformServer:
    """The platform at `base_url`, for example `https://example.haptikapi.com`.

    Haptik gives the base URL at integration, often as a bare host name: `https://` is added then. Plain `http` would
    send the token in the clear and is refused, except for this machine's own loopback addresses (the sandbox).

    Raises:
        ConfigurationError: the URL is empty, malformed, not https, or carries a user, a query or a fragment.
    """

    base_url: str
    setting: str = field(default="HAPTIK_BASE_URL", kw_only=True, repr=False, compare=False)
    """Where the URL comes from, for the errors."""

    @classmethod
    def messenger(cls, base_url: str) -> PlatformServer:
        """Return the host of the Bot API, which is another one; its errors name HAPTIK_MESSENGER_URL."""
        return cls(base_url, setting="HAPTIK_MESSENGER_URL")

    def __post_init__(self) -> None:
        given = self.base_url.strip() if isinstance(self.base_url, str) else ""
        if not given:
            raise ConfigurationError(f"The base URL is empty. Set {self.setting} to the URL that Haptik gave you.")
        url = _parse(given if "://" in given else f"https://{given}", self.setting)
        object.__setattr__(self, "base_url", str(url).rstrip("/"))

    def url(self, path: str) -> httpx.URL:
        """Return the whole URL of an endpoint's `path`, which starts with a slash."""
        return httpx.URL(self.base_url + path)


def _parse(given: str, setting: str) -> httpx.URL:
    # Nothing of the URL but its host is ever printed: a user part may hold a password.
    try:
        url = httpx.URL(given)
    except (httpx.InvalidURL, UnicodeError):
        raise ConfigurationError(
            f"The base URL is malformed. Write {setting} as https://host, as Haptik gave it."
        ) from None
    if url.scheme not in ("http", "https") or not _is_host(url.host):
        raise ConfigurationError(f"The base URL must start with https:// and name a host. Look at {setting}.")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError(f"The base URL of {url.host} ({setting}) must not hold a user, a query or a fragment.")
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigurationError(
            f"The base URL of {url.host} ({setting}) is plain http, which would send the token in the clear. "
            "Write https://."
        )
    return url


def _is_host(host: str) -> bool:
    # httpx takes almost anything for a host; a typo should not wait for the resolver to be found.
    return bool(re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?|[0-9a-fA-F:.]+", host))
