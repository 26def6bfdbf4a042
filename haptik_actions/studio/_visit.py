"""One request to the studio: who makes it, what they may do, and what their form holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.requests import Request

from haptik_actions.studio._roles import Right, Role, may
from haptik_actions.studio._sessions import csrf_token

__all__ = ["LOCAL_USER", "Visit"]

LOCAL_USER = "local"
"""The author of edits where nobody signs in: everybody who can reach this machine's loopback interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`token` is that of the cookie. `role` is None for a visitor who has yet to sign in."""

    request: Request
    token: str
    name: str = LOCAL_USER
    role: Role | None = "publisher"
    is_signed_in: bool = False
    form: FormData = field(default_factory=FormData)

    @property
    def csrf(self) -> str:
        """What each form of this visitor carries."""
        return csrf_token(self.token)

    @property
    def is_scripted(self) -> bool:
        """Whether the studio's script asks, which wants a part of a page."""
        return self.request.headers.get("x-requested-with") == "studio"

    def may(self, right: Right) -> bool:
        """Tell whether the visitor has this right."""
        return self.role is not None and may(self.role, right)

    def field(self, name: str, default: str = "") -> str:
        """Return a text field of the form; a browser sends each line end as two characters."""
        value = self.form.get(name, default)
        return value.replace("\r\n", "\n") if isinstance(value, str) else default

    def fields(self) -> dict[str, str]:
        """Return all text fields of the form by name, as `field` does."""
        texts = {name: value for name, value in self.form.items() if isinstance(value, str)}
        return {name: value.replace("\r\n", "\n") for name, value in texts.items()}

    def asked(self, name: str, default: str = "") -> str:
        """Return a parameter of the address."""
        return self.request.query_params.get(name, default)
