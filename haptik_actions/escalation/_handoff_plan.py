"""What the domain's slot `haptik` says of hand-offs, and the plan that follows from it for one failure.

slots:
  haptik:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
    initial_value:
      team: support             # a name from the Teams page of the Agent Chat Tool, or a list to try in turn
      teams:                    # the first rule that fits goes before `team`
        - {when: {slots: {tier: gold}, channel: facebook, locale: hi}, team: vip}
      countdown: 5              # seconds until the chat enters the queue, 5 to 10; left out: the platform's 10
      pause: true               # pause the conversation after a confirmed hand-off
      locale: en                # of the copy; left out: the message's `language_code`, then the store's own
      deadline: 8               # seconds that an action may take
      idempotent: false         # true: the action may be run again after a failure
      retry: 2                  # how often, within the deadline
      breaker: orders_api       # actions with one name fail at once while its integration is down
      thread: true              # an asynchronous action that blocks: run it in a thread with a loop of its own
      limit: 30                 # hand-offs a minute that reach the team; the others wait behind
      episode: 12               # hours in which a chat that waits for an agent is not handed over again
      on_error:                 # what an exception leads to; left out: handoff
        ValueError: apologise   # a class, or one that it is derived from: handoff, apologise or pass
      hours:                    # outside of these the copy is that of `<receipt>_closed`
        timezone: Asia/Kolkata
        open: {mon-fri: "09:00-18:00", sat: "10:00-14:00"}
      brief: {slots: [order_id], turns: 4}  # what an agent may be told
      assign_within: 300        # seconds after which the user is told that nobody has come yet; left out: never
      after_agent:              # when the bot has the conversation back
        trigger: agent_is_done  # an intent to trigger; left out: none
        reset: form             # slots to empty: those of the form, none, or a list of names
      earlier_messages: keep    # what the action said before it failed: keep or drop
      messages:                 # message keys per receipt; left out: the plugin's own
        connected: haptik_handoff_connected
      actions:                  # the same keys again for single actions
        action_order_status: {team: orders}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, time, timezone
from typing import Any
from zoneinfo import ZoneInfo

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._breaker import BreakerRule
from haptik_actions.escalation._brief import BriefRules, opening_text
from haptik_actions.escalation._conversation import (
    RECEIPT_SLOT,
    Conversation,
    HandOffRequested,
    Identity,
    NotUnderstood,
    Receipt,
    State,
)
from haptik_actions.escalation._outbox import HandOff, Opening, Terms
from haptik_actions.messages import MessageStore, locale_of
from haptik_actions.relay import AfterAgent, Link

__all__ = ["DAYS", "DEFAULTS", "Failure", "HandOffOptions", "HandOffPlan", "Hours"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Spans of opening per day of the week (Monday is 0), in one time zone. A span that ends before it starts ends on
    the next day."""

    zone: ZoneInfo
    spans: Mapping[int, tuple[tuple[time, time], ...]]

    def are_open(self, at: datetime) -> bool:
        """Tell whether agents answer at `at`, an aware time."""
        here = at.astimezone(self.zone)
        now, today = here.time(), here.weekday()
        for start, end in self.spans.get(today, ()):
            if start <= now < end or (end <= start and now >= start):
                return True
        yesterday = (today - 1) % 7
        return any(end <= start and now < end for start, end in self.spans.get(yesterday, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffOptions:
    """How to guard an action and hand over its chat.

    None (and a key that `messages` or `on_error` lacks) means: not said here, ask the next layer. `deadline` is in
    seconds, `retry` a number of repetitions, `limit` hand-offs a minute, `episode` hours. The module's docstring
    shows each of them as it stands in the domain.
    """

    team: tuple[str, ...] | None = None
    teams: tuple[tuple[Mapping[str, object], tuple[str, ...]], ...] | None = None
    countdown: int | None = None
    pause: bool | None = None
    locale: str | None = None
    deadline: float | None = None
    retry: int | None = None
    idempotent: bool | None = None
    breaker: BreakerRule | None = None
    thread: bool | None = None
    limit: int | None = None
    episode: float | None = None
    on_error: Mapping[str, str] = field(default_factory=dict)
    hours: Hours | None = None
    earlier_messages: str | None = None
    brief: BriefRules | None = None
    assign_within: float | None = None
    after_agent: AfterAgent | None = None
    messages: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: HandOffOptions) -> HandOffOptions:
        """Return these options, completed by `other` where these say nothing."""
        said = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        merged = {"messages": {**other.messages, **self.messages}, "on_error": {**other.on_error, **self.on_error}}
        return replace(other, **{**said, **merged})

    def message_keys(self, state: str, at: datetime, *, asked: bool = False, here: bool = False) -> list[str]:
        """Return the message keys for a receipt's state at `at`, the best one first.

        `asked` is for users who have asked for an agent: they have met no error. `here` says that the agent's words
        come to where the user is.
        """
        plain = asked_key(state) if asked else default_key(state)
        defaults = [f"{plain}_here", plain] if here and state == "connected" else [plain]
        keys = [self._own_key(state), *defaults]
        if self.hours is not None and not self.hours.are_open(at):
            keys = [self._own_key(f"{state}_closed"), *(f"{key}_closed" for key in defaults), *keys]
        return [key for key in keys if key is not None]

    def _own_key(self, state: str) -> str | None:
        # The domain may spell out the plugin's own key. It means the default then, in whatever form fits.
        key = self.messages.get(state)
        return None if key == default_key(state) else key

    def verdict(self, error: BaseException) -> str:
        """Return what an error leads to: `handoff`, `apologise` or `pass`; its nearest class that is named decides."""
        names = (kind.__name__ for kind in type(error).__mro__)
        return next((self.on_error[name] for name in names if name in self.on_error), "handoff")

    def team_for(self, conversation: Conversation, locale: str | None) -> tuple[str, ...] | None:
        """Return the teams to try for a conversation."""
        for when, team in self.teams or ():
            if _fits(when, conversation, locale):
                return team
        return self.team


DEFAULTS = HandOffOptions(
    pause=True, deadline=8.0, retry=2, idempotent=False, limit=30, episode=12.0, earlier_messages="keep"
)
"""What holds where nobody says anything. Rasa itself would wait 300 s for an action."""


def default_key(state: str) -> str:
    """Return the plugin's own message key for a receipt's state."""
    return f"haptik_handoff_{state}"


def asked_key(state: str) -> str:
    """Return the plugin's own message key for users who have asked for an agent."""
    return f"haptik_request_{state}"


def _fits(when: Mapping[str, Any], conversation: Conversation, locale: str | None) -> bool:
    slots = when.get("slots", {})
    return (
        all(conversation.slots.get(name) == value for name, value in slots.items())
        and when.get("channel", conversation.channel) == conversation.channel
        and ("locale" not in when or (locale is not None and _is_in(locale, str(when["locale"]))))
    )


def _is_in(locale: str, wanted: str) -> bool:
    # `hi` is meant to cover hi-IN as well.
    tags, prefix = locale.replace("_", "-").lower().split("-"), wanted.replace("_", "-").lower().split("-")
    return tags[: len(prefix)] == prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What failed: the action's name, its error, and the options that hold for it (see `Escalator.plan`)."""

    action: str
    error: BaseException
    plan: HandOffOptions = field(default=DEFAULTS)


# Receipts of hand-offs that an agent has, or will have.
_WAITING = ("connected", "assigned", "delayed", "throttled", "duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffPlan:
    """What a failure leads to, worked out once and passed on.

    Attributes:
        apologises: The domain says to say sorry and to hand off nothing.
        locale: The user's language tag; None where nobody says it.
        teams: The teams to try in turn; empty where the domain names none.
        terms: On which terms the outbox takes the hand-off.
        pauses: The conversation is paused once Haptik has confirmed the hand-off.
        receipt: What the user's slot holds if the hand-off is not possible.
        is_requested: An agent is wanted, and nothing failed.
        is_asked: The user asked for the agent.
    """

    failure: Failure
    conversation: Conversation
    apologises: bool
    locale: str | None
    teams: tuple[str, ...]
    terms: Terms
    pauses: bool
    receipt: Receipt
    is_requested: bool
    is_asked: bool

    @classmethod
    def of(cls, failure: Failure, conversation: Conversation) -> HandOffPlan:
        """Plan what follows from a failure in a conversation."""
        options, is_requested = failure.plan, isinstance(failure.error, HandOffRequested)
        locale = options.locale
        if locale is None:
            locale = locale_of(conversation.slots, *conversation.metadata)
        teams = options.team_for(conversation, locale) or ()
        return cls(
            failure=failure,
            conversation=conversation,
            apologises=options.verdict(failure.error) == "apologise",
            locale=locale,
            teams=teams,
            terms=_terms(options, conversation),
            pauses=options.pause is not False,
            receipt=Receipt(
                state="unavailable",
                action=failure.action,
                team=teams[0] if teams else None,
                error=None if is_requested else type(failure.error).__name__,
            ),
            is_requested=is_requested,
            is_asked=is_requested and not isinstance(failure.error, NotUnderstood),
        )

    def message_keys(self, state: State, *, here: bool) -> list[str]:
        """Return the keys of what the user is told, the best first; the last one is the plugin's own."""
        return self.failure.plan.message_keys(state, datetime.now(timezone.utc), asked=self.is_asked, here=here)

    async def handoff(
        self, identity: Identity, settings: Settings, *, has_links: bool, messages: Callable[[], MessageStore]
    ) -> HandOff:
        """Return the hand-off for the user of `identity`.

        Raises:
            ConfigurationError: no team is named. A chat that is opened needs none.
        """
        teams = self.teams or ((settings.team,) if settings.team else ())
        if not teams and identity.user_name is not None:
            raise ConfigurationError(
                "No team is named. Set `team` in the initial_value of the domain's slot `haptik`, or HAPTIK_TEAM."
            )
        return HandOff(
            id=self.receipt.id,
            user_name=identity.user_name,
            business_id=identity.business_id,
            teams=teams,
            countdown=self.failure.plan.countdown,
            link=self._link(identity) if has_links else None,
            opening=await self._opening(identity, messages) if identity.user_name is None else None,
        )

    async def _opening(self, identity: Identity, messages: Callable[[], MessageStore]) -> Opening:
        failure = self.failure
        text = await opening_text(messages, failure.action, failure.error, self.conversation, failure.plan.brief)
        return Opening(text=text, name=identity.full_name, language=_two_letters(self.locale))

    def _link(self, identity: Identity) -> Link:
        options = self.failure.plan
        return Link.of(
            self.conversation.channel or "",
            self.conversation.sender_id,
            identity.business_id,
            conversation_no=identity.conversation_no,
            assign_within=options.assign_within,
            locale=self.locale,
            form=self.conversation.form,
            after_agent=options.after_agent or AfterAgent(),
        )


def _terms(options: HandOffOptions, conversation: Conversation) -> Terms:
    value = conversation.slots.get(RECEIPT_SLOT)
    before = None if value is None else Receipt.from_slot(value)
    return Terms(
        limit=options.limit or DEFAULTS.limit or 1,
        episode=(options.episode or DEFAULTS.episode or 1) * 3600,
        resumed_at=conversation.resumed_at,
        ended=conversation.ended,
        running=conversation.running,
        receipt=(before.id, before.began) if before is not None and before.state in _WAITING else None,
    )


def _two_letters(locale: str | None) -> str | None:
    """Return the language of a tag as Haptik takes it: two letters of ISO 639-1, and nothing for other tags."""
    language = (locale or "").replace("_", "-").partition("-")[0].lower()
    return language if len(language) == 2 and language.isascii() and language.isalpha() else None
