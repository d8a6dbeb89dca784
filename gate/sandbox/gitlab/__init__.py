"""An embedded GitLab: commit statuses, pipelines whose jobs run, deployments, and git over HTTP, on loopback."""

import socket
import tempfile
import threading
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cheroot import wsgi

from gate.sandbox.gitlab.api import create_app
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.trouble import Troubles
from gate.sandbox.ports import keep

THREADS = 20


class GitLab:
    """One GitLab on loopback. Entering it starts it; leaving it kills its jobs and removes all it had.

    In between it can be stopped and started again on its port, as in an outage, and forgets nothing meanwhile.
    """

    def __init__(self, *, address: str = "127.0.0.1", port: int = 0, root_token: str) -> None:
        """`port` 0: any that is free. ValueError for an address that others can reach: pushes here run as commands."""
        if not ip_address(address).is_loopback:
            raise ValueError(
                f"whoever pushes to the sandbox's GitLab runs commands, so it listens on loopback, not on {address}"
            )
        self._address = (address, port)
        self._root_token = root_token
        self.troubles = Troubles()
        """Order here what goes wrong next."""
        self._server: wsgi.Server | None = None
        self._app: Any = None
        self._kept = ExitStack()

    @property
    def url(self) -> str:
        """The base of all addresses, known once it has started."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Listen. Raises OSError if the address cannot be had."""
        if self._app is None:
            self._app = self._open()
        self._server = server = wsgi.Server(self._address, None, numthreads=THREADS)
        server.gateway = _Gateway
        server.shutdown_timeout = 1
        # Seconds between two looks at whether to stop; with cheroot's own value each stop would take half a second.
        server.expiration_interval = 0.05
        server.prepare()
        server.wsgi_app = self._app
        self._thread = threading.Thread(target=server.serve, name="gitlab", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; jobs that run go on. Nothing happens if it does not listen."""
        if self._server is not None:
            self._server.stop()
            self._thread.join()
            self._server = None

    def close(self) -> None:
        """Stop for good: kill the jobs and remove the repositories."""
        self.stop()
        self._kept.close()

    def _open(self) -> Any:
        """What lives longer than one start: the state, the jobs, and the application on both."""
        held = keep(self._address)
        self._kept.callback(held.close)
        self._address = held.getsockname()[:2]
        folder = self._kept.enter_context(tempfile.TemporaryDirectory(prefix="chaos-gate-gitlab-"))
        state = State(Path(folder), self._root_token)
        runner = Runner(state, self.url)
        self._kept.callback(runner.close)
        return create_app(state, runner, self.troubles, self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Gateway(wsgi.Gateway_10):
    """Lets the application cut its connection, as a network does."""

    def get_environ(self) -> Any:
        gateway: Any = super()  # the library has no types
        environ = gateway.get_environ()
        environ["gitlab.cut"] = lambda: self.req.conn.socket.shutdown(socket.SHUT_RDWR)
        return environ
