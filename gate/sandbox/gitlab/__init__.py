"""An embedded GitLab on loopback: what is written to it, what its pipelines do, and what really blocks.

`GitLab` is the whole of it. The rooms, from the ground up (import-linter holds them to this order):

    configuration   what a `.gitlab-ci.yml` says                pure
    composite       the status of a pipeline from its rows      pure
    statuses        what a posted state does to a row           pure
    hosting         git                      locks, background, trouble, answers
    model           the nouns                state        all of them, under one lock
    permissions     who may do what          merging      what stands in the way of merging
    shapes          the nouns as JSON        asking       what a request says
    openid          tokens of jobs           webhooks     what goes out
    progress        what follows when something has moved
    running         pipelines on their way
    posting         a commit status          pushing      a moved branch
    routes          one table for each kind of thing
    api             all of them as one application

To read it in half an hour: `model`, `statuses`, `posting`, `running.turns`, `running.runner`, one table of `routes`.

What a real GitLab does and this one does not is said in docs/sandbox.md; the tests play each case of the contract.
"""

import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cheroot import wsgi

from gate.sandbox.gitlab.api import Parts, create_app
from gate.sandbox.gitlab.background import Background
from gate.sandbox.gitlab.locks import Locks
from gate.sandbox.gitlab.openid.keys import Keys
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.running.deploying import Deploying
from gate.sandbox.gitlab.running.playing import Performance, Script
from gate.sandbox.gitlab.running.runner import Runner
from gate.sandbox.gitlab.state import Clock, State
from gate.sandbox.gitlab.trouble import Trouble, Troubles
from gate.sandbox.gitlab.webhooks.delivering import TIMEOUT, Webhooks
from gate.sandbox.ports import keep

THREADS = 20


class GitLab:
    """One GitLab on loopback. Entering it starts it; leaving it kills its jobs and removes all it had.

    In between it can be stopped and started again on its port, as in an outage, and forgets nothing meanwhile.
    """

    def __init__(
        self,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        root_token: str,
        clock: Clock = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        webhook_timeout: float = TIMEOUT,
    ) -> None:
        """`port` 0: any that is free. `sleep` is how requests wait for a lock, `webhook_timeout` is in seconds.

        ValueError for an address that others can reach: pushes here run as commands.
        """
        if not ip_address(address).is_loopback:
            raise ValueError(
                f"whoever pushes to the sandbox's GitLab runs commands, so it listens on loopback, not on {address}"
            )
        self._address = (address, port)
        self._root_token, self._clock, self._webhook_timeout = root_token, clock, webhook_timeout
        self.troubles = Troubles()
        """Order here what goes wrong next."""
        self.locks = Locks(sleep)
        """Hold one here, and whoever needs it meets somebody else's."""
        self.scripts: dict[tuple[str, str], Script] = {}
        """Path of a project, name of a job -> a Python callable that is played in place of the job's script."""
        self._server: wsgi.Server | None = None
        self._app: Any = None
        self._kept = ExitStack()

    @property
    def url(self) -> str:
        """The base of all addresses, known once it has started."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def background(self) -> Background:
        """What follows a moment after an answer; hold it to see what is not yet so. Known once it has started."""
        return self._background

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
        state = State(Path(folder), self._root_token, self._clock)
        self._background = self._kept.enter_context(closing(Background()))
        webhooks = self._kept.enter_context(closing(Webhooks(state, self.url, timeout=self._webhook_timeout)))
        progress, keys = Progress(state, self._background, webhooks, self.url), Keys()
        deploying = Deploying(state, progress)
        runner = self._kept.enter_context(closing(Runner(state, progress, deploying, keys, self.url, self.scripts)))
        self._kept.callback(self.troubles.calm)
        parts = Parts(
            state=state,
            runner=runner,
            progress=progress,
            deploying=deploying,
            webhooks=webhooks,
            locks=self.locks,
            keys=keys,
            troubles=self.troubles,
        )
        return create_app(parts, self.url)

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


__all__ = ["GitLab", "Performance", "Script", "Trouble"]
