"""Everything that haptik-actions raises.

    HaptikError
    ├── ConfigurationError        a setting or an argument that cannot work; nothing was sent
    ├── InvalidElement            an HSL element that the platform could not show as meant; nothing was sent
    ├── ConversionLoss            an element that a channel cannot show whole, asked for whole; nothing was sent
    ├── CredentialsUnavailable    the source of the credentials failed; nothing was sent
    ├── MessageError              what went wrong with the message store, where people write; bots get no error
    │   ├── InvalidMessage        a text that users could not read as meant; nothing was written
    │   ├── EditConflict          somebody else has changed the message meanwhile; nothing was written
    │   └── MessagesUnavailable   Redis does not answer
    ├── RelayAway                 the Redis that holds links and queues does not answer
    ├── IntegrationError          what a guarded action did wrong without raising anything itself
    │   ├── IntegrationTimeout    it took longer than its deadline
    │   ├── IntegrationCancelled  it was cancelled from within, not by the server
    │   ├── IntegrationDown       its breaker is open, so it was not run
    │   ├── InvalidReturn         it returned what Rasa cannot read
    │   ├── SilentTurn            the bot said nothing in a turn that Haptik wants an answer to
    │   └── SearchUnavailable     the search service of a form's field did not answer as its protocol says
    ├── RasaApiError              Rasa's own HTTP API was not reached, or refused
    │   └── UnknownConversation   Rasa has no conversation of that id
    ├── FaqRefused                FAQ nodes were not uploaded: a rule against losing some said no
    ├── FaqLocked, FaqLockLost    another process is applying FAQ nodes to that domain, or took over
    ├── FaqTaskFailed             the platform stopped at a row of the upload
    ├── LedgerError               the ledger of applied FAQ nodes cannot be read or written
    ├── TransportError            the platform was not reached, or the connection broke
    │   └── DeadlineExceeded      ... in the time that the call had
    ├── UnexpectedResponse        an answer that is not the documented JSON
    └── ApiError                  the platform refused the call
        ├── AuthenticationError   client id or token
        ├── InvalidRequest        a parameter is missing or malformed
        ├── AccessForbidden       the token is valid and may not do this
        ├── UnknownUser, UnknownBusiness, UnknownTeam
        ├── UnknownDomain         the bot that FAQ nodes are for
        ├── InvalidUserToken      the pxut of a transcript
        ├── InactiveBusiness, InactiveTeam
        ├── NoConversation        the user has not written on that business yet
        ├── NoActiveConversation  the user has no chat with an agent now, so there is nothing to rate
        ├── UserNotRegistered     Haptik does not know the `auth_id` of the Bot API
        ├── DuplicateFeedback     the user has rated a chat within the last hour
        ├── RateLimited           too many calls; `retry_after` in seconds where the platform names it
        └── ServerError           the platform failed (5xx)

No exception of httpx, aiohttp or redis leaves the library: each is chained below one of these. No error holds a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

__all__ = [
    *("AccessForbidden", "ApiError", "AuthenticationError", "ConfigurationError", "ConversionLoss"),
    *("CredentialsUnavailable", "DeadlineExceeded", "DuplicateFeedback", "EditConflict", "FaqLockLost"),
    *("FaqLocked", "FaqRefused", "FaqTaskFailed", "HaptikError", "InactiveBusiness", "InactiveTeam"),
    *("IntegrationCancelled", "IntegrationDown", "IntegrationError", "IntegrationTimeout", "InvalidElement"),
    *("InvalidMessage", "InvalidRequest", "InvalidReturn", "InvalidUserToken", "LedgerError", "MessageError"),
    *("MessagesUnavailable", "NoActiveConversation", "NoConversation", "RasaApiError", "RateLimited", "RelayAway"),
    *("SearchUnavailable", "ServerError", "SilentTurn", "TransportError", "UnexpectedResponse", "UnknownBusiness"),
    *("UnknownConversation", "UnknownDomain", "UnknownTeam", "UnknownUser", "UserNotRegistered"),
]


class HaptikError(Exception):
    """The root of the tree: catch it to catch all that this library raises.

    `remedy` says in a sentence what usually helps; where `temporary` is true the same call may succeed later by itself.
    """

    remedy: ClassVar[str] = ""
    temporary: ClassVar[bool] = False

    def __str__(self) -> str:
        # Some carry more beside their message.
        return str(self.args[0]) if self.args else ""


class ConfigurationError(HaptikError, ValueError):
    """A setting or an argument is missing or cannot work. The message names it, its place and the remedy."""


class InvalidElement(HaptikError, ValueError):
    """An HSL element that the platform could not show as meant: `problem` stands at `path`, such as `data.items[1]`."""

    remedy = "Correct the value at the path, where the element is built."

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class ConversionLoss(HaptikError, ValueError):
    """An element loses something on `channel`, and the caller asked for `strict`. `losses` has a line for each loss."""

    remedy = "Change the element, give the channel one of its own, or render without `strict`."

    def __init__(self, channel: str, losses: Sequence[str]) -> None:
        super().__init__(channel, losses)
        self.channel, self.losses = channel, tuple(losses)

    def __str__(self) -> str:
        return f"{self.channel} cannot show it whole: {'; '.join(self.losses)}"


class CredentialsUnavailable(HaptikError):
    """The source of the credentials failed. The source's own error is chained below."""

    remedy = "Look at the source of the credentials (vault, file, Redis); the chained error says what it answered."
    temporary = True


