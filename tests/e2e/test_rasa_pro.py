"""The input channel held against rasa-pro's wheel, which is read and never run: it needs a licence.

The wheel is the one that RASA_PRO_WHEEL names, or what pip can download. What Rasa 3.6.21 does is shown by the other
tests of this folder.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

VERSION = "3.21.0"
DOWNLOAD_SECONDS = 120


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("RASA_PRO_WHEEL")
    if named:
        return Path(named)
    folder = tmp_path_factory.mktemp("rasa-pro")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", f"rasa-pro=={VERSION}"]
    try:
        done = subprocess.run([*command, "-d", str(folder)], capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip("RASA_PRO_WHEEL names no wheel of rasa-pro, and pip could not download one in time")
    found = next(folder.glob("*.whl"), None)
    if found is None:
        pytest.skip(f"RASA_PRO_WHEEL names no wheel of rasa-pro, and pip could not download one: {done.stderr[-200:]}")
    return found


@cache
def module(wheel: Path, name: str) -> ast.Module:
    with zipfile.ZipFile(wheel) as archive:
        return ast.parse(archive.read(f"{name.replace('.', '/')}.py"))


def classes(wheel: Path, name: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.walk(module(wheel, name)) if isinstance(node, ast.ClassDef)}


Function = ast.FunctionDef | ast.AsyncFunctionDef


def methods(wheel: Path, where: str) -> dict[str, Function]:
    """The methods of a class `module:Class`, those of its bases in the same module included."""
    name, _, owner = where.partition(":")
    known = classes(wheel, name)
    return {node.name: node for node in reversed([*_own_and_inherited(known, owner)])}


def _own_and_inherited(known: dict[str, ast.ClassDef], owner: str) -> Iterator[Function]:
    node = known.get(owner)
    if node is None:
        return
    yield from (part for part in node.body if isinstance(part, Function))
    for base in node.bases:
        if isinstance(base, ast.Name):
            yield from _own_and_inherited(known, base.id)


def takes(function: Function, positional: int, keywords: tuple[str, ...]) -> bool:
    """Tell whether the method can be called with so many arguments by place and these by name."""
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    required = len(names) - len(function.args.defaults)
    given = {*names[:positional], *keywords}
    by_name = {*names[positional:], *(argument.arg for argument in function.args.kwonlyargs)}
    fits = positional <= len(names) or function.args.vararg is not None
    return fits and set(names[:required]) <= given and (set(keywords) <= by_name or function.args.kwarg is not None)


CHANNEL = "rasa.core.channels.channel"
EVENTS = "rasa.shared.core.events"

CALLS = [
    # class, method, how many arguments by place, which by name
    (f"{CHANNEL}:UserMessage", "__init__", 3, ("input_channel", "metadata")),
    (f"{CHANNEL}:InputChannel", "get_output_channel", 0, ()),
    (f"{CHANNEL}:InputChannel", "name", 0, ()),
    (f"{CHANNEL}:OutputChannel", "__init__", 0, ()),
    (f"{CHANNEL}:OutputChannel", "send_response", 2, ()),
    (f"{CHANNEL}:CollectingOutputChannel", "__init__", 0, ()),
    ("rasa.core.agent:Agent", "handle_message", 1, ()),
    ("rasa.core.agent:Agent", "is_ready", 0, ()),
    ("rasa.core.nlg.response:TemplatedNaturalLanguageGenerator", "__init__", 1, ()),
    ("rasa.core.nlg.response:TemplatedNaturalLanguageGenerator", "generate", 3, ("domain_responses",)),
    ("rasa.shared.core.trackers:DialogueStateTracker", "current_slot_values", 0, ()),
    ("rasa.core.lock_store:LockStore", "lock", 1, ("wait_time_in_seconds",)),
    ("rasa.core.processor:CalmMessageProcessor", "handle_message", 1, ()),
    ("rasa.core.processor:CalmMessageProcessor", "get_tracker", 1, ()),
    ("rasa.core.processor:CalmMessageProcessor", "save_tracker", 1, ()),
    ("rasa.core.processor:CalmMessageProcessor", "_update_tracker_session", 2, ("metadata",)),
    ("rasa.core.processor:CalmMessageProcessor", "trigger_external_user_uttered", 4, ()),
    ("rasa.mantle.processor:MantleMessageProcessor", "handle_message", 1, ()),
    ("rasa.shared.core.trackers:DialogueStateTracker", "update", 2, ()),
    ("rasa.shared.core.trackers:DialogueStateTracker", "applied_events", 0, ()),
    ("rasa.shared.core.trackers:DialogueStateTracker", "get_latest_input_channel", 0, ()),
    ("rasa.shared.core.trackers:DialogueStateTracker", "latest_action_name", 0, ()),
    ("rasa.shared.core.trackers:DialogueStateTracker", "paused", 0, ()),
    ("rasa.shared.core.domain:Domain", "required_slots_for_form", 1, ()),
    ("rasa.shared.core.domain:Domain", "intents", 0, ()),
    (f"{EVENTS}:UserUttered", "__init__", 2, ("input_channel", "message_id", "metadata")),
    (f"{EVENTS}:BotUttered", "__init__", 3, ()),
    (f"{EVENTS}:SlotSet", "__init__", 2, ()),
    (f"{EVENTS}:ActionExecuted", "__init__", 1, ()),
    (f"{EVENTS}:FollowupAction", "__init__", 1, ()),
    ("rasa.core.channels.slack:SlackInput", "get_output_channel", 2, ()),
    ("rasa.core.channels.telegram:TelegramOutput", "__init__", 1, ()),
    ("rasa.core.channels.botframework:BotFramework", "__init__", 5, ()),
    ("rasa.core.channels.mattermost:MattermostBot", "__init__", 4, ()),
]


@pytest.mark.parametrize(("owner", "name", "positional", "keywords"), CALLS, ids=[f"{o}.{n}" for o, n, *_ in CALLS])
def test_what_the_channel_calls_is_there(
    wheel: Path, owner: str, name: str, positional: int, keywords: tuple[str, ...]
) -> None:
    found = methods(wheel, owner).get(name)
    assert found is not None, f"{owner} has no {name}"
    assert takes(found, positional, keywords), f"{owner}.{name}({ast.unparse(found.args)})"


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (CHANNEL, ["CollectingOutputChannel", "InputChannel", "OutputChannel", "UserMessage"]),
        (EVENTS, ["ActionReverted", "ActiveLoop", "ConversationPaused", "ConversationResumed", "Restarted"]),
        (EVENTS, ["Event", "SessionStarted"]),
        ("rasa.shared.core.trackers", ["DialogueStateTracker"]),
        ("rasa.shared.exceptions", ["InvalidConfigException"]),
        ("rasa.core.processor", ["MessageProcessor"]),
    ],
)
def test_what_the_channel_imports_is_there(wheel: Path, where: str, names: list[str]) -> None:
    assert set(names) <= set(classes(wheel, where))


def test_the_blueprint_is_asked_for_as_by_open_source(wheel: Path) -> None:
    assert takes(methods(wheel, f"{CHANNEL}:InputChannel")["blueprint"], 1, ())
    register = next(
        node for node in module(wheel, CHANNEL).body if isinstance(node, ast.FunctionDef) and node.name == "register"
    )
    assert "app.ctx.input_channels = input_channels" in ast.unparse(register)
    assert "await app.ctx.agent.handle_message(message)" in ast.unparse(register)


def test_the_copy_in_rasas_process_is_made_asked_and_given_responses_as_by_open_source(wheel: Path) -> None:
    generator = ast.unparse(module(wheel, "rasa.core.nlg.generator"))
    assert "return nlg_class(endpoint_config=endpoint_config, domain=domain)" in generator
    agent = ast.unparse(module(wheel, "rasa.core.agent"))
    assert "if isinstance(self.nlg, TemplatedNaturalLanguageGenerator):" in agent
    assert "self.nlg.responses = self.domain.responses" in agent
    # There the channel itself is passed, and not its name.
    actions = ast.unparse(module(wheel, "rasa.core.actions.action"))
    assert "nlg.generate(self.utter_action, tracker, output_channel, **kwargs)" in actions


def test_a_name_of_another_version_is_noticed(wheel: Path) -> None:
    lock = methods(wheel, "rasa.core.lock_store:LockStore")["lock"]
    assert not takes(lock, 0, ())
    assert not takes(lock, 1, ("no_such_name",))
    assert "no_such_method" not in methods(wheel, "rasa.core.agent:Agent")
