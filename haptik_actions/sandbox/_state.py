"""What the sandbox's platform knows before the first request: frozen values that check themselves."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._faq_csv import FaqNode
from haptik_actions.sandbox._faults import Fault
from haptik_actions.sandbox._loopback import is_loopback_url

__all__ = [
    "WORDS",
    "Agent",
    "Business",
    "Domain",
    "Habits",
    "Node",
    "Partner",
    "SeedMessage",
    "Sender",
    "Sentence",
    "State",
    "Team",
    "User",
    "Webhook",
]

Sentence = Literal["queue_position", "delay", "team_offline", "recall"]

WORDS: Mapping[Sentence, str] = {
    "queue_position": "You are number {position} in the queue.",
    "delay": "Our agents need longer than usual. Please stay with us.",
    "team_offline": "Nobody of our team is here right now. Your message waits for them.",
    "recall": "Are you still there?",
}
"""The documentation names these sentences; their words are made up. `{position}` counts from 1."""

Seconds = Annotated[float, Meta(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the platform does to chats by itself. All times are seconds of the sandbox's clock.

    `sentences`: a chat that begins to wait hears its position in the queue, or that the team is offline; after
    `delay_after` more seconds that it takes longer. `to_last_agent`: a chat that begins to wait goes to the agent who
    had the user last, where that one is online and in the team. `nobody_after`: a chat that has waited that long is
    completed by the platform. `idle_after`: so is one whose user has not answered an agent for that long.
    `human_assistance`: a chat with which a node's bot failed waits for the default team.
    """

    sentences: bool = False
    delay_after: Seconds = 60
    to_last_agent: bool = False
    nobody_after: Seconds | None = None
    idle_after: Seconds | None = None
    human_assistance: bool = True


Sender = Literal["user", "bot", "agent"]

