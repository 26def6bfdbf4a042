"""What people do on the platform, as methods for tests: users write, agents claim, answer and complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._chats import Chat, Message, as_hsl
from haptik_actions.sandbox._events import Closing, Ending
from haptik_actions.sandbox._faq_csv import FaqNode
from haptik_actions.sandbox._node_calls import NodeCall, NodeCaller
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import Agent, Node, Sender, Sentence
from haptik_actions.sandbox._users import Feedback, Person

__all__ = ["People"]


class People:
    """The part of `Sandbox` that plays users and agents, and looks at their chats."""

    def __init__(self, platform: Platform, caller: NodeCaller) -> None:
        self._platform = platform
        self._caller = caller

    def faq_nodes(self, domain_name: str) -> list[FaqNode]:
        """Return the domain's FAQ nodes, active and inactive; `ConfigurationError` for an unknown domain."""
        return self._platform.faq.nodes(domain_name)

    def refuse_node(self, node_name: str, words: str) -> None:
        """Let every upload from now on stop at the node of that name; `words` are what its task says then."""
        self._platform.faq.refuse(node_name, words)

    def users(self) -> list[Person]:
        """Return everybody whom the platform knows: of the state, and registered through the Bot API."""
        return self._platform.users.all()

    def feedback(self) -> list[Feedback]:
        """Return the last thousand answers to `log_feedback_from_user`, the oldest first."""
        return self._platform.feedback.all()

    def queue(self) -> list[Chat]:
        """Return the chats that no agent has yet, counting down or pending, in the order in which they queue."""
        return self._platform.board.queue()

    def chats(self) -> list[Chat]:
        """Return every chat: with the bot, in a queue, with an agent, or complete."""
        return self._platform.board.chats()

    def say(
        self,
        user_name: str,
        business_id: int,
        content: str | dict[str, Any],
        *,
        sender: Sender = "user",
        agent_name: str | None = None,
    ) -> Message:
        """Add a message to the user's current conversation and return it.

        `content` is text or an HSL object. `agent_name` is who spoke where `sender` is `agent`. A message of the user
        opens the next conversation where the last is complete. `ConfigurationError` where the user has no chat on that
        business.
        """
        body = as_hsl(content)
        return self._platform.conversations.say(user_name, business_id, body, sender=sender, agent_name=agent_name)

    def messages(self, user_name: str, business_id: int, conversation_no: int) -> list[Message]:
        """Return what was said in a conversation, the oldest first; none for a conversation that never was."""
        return self._platform.transcripts.of(user_name, business_id, conversation_no)

    def agents(self) -> list[Agent]:
        """Return the agents, and whether each is online now."""
        return self._platform.desk.agents()

    def set_online(self, agent: str, online: bool) -> Agent:
        """Let an agent come (True) or go. `ConfigurationError` for an unknown name.

        Who goes keeps their chats. What waits for a team in which nobody is online any more is completed
        (`Team Offline Flag`).
        """
        return self._platform.desk.set_online(agent, online=online)

    def claim(self, user_name: str, business_id: int, *, agent: str) -> Chat:
        """Assign a pending chat to an agent of its team who is online, and return it.

        The webhook is told `chat_pinned`. `ConfigurationError` where the chat or the agent does not allow it.
        """
        return self._platform.desk.claim(user_name, business_id, agent=agent)

    def answer(self, user_name: str, business_id: int, text: str | dict[str, Any]) -> Message:
        """Send the user a text or an HSL object from the agent who has the chat, and return the message.

        The webhook is told `message`. `ConfigurationError` for a blank text, and where no agent has the chat.
        """
        return self._platform.desk.answer(user_name, business_id, text)

    def announce(self, user_name: str, business_id: int, sentence: Sentence, words: str | None = None) -> Message:
        """Tell the user one of the platform's automatic sentences, in `words` where they are given.

        `sentence` is `queue_position`, `delay`, `team_offline` or `recall`. The webhook is told `message`, with an
        agent who `is_automated`. `ConfigurationError` where no team has the chat.
        """
        return self._platform.desk.announce(user_name, business_id, sentence, words)

    def end_chat(self, user_name: str, business_id: int, ending: Ending) -> Chat:
        """Let the platform complete a chat by itself, and return the chat.

        `nobody_came` ends one that waits for an agent, `waiting_for_user` one that an agent has, `bot_completed` one
        that the bot has. The webhook is told as by `complete`. `ConfigurationError` where the chat is elsewhere.
        """
        return self._platform.desk.end(user_name, business_id, ending)

    def complete(
        self, user_name: str, business_id: int, *, reason: str = "", sub_reason: str = "", comment: str = ""
    ) -> Chat:
        """End the conversation of a chat that an agent has, and return the chat.

        The webhook is told `chat_complete` and `webhook_conversation_complete`, the latter with the three texts.
        `ConfigurationError` where no agent has the chat.
        """
        closing = Closing(reason=reason, sub_reason=sub_reason, comment=comment)
        return self._platform.desk.complete(user_name, business_id, closing)

    async def write(self, user_name: str, business_id: int, text: str, *, node: str | None = None) -> NodeCall:
        """Let a user of the platform write, and return what came of it.

        Where the bot has the chat, the node of that name is called, the first of `nodes()` when None. Otherwise the
        words are only brought to the agents. `ConfigurationError` where there is no such user, business or node.
        """
        wanted = self._caller.named(node)
        if wanted is None:
            raise ConfigurationError("no node can be called. Add one with add_node, or to nodes in the state")
        return await self._caller.write(user_name, business_id, text, wanted)

    async def call_node(
        self,
        url: str,
        node: str,
        user_name: str,
        text: str,
        *,
        business_id: int | None = None,
        secret: str | None = None,
        entities: Mapping[str, object] | None = None,
        env_variables: Mapping[str, object] | None = None,
        step: bool = False,
        is_end: bool = False,
        within: float = 30.0,
    ) -> NodeCall:
        """Let a user write at a node that calls the bot at `url`, and return what came of it.

        The request is signed where there is a `secret`. `entities` is what the node's bot read in the text; left out,
        the whole text as `feedback_regex`. `step` names the node `step` and not `node`, `is_end` makes it an end node.
        The bot has `within` seconds. What it answers are messages of the bot; an answer that does not fit, comes late
        or not at all is a bot break: the user reads that, and the chat waits for the default team where `habits` say
        so. `ConfigurationError` for an address of another machine, an unknown user, and a blank text.
        """
        called = Node(name=node, url=url, secret=secret, step=step, is_end=is_end)
        return await self._caller.write(
            user_name, business_id, text, called, entities=entities, env_variables=env_variables, within=within
        )

    def nodes(self) -> list[Node]:
        """Return the nodes that users of the platform can write to."""
        return self._caller.nodes()

    def add_node(self, node: Node) -> None:
        """Add a node that calls a bot, or replace the one of its name."""
        self._caller.add(node)

    def node_calls(self) -> list[NodeCall]:
        """Return the last thousand messages to nodes and what came of each, the oldest first."""
        return self._caller.calls()
