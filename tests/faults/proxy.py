"""A proxy over real sockets that stands before the real service and does to its traffic what networks do.

Faults are used up in order, one per scoring request; when none is left, requests pass. Other requests pass.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[["Exchange"], None]
JSONObject = dict[str, Any]


class Exchange(BaseHTTPRequestHandler):
    """One connection of the client; a fault calls the methods below."""

    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(self.body)
        self.server.clients.add(self.client_address)
        self.server.headers.append(dict(self.headers))
        fault = self.server.faults.popleft() if self.server.faults else None
        (fault or self.server.always or pass_on)(self)

    def do_GET(self) -> None:
        self.body = None
        pass_on(self)

    def upstream(self) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(self.server.upstream)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        try:
            kept = {k: v for k, v in self.headers.items() if k.lower() in {"content-type", "authorization"}}
            connection.request(self.command, self.path, self.body, kept)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def answer(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self, *, reset: bool) -> None:
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def finish(self) -> None:
        if self.connection.fileno() >= 0:
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


class FaultProxy(ThreadingHTTPServer):
    """Serves on a free loopback port until the `with` ends. `requests` are the bodies that came."""

    daemon_threads = True

    def __init__(self, upstream: str, faults: Iterable[Fault] = (), always: Fault | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.upstream = upstream
        self.faults = deque(faults)
        self.always = always
        self.requests: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.clients: set[tuple[str, int]] = set()
        self.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        pass  # a client that went away is what these tests are about

    def items(self, request: int) -> list[JSONObject]:
        return json.loads(self.requests[request])["items"]


def pass_on(exchange: Exchange) -> None:
    try:
        status, headers, body = exchange.upstream()
    except OSError:  # the service is gone: so is this connection
        exchange.hang_up(reset=True)
        return
    kept = {k: v for k, v in headers.items() if k.lower() == "retry-after"}
    exchange.answer(status, body, headers.get("content-type", "application/json"), kept)


def reset(exchange: Exchange) -> None:
    exchange.hang_up(reset=True)


def close(exchange: Exchange) -> None:
    exchange.hang_up(reset=False)


def stall(exchange: Exchange) -> None:
    exchange.server.ended.wait(30)
    exchange.hang_up(reset=True)


def drip(exchange: Exchange) -> None:
    """Begin a right answer and send it a byte at a time, for ever within each read's timeout."""
    status, _, body = exchange.upstream()
    exchange.answer(status, b"", length=len(body))
    for byte in body:
        if exchange.server.ended.wait(0.02):
            break
        exchange.wfile.write(bytes([byte]))
    exchange.hang_up(reset=True)


def truncate(exchange: Exchange) -> None:
    status, _, body = exchange.upstream()
    exchange.answer(status, body[: len(body) // 2], length=len(body))
    exchange.hang_up(reset=False)


def truncate_with_fitting_length(exchange: Exchange) -> None:
    status, _, body = exchange.upstream()
    exchange.answer(status, body[: len(body) // 2])


def html(exchange: Exchange) -> None:
    exchange.answer(200, b"<html><body>Sign in to the network</body></html>", "text/html")


def empty(exchange: Exchange) -> None:
    exchange.answer(200, b"")


def status(code: int, retry_after: str | None = None) -> Fault:
    def fault(exchange: Exchange) -> None:
        problem = json.dumps(
            {"title": "Refused", "status": code, "detail": f"the proxy says {code}"}
        ).encode()
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        exchange.answer(code, problem, "application/problem+json", headers)

    return fault


def edit(change: Callable[[JSONObject], None]) -> Fault:
    """Pass the request on and change the service's answer before it is given back."""

    def fault(exchange: Exchange) -> None:
        code, _, body = exchange.upstream()
        answer = json.loads(body)
        change(answer)
        exchange.answer(code, json.dumps(answer).encode())

    return fault


def _set_reward(answer: JSONObject, value: float) -> None:
    answer["rewards"][0] = answer["results"][0]["reward"] = value


def _cut(answer: JSONObject) -> None:
    answer["rewards"].pop()
    answer["results"].pop()


def _reverse(answer: JSONObject) -> None:
    answer["rewards"].reverse()
    answer["results"].reverse()


def _nan_component(answer: JSONObject) -> None:
    answer["results"][0]["components"]["accuracy"] = float("nan")


def _disagree(answer: JSONObject) -> None:
    answer["rewards"][0] = 17.0


TRANSIENT: dict[str, Fault] = {
    "reset": reset,
    "closed": close,
    "truncated": truncate,
    "truncated, length fits": truncate_with_fitting_length,
    "html": html,
    "empty": empty,
    "408": status(408),
    "429": status(429, "1"),
    "500": status(500),
    "502": status(502),
    "503": status(503, "2"),
    "504": status(504),
}
"""What may be over at the next attempt."""

BROKEN: dict[str, Fault] = {
    "nan": edit(lambda answer: _set_reward(answer, float("nan"))),
    "infinity": edit(lambda answer: _set_reward(answer, float("inf"))),
    "nan component": edit(_nan_component),
    "short": edit(_cut),
    "reordered": edit(_reverse),
    "rewards disagree": edit(_disagree),
    "results missing": edit(lambda answer: answer.pop("results")),
    "text for a number": edit(lambda answer: answer["results"][0].update(reward="high")),
    "profile missing": edit(lambda answer: answer.pop("profile")),
}
"""JSON that breaks the contract."""

SLOW: dict[str, Fault] = {"stalled": stall, "dripping": drip}
"""Answers that do not come within the timeout."""
