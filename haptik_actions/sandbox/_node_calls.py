"""A node of a Haptik bot that calls another bot: the request, how its answer is read, and what that leads to.

Source: Haptik's documentation, integration parameters and "Webhook node". Names and nesting are documented; what is
done with an answer that does not fit is "bot break" there, whose words are made up here.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat, Message, as_hsl
from haptik_actions.sandbox._events import Closing
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import Node
from haptik_actions.sandbox._webhook import outgoing, sign

if TYPE_CHECKING:
    import httpx

__all__ = ["NodeCall", "NodeCaller"]

_MOST_DETAILS = 500


class NodeBroke(Exception):
    """Raised where the answer is a bot break; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """An answer that fits: HSL objects for the user, and what is kept of the conversation and of the user."""

    status: bool
    elements: list[dict[str, Any]]
    conversation_details: dict[str, Any] = field(default_factory=dict)
    user_details: dict[str, Any] = field(default_factory=dict)


def read_answer(http_status: int, content: bytes) -> NodeAnswer:
    """Return the answer, or raise `NodeBroke`."""
    if http_status != 200:
        raise NodeBroke(f"answered {http_status}")
    try:
        answer = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NodeBroke("the answer is not a JSON object") from None
    status, response = answer.get("status"), answer.get("response")
    if not isinstance(status, bool):
        raise NodeBroke("status is not true or false")
    if not isinstance(response, list) or not all(isinstance(item, str) for item in response):
        raise NodeBroke("response is not a list of strings")
    if not any(item.strip() for item in response):
        raise NodeBroke("response is empty")
    details = [_details(answer, name) for name in ("conversation_details", "user_details")]
    size = sum(len(json.dumps(part)) for part in details if part)
    if size > _MOST_DETAILS:
        raise NodeBroke(f"conversation_details and user_details have {size} characters, more than {_MOST_DETAILS}")
    elements = [_element(item) for item in response if item.strip()]
    return NodeAnswer(status=status, elements=elements, conversation_details=details[0], user_details=details[1])


def _details(answer: dict[str, Any], name: str) -> dict[str, Any]:
    details = answer.get(name)
    if details is not None and not isinstance(details, dict):
        raise NodeBroke(f"{name} is not an object")
    return details or {}


