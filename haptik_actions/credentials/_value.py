"""The pair that signs a call, and the protocol of what provides it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from haptik_actions.errors import ConfigurationError

__all__ = ["Credentials", "CredentialsProvider", "CredentialsSelector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A client id and a token. Neither is shown by `repr`, `str` or a format.

    Raises:
        ConfigurationError: one of them is empty, or holds a character that no HTTP header may carry.
    """

    client_id: str = field(repr=False)
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("client_id", "token"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"The {name} is empty. Set HAPTIK_{name.upper()}, or look at its source.")
            if not (value.strip().isascii() and value.strip().isprintable()):
                raise ConfigurationError(f"The {name} holds a character that no HTTP header can carry. Copy it again.")
            object.__setattr__(self, name, value.strip())

    def hide(self, text: str) -> str:
        """Return `text` with client id and token replaced by stars: replies and errors of others may quote them."""
        return text.replace(self.token, "***").replace(self.client_id, "***")


@runtime_checkable
class CredentialsProvider(Protocol):
    """Anything that can say which credentials are valid now."""

    async def get(self) -> Credentials:
        """Return the current credentials; raise any exception where the source cannot be read."""


@runtime_checkable
class CredentialsSelector(Protocol):
    """Anything that knows which provider signs the calls for a business."""

    def select(self, business_id: int | None) -> CredentialsProvider:
        """Return the provider, always the same one for the same business; None for calls that name no business."""
