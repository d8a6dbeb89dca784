"""An embedded GitLab: commit statuses, pipelines whose jobs run, deployments, and git over HTTP, on loopback."""

import shutil
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cheroot import wsgi

from gate.sandbox.gitlab.api import create_app
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.trouble import Troubles

THREADS = 20


class GitLab:
    """One GitLab. A context manager; it can be stopped and started again on its port, and forgets nothing meanwhile."""

    def __init__(self, *, address: str = "127.0.0.1", port: int = 0, root_token: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-gate-gitlab-"))
        self._address = (address, port or _free_port(address))
        self.url = f"http://{address}:{self._address[1]}"
        self.state = State(self._folder, root_token)
        self.troubles = Troubles()
        self._runner = Runner(self.state, self.url)
        self._app = create_app(self.state, self._runner, self.troubles, self.url)

    def start(self) -> None:
        """Listen."""
        self._server = wsgi.Server(self._address, self._app, numthreads=THREADS)
        self._server.gateway = _Gateway
        self._server.shutdown_timeout = 1
        # Seconds between two looks at whether to stop; with cheroot's own value each stop would take half a second.
        self._server.expiration_interval = 0.05
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name="gitlab", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; jobs that run go on."""
        self._server.stop()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._runner.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Gateway(wsgi.Gateway_10):
    """Lets the application cut its connection, as a network does."""

    def get_environ(self) -> Any:
        gateway: Any = super()  # the library has no types
        environ = gateway.get_environ()
        environ["gitlab.cut"] = lambda: self.req.conn.socket.shutdown(socket.SHUT_RDWR)
        return environ


def _free_port(address: str) -> int:
    with socket.socket() as free:
        free.bind((address, 0))
        port: int = free.getsockname()[1]
        return port
