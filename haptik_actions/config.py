"""Settings of connection: from the environment, or from section `haptik:` of `endpoints.yml`. The environment wins.

| setting       | environment         | what it is                                                       |
|---------------|---------------------|------------------------------------------------------------------|
| `base_url`    | HAPTIK_BASE_URL     | the platform's base URL, given by Haptik at integration           |
| `messenger_url` | HAPTIK_MESSENGER_URL | the host of the Bot API, another one; given by Haptik too      |
| `receiver`    | HAPTIK_RECEIVER     | the agents' tool that gets chats, in v2.0 of the hand-off         |
| `client_id`   | HAPTIK_CLIENT_ID    | View Credentials in Conversation Studio                           |
| `token`       | HAPTIK_TOKEN        | Business Manager                                                  |
| `business_id` | HAPTIK_BUSINESS_ID  | a number: the channel where users write                           |
| `team`        | HAPTIK_TEAM         | the team that gets chats where the domain names none              |
| `redis_url`   | REDIS_URL           | the Redis or Valkey that holds the messages                       |
| `nlg_token`   | HAPTIK_NLG_TOKEN    | what Rasa has to send to the studio's NLG endpoint                |
| `messages_snapshot` | HAPTIK_MESSAGES_SNAPSHOT | a file that keeps the messages across a restart           |
| `locale`      | HAPTIK_LOCALE       | the language of users whose own is not known, `en` if left out   |
| `frozen_seconds` | HAPTIK_FROZEN_SECONDS | how long an action server may be frozen until it is killed  |

Settings of behaviour (teams, countdown, copy) live in the domain's slot `haptik`.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from haptik_actions._from_outside import is_locale
from haptik_actions._log import get_logger
from haptik_actions._yaml import YamlProblem, load_bounded
from haptik_actions.errors import ConfigurationError

__all__ = ["Settings", "nearest", "read_yaml"]

logger = get_logger(__name__)

ENVIRONMENT: Mapping[str, str] = {
    "base_url": "HAPTIK_BASE_URL",
    "messenger_url": "HAPTIK_MESSENGER_URL",
    "receiver": "HAPTIK_RECEIVER",
    "client_id": "HAPTIK_CLIENT_ID",
    "token": "HAPTIK_TOKEN",
    "business_id": "HAPTIK_BUSINESS_ID",
    "team": "HAPTIK_TEAM",
    "redis_url": "REDIS_URL",
    "nlg_token": "HAPTIK_NLG_TOKEN",
    "messages_snapshot": "HAPTIK_MESSAGES_SNAPSHOT",
    "locale": "HAPTIK_LOCALE",
    "frozen_seconds": "HAPTIK_FROZEN_SECONDS",
}
"""Setting -> environment variable."""

WHERE_FROM: Mapping[str, str] = {
    "base_url": "Haptik gives it at integration",
    "messenger_url": "Haptik gives it at integration, beside the base URL",
    "receiver": "Haptik names it; its own agent tool is athena",
    "client_id": "it stands under View Credentials in Conversation Studio",
    "token": "it is copied from the Business Manager",
    "business_id": "it is the number of the business in the Business Manager",
    "team": "its name stands on the Teams page of the Agent Chat Tool",
    "redis_url": "for example redis://localhost:6379/0",
    "nlg_token": "make one up, and write it into `nlg:` of Rasa's endpoints.yml too",
    "messages_snapshot": "a file that this process may write",
    "locale": "a language tag such as en, de or hi-IN",
    "frozen_seconds": "whole seconds, or 0 for never",
}

_TOLERATED = {"locale", "frozen_seconds"}

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach the platform and the message store. Secrets and addresses that may hold one are not in `repr`."""

    base_url: str | None = None
    messenger_url: str | None = None
    receiver: str | None = None
    client_id: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    business_id: int | None = None
    team: str | None = None
    redis_url: str | None = field(default=None, repr=False)
    nlg_token: str | None = field(default=None, repr=False)
    messages_snapshot: str | None = None
    locale: str | None = None
    frozen_seconds: int | None = None

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str] | None = None,
        endpoints: str | os.PathLike[str] = "endpoints.yml",
        *,
        tolerant: bool = False,
    ) -> Settings:
        """Read the environment, then section `haptik:` of `endpoints` for what the environment leaves out.

        A missing file or section is no mistake; `${NAME}` in the file is replaced from the environment, as Rasa does.
        With `tolerant` a `locale` or `frozen_seconds` that cannot work is logged and left out: a chat is handed over in
        English rather than not at all.

        Raises:
            ConfigurationError: the file is not YAML, or a value cannot work; names the file, the path and the remedy.
        """
        environ = os.environ if environ is None else environ
        path = Path(endpoints)
        values = _from_file(path, environ) if path.is_file() else {}
        for name, variable in ENVIRONMENT.items():
            if environ.get(variable, "").strip():
                values[name] = (environ[variable].strip(), f"the environment variable {variable}")
        for name in _TOLERATED & values.keys() if tolerant else ():
            try:
                _typed(name, *values[name])
            except ConfigurationError as error:
                logger.error("%s", error)
                del values[name]
        return cls(**{name: _typed(name, value, place) for name, (value, place) in values.items()})

    def require(self, name: str) -> Any:
        """Return the setting `name`.

        Raises:
            ConfigurationError: it is missing or empty; names the setting and the places where it can be put.
        """
        value = getattr(self, name)
        if value is None:
            raise ConfigurationError(
                f"{ENVIRONMENT[name]} is not set. Set this environment variable, or `{name}` in section `haptik:` of "
                f"endpoints.yml ({WHERE_FROM[name]})."
            )
        return value


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML (or JSON) file as plain values; None for an empty file.

    Raises:
        ConfigurationError: the file cannot be read or is not YAML. The message holds a line number and never the
            file's text, which may be secret.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("{"):
            # Not all JSON is YAML to the ruamel.yaml of Rasa 3.6: a tab is not.
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(text)
        return load_bounded(text)
    except YamlProblem as problem:
        place = f", line {problem.line}" if problem.line else ""
        message = f"{path}{place}: {problem.words}."
    except UnicodeDecodeError:
        message = f"{path}: this is not valid YAML in UTF-8. Save it as UTF-8."
    except OSError as error:
        message = f"{path}: {error.strerror or 'the file cannot be read'}. Check that it exists and can be read."
    # Raised outside the handler, so that the foreign error, which quotes the file's text, is not chained.
    raise ConfigurationError(message)


