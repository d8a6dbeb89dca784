"""What the shop's programs share: a small HTTP server that says when it is ready, and leaves in an orderly way."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, Any]]

PORT = 8080
DRAIN = 1.0
"""Seconds between being told to go and going: time for the Service to hear of it."""


def serve(routes: Mapping[str, Callable[[], Answer]]) -> None:
    """Serve the routes, and /healthz and /readyz beside them, on the pod's own address until SIGTERM."""
    leaving = threading.Event()

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, answer = self._answer()
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> Answer:
            if self.path == "/healthz":
                return 200, {"alive": True}
            if self.path == "/readyz":
                return (503, {"ready": False}) if leaving.is_set() else (200, {"ready": True})
            route = routes.get(self.path)
            return route() if route else (404, {"error": f"nothing at {self.path}"})

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            if not self.path.endswith("z"):
                print(format % args, flush=True)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """The client has gone; there is nobody to tell."""

    def leave(*_: object) -> None:
        leaving.set()
        threading.Timer(DRAIN, os._exit, (0,)).start()

    signal.signal(signal.SIGTERM, leave)
    address = os.environ.get("POD_IP", "127.0.0.1")
    print(f"{os.path.basename(sys.argv[0])} serves on {address}:{PORT}", flush=True)
    Server((address, PORT), Requests).serve_forever()
