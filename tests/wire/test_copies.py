"""What is copied from the cluster, and what follows from a change of it."""

import threading
from collections.abc import Callable, Iterator

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api
from gate.cluster.gates import Gates, gate_name
from gate.model import Workload, WorkloadKind, WorkloadName
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.wire.copies import Copies
from gate.wire.due import Due
from tests.leading.replicas import WEB

Eventually = Callable[[Callable[[], object]], None]
LONG = "long-" * 50 + "x"
"""As long as names get; the name of its gate has no room for all of it."""
NAMES = ("web", "deployment-web", LONG, f"{LONG}y")


def deployment(name: str, namespace: str = "default") -> WorkloadName:
    return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name=name)


def stateful_set(name: str) -> WorkloadName:
    return WorkloadName(kind=WorkloadKind.STATEFUL_SET, namespace="default", name=name)


@pytest.fixture
def due(api: Api, kubernetes: Kubernetes) -> Iterator[Due]:
    """What it copies is whole, and followed; there are Deployments of all `NAMES`."""
    for name in NAMES:
        api.create("deployments", "default", WEB | {"metadata": {"name": name}})
    clock = SystemClock()
    due = Due(
        Copies(api, ("default",), monotonic=clock.monotonic),
        Subscribed(clock.now),
        poke=lambda: None,
        monotonic=clock.monotonic,
    )
    stop = threading.Event()
    threads = [threading.Thread(target=mirror.run, args=(stop,)) for mirror in due.copies.mirrors]
    for thread in threads:
        thread.start()
    for mirror in due.copies.mirrors:
        assert mirror.synced.wait(30)
    yield due
    stop.set()
    kubernetes.stop()  # nothing else ends their reads
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def copies(due: Due) -> Copies:
    return due.copies


@pytest.mark.parametrize("name", NAMES)
def test_a_workload_is_found_by_the_name_of_its_gate(copies: Copies, name: str) -> None:
    assert copies.workload_of(("default", gate_name(deployment(name)))) == deployment(name)


@pytest.mark.parametrize(
    "key",
    [
        ("default", gate_name(deployment("cart"))),
        ("default", gate_name(stateful_set("web"))),
        ("default", gate_name(deployment("z" * 253))),
        ("other", gate_name(deployment("web"))),
        ("default", "web"),
    ],
    ids=["none of that name", "of another kind", "none of a long name", "of another namespace", "no name of a gate"],
)
def test_a_gate_without_its_workload_is_nobodys(copies: Copies, key: tuple[str, str]) -> None:
    assert copies.workload_of(key) is None


def test_who_loses_its_gate_is_looked_at(due: Due, api: Api, eventually: Eventually) -> None:
    uid = (api.get("deployments", "default", "web") or {})["metadata"]["uid"]
    gates = Gates(api)
    gate = gates.create(Workload(name=deployment("web"), uid=uid))
    eventually(lambda: due.copies.gate_of(deployment("web")))
    eventually(lambda: due.workloads.due_in() == 0)
    due.workloads.done(due.workloads.take() or deployment("web"))
    gates.delete(gate)
    eventually(lambda: due.workloads.due_in() == 0)
    assert due.workloads.take() == deployment("web")