# Client id and token travel in headers, which carry visible ASCII only.
HeaderText = Annotated[str, Meta(pattern=r"^[!-~]+\Z")]
# No user could type a control character or a lone surrogate, and no page could show it.
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]+\Z")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An account that may call the platform. The token is left out of `repr`."""

    client_id: HeaderText
    token: HeaderText = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business: its `id` is the number that requests carry as `business_id`."""

    id: Annotated[int, Meta(ge=1)]
    name: Name
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team of agents: its `name` is what requests carry as `team_name`, upper and lower case matter."""

    name: Name
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMessage:
    """A message that was sent before the sandbox started: its words as `text`, or an element as `hsl`.

    Without `business_id` and `conversation_no` it belongs to the user's first business and current conversation.
    """

    sender: Sender
    text: str | None = None
    hsl: dict[str, Any] | None = None
    agent_name: Name | None = None
    business_id: Annotated[int, Meta(ge=1)] | None = None
    conversation_no: Annotated[int, Meta(ge=1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user, the ids of the businesses where the user has a chat, and the number of the current conversation.

    `messages` were sent before the start. `pxut` is the token that stands for the user of a chat embedded elsewhere
    ("TRACT Packed eXtensible User Token"); it is left out of `repr`. `auth_id` is what the Bot API calls the user,
    made up when None. `device_platform` is the documented number of the user's channel, 5 for the Web; `language_code`
    is of ISO 639-1.
    """

    user_name: Name
    businesses: tuple[int, ...] = ()
    conversation_no: Annotated[int, Meta(ge=1)] = 1
    pxut: HeaderText | None = field(default=None, repr=False)
    auth_id: Annotated[str, Meta(pattern=r"^[0-9A-Za-z]+\Z")] | None = None
    full_name: str = ""
    language_code: Annotated[str, Meta(pattern=r"^[a-z]{2}\Z")] = "en"
    device_platform: Literal[2, 3, 4, 5, 6, 13, 14, 15] = 5
    messages: tuple[SeedMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person who answers chats of their teams. Who is offline claims none."""

    name: Name
    teams: tuple[str, ...] = ()
    online: bool = True
    email: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where the platform sends its events: an http or https address of this machine.

    With a `secret` each request carries `X-Hub-Signature`; it is left out of `repr`. `ConfigurationError` for an
    address of another machine: what a sandbox is told must not leave the machine it runs on.
    """

    url: str
    secret: Annotated[str, Meta(min_length=1)] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not is_loopback_url(self.url):
            raise ConfigurationError(
                f"webhook.url: {self.url!r} is no address that the sandbox sends to. It sends to this machine only: "
                "write for example http://127.0.0.1:5005/webhooks/haptik"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of a Haptik bot that calls another bot: its `name` in the bot, and the address that it calls.

    With a `secret` each call carries `X-Hub-Signature`. `step`: the call names it `step`, as since 2023, and not
    `node`. `is_end`: it is an end node, at which a status of true completes the chat. `ConfigurationError` for an
    address of another machine.
    """

    name: Name
    url: str
    secret: Annotated[str, Meta(min_length=1)] | None = field(default=None, repr=False)
    step: bool = False
    is_end: bool = False

    def __post_init__(self) -> None:
        if not is_loopback_url(self.url):
            raise ConfigurationError(
                f"url: {self.url!r} is no address that the sandbox calls. It calls this machine only: "
                "write for example http://127.0.0.1:5005/webhooks/haptik/webhook"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A bot whose FAQ nodes can be uploaded: its `name` is what requests carry as `domain_name`.

    Only the partners in `client_ids` may upload, all of them when None. `nodes` are there from the start.
    """

    name: Name
    client_ids: tuple[HeaderText, ...] | None = None
    nodes: tuple[FaqNode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything the platform knows at the start, and the faults that it starts with.

    Every partner sees all businesses, teams and users. `default_team` gets the chats that nobody moved to a team: those
    of users of the Bot API, and those with which a bot failed; the first active team when None. `nodes` are the bots
    that the platform calls for users who write to it.

    Raises `ConfigurationError` where an identifier stands twice, or one is named that does not exist.
    """

    partners: Annotated[tuple[Partner, ...], Meta(min_length=1)]
    businesses: tuple[Business, ...] = ()
    teams: tuple[Team, ...] = ()
    users: tuple[User, ...] = ()
    agents: tuple[Agent, ...] = ()
    webhook: Webhook | None = None
    domains: tuple[Domain, ...] = ()
    faults: tuple[Fault, ...] = ()
    default_team: Name | None = None
    habits: Habits = field(default_factory=Habits)
    nodes: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        _refuse_repeated("partners[{}].client_id", (partner.client_id for partner in self.partners))
        _refuse_repeated("businesses[{}].id", (business.id for business in self.businesses))
        _refuse_repeated("teams[{}].name", (team.name for team in self.teams))
        _refuse_repeated("users[{}].user_name", (user.user_name for user in self.users))
        _refuse_repeated("users[{}].pxut", (user.pxut or object() for user in self.users), shown="the token")
        _refuse_repeated("users[{}].auth_id", (user.auth_id or object() for user in self.users))
        for index, user in enumerate(self.users):
            self._check_businesses(user, f"users[{index}].businesses")
            for number, message in enumerate(user.messages):
                _check_message(user, message, f"users[{index}].messages[{number}]")
        self._check_agents()
        self._check_domains()
        self._check_default_team()
        _refuse_repeated("nodes[{}].name", (node.name for node in self.nodes))

    def _check_default_team(self) -> None:
        active = [team.name for team in self.teams if team.active]
        if self.default_team is not None and self.default_team not in active:
            raise ConfigurationError(
                f"default_team: no active team has the name {self.default_team!r}. "
                f"Add it to teams, or use one of: {', '.join(active) or 'none'}"
            )

    def _check_domains(self) -> None:
        _refuse_repeated("domains[{}].name", (domain.name for domain in self.domains))
        known = {partner.client_id for partner in self.partners}
        for index, domain in enumerate(self.domains):
            path = f"domains[{index}]"
            _refuse_repeated(path + ".nodes[{}].node_name", (node.node_name for node in domain.nodes))
            for number, client_id in enumerate(domain.client_ids or ()):
                if client_id not in known:
                    raise ConfigurationError(
                        f"{path}.client_ids[{number}]: no partner has the client id {client_id!r}. Add it to partners"
                    )

    def _check_agents(self) -> None:
        _refuse_repeated("agents[{}].name", (agent.name for agent in self.agents))
        known = [team.name for team in self.teams]
        for index, agent in enumerate(self.agents):
            _refuse_repeated(f"agents[{index}].teams[{{}}]", agent.teams)
            for number, team in enumerate(agent.teams):
                if team not in known:
                    raise ConfigurationError(
                        f"agents[{index}].teams[{number}]: no team has the name {team!r}. "
                        f"Add it to teams, or use one of: {', '.join(known) or 'none'}"
                    )

    def _check_businesses(self, user: User, path: str) -> None:
        _refuse_repeated(path + "[{}]", user.businesses)
        known = {business.id for business in self.businesses}
        for index, business_id in enumerate(user.businesses):
            if business_id not in known:
                ids = ", ".join(map(str, sorted(known))) or "none"
                raise ConfigurationError(
                    f"{path}[{index}]: no business has the id {business_id}. Add it to businesses, or use one of: {ids}"
                )


def _check_message(user: User, message: SeedMessage, path: str) -> None:
    if (message.text is None) == (message.hsl is None):
        raise ConfigurationError(f"{path}: has to have either text or hsl. Write one of the two")
    if (message.sender == "agent") != (message.agent_name is not None):
        raise ConfigurationError(f"{path}.agent_name: belongs to a message whose sender is agent, and to no other")
    if not user.businesses or message.business_id not in (None, *user.businesses):
        raise ConfigurationError(f"{path}: the user has no chat on that business. Add it to the user's businesses")


def _refuse_repeated(path: str, values: Iterable[Hashable], *, shown: str | None = None) -> None:
    seen: set[Hashable] = set()
    for index, value in enumerate(values):
        if value in seen:
            what = shown or repr(value)
            raise ConfigurationError(f"{path.format(index)}: {what} stands twice. Remove or rename one of the two")
        seen.add(value)
