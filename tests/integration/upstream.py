"""A strict server of OpenAI's chat completions, with scripted answers, to play a user's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_UP = b"(hangs up)"
SILENCE = b"(sends nothing)"
ROLES = {"system", "user", "assistant", "tool"}
PARTS = {"text", "image_url", "input_audio", "file"}
FIELDS = {"model", "messages", "temperature", "max_tokens", "seed", "stop", "top_p", "top_k"} | {
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
}


@dataclass
class Upstream:
    """What the server was asked, and what it is to answer."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    refuse_format: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def body(self) -> dict[str, Any]:
        return self.bodies[-1]

    def reply(self, *answers: Any) -> None:
        """Answer next with these: texts, messages, or whole (status, body, headers)."""
        self.answers.extend(answers)


def completion(message: Any, **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
    held = {"content": message} if isinstance(message, str) else message
    choice = {"index": 0, "message": {"role": "assistant", **held}, "finish_reason": "stop"}
    return {"object": "chat.completion", "choices": [{**choice, **more}], "usage": usage}


def wrong(body: Any) -> str | None:
    """Return what breaks OpenAI's rules in a body."""
    if unknown := sorted(body.keys() - FIELDS):
        return f"Unknown parameter: {unknown[0]}"
    if not body.get("messages"):
        return "messages must not be empty"
    for message in body["messages"]:
        content = message["content"]
        if message["role"] not in ROLES or not isinstance(content, str | list):
            return f"Invalid message: {message}"
        if isinstance(content, list) and {part["type"] for part in content} - PARTS:
            return f"Invalid part in {content}"
    return None


def answer(upstream: Upstream, path: str, raw: bytes) -> tuple[int, Any, dict[str, str]]:
    """Answer a request as the script says, if it is in order."""
    if path != "/v1/chat/completions":
        return 404, b"404 page not found", {}
    body = json.loads(raw)
    upstream.bodies.append(body)
    error = wrong(body)
    if upstream.refuse_format and "response_format" in body:
        error = "response_format is not supported"
    if error:
        return 400, {"error": {"message": error}}, {}
    reply = upstream.answers.pop(0) if upstream.answers else "Hello from upstream."
    if isinstance(reply, tuple):
        return reply
    return 200, reply if "choices" in reply else completion(reply), {}


class Handler(BaseHTTPRequestHandler):
    """Brings requests to `answer`."""

    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_POST(self) -> None:
        self.upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        status, content, headers = answer(self.upstream, self.path, raw)
        if content in (HANG_UP, SILENCE):
            self.upstream.released.wait(10 if content == SILENCE else 0)
            self.close_connection = True
            return
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serve() -> Iterator[Upstream]:
    """Run the server."""
    upstream = Upstream()
    handler = type("BoundHandler", (Handler,), {"upstream": upstream})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