class MessageError(HaptikError):
    """Writing to the message store failed. Bots that read never get it."""


class InvalidMessage(MessageError, ValueError):
    """A message that users could not read as it is meant, so it was not written.

    `findings` is a tuple of `haptik_actions.messages.Finding`, of severity `error` at least one.
    """

    remedy = "Correct what is named, or keep the text as a draft."

    def __init__(self, message: str, findings: tuple[Any, ...] = ()) -> None:
        super().__init__(message, findings)
        self.findings = findings


class EditConflict(MessageError):
    """The message is no longer the one that the change began from, so nothing was written.

    `current` is what stands there now: a `haptik_actions.messages.Entry` or `Draft`, None where it is gone.
    """

    remedy = "Look at what stands there now, and decide again."

    def __init__(self, message: str, current: Any = None) -> None:
        super().__init__(message, current)
        self.current = current


class MessagesUnavailable(MessageError):
    """The Redis that holds the messages does not answer. Bots go on with what they read last."""

    remedy, temporary = "Check REDIS_URL and that Redis runs.", True


class RelayAway(HaptikError):
    """The Redis that holds the relay's links and queues does not answer."""

    remedy = "Check REDIS_URL and that Redis runs. What users write meanwhile is kept in the process that took it."
    temporary = True


class IntegrationError(HaptikError):
    """A guarded action failed without raising anything itself."""

    remedy = "Look at the system that the action calls."


class IntegrationTimeout(IntegrationError):
    """A guarded action took longer than its deadline."""

    remedy = "Make the integration faster, or raise `deadline` of the action in the domain's slot `haptik`."


class IntegrationCancelled(IntegrationError):
    """A guarded action raised `asyncio.CancelledError` although nobody had cancelled it."""

    remedy = "Look for a task that the action awaits and that something else cancels, such as a client being closed."


class IntegrationDown(IntegrationError):
    """The breaker of a guarded action is open after repeated failures; the action was not run."""

    remedy = "Look at the system that the action calls; the breaker tries it again by itself."


class InvalidReturn(IntegrationError):
    """A guarded action returned something else than a list of events that Rasa can read."""

    remedy = "Return a list of events made with `rasa_sdk.events`, with values that JSON can hold."


class SilentTurn(IntegrationError):
    """The bot said nothing in a turn that Haptik waits for. The receipt of the hand-off that follows names it."""

    remedy = "Find in Rasa's log what the turn ended with; guard its actions with `haptik-actions run`."


class SearchUnavailable(IntegrationError):
    """The search service of a form's field was not reached, took too long, or did not answer as documented."""

    remedy = "Look at the service behind the field's `search_source`."


class RasaApiError(HaptikError):
    """Rasa's HTTP API was not reached, is not enabled, or refused. `status` is the HTTP status, 0 without an answer."""

    remedy = "Check the address of Rasa and its token, and that Rasa runs with --enable-api."

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class UnknownConversation(RasaApiError):
    """No user has written in a conversation of that id."""

    remedy = "Pass the id under which the channel posts to Rasa (`sender_id` in the tracker)."


class FaqRefused(HaptikError):
    """FAQ nodes were not uploaded because a rule against losing some of them said no. The message says which."""

    remedy = "Look at the plan; lift the rule by the option that is named, or correct the source."


class FaqLocked(HaptikError):
    """Another process is applying FAQ nodes to the same domain."""

    remedy, temporary = "Wait until it has ended; `haptik-actions faq history` shows how far it is.", True


class FaqLockLost(HaptikError):
    """The lock on a domain's FAQ nodes went to another process while this one worked; it wrote nothing more."""

    remedy = "Look at `haptik-actions faq history` and apply again; this process was stopped for too long."
    temporary = True


class FaqTaskFailed(HaptikError):
    """The platform stopped at a row of the upload, which leaves a partly loaded bot. The message has its words.

    `node` is the name of the node in that row, if it is known.
    """

    remedy = "Correct the row and apply again, or put the last good set back with `haptik-actions faq apply --restore`."

    def __init__(self, message: str, node: str = "") -> None:
        super().__init__(message, node)
        self.node = node


