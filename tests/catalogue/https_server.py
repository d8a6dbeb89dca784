"""git's own server behind HTTPS on the loopback, with a token that it asks for, as a GitLab would have it."""

import base64
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

BACKEND = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / "git-http-backend"


class Server:
    """Serves the repositories in a folder."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        self.token = ""
        """Empty: it asks for none."""
        self.seen: list[str] = []
        """What users have said who they are."""
        self.asked: list[str] = []
        self.elsewhere = ""
        """An address to which all is redirected."""
        self._folder = folder
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._answers())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._http.handle_error = lambda *_: None  # a client that does not trust us hangs up
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def may(self, authorization: str | None) -> bool:
        if not self.token:
            return True
        said = base64.b64decode((authorization or "").removeprefix("Basic ")).decode()
        user, _, password = said.partition(":")
        if said:
            self.seen.append(user)
        return password == self.token

    def _answers(server: "Server") -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler is self here
        class Answers(BaseHTTPRequestHandler):
            timeout = 30

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

            def _answer(self) -> None:
                server.asked.append(self.path)
                if server.elsewhere:
                    self.send_response(302)
                    self.send_header("Location", server.elsewhere + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif not server.may(self.headers.get("Authorization")):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._from(server._folder)

            def _from(self, folder: Path) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                done = subprocess.run(
                    [str(BACKEND)], check=True, input=body, capture_output=True, env=self._environment(folder)
                )
                head, _, rest = done.stdout.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest)

            def _environment(self, folder: Path) -> Mapping[str, str]:
                parts = urlsplit(self.path)
                return {
                    "PATH": "/usr/bin:/bin",
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": parts.path,
                    "QUERY_STRING": parts.query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "REMOTE_ADDR": "127.0.0.1",
                }

        return Answers


@contextmanager
def serving(folder: Path, authority: trustme.CA) -> Iterator[Server]:
    server = Server(folder, authority)
    try:
        yield server
    finally:
        server.close()
