"""Whose turn it is: one run for each workload, so many for each namespace and the cluster, in the order they came."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import Reason, Run, RunPhase, RunStatus, WorkloadName
from gate.running.mode import Mode
from gate.running.turns import CAPS, Caps, Turns, beyond, turns, under_way
from tests.clocks import START
from tests.runs import spec

MINUTE = timedelta(minutes=1)
TWO = Caps(namespace=2)


def run(
    name: str, phase: RunPhase = RunPhase.PENDING, *, age: int = 0, at: str = "shop", of: str = "", **more: Any
) -> Run:
    """A run of a workload of its own, unless it is told to be `of` another one."""
    made = replace(spec(at, of or name), deadline=START + MINUTE)
    began = START - age * MINUTE
    status = RunStatus(phase=phase, started=None if phase is RunPhase.PENDING else began)
    known = Run(namespace=at, name=name, uid=f"uid of {at}/{name}", created=began, spec=made, status=status)
    return replace(known, **more)


def go(*runs: Run, mode: Mode = Mode.RUN, caps: Caps = CAPS) -> list[str]:
    return [each.name for each in turns(runs, mode, caps, START).go]


def held(*runs: Run, mode: Mode = Mode.RUN, caps: Caps = CAPS) -> dict[str, str]:
    return {each.name: why for each, why in turns(runs, mode, caps, START).held}


def test_in_a_namespace_the_oldest_goes_and_the_others_say_for_whom_they_wait() -> None:
    runs = (run("b"), run("a"), run("z", age=5), run("c", at="other"))
    assert go(*runs) == ["z", "c"]
    why = "run shop/z: there may be 1 at once in the namespace shop"
    assert held(*runs) == {"a": why, "b": why}


def test_a_run_that_was_begun_comes_before_any_new_one() -> None:
    assert go(run("a", age=5), run("z", RunPhase.RUNNING)) == ["z"]


def test_one_workload_has_one_run_whatever_the_namespace_may_have() -> None:
    runs = (run("a", age=2, of="web"), run("b", age=1, of="web"), run("c"))
    assert go(*runs, caps=TWO) == ["a"]
    assert held(*runs, caps=TWO)["b"] == "run shop/a, which has Deployment shop/web"


def test_a_workload_that_a_step_hits_is_taken_like_the_one_that_is_judged() -> None:
    inventory = WorkloadName(kind=spec().workload.name.kind, namespace="shop", name="inventory")
    hits = run("a", age=1)
    (step,) = hits.spec.workflow.steps
    workflow = replace(hits.spec.workflow, steps=(replace(step, target=inventory),))
    hits = replace(hits, spec=replace(hits.spec, workflow=workflow))
    assert held(hits, run("inventory"), caps=TWO) == {"inventory": "run shop/a, which has Deployment shop/inventory"}


def test_the_cap_of_the_cluster_counts_all_namespaces() -> None:
    runs = (run("a", RunPhase.RUNNING, at="one"), run("b", age=1, at="two"), run("c", at="three"))
    assert go(*runs, caps=Caps(cluster=2)) == ["a", "b"]
    assert held(*runs, caps=Caps(cluster=2)) == {"c": "others: there may be 2 at once in the cluster"}


def test_who_waits_for_something_near_leaves_the_places_of_the_cluster_to_others() -> None:
    runs = (run("a", RunPhase.RUNNING), run("b", age=1), run("c", at="other"))
    assert go(*runs, caps=Caps(cluster=2)) == ["a", "c"]


@pytest.mark.parametrize("phase", [RunPhase.EXECUTED, RunPhase.JUDGED])
def test_what_could_not_be_taken_back_is_tried_and_blocks_its_namespace_whatever_the_cap(phase: RunPhase) -> None:
    runs = (run("left", phase, guarded=True), run("a"))
    assert go(*runs, caps=TWO) == ["left"]
    assert held(*runs, caps=TWO) == {"a": "run shop/left, which could not take back what it did"}


def test_a_run_that_is_over_is_not_begun_again() -> None:
    assert go(run("a", RunPhase.EXECUTED), run("b", RunPhase.JUDGED)) == []


@pytest.mark.parametrize("mode", [Mode.PAUSE, Mode.DRAIN])
def test_nothing_new_starts_unless_the_mode_is_run(mode: Mode) -> None:
    runs = (run("a"), run("b", RunPhase.RUNNING, at="other"))
    assert go(*runs, mode=mode) == ["b"]
    assert held(*runs, mode=mode) == {"a": f"the mode {mode}"}


def test_under_abort_everything_is_taken_so_that_it_ends() -> None:
    assert go(run("a"), run("b"), mode=Mode.ABORT) == ["a", "b"]


@pytest.mark.parametrize("end", [{"abort": Reason.SUPERSEDED}, {"deleting": True}])
def test_a_run_that_only_has_to_be_ended_is_taken_in_every_mode(end: dict[str, Any]) -> None:
    assert go(run("z", RunPhase.RUNNING), run("a", **end), mode=Mode.PAUSE) == ["z", "a"]


def test_a_run_that_waited_until_its_deadline_is_taken_to_be_ended() -> None:
    late = run("late")
    late = replace(late, spec=replace(late.spec, deadline=START))
    assert go(run("a", RunPhase.RUNNING), late) == ["a", "late"]


def test_of_two_that_two_gates_began_at_once_the_earlier_one_goes_on() -> None:
    one, two = run("one", RunPhase.RUNNING, age=1, of="web"), run("two", RunPhase.RUNNING, of="web")
    assert beyond(one, [one, two], CAPS) == ""
    assert beyond(two, [two, one], CAPS) == "run shop/one, which has Deployment shop/web"


# ------------------------------------------------------------------------------------------------------- for all runs


@st.composite
def crowds(draw: st.DrawFn) -> list[Run]:
    """Runs in two namespaces on three workloads; the cluster never had more under way than its caps."""
    made = []
    for number in range(draw(st.integers(0, 7))):
        at, of = draw(st.sampled_from(["one", "two"])), draw(st.sampled_from(["x", "y", "z"]))
        made.append(run(f"run-{number}", age=draw(st.integers(0, 3)), at=at, of=of))
    return made


def played(runs: Iterable[Run], caps: Caps) -> list[Turns]:
    """The answers until nobody is left: who goes is under way for one round, and is over in the next one."""
    left, answers = list(runs), []
    while left:
        answers.append(turns(left, Mode.RUN, caps, START))
        gone = {each.uid for each in answers[-1].go}
        assert gone, "everybody waits for everybody"
        left = [each for each in left if each.uid not in gone]
    return answers


@given(crowds(), st.integers(1, 3), st.one_of(st.none(), st.integers(1, 3)))
def test_no_cap_is_ever_exceeded_no_workload_is_shared_and_everybody_has_a_turn(
    runs: list[Run], namespace: int, cluster: int | None
) -> None:
    for answer in played(runs, Caps(namespace=namespace, cluster=cluster)):
        begun = [replace(each, status=RunStatus(phase=RunPhase.RUNNING)) for each in answer.go]
        assert all(under_way(each) for each in begun)
        workloads = [each.spec.workload.name for each in begun]
        assert len(set(workloads)) == len(workloads)
        for at in ("one", "two"):
            assert sum(each.namespace == at for each in begun) <= namespace
        assert cluster is None or len(begun) <= cluster


@given(crowds(), st.integers(1, 3))
def test_nobody_is_overtaken_by_who_came_later_for_the_same_workload(runs: list[Run], namespace: int) -> None:
    order = [each for answer in played(runs, Caps(namespace=namespace)) for each in answer.go]
    for workload in {each.spec.workload.name for each in runs}:
        served = [(each.created, each.name) for each in order if each.spec.workload.name == workload]
        assert served == sorted(served)
