"""Rasa's NLG endpoint on one worker: answers a second and p99 at 16 connections.

    .venv/bin/python benchmarks/nlg.py                      # prints JSON

The client runs in a process of its own. A bare ASGI app on the same server, which answers the same bytes, is the other
side; sides run in turns.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from multiprocessing.pool import Pool
from typing import Any

import redis
from support.nlg_load import CONNECTIONS, ask
from support.valkey import running

REQUESTS, ROUNDS = 8_000, 5
CALL = {
    "response": "utter_state",
    "id": None,
    "arguments": {},
    "tracker": {
        "sender_id": "asha",
        "slots": {"order_id": "1001", "state": "on its way", "haptik": {"team": "support"}, "tier": None},
        "latest_message": {"text": "where is my order", "intent": {"name": "ask"}, "entities": [], "metadata": {}},
        # What Rasa sends grows with the conversation: this is one of twenty turns.
        "events": [
            {"event": "user", "timestamp": 1700000000.1, "text": "where is my order", "input_channel": "rest"},
            {"event": "action", "timestamp": 1700000000.2, "name": "utter_state", "policy": "policy_0_RulePolicy"},
        ]
        * 20,
    },
    "channel": {"name": "collector"},
}
SERVER = """
import asyncio, sys
from haptik_actions._serving import serve_app

async def bare(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    body = b'{"text":"Order 1001 is on its way."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

async def main():
    app = bare
    if sys.argv[1] != "bare":
        from haptik_actions.messages import MessageStore
        from haptik_actions.nlg import nlg_app
        store = MessageStore.from_url(sys.argv[2])
        store.start()
        app = nlg_app(store)
    async with serve_app(app) as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def serve(side: str, url: str) -> tuple[subprocess.Popen[str], int]:
    """Start one side; return it and its port."""
    words = [sys.executable, "-c", SERVER, side, url]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    return process, int(process.stdout.readline().rsplit(":", 1)[1])


def measure(pool: Pool, ports: dict[str, int]) -> dict[str, list[tuple[float, float]]]:
    """Side -> of each round the answers a second and the p99 in seconds."""
    body = json.dumps(CALL).encode()
    measured: dict[str, list[tuple[float, float]]] = {side: [] for side in ports}
    for round_ in range(ROUNDS + 1):
        for side, port in ports.items():
            result = pool.apply(ask, (port, body, REQUESTS))
            # The first round warms up.
            if round_:
                measured[side].append(result)
    return measured


def summary(measured: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Of the best round of each side: the machine's other work is not what is measured."""
    best = {side: max(rounds) for side, rounds in measured.items()}
    return {
        "connections": CONNECTIONS,
        "body_bytes": len(json.dumps(CALL)),
        "ratio_to_a_bare_app": round(best["nlg"][0] / best["bare"][0], 2),
        "answers_a_second": round(best["nlg"][0]),
        "goal_answers_a_second": 3000,
        "p99_ms": round(best["nlg"][1] * 1000, 2),
        "goal_p99_ms": 10,
        "rounds": {
            side: [[round(rate), round(p99 * 1000, 2)] for rate, p99 in rounds] for side, rounds in measured.items()
        },
    }


def main() -> None:
    with running() as valkey, multiprocessing.get_context("spawn").Pool(1) as pool:
        redis.Redis.from_url(valkey.url).set("haptik:messages:en:utter_state", "Order {order_id} is {state}.")
        started = {side: serve(side, valkey.url) for side in ("bare", "nlg")}
        try:
            print(json.dumps(summary(measure(pool, {side: port for side, (_, port) in started.items()})), indent=2))
        finally:
            for process, _ in started.values():
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
