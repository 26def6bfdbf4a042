"""What a bot lacks that is no mistake, and what that costs: said before the first failure, not by it.

Which of Rasa's channels pass what the client says of its user was read in Rasa 3.6.21 (`core/channels`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._domain import load_domain, mapping_of
from haptik_actions.escalation._receipt import RECEIPT_SLOT

__all__ = ["advice_on_channels", "advice_on_domain"]

_FILE = "credentials.yml"
_UNIDENTIFIED = frozenset(
    {
        *("facebook", "slack", "telegram", "mattermost", "twilio", "twilio_voice", "botframework", "rocketchat"),
        *("callback", "webexteams", "hangouts", "audiocodes", "genesys", "jambonz", "vier_cvg"),
    }
)
"""Channels of Rasa whose messages never say who the user is for Haptik. Their own ids mean nothing to it."""


def advice_on_domain(domain: Path, settings: Settings) -> list[str]:
    """Return what the domain lacks, a sentence each.

    Raises:
        ConfigurationError: there is no such file or folder, or a file is not YAML.
    """
    slots = {name for content in load_domain(domain).values() for name in mapping_of(content, "slots")}
    found: list[str] = []
    if "haptik" not in slots:
        team = (
            "every chat goes to the team of HAPTIK_TEAM"
            if settings.team
            else "no team is named, so that no chat can be moved to one: set HAPTIK_TEAM, or add the slot"
        )
        found.append(f"{domain}: slots.haptik is missing: actions are guarded by the defaults, and {team}.")
    if "haptik" not in slots and RECEIPT_SLOT not in slots:
        found.append(
            f"{domain}: slots.haptik_handoff is missing: Rasa keeps no receipts of hand-offs, so that neither rules "
            "nor actions can go by them."
        )
    return found


def advice_on_channels(domain: Path | None, settings: Settings, folder: Path = Path()) -> list[str]:
    """Return which channels of the bot's `credentials.yml` have users who cannot be handed over, a sentence each.

    It is looked for in `folder`, and beside the domain. None where users are registered with Haptik, or where the
    domain has a slot `user_name` that the bot may fill.
    """
    if settings.messenger_url and settings.redis_url:
        return []
    try:
        if domain is not None and _fills_user_name(domain):
            return []
        return [*_unidentified(_credentials(domain, folder))]
    except ConfigurationError:
        # Rasa says what is wrong with its own file.
        return []


def _fills_user_name(domain: Path) -> bool:
    return any("user_name" in mapping_of(content, "slots") for content in load_domain(domain).values())


def _credentials(domain: Path | None, folder: Path) -> Path | None:
    places = [folder / _FILE, *([domain.parent / _FILE] if domain is not None else [])]
    return next((place for place in places if place.is_file()), None)


def _unidentified(file: Path | None) -> Iterator[str]:
    content: Any = None if file is None else load_domain(file).get(file)
    for channel, options in content.items() if isinstance(content, Mapping) else ():
        lacks = channel in _UNIDENTIFIED or (channel == "socketio" and "metadata_key" not in (options or {}))
        if lacks:
            key = " Or give socketio a `metadata_key`, and let the client send it." if channel == "socketio" else ""
            place = f"{file}:{content.lc.key(channel)[0] + 1}"
            yield (
                f"{place}: {channel} does not tell who its users are for Haptik. Unless "
                "the bot fills a slot user_name, they cannot be handed over, and read haptik_handoff_unavailable. Set "
                f"HAPTIK_MESSENGER_URL and REDIS_URL: then they are registered with Haptik.{key}"
            )
