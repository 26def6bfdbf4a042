"""A server that plays the chat platforms: takes what the connectors of Rasa send, and answers as each platform would.

Runs inside the interpreter that has Rasa, hence the standard library alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Recording", "decoded", "recording_server"]

_TELEGRAM_MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}


class Recording:
    """What has arrived since it was last taken.

    Attributes:
        url: The base URL; the first part of a path names the platform.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._arrived: list[dict[str, Any]] = []

    def add(self, path: str, body: Any) -> None:
        """Remember one request."""
        self._arrived.append({"path": path, "body": body})

    def take(self) -> list[dict[str, Any]]:
        """The requests that have arrived, each given once."""
        arrived, self._arrived = self._arrived, []
        return arrived


@contextmanager
def recording_server() -> Iterator[Recording]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    recording = Recording(f"http://127.0.0.1:{server.server_port}")
    server.recording = recording  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recording
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer leaves in one packet: the second of two would wait for an acknowledgement, 40 ms.
    wbufsize = -1

    def do_POST(self) -> None:
        body = decoded(self.headers, self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        path = urlsplit(self.path).path
        if not path.endswith("/login"):
            self.server.recording.add(path, body)  # type: ignore[attr-defined]
        answer = json.dumps(_answer(path)).encode()
        # Twilio answers 201 to what it has created, the others 200.
        self.send_response(201 if path.endswith("/Messages.json") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: standard error is for what goes wrong."""


def decoded(headers: Message, body: bytes) -> Any:
    """JSON as it is; a form as an object, in which a field that comes several times is a list."""
    kind = headers.get_content_type()
    if kind == "application/x-www-form-urlencoded":
        fields = parse_qs(body.decode(), keep_blank_values=True)
        return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    if kind == "multipart/form-data":
        whole = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        parts = [part for part in whole.walk() if not part.is_multipart()]
        return {_name(part): _content(part) for part in parts}
    return json.loads(body)


def _name(part: Message) -> str:
    return str(part.get_param("name", header="Content-Disposition"))


def _content(part: Message) -> str:
    content = part.get_payload(decode=True)
    return content.decode() if isinstance(content, bytes) else ""


def _answer(path: str) -> dict[str, Any]:
    if path.startswith("/telegram"):
        several = path.lower().endswith("sendmediagroup")
        return {"ok": True, "result": [_TELEGRAM_MESSAGE] if several else _TELEGRAM_MESSAGE}
    if path.endswith("/login"):
        return {"status": "success", "data": {"authToken": "t", "userId": "u"}}
    return {"ok": True, "success": True, "id": "1", "ts": "1.0", "message_id": "m1", "sid": "SM1"}
