"""The domain's files, checked before a bot is trained or served.

The check finds what of the slot `haptik` cannot work, and where. It also names what a bot lacks without a mistake, and
what that costs, before the first failure shows it.

Which of Rasa's channels pass what the client says of its user was read in Rasa 3.6.21 (`core/channels`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haptik_actions.config import Settings, nearest
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._conversation import RECEIPT_SLOT
from haptik_actions.escalation._slot import SLOT_PATH, Finding, read_slot

__all__ = ["DomainFinding", "advice_on_channels", "advice_on_domain", "check_domain"]

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
        # `credentials.yml` is Rasa's own file, and Rasa says what is wrong with it.
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


_DECLARED = {"type": "any", "influence_conversation": False, "mappings": [{"type": "custom"}]}
"""How both slots have to stand in the domain, so that Rasa neither fills them nor lets them change predictions."""
_OF_RASA = re.compile(r"action_default_fallback|action_validate_slot_mappings|validate_\w+|action_ask_\w+")
"""Actions that a domain may have without listing them, or that belong to its forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFinding:
    """A mistake in a file of the domain: its line (None where it is something missing), the keys' path, the problem."""

    file: Path
    line: int | None
    path: str
    problem: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else str(self.file)
        return f"{place}: {self.path} {self.problem}"


def check_domain(domain: Path) -> list[DomainFinding]:
    """Return what is wrong with the slots `haptik` and `haptik_handoff` in a domain's file or folder.

    Nothing is wrong with a domain that does not have the slot `haptik`: the settings and the defaults hold then.

    Raises:
        ConfigurationError: there is no such file or folder, or a file is not YAML; names the file and the line.
    """
    files = load_domain(domain)
    with_slot = [path for path, content in files.items() if "haptik" in mapping_of(content, "slots")]
    if not with_slot:
        return []
    first, *others = with_slot
    actions = {name for content in files.values() for name in _names(content, "actions")}
    findings = [*_slot_findings(files[first], actions), *_receipt_findings(files), *_after_agent_findings(files, first)]
    found = [_located(first, files[first], finding) for finding in findings]
    return found + [_twice(path, first, files[path]) for path in others]


def load_domain(domain: Path) -> dict[Path, object]:
    """Return the content of a file, or of each file of a folder, with the lines that its keys stand on.

    Raises:
        ConfigurationError: there is no such file or folder, or a file is not YAML; names the file and the line.
    """
    return {path: _load(path) for path in _files(domain)}


def _files(domain: Path) -> list[Path]:
    if domain.is_dir():
        return sorted(path for path in domain.rglob("*") if path.suffix in (".yml", ".yaml"))
    if not domain.is_file():
        raise ConfigurationError(f"{domain}: there is no such file or folder. Name the domain of the bot.")
    return [domain]


def _load(path: Path) -> object:
    # ruamel's round-trip loader keeps the line of each key.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark is not None else ""
        message = f"{path}{place}: this is not valid YAML in UTF-8. Check quotes, colons and indentation there."
    raise ConfigurationError(message)


def _slot_findings(content: Any, actions: set[str]) -> Iterator[Finding]:
    declared = content["slots"]["haptik"]
    yield from _declaration_findings("haptik", declared)
    if not isinstance(declared, Mapping):
        return
    value = declared.get("initial_value")
    if value is None:
        yield Finding(SLOT_PATH, "is missing: the slot says nothing without it.")
    read, findings = read_slot(value)
    yield from findings
    for name in read.actions:
        if name not in actions and not _OF_RASA.fullmatch(name):
            near = nearest(name, sorted(actions))
            yield Finding(f"{SLOT_PATH}.actions.{name}", f"names an action that the domain does not list.{near}")


def _after_agent_findings(files: Mapping[Path, Any], first: Path) -> Iterator[Finding]:
    """What `after_agent` names, here and for single actions, has to be in the domain."""
    intents = {name for content in files.values() for name in _names(content, "intents")}
    slots = {str(name) for content in files.values() for name in mapping_of(content, "slots")}
    read, _ = read_slot(mapping_of(files[first]["slots"], "haptik").get("initial_value"))
    plans = {SLOT_PATH: read.general, **{f"{SLOT_PATH}.actions.{name}": plan for name, plan in read.actions.items()}}
    for path, plan in plans.items():
        after = plan.after_agent
        if after is None:
            continue
        if after.trigger is not None and after.trigger not in intents:
            near = nearest(after.trigger, sorted(intents))
            yield Finding(f"{path}.after_agent.trigger", f"names an intent that the domain does not have.{near}")
        for name in after.reset if isinstance(after.reset, tuple) else ():
            if name not in slots:
                near = nearest(name, sorted(slots))
                yield Finding(f"{path}.after_agent.reset", f"names a slot that the domain does not have.{near}")


def _receipt_findings(files: Mapping[Path, Any]) -> Iterator[Finding]:
    for content in files.values():
        if RECEIPT_SLOT in mapping_of(content, "slots"):
            # The finding is about another place than the slot `haptik`, so it names the key and no line.
            yield from _declaration_findings(RECEIPT_SLOT, content["slots"][RECEIPT_SLOT])
            return
    yield Finding(f"slots.{RECEIPT_SLOT}", "is missing: Rasa forgets the receipts of hand-offs without it.")


def _declaration_findings(name: str, declared: object) -> Iterator[Finding]:
    if not isinstance(declared, Mapping):
        yield Finding(f"slots.{name}", "must be a mapping with `type: any`.")
        return
    for key, value in _DECLARED.items():
        if declared.get(key) != value:
            wanted = str(value).lower() if isinstance(value, bool) else value
            yield Finding(f"slots.{name}.{key}", f"must be {wanted if key != 'mappings' else '[{type: custom}]'}.")


def _twice(path: Path, first: Path, content: object) -> DomainFinding:
    finding = Finding("slots.haptik", f"stands in {first} already, and Rasa uses only one of them.")
    return _located(path, content, finding)


def _located(file: Path, content: object, finding: Finding) -> DomainFinding:
    return DomainFinding(file=file, line=_line(content, finding.path), path=finding.path, problem=finding.problem)


def _line(content: object, path: str) -> int | None:
    """Return the line of the last key of `path` that exists, None where not even the first does."""
    line: int | None = None
    while path:
        found = _step(content, path)
        if found is None:
            break
        line, content, path = found
    return line


def _step(content: Any, path: str) -> tuple[int, Any, str] | None:
    index = re.match(r"\[(\d+)\]\.?", path)
    if index and isinstance(content, list) and int(index[1]) < len(content):
        lines: Any = content
        return lines.lc.item(int(index[1]))[0] + 1, content[int(index[1])], path[index.end() :]
    if not isinstance(content, Mapping):
        return None
    # Keys may contain dots, so the longest key that fits is taken.
    fitting = [key for key in content if re.match(re.escape(str(key)) + r"(?=$|[.\[])", path)]
    if not fitting:
        return None
    key = max(fitting, key=lambda each: len(str(each)))
    mapping: Any = content
    return mapping.lc.key(key)[0] + 1, content[key], path[len(str(key)) :].removeprefix(".")


def mapping_of(content: object, key: str) -> Mapping[object, object]:
    """Return the mapping below a key, an empty one where there is none."""
    found = content.get(key) if isinstance(content, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _names(content: object, section: str) -> Iterator[str]:
    """The names of a list of the domain, such as its actions or intents."""
    listed = content.get(section) if isinstance(content, Mapping) else None
    for name in listed if isinstance(listed, list) else ():
        # An intent with options is a mapping from its name to the options.
        yield from map(str, name) if isinstance(name, Mapping) else [str(name)]
