"""The studio: a web page where people who do not program edit what the bot says.

    async with serve(Settings.load(), port=8090) as url:    # http://127.0.0.1:8090
        ...

Needs the extra `studio`; importing without it raises `haptik_actions.errors.ConfigurationError`.
"""

from __future__ import annotations

from haptik_actions.errors import ConfigurationError

_PACKAGES = {
    "argon2": "argon2-cffi",
    "jinja2": "jinja2",
    "python_multipart": "python-multipart",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}

try:
    from haptik_actions.studio._audit import Audit, AuditEntry
    from haptik_actions.studio._passwords import Passwords
    from haptik_actions.studio._server import serve
    from haptik_actions.studio._studio import Studio
    from haptik_actions.studio._throttle import Throttle
    from haptik_actions.studio._users import User, Users
except ModuleNotFoundError as missing:
    _package = (missing.name or "").partition(".")[0]
    if _package not in _PACKAGES:
        raise
    raise ConfigurationError(
        f'The studio needs the package {_PACKAGES[_package]}: pip install "haptik-actions[studio]"'
    ) from missing

__all__ = ["Audit", "AuditEntry", "Passwords", "Studio", "Throttle", "User", "Users", "serve"]
