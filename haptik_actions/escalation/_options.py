"""The domain's slot `haptik`: how actions are guarded, and which team, which countdown, which copy a hand-off has.

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

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from haptik_actions.escalation._breaker import BreakerRule
from haptik_actions.escalation._brief import BriefRules
from haptik_actions.escalation._conversation import Conversation
from haptik_actions.relay import AfterAgent

__all__ = ["DAYS", "DEFAULTS", "HandOffOptions", "Hours"]

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
    teams: tuple[tuple[Mapping[str, Any], tuple[str, ...]], ...] | None = None
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
