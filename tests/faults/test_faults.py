"""What every fault keeps: it is felt, comes back from its record alone, and does nothing twice."""

from dataclasses import dataclass
from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from gate.errors import Conflict
from gate.faults import ACTS
from gate.faults.network import NETWORK
from tests.faults.application import Application, Eventually, insisting, through
from tests.faults.cases import CASES, NEEDS_CONTAINERS, often

every_fault = pytest.mark.parametrize(("fault", "settings"), CASES.values(), ids=CASES)
some_often = pytest.mark.parametrize(("fault", "settings"), often())


def test_every_fault_is_among_the_cases() -> None:
    """What the fault proxy does is one fault with many names: one stands for all."""
    names = {fault for fault, _ in CASES.values()}
    assert names - NETWORK.keys() == ACTS.keys() - NETWORK.keys()
    assert names & NETWORK.keys()


@every_fault
def test_it_is_felt_and_comes_back_from_its_record_alone(
    fault: str, settings: dict[str, Any], web: Application, eventually: Eventually
) -> None:
    before, kind = web.state(), ACTS[fault]
    undos = web.plan(fault, **settings)
    assert undos
    assert [kind.prove(undo, web.api) for undo in undos] == [None] * len(undos)
    for undo in undos:
        web.inject(undo)
    for undo in undos:
        web.feel(undo)
    for _ in range(2):
        for undo in reversed(undos):
            assert web.revert(undo)
    web.be_whole()
    eventually(lambda: web.state() == before)


@some_often
def test_done_twice_it_is_done_once(
    fault: str, settings: dict[str, Any], web: Application, eventually: Eventually
) -> None:
    before = web.state()
    undos = web.plan(fault, **settings)
    for _ in range(2):
        for undo in undos:
            web.inject(undo)
    for undo in undos:
        web.feel(undo)
    for undo in reversed(undos):
        web.revert(undo)
    web.be_whole()
    eventually(lambda: web.state() == before)


@some_often
def test_taking_back_what_was_never_done_changes_nothing(
    fault: str, settings: dict[str, Any], web: Application
) -> None:
    before, pods = web.state(), {pod.uid for pod in web.pods()}
    written = Written()
    for undo in reversed(web.plan(fault, **settings)):
        ACTS[fault].revert(undo, through(web.ground.kubeconfig, before=written))
    assert written.times == 0
    assert web.state() == before
    assert {pod.uid for pod in web.pods()} == pods


@some_often
def test_a_target_that_is_gone_is_nothing_to_put_back(fault: str, settings: dict[str, Any], web: Application) -> None:
    undos = web.plan(fault, **settings)
    for undo in undos:
        web.inject(undo)
    nodes = {node["metadata"]["name"] for node in web.api.list("nodes")[0]}
    for resource, name in (("deployments", "web"), ("configmaps", "settings"), ("secrets", "key")):
        web.api.delete(resource, web.namespace, name, uid=web.read(resource, name)["metadata"]["uid"])
    for undo in reversed(undos):
        assert web.revert(undo)
        assert web.revert(undo)
    assert web.api.get("deployments", web.namespace, "web") is None
    assert web.api.get("configmaps", web.namespace, "settings") is None
    assert {node["metadata"]["name"] for node in web.api.list("nodes")[0]} == nodes


@dataclass
class Written:
    """Counts writes."""

    times: int = 0

    def __call__(self) -> None:
        self.times += 1


@dataclass
class Every:
    """Raises each time but the second, fourth, ..."""

    error: Exception
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls % 2:
            raise self.error


@pytest.mark.parametrize(
    ("fault", "settings"),
    [case for case in often() if case.values[0] not in NEEDS_CONTAINERS],
)
@pytest.mark.parametrize("when", [pytest.param("conflict", marks=pytest.mark.thorough), "lost answer"])
def test_a_write_that_fails_is_made_again(
    fault: str, settings: dict[str, Any], when: str, web: Application, eventually: Eventually
) -> None:
    """Each write is refused once, or done without an answer; the second time it works."""
    refused, lost = Every(Conflict("somebody else wrote it")), Every(HTTPError("cut"))
    api = (
        through(web.ground.kubeconfig, before=refused)
        if when == "conflict"
        else through(web.ground.kubeconfig, after=lost)
    )
    before, kind, undos = web.state(), ACTS[fault], web.plan(fault, **settings)
    for undo in undos:
        insisting(kind.inject, undo, api)
    for undo in undos:
        web.feel(undo)
    for undo in reversed(undos):
        insisting(kind.revert, undo, api)
    assert refused.calls + lost.calls
    web.be_whole()
    eventually(lambda: web.state() == before)