class LedgerError(HaptikError):
    """The ledger of applied FAQ nodes cannot be reached, read or written."""

    remedy, temporary = "Check REDIS_URL, or the folder that --ledger names.", True


class TransportError(HaptikError):
    """The platform was not reached, or the connection broke before the whole answer arrived.

    `sent` is False where nothing of the request had left, so that the platform cannot have carried it out.
    """

    remedy = "Check HAPTIK_BASE_URL, the network between here and the platform, and the platform's status."
    temporary = True

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class DeadlineExceeded(TransportError):
    """The call did not finish in its time. Where it was `sent` the platform may or may not have carried it out."""

    remedy = "Raise the client's timeout, or look at why the platform is slow."


class UnexpectedResponse(HaptikError):
    """The answer is not what the documentation describes: not JSON, cut short, or of another shape."""

    remedy = "Check that HAPTIK_BASE_URL is the platform itself and not a page or proxy in front of it."
    temporary = True

    def __init__(self, message: str, *, endpoint: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.endpoint, self.status = endpoint, status


class ApiError(HaptikError):
    """The platform refused the call; in words that its documentation does not list where it is no class below this.

    `status` is the HTTP status, `message` the platform's own words (`error_message`), `endpoint` the path called.
    """

    remedy: ClassVar[str] = "Look at the platform's own words; its documentation does not list them."

    def __init__(self, message: str, *, status: int, endpoint: str) -> None:
        super().__init__(f"{endpoint} answered {status}: {message}")
        self.message, self.status, self.endpoint = message, status, endpoint

    def __reduce__(self) -> tuple[object, ...]:
        # Most need arguments that are named, which pickle does not pass on.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class AuthenticationError(ApiError):
    """The client id or the token is missing or wrong."""

    remedy = "Copy the token from the Business Manager to HAPTIK_TOKEN, and HAPTIK_CLIENT_ID from View Credentials."


class InvalidRequest(ApiError):
    """A required parameter is missing from the request, or malformed; the platform's words name it."""

    remedy = "Pass every parameter that the method's documentation names, none of them empty."


class AccessForbidden(ApiError):
    """The token is valid and is not allowed to do this (403 of the FAQ calls)."""

    remedy = "Ask Haptik which token may change this bot."


class UnknownUser(ApiError):
    """`user_name` is not valid for the partner."""

    remedy = "Pass the user_name of Haptik's integration request (`user.user_name`), not an id of your own."


class UnknownBusiness(ApiError):
    """`business_id` is not valid for the partner."""

    remedy = "Copy the business id (a number) from the Business Manager into HAPTIK_BUSINESS_ID."


class UnknownTeam(ApiError):
    """`team_name` is not valid for the partner."""

    remedy = "Copy the name from the Teams page of the Agent Chat Tool into the domain's slot `haptik` (`team`)."


class UnknownDomain(ApiError):
    """`domain_name` is not a bot of the partner."""

    remedy = "Copy the name of the domain (the bot) from Conversation Studio."


class InvalidUserToken(ApiError):
    """`pxut` cannot be decoded with the client id that signed the call."""

    remedy = "Pass the pxut and the client id of the same partner, both unchanged."


class InactiveBusiness(ApiError):
    """The business exists and is inactive."""

    remedy = "Activate the business in the Business Manager, or use another business id."


class InactiveTeam(ApiError):
    """The team exists and is inactive."""

    remedy = "Activate the team on the Teams page of the Agent Chat Tool, or name another one."


class NoConversation(ApiError):
    """The user has not had a chat on that business, so there is none to hand over."""

    remedy = "Check that user_name and business_id belong together; the user has to write first."


class NoActiveConversation(ApiError):
    """The user has no active chat with an agent, so there is none to give feedback on (`log_feedback_from_user`)."""

    remedy = "Ask for feedback only of a user whose chat an agent has."


class UserNotRegistered(ApiError):
    """Haptik knows no user of this `auth_id` (or of this `user_name`, in `send_chat_to_agent`)."""

    remedy = "Register the user with `create_user` first, and log a first message with `log_message_from_user`."


class DuplicateFeedback(ApiError):
    """The user has given feedback within the last hour; Haptik takes it once an hour."""

    remedy = "Leave it: the feedback that the user gave before is kept."


class RateLimited(ApiError):
    """Too many calls. `retry_after` is in seconds, or None where the platform does not name it."""

    remedy, temporary = "Call less often; `retry_after` says when to try again.", True

    def __init__(self, message: str, *, status: int, endpoint: str, retry_after: float | None = None) -> None:
        super().__init__(message, status=status, endpoint=endpoint)
        self.retry_after = retry_after


class ServerError(ApiError):
    """The platform failed (5xx)."""

    remedy, temporary = "Try again later; if it lasts, ask the platform's support.", True
