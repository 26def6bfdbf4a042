"""The CPU that a guard costs an action that works, in this process and through rasa-sdk's own executor."""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from typing import Any

from rasa_sdk.executor import ActionExecutor

from haptik_actions.actions import Runtime, configure
from haptik_actions.config import Settings
from support.calls import call_of
from support.processes import BOT

CALLS = 2000
ROUNDS = 21
OPTIONS = {
    "team": "support",
    "countdown": 5,
    "deadline": 8,
    "messages": {"connected": "haptik_handoff_connected"},
    "actions": {"action_check_order": {"team": "orders"}},
}
"""A slot `haptik` as a bot has it: it travels with every call, and the guard has to look at it."""
MICRO = 1e6


def executor_of(module: str) -> ActionExecutor:
    """An executor with the one action of a module of the bot."""
    if str(BOT) not in sys.path:
        sys.path.insert(0, str(BOT))
    executor = ActionExecutor()
    executor.register_action(importlib.import_module(module).CheckOrder())
    return executor


async def measure_cpu() -> dict[str, Any]:
    """Microseconds of CPU per call, above an action without a guard; sides in turns, medians of the differences."""
    settings = Settings(base_url="http://127.0.0.1:9", client_id="client", token="token")
    runtime = Runtime(load_settings=lambda: settings)
    configure(lambda: runtime)
    try:
        return await _above_plain()
    finally:
        await runtime.aclose()
        configure()


async def _above_plain() -> dict[str, Any]:
    call = call_of("rest", "action_check_order", "asha", "works", OPTIONS)
    sides = {name: executor_of(f"speed_{name}") for name in ("plain", "timeout", "guarded")}

    async def seconds(executor: ActionExecutor) -> float:
        began = time.process_time()
        for _ in range(CALLS):
            await executor.run(call)
        return (time.process_time() - began) / CALLS

    for executor in sides.values():
        await seconds(executor)
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        rounds.append({name: await seconds(executor) for name, executor in sides.items()})

    def above_plain(side: str) -> float:
        return round(MICRO * statistics.median(times[side] - times["plain"] for times in rounds), 2)

    return {
        "unit": "microseconds of CPU per call",
        "unguarded": round(MICRO * statistics.median(times["plain"] for times in rounds), 2),
        "guard": {"measured": above_plain("guarded"), "goal": "at most 10"},
        "asyncio_timeout_alone": {"measured": above_plain("timeout")},
    }
