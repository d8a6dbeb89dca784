"""What there is to do: nothing that was heard gets lost, and nobody who only hears has to wait."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gate.cluster.api import Api
from gate.cluster.gates import Gates
from gate.model import Workload, WorkloadKind, WorkloadName
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.wire.copies import Copies
from gate.wire.due import ECHO, Due
from tests.clocks import HandClock
from tests.leading.replicas import WEB
from tests.wire.following import followed

Eventually = Callable[[Callable[[], object]], None]
CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


class Slow:
    """A catalogue that takes its time to say which workloads it names, as it does in a big cluster."""

    def __init__(self) -> None:
        self.ready, self.asked, self.mistakes = threading.Event(), 0, 0

    def is_claimed(self, _name: WorkloadName, _labels: object) -> bool:
        return False

    def workloads(self) -> set[WorkloadName]:
        self.asked += 1
        assert self.ready.wait(20), "who asked has waited for the answer"
        if self.asked <= self.mistakes:
            raise RuntimeError("nobody has thought of this")
        return {CHECKOUT}


@pytest.fixture
def subscribed() -> Slow:
    return Slow()


@pytest.fixture
def due(api: Api, subscribed: Slow) -> Due:
    return Due(
        Copies(api, (), monotonic=SystemClock().monotonic),
        subscribed,
        poke=lambda: None,
        monotonic=SystemClock().monotonic,
    )


@contextmanager
def gathering(due: Due) -> Iterator[None]:
    thread = threading.Thread(target=due.run)
    thread.start()
    yield
    due.close()
    thread.join(30)
    assert not thread.is_alive()


def test_who_asks_for_everything_does_not_wait_until_it_is_gathered(
    due: Due, subscribed: Slow, eventually: Eventually
) -> None:
    with gathering(due):
        due.everything()
        subscribed.ready.set()
        eventually(lambda: due.workloads.due_in() == 0)
        assert due.workloads.take() == CHECKOUT


def test_who_asks_again_while_everything_is_gathered_has_it_gathered_once_more(
    due: Due, subscribed: Slow, eventually: Eventually
) -> None:
    with gathering(due):
        due.everything()
        eventually(lambda: subscribed.asked == 1)
        for _ in range(2):
            due.everything()
        subscribed.ready.set()
        eventually(lambda: subscribed.asked == 2)
        assert due.workloads.take() == CHECKOUT


def test_a_gate_that_was_written_is_compared_once_with_whatever_is_heard_soon_after(
    api: Api, kubernetes: Kubernetes, subscribed: Slow, clock: HandClock, eventually: Eventually
) -> None:
    made = api.create("deployments", "default", WEB)
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="default", name="web")
    Gates(api).create(Workload(name=name, uid=made["metadata"]["uid"]))
    due = Due(Copies(api, (), monotonic=clock.monotonic), subscribed, poke=lambda: None, monotonic=clock.monotonic)
    with followed(due.copies, kubernetes, eventually):
        due.workloads.add(name, after=60)
        assert due.workloads.due_in() == ECHO.total_seconds()
        due.workloads.add(name)
        assert due.workloads.take() == name
        due.workloads.done(name)
        assert due.workloads.due_in() is None


def test_a_mistake_while_everything_is_gathered_is_not_the_end_of_it(
    due: Due, subscribed: Slow, eventually: Eventually
) -> None:
    subscribed.ready.set()
    subscribed.mistakes = 1
    with gathering(due):
        due.everything()
        eventually(lambda: due.workloads.due_in() == 0)
        assert due.workloads.take() == CHECKOUT
