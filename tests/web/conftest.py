"""A gate's knowledge, made by hand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from gate.model import Gate, Run, Subscription, WorkloadName
from gate.web.answer import Selecting, Unreadable
from gate.web.answers import lot_of
from gate.web.app import create_app
from gate.web.changes import Changes
from gate.web.server import Server
from gate.web.views import Readiness, Watch


@dataclass
class Known:
    """Views over what a test has put here."""

    all_gates: Sequence[Gate] = ()
    all_runs: Sequence[Run] = ()
    all_watches: Sequence[Watch] = ()
    all_subscriptions: Sequence[Subscription] | None = ()
    all_selecting: Sequence[Selecting] = ()
    all_unreadable: Sequence[Unreadable] = ()
    state: Readiness = field(default_factory=lambda: Readiness(ready=True, revision="0123456789abcdef"))
    foreign: str = ""
    """A namespace that this gate does not judge in."""
    changes: Changes = field(default_factory=Changes)

    def gates(self) -> Sequence[Gate]:
        return self.all_gates

    def runs(self) -> Sequence[Run]:
        return self.all_runs

    def subscriptions(self) -> Sequence[Subscription] | None:
        return self.all_subscriptions

    def selecting(self) -> Sequence[Selecting]:
        return self.all_selecting

    def unreadable(self) -> Sequence[Unreadable]:
        return self.all_unreadable

    def is_there(self, name: WorkloadName) -> bool:
        return any(gate.workload.name == name for gate in self.all_gates)

    def judges(self, namespace: str) -> bool:
        return namespace != self.foreign

    def watches(self) -> Sequence[Watch]:
        return self.all_watches

    def readiness(self) -> Readiness:
        return self.state

    def changed(self, since: int, timeout: float) -> int:
        return self.changes.changed(since, timeout)


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def served(known: Known) -> Iterator[Callable[[], str]]:
    """Serves the knowledge over a real server when called, and gives its address."""
    servers: list[Server] = []

    def serve() -> str:
        servers.append(Server(create_app(known), threads=12, lot=lot_of(known)).start())
        return servers[-1].address

    yield serve
    known.changes.close()
    for server in servers:
        server.stop()
