"""Who may do what: three roles, each with all rights of the one before it."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

__all__ = ["ROLES", "Right", "Role", "may"]

Role: TypeAlias = Literal["viewer", "editor", "publisher"]
"""A viewer reads; an editor also writes drafts; a publisher also decides what users read."""

Right: TypeAlias = Literal["read", "edit", "publish"]

ROLES: tuple[Role, ...] = get_args(Role)
_RIGHTS: tuple[Right, ...] = get_args(Right)


def may(role: Role, right: Right) -> bool:
    """Tell whether a user of this role has the right."""
    return _RIGHTS.index(right) <= ROLES.index(role)