def _element(item: str) -> dict[str, Any]:
    """Return the element that is serialised into the string, or the TEXT element that says the string."""
    try:
        element = msgspec.json.decode(item.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return as_hsl(item)
    return element if isinstance(element, dict) and isinstance(element.get("type"), str) else as_hsl(item)


_BOT_BREAK = "Something went wrong. Please try again."
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCall:
    """One message of a user, and the call that it led to.

    `at` is the sandbox's clock in seconds. `request` is the JSON that was sent, None where nobody was called: an agent
    or a queue has the chat, and the platform brings the words there. `status` is the HTTP status, 0 where none came.
    `problem` says why the answer is a bot break, and is empty where it is none. `answer` is what came back, `messages`
    are what the user read of it.
    """

    node: str
    url: str
    user_name: str
    business_id: int
    at: float
    request: dict[str, Any] | None = None
    status: int = 0
    problem: str = ""
    answer: Any = None
    messages: tuple[Message, ...] = ()

    def shown(self) -> dict[str, Any]:
        """Return the fields as JSON takes them."""
        return {**asdict(self), "messages": [{"id": said.id, "body": said.body} for said in self.messages]}


class NodeCaller:
    """Lets users of the platform write, and calls the bots of its nodes, over `transport`; httpx's own when None."""

    def __init__(self, platform: Platform, transport: httpx.AsyncBaseTransport | None) -> None:
        self._platform = platform
        self._transport = transport
        self.reset()

    def reset(self) -> None:
        """Return to the nodes of the state, and forget all calls."""
        self._nodes = {node.name: node for node in self._platform.state.nodes}
        self._calls: deque[NodeCall] = deque(maxlen=_KEPT)
        self._answer_get: set[str] = set()

    def nodes(self) -> list[Node]:
        """Return the nodes that users can write to."""
        return list(self._nodes.values())

    def add(self, node: Node) -> None:
        """Add a node, or replace the one of its name."""
        self._nodes[node.name] = node

    def named(self, name: str | None) -> Node | None:
        """Return the node of that name, the first when None; None where there is none at all."""
        if name is None:
            return next(iter(self._nodes.values()), None)
        if name not in self._nodes:
            known = ", ".join(self._nodes) or "none"
            raise ConfigurationError(
                f"no node has the name {name!r}. Add it to nodes in the state, or use one of: {known}"
            )
        return self._nodes[name]

    def calls(self) -> list[NodeCall]:
        """Return the newest thousand, the oldest first."""
        return list(self._calls)

    async def write(
        self,
        user_name: str,
        business_id: int | None,
        text: str,
        node: Node,
        *,
        entities: Mapping[str, Any] | None = None,
        env_variables: Mapping[str, Any] | None = None,
        within: float = 30.0,
    ) -> NodeCall:
        """Let the user write, call the node's bot where the bot has the chat, and say what it answers.

        Without a `business_id` it is the user's first one. `within` is how many seconds the bot has, of real time.
        `ConfigurationError` for a user or a business that is not there, and for a blank text.
        """
        chat = self._say(user_name, business_id, text)
        call = NodeCall(
            node=node.name,
            url=node.url,
            user_name=user_name,
            business_id=chat.business_id,
            at=self._platform.clock(),
        )
        if chat.state == "bot":
            request = self._request(chat, node, text, entities, env_variables or {})
            call = await self._call(replace(call, request=request), node, within)
        self._calls.append(call)
        return call

    def _say(self, user_name: str, business_id: int | None, text: str) -> Chat:
        platform = self._platform
        if platform.users.named(user_name) is None:
            raise ConfigurationError(f"nobody has the user_name {user_name!r}. Add it to users in the state")
        if not text.strip():
            raise ConfigurationError("the user says nothing. Give a text")
        if business_id is None:
            business_id = platform.first_business(user_name)
        if business_id not in platform.businesses:
            raise ConfigurationError(f"no business has the id {business_id}. Add it to businesses in the state")
        platform.board.open(user_name, business_id)
        platform.conversations.say(user_name, business_id, as_hsl(text), sender="user")
        return platform.conversations.chat(user_name, business_id)

    def _request(
        self,
        chat: Chat,
        node: Node,
        text: str,
        entities: Mapping[str, Any] | None,
        env_variables: Mapping[str, Any],
    ) -> dict[str, Any]:
        details = self._platform.details
        return {
            "step" if node.step else "node": node.name,
            "event": "API_INTEGRATION",
            "user": self._user(chat.user_name),
            "conversation_no": chat.conversation_no,
            "conversation_details": details.of_conversation(chat),
            "user_details": details.of_user(chat.user_name),
            "entities": dict(_whole_utterance(text, node) if entities is None else entities),
            "env_variables": dict(env_variables),
        }

    def _user(self, user_name: str) -> dict[str, Any]:
        person = self._platform.users.named(user_name)
        assert person is not None, "a chat belongs to a user"
        return {
            "user_id": str(person.user_id),
            "user_name": person.user_name,
            "full_name": person.name,
            "device_platform": person.device_platform,
            "language_code": person.language_code,
            # Only users who have signed in somewhere have an identity here.
            "auth_id": "" if person.auth_id == f"auth-{person.user_id}" else person.auth_id,
            "auth_code": "",
        }

    async def _call(self, call: NodeCall, node: Node, within: float) -> NodeCall:
        status, content = 0, b""
        try:
            status, content = await self._ask(node, call.request, within)
            answer = read_answer(status, content)
            messages = self._carry_out(call, node, answer)
        except NodeBroke as broke:
            call, messages = replace(call, problem=str(broke)), self._break(call)
        return replace(call, status=status, answer=_readable(content), messages=messages)

    async def _ask(self, node: Node, request: dict[str, Any] | None, within: float) -> tuple[int, bytes]:
        import httpx

        content = json.dumps(request).encode()
        headers = {"Content-Type": "application/json"}
        if node.secret is not None:
            headers["X-Hub-Signature"] = sign(node.secret, content)
        try:
            async with deadline(within), outgoing(self._transport) as transport:
                if node.url not in self._answer_get:
                    await _check_get(transport, node.url, within)
                    self._answer_get.add(node.url)
                sent = _request_to("POST", node.url, within, content=content, headers=headers)
                response = await transport.handle_async_request(sent)
                return response.status_code, await response.aread()
        except (DeadlinePassed, httpx.TimeoutException):
            raise NodeBroke(f"no answer within {within:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NodeBroke(f"no connection: {str(error) or type(error).__name__}") from error

    def _carry_out(self, call: NodeCall, node: Node, answer: NodeAnswer) -> tuple[Message, ...]:
        conversations = self._platform.conversations
        chat = conversations.chat(call.user_name, call.business_id)
        self._platform.details.add(chat, conversation=answer.conversation_details, user=answer.user_details)
        said = tuple(
            conversations.say(call.user_name, call.business_id, element, sender="bot") for element in answer.elements
        )
        if node.is_end and answer.status and chat.state == "bot":
            conversations.complete(chat, Closing(ending="bot_completed"))
        return said

    def _break(self, call: NodeCall) -> tuple[Message, ...]:
        conversations = self._platform.conversations
        said = conversations.say(call.user_name, call.business_id, as_hsl(_BOT_BREAK), sender="bot")
        if self._platform.state.habits.human_assistance:
            conversations.give_to_default_team(call.user_name, call.business_id)
        return (said,)


async def _check_get(transport: httpx.AsyncBaseTransport, url: str, within: float) -> None:
    """Raise `NodeBroke` where the address does not answer GET with 200, which the platform asks of it."""
    response = await transport.handle_async_request(_request_to("GET", url, within))
    await response.aclose()
    if response.status_code != 200:
        raise NodeBroke(f"GET was answered {response.status_code}; a node's address has to answer it with 200")


def _request_to(method: str, url: str, within: float, **more: Any) -> httpx.Request:
    import httpx

    timeout = httpx.Timeout(within).as_dict()
    return httpx.Request(method, url, extensions={"timeout": timeout}, **more)


def _whole_utterance(text: str, node: Node) -> dict[str, Any]:
    # A gateway node catches the whole text. The value is text in samples of 2021, and an object in those of 2023.
    value = {"value": text} if node.step else text
    return {"feedback_regex": [{"entity_value": value, "detection": "message", "original_text": text}]}


def _readable(content: bytes) -> Any:
    if not content:
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return content.decode("utf-8", "replace")[:4_000]
