"""Records what real Rasa posts to an action server, for `haptik-actions demo`.

    RASA_PYTHON=<a Python with Rasa 3.6.21> python -m tests.e2e.record_calls

trains the example, talks to it and replaces `haptik_actions/demo/calls/*.json`. Run it again when the example's domain
or the sandbox's users change. The bodies are Rasa's own, with the whole domain; only their layout is made readable.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from .bot import ACTIVE_BUSINESS, Chat, Installation
from .stack import REPOSITORY, action_server, rasa_python, rasa_server, services, train

CALLS = REPOSITORY / "haptik_actions" / "demo" / "calls"

# File name -> the sandbox's user who writes.
USERS = {"order_status": "asha", "order_status_failing": "ben", "order_status_haptik_down": "chitra"}


class Recorder:
    """A proxy before the action server at `target` that keeps the JSON of every action call."""

    def __init__(self, target: str) -> None:
        self.calls: list[Any] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                plain = zlib.decompress(body) if self.headers.get("Content-Encoding") == "deflate" else body
                recorder.calls.append(json.loads(plain))
                answer = httpx.post(f"{target}{self.path}", content=plain, timeout=60)
                self.send_response(answer.status_code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing: the recordings are the record."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def listening(self) -> Iterator[Recorder]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def record(python: str, folder: Path) -> dict[str, Any]:
    """File name -> the call of `action_order_status`. `python` is the interpreter with Rasa."""
    project = train(python, folder)
    with (
        services(sys.executable, folder) as around,
        action_server(sys.executable, project, folder, around) as actions,
        Recorder(actions.url).listening() as recorder,
        rasa_server(python, project, folder, recorder.url) as rasa,
    ):
        installation = Installation(rasa=rasa, actions=actions, around=around)
        for name, user in USERS.items():
            installation.orders("working" if name == "order_status" else "broken")
            installation.haptik(up=name != "order_status_haptik_down")
            chat = Chat(rasa=rasa.url, sender=user, metadata={"user_name": user, "business_id": ACTIVE_BUSINESS})
            chat.say("hello")
            chat.say("where is order 1001")
    return dict(zip(USERS, recorder.calls, strict=True))


def main() -> None:
    python = rasa_python()
    if python is None:
        sys.exit("RASA_PYTHON does not name a Python with Rasa 3.6.21.")
    with tempfile.TemporaryDirectory() as folder:
        calls = record(python, Path(folder))
    CALLS.mkdir(parents=True, exist_ok=True)
    for name, call in calls.items():
        text = json.dumps(call, indent=1, ensure_ascii=False)
        (CALLS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