def nearest(word: str, known: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """Return ` Did you mean 'x'?` for the known word nearest to `word`, or an empty string."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


def _from_file(path: Path, environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    content = read_yaml(path)
    section = content.get("haptik") if isinstance(content, dict) else None
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise ConfigurationError(f"{path}: `haptik` must be a section with settings such as `base_url:`.")
    values: dict[str, tuple[Any, str]] = {}
    for key, value in section.items():
        if key not in ENVIRONMENT:
            logger.warning("%s: unknown setting `haptik.%s` is ignored.%s", path, key, nearest(str(key), ENVIRONMENT))
            continue
        expanded = _expand(value, environ)
        if expanded not in (None, ""):
            values[key] = (expanded, f"`haptik.{key}` in {path}")
    return values


def _expand(value: object, environ: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda match: environ.get(match[1] or match[2], ""), value).strip()


def _typed(name: str, value: object, place: str) -> Any:
    kind = next(f.type for f in fields(Settings) if f.name == name)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ConfigurationError(f"{place} must be {'a number' if 'int' in str(kind) else 'text'}.")
    if name == "locale":
        return _locale(str(value), place)
    if "int" not in str(kind):
        return str(value)
    if not str(value).isdecimal():
        raise ConfigurationError(f"{place} must be a number ({WHERE_FROM[name]}).")
    return int(value)


def _locale(value: str, place: str) -> str:
    tag = value.replace("_", "-")
    if not (is_locale(tag) and tag[0].isalpha()):
        raise ConfigurationError(
            f"{place} is {value[:60]!r} and must be one language tag: {WHERE_FROM['locale']}. Without it users whose "
            "language is not known read English."
        )
    return tag
