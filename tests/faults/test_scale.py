"""A workload is scaled and scaled back, and whoever else scaled it meanwhile has the last word."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.errors import Permanent
from gate.faults import scale
from gate.model import Target, Undo, WorkloadKind, WorkloadName
from tests.faults.application import Application, Eventually, step


def replicas(web: Application) -> int:
    return int(web.read("deployments", "web")["spec"]["replicas"])


def bounds(web: Application) -> tuple[int, int]:
    spec = web.read("horizontalpodautoscalers", "web")["spec"]
    return spec["minReplicas"], spec["maxReplicas"]


@pytest.mark.parametrize(("settings", "wanted"), [({"to": 1}, 1), ({"to": 5}, 5), ({"percent": "70%"}, 2)])
def test_it_has_as_many_pods_as_asked_for_and_then_its_own_number(
    settings: dict[str, Any], wanted: int, web: Application, eventually: Eventually
) -> None:
    (undo,) = web.plan("scale", **settings)
    web.inject(undo)
    eventually(lambda: scale.prove(undo, web.api))
    eventually(lambda: len(web.pods()) == wanted)
    web.revert(undo)
    web.be_whole()
    assert replicas(web) == 3


def test_what_somebody_else_scaled_meanwhile_is_left_to_them(web: Application) -> None:
    (undo,) = web.plan("scale-to-zero")
    web.inject(undo)
    web.change("deployments", "web", {"spec": {"replicas": 2}})
    assert "by somebody else" in web.revert(undo)
    assert replicas(web) == 2


def test_a_workload_that_was_scaled_after_the_plan_is_not_touched(web: Application) -> None:
    (undo,) = web.plan("scale", to=1)
    web.change("deployments", "web", {"spec": {"replicas": 2}})
    with pytest.raises(Permanent, match="was scaled from 3 to 2"):
        web.inject(undo)
    assert replicas(web) == 2


def test_another_workload_of_the_same_name_is_not_touched(web: Application) -> None:
    (undo,) = web.plan("scale", to=1)
    web.api.delete("deployments", web.namespace, "web", uid=undo.target.uid)
    with pytest.raises(Permanent, match="is gone"):
        web.inject(undo)


def test_what_changes_nothing_hits_nothing(web: Application) -> None:
    assert web.plan("scale", to=3) == []
    assert web.plan("scale", percent="100%") == []
    web.change("deployments", "web", {"spec": {"replicas": 0}})
    assert web.plan("scale-to-zero") == []
    assert web.plan("scale", to=1) == []


def test_a_daemon_set_has_no_replicas() -> None:
    nobody: Any = None
    name = WorkloadName(kind=WorkloadKind.DAEMON_SET, namespace="shop", name="agent")
    with pytest.raises(Permanent, match="DaemonSet has no replicas"):
        scale.plan(step("scale", to=1), name, [], "seed", nobody)


def test_a_record_of_an_earlier_release_is_still_taken_back(web: Application) -> None:
    """Before there was `scale`, the record of `scale-to-zero` said only how many replicas there had been."""
    uid = web.read("deployments", "web")["metadata"]["uid"]
    target = Target(kind="Deployment", namespace=web.namespace, name="web", uid=uid)
    web.change("deployments", "web", {"spec": {"replicas": 0}})
    undo = Undo(id="a/web", step="a", fault="scale-to-zero", target=target, before={"replicas": 3})
    web.revert(undo)
    assert replicas(web) == 3


@given(st.integers(1, 1000), st.integers(0, 100))
def test_a_share_is_rounded_down_and_leaves_one(number: int, percent: int) -> None:
    assert scale.Settings.model_validate({"percent": f"{percent}%"}).of(number) == max(1, number * percent // 100)


@pytest.mark.parametrize("settings", [{}, {"to": 1, "percent": "10%"}, {"to": -1}, {"to": "2"}, {"percent": "101%"}])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        scale.Settings.model_validate(settings, strict=True)


autoscaled = pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
"""The sandbox has no autoscaling."""


@autoscaled
def test_the_autoscaler_is_held_meanwhile_and_has_its_bounds_again(scaled: Application, eventually: Eventually) -> None:
    before = scaled.state()
    undos = scaled.plan("scale", to=1)
    assert [undo.target.kind for undo in undos] == ["Deployment", "HorizontalPodAutoscaler"]
    for undo in (*undos, *undos):
        scaled.inject(undo)
    assert bounds(scaled) == (1, 1)
    for undo in undos:
        eventually(lambda undo=undo: scale.prove(undo, scaled.api))
    for undo in (*reversed(undos), *reversed(undos)):
        scaled.revert(undo)
    assert bounds(scaled) == (2, 5)
    scaled.be_whole()
    eventually(lambda: scaled.state() == before)


@autoscaled
def test_bounds_that_somebody_else_moved_meanwhile_are_left(scaled: Application) -> None:
    undos = scaled.plan("scale", to=1)
    for undo in undos:
        scaled.inject(undo)
    scaled.change("horizontalpodautoscalers", "web", {"spec": {"maxReplicas": 4}})
    assert "by somebody else" in scaled.revert(undos[1])
    assert bounds(scaled) == (1, 4)


@autoscaled
def test_bounds_that_were_moved_after_the_plan_are_not_touched(scaled: Application) -> None:
    held = scaled.plan("scale", to=1)[1]
    scaled.change("horizontalpodautoscalers", "web", {"spec": {"maxReplicas": 4}})
    with pytest.raises(Permanent, match="were changed meanwhile"):
        scaled.inject(held)
    assert bounds(scaled) == (2, 4)


@autoscaled
def test_at_zero_the_autoscaler_is_left_alone(scaled: Application) -> None:
    assert [undo.target.kind for undo in scaled.plan("scale-to-zero")] == ["Deployment"]
