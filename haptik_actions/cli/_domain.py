"""Where the bot's domain lies."""

from __future__ import annotations

from pathlib import Path

__all__ = ["find_domain"]


def find_domain(named: Path | None) -> Path | None:
    """Return what was named, or where `rasa` looks in the current folder; None where there is nothing."""
    if named is not None:
        return named
    return next((path for path in (Path("domain"), Path("domain.yml")) if path.exists()), None)
