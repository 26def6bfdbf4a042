"""What the channel does inside Rasa's interpreter without a server. Prints one line of JSON for each case.

python -m tests.e2e.channel_cases <folder of the trained bot>
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.callback import CallbackInput
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.core.channels.mattermost import MattermostBot, MattermostInput
from rasa.core.channels.rest import RestInput
from rasa.core.channels.slack import SlackInput
from rasa.core.channels.socketio import SocketIOInput
from rasa.core.channels.telegram import TelegramInput
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    Event,
    FollowupAction,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from haptik_actions.channel._outputs import Outputs
from haptik_actions.channel._tracker_events import form_of_pause, reset_slots, resume, user_words
from haptik_actions.relay import Link

ORDERS = ("new", "old", "bare")
LISTEN, PAUSE, THEN_LISTEN = ActionExecuted("action_listen"), ConversationPaused(), FollowupAction("action_listen")
ENDS: dict[str, list[Event]] = {"new": [THEN_LISTEN, LISTEN, PAUSE], "old": [PAUSE, LISTEN], "bare": [PAUSE]}


def main(project: Path) -> None:
    for case in outputs():
        print(json.dumps({"kind": "output", **case}))
    asyncio.run(returns(project))


def outputs() -> Iterator[dict[str, Any]]:
    """How a user can be reached whom this process has not heard of yet."""
    inputs: list[InputChannel] = [
        RestInput(),
        CallbackInput(SimpleNamespace()),
        SlackInput("xoxb-1", slack_signing_secret="s", use_threads=True),
        TelegramInput("1:token", "bot", "https://bot.example"),
        MattermostInput("https://chat.example/api/v4", "token", "https://bot.example"),
        SocketIOInput(),
    ]
    ways = Outputs(SimpleNamespace(ctx=SimpleNamespace(input_channels=inputs)))
    addresses = {"mattermost": {"bot_channel": "c1"}}
    for channel in (*(channel.name() for channel in inputs), "hangouts", "own_app", "haptik"):
        told: dict[str, Any] = {"channel": channel, "reach": ways.reach(channel, "u1"), "pull": ways.is_pull(channel)}
        if told["reach"] == "push" and channel != "haptik":
            told["made"] = _made(ways, channel, addresses.get(channel, {}))
        yield told
    kept = MattermostBot("https://chat.example/api/v4", "token", "c2", None)
    ways.keep("mattermost", "u2", kept)
    yield {"channel": "kept", "address": ways.address("mattermost", "u2"), "reach": ways.reach("mattermost", "u2")}
    ways.keep("rest", "u2", CollectingOutputChannel())
    yield {"channel": "not kept", "reach": ways.reach("rest", "u2"), "address": ways.address("rest", "u2")}


def _made(ways: Outputs, channel: str, address: dict[str, Any]) -> dict[str, Any]:
    metadata = {"out_channel": "C1", "thread_id": "T1"} if channel == "slack" else {}
    tracker = DialogueStateTracker.from_events("u1", [UserUttered("hi", None, metadata=metadata)])
    output = ways.to(Link.of(channel, "u1", 1201, return_address=address), tracker)
    names = ("slack_channel", "thread_id", "bot_channel")
    return {"name": output.name(), **{name: getattr(output, name) for name in names if hasattr(output, name)}}


async def returns(project: Path) -> None:
    """What the bot answers after the agent, for each order of the hand-off's events."""
    agent = Agent.load(project / "models" / "bot.tar.gz")
    for number, (order, resets, words, form) in enumerate(product(ORDERS, (False, True), (0, 3), (False, True))):
        told = await _Conversation(agent, f"user {number}").come_back(order, resets, words, form)
        case = {"order": order, "resets": resets, "words": words, "form": form}
        print(json.dumps({"kind": "return", **case, **told}))


class _Conversation:
    def __init__(self, agent: Agent, sender: str) -> None:
        self._agent, self._sender = agent, sender

    async def come_back(self, order: str, resets: bool, words: int, form: bool) -> dict[str, Any]:
        before = [await self.say(text) for text in ("hello", *(("book a table", "four") if form else ()))]
        await self._hand_over(order, form)
        for number in range(words):
            said = user_words(f"word {number}", channel="rest", message_id=f"m{number}", metadata=None)
            await self.put([said, BotUttered(f"answer {number}", {}, {"haptik": {"author": "agent"}})])
        found = form_of_pause(await self.tracker())
        events = await self.put(lambda tracker: resume(tracker, "rest", self._resets(tracker) if resets else []))
        after = [await self.say(text) for text in ("qwertz", "qwertz", "hello", "yes", "book a table", "five")]
        tracker = await self.tracker()
        slots = [tracker.get_slot(name) for name in ("people", "time")]
        return {"before": before, "form found": found, "events": events, "after": after, "slots": slots}

    def _resets(self, tracker: DialogueStateTracker) -> list[Event]:
        return reset_slots(tracker, self._agent.domain.required_slots_for_form("table_form"))

    async def _hand_over(self, order: str, form: bool) -> None:
        action = "action_book" if form else "action_report"
        last_answer = [ActionExecuted("table_form"), SlotSet("time", "eight"), SlotSet("requested_slot", None)]
        said = UserUttered("eight" if form else "it is torn", {"name": "nlu_fallback" if form else "report"})
        filled: list[Event] = [*last_answer, ActiveLoop(None)] if form else []
        receipt = SlotSet("haptik_handoff", {"id": "r1", "state": "connected", "action": action})
        await self.put([said, *filled, ActionExecuted(action), receipt, *ENDS[order]])

    async def say(self, text: str) -> list[str]:
        output = CollectingOutputChannel()
        await self._agent.handle_message(UserMessage(text, output, self._sender, input_channel="rest"))
        return [message["text"] for message in output.messages]

    async def tracker(self) -> DialogueStateTracker:
        return await self._agent.processor.get_tracker(self._sender)

    async def put(self, events: Sequence[Event] | Callable[[DialogueStateTracker], Sequence[Event]]) -> list[str]:
        tracker = await self.tracker()
        put = events(tracker) if callable(events) else events
        for event in put:
            tracker.update(event, self._agent.domain)
        await self._agent.processor.save_tracker(tracker)
        return [event.type_name for event in put]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    main(Path(sys.argv[1]))
