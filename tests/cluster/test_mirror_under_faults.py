"""The local copy of a resource ends right, whatever the API server does to the watch and the lists behind it."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.cluster.api import Api
from gate.cluster.mirror import Key, Mirror
from gate.cluster.said import Json
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.faults.plan import Plan, Rule, Verb
from gate.sandbox.kubernetes.faults.port import EventFault, EventFaultKind, Fault, When
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS
from gate.sandbox.kubernetes.store.store import Store

PATIENCE = 20.0
SHARES = (0.05, 0.3)

OF_EVENTS = [EventFault(kind=kind, delay=0.01 if kind is EventFaultKind.LATE else 0.0) for kind in EventFaultKind]
OF_REQUESTS = [
    Fault(status=410),
    Fault(status=429, retry_after=1),
    Fault(status=500),
    Fault(status=503, when=When.AFTER),
    Fault(cut=True),
    Fault(cut=True, when=When.AFTER),
    Fault(delay=0.01),
]


class Followed:
    """A mirror of ConfigMaps, and what its listener believes: the state of each key when it was last called for."""

    def __init__(self, api: Api) -> None:
        self.believed: dict[Key, str | None] = {}
        self.mirror = Mirror(api, "configmaps", "default", _number, self._changed)

    def _changed(self, key: Key) -> None:
        self.believed[key] = self.mirror.get(key)

    def agrees_with(self, store: Store) -> bool:
        truth = {("default", each["metadata"]["name"]): _number(each) for each in store.list(CONFIG_MAPS, "default")[0]}
        believed = {key: state for key, state in self.believed.items() if state is not None}
        return dict(self.mirror.items()) == truth == believed


def _number(config_map: Json) -> str:
    return str(config_map["data"]["n"])


@contextmanager
def following(folder: Path, plan: Plan) -> Iterator[tuple[Store, Followed]]:
    """An API server under this plan, and a mirror that follows it without a pause."""
    with Kubernetes(faults=plan) as kubernetes:
        config = folder / "kubeconfig"
        config.write_text(kubernetes.kubeconfig())
        followed = Followed(Api.from_environment(str(config)))
        stop = threading.Event()

        def follow() -> None:
            while not stop.is_set():
                followed.mirror.step(stop.is_set)

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield kubernetes.store, followed
        finally:
            stop.set()
            kubernetes.stop()
            thread.join()


def change(store: Store, name: str, number: int) -> None:
    """Bring the object, change it, or take it away: what comes next for it."""
    present = [each for each in store.list(CONFIG_MAPS, "default")[0] if each["metadata"]["name"] == name]
    if not present:
        store.create(CONFIG_MAPS, {"metadata": {"name": name, "namespace": "default"}, "data": {"n": str(number)}})
    elif number % 3 == 0:
        store.delete(CONFIG_MAPS, "default", name)
    else:
        store.update(CONFIG_MAPS, present[0] | {"data": {"n": str(number)}})


def play(folder: Path, plan: Plan, script: str) -> None:
    """Change the objects that the script names, and wait for the mirror at each `.` and at the end."""
    with following(folder, plan) as (store, followed):
        assert followed.mirror.synced.wait(PATIENCE)
        for number, name in enumerate(script):
            if name == ".":
                await_agreement(store, followed)
            else:
                change(store, name, number)
        await_agreement(store, followed)


def await_agreement(store: Store, followed: Followed) -> None:
    deadline = time.monotonic() + PATIENCE
    while not followed.agrees_with(store):
        assert time.monotonic() < deadline, (followed.believed, store.list(CONFIG_MAPS, "default")[0])
        time.sleep(0.002)


@pytest.mark.parametrize("fault", OF_EVENTS, ids=lambda fault: fault.kind)
def test_it_survives_each_fault_of_events(fault: EventFault, tmp_path: Path) -> None:
    plan = Plan([Rule(name="often", fault=fault, share=0.5)])
    play(tmp_path, plan, "abc.abca.bcab." * 4)
    assert plan.struck["often"] >= 3


@pytest.mark.parametrize("fault", OF_REQUESTS, ids=str)
def test_it_survives_each_fault_of_requests(fault: Fault, tmp_path: Path) -> None:
    torn = Rule(name="torn", fault=EventFault(kind=EventFaultKind.DROP), share=0.5)
    first = Rule(name="first", fault=fault, verbs=(Verb.LIST, Verb.WATCH), times=4)
    plan = Plan([torn, first])
    play(tmp_path, plan, "a.b.c.ab.ca.bc.aabb.cc." * 2)
    assert plan.struck["first"] == 4


@given(
    seed=st.text(max_size=8),
    script=st.text(alphabet="abcd.", max_size=40),
    events=st.lists(st.tuples(st.sampled_from(OF_EVENTS), st.sampled_from(SHARES)), max_size=5),
    requests=st.lists(st.tuples(st.sampled_from(OF_REQUESTS), st.sampled_from(SHARES)), max_size=2),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_survives_all_of_them_together_under_any_seed(
    seed: str,
    script: str,
    events: list[tuple[EventFault, float]],
    requests: list[tuple[Fault, float]],
    tmp_path: Path,
) -> None:
    rules = [
        Rule(name=str(number), fault=fault, share=share)
        for number, (fault, share) in enumerate(itertools.chain(events, requests))
    ]
    play(tmp_path, Plan(rules, seed=seed), script)
