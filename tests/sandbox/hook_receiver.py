"""Somebody who receives webhooks: keeps what came, and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """What came, in the order in which it came."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 200
        self.hears = threading.Event()
        """Cleared: nobody is answered until it is set again."""
        self.hears.set()
        self.url = ""

    def of(self, event: str) -> list[Received]:
        """What came with this `X-Gitlab-Event`."""
        return [each for each in self.received if each.headers.get("X-Gitlab-Event") == event]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on loopback, for as long as it is needed."""
    receiver = Receiver()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(dict(self.headers), body))
            receiver.hears.wait(30)
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, template: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.hears.set()
            server.shutdown()
            thread.join()
