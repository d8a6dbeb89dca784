"""Which objects of other chaos tools are active, which of them hit a workload, and what it costs to know."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gate.cluster.foreign import CHAOS_MESH, LITMUS, Foreign, is_active
from gate.errors import Denied
from gate.model import WorkloadKind, WorkloadName

Json = dict[str, Any]
WEB = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
NOT_WEB = {"key": "app", "operator": "NotIn", "values": ["web"]}
LABELS = [("web", {"tier": "front"}), ("web-1", {"app": "web"}), ("web-2", {"app": "web"})]


class Server:
    """A server with these resources and objects. It notes what it is asked for."""

    def __init__(self, objects: Mapping[str, Sequence[Json]] = {}, *, only: str = "") -> None:
        """`only`: the one namespace in which objects may be seen."""
        self._objects, self._only = objects, only
        self.asked: list[str] = []

    def served(self, group: str, version: str) -> frozenset[str]:
        self.asked.append(group)
        own = {LITMUS: {"chaosengines"}, CHAOS_MESH: {"podchaos", "networkchaos"}}[group]
        return frozenset(own & self._objects.keys())

    def list(self, resource: str, namespace: str = "") -> tuple[Sequence[Json], str]:
        self.asked.append(resource)
        if self._only and namespace != self._only:
            raise Denied(f"{resource} is forbidden")
        return [each for each in self._objects[resource] if namespace in {"", each["metadata"]["namespace"]}], "1"


def engine(namespace: str = "litmus", **spec: Any) -> Json:
    metadata = {"namespace": namespace, "name": "theirs"}
    return {"kind": "ChaosEngine", "metadata": metadata, "spec": {"engineState": "active", **spec}}


def mesh(kind: str = "PodChaos", *, status: Json | None = None, namespace: str = "mesh", **spec: Any) -> Json:
    return {"kind": kind, "metadata": {"namespace": namespace, "name": "theirs"}, "spec": spec, "status": status or {}}


def holder(server: Server, seconds: float = 0.0) -> str:
    return Foreign(server, lambda: seconds).on(WEB, lambda: LABELS)


def hits(resource: str, item: Json) -> bool:
    return bool(holder(Server({resource: [item]})))


@pytest.mark.parametrize(
    ("spec", "hit"),
    [
        ({"appinfo": {"appns": "shop", "applabel": "app=web", "appkind": "deployment"}}, True),
        ({"appinfo": {"appns": "shop", "applabel": "tier=front", "appkind": "deployment"}}, True),
        ({"appinfo": {"appns": "shop", "applabel": "", "appkind": ""}}, True),
        ({"appinfo": {"appns": "shop", "applabel": "app=web", "appkind": "statefulset"}}, False),
        ({"appinfo": {"appns": "other", "applabel": "app=web"}}, False),
        ({"appinfo": {"appns": "shop", "applabel": "app=other"}}, False),
        ({"appinfo": {"appns": "shop", "applabel": "app!=other"}}, True),
        ({"selectors": {"pods": [{"namespace": "shop", "names": "a, web-2"}]}}, True),
        ({"selectors": {"pods": [{"namespace": "shop", "names": "a"}]}}, False),
        ({"selectors": {"workloads": [{"namespace": "shop", "kind": "deployment", "names": "web"}]}}, True),
        ({"selectors": {"workloads": [{"namespace": "shop", "kind": "deployment", "labels": "app=x"}]}}, False),
        ({"selectors": {"workloads": [{"namespace": "shop", "labels": None}]}}, True),
        ({"selectors": {"workloads": [{"names": "web"}], "pods": [{"names": "web-1"}]}}, False),
        ({"engineState": "stop", "appinfo": {"appns": "shop"}}, False),
    ],
)
def test_an_engine_hits_what_it_names(spec: Json, hit: bool) -> None:
    assert hits("chaosengines", engine(**spec)) is hit


def test_an_engine_that_names_no_namespace_means_its_own() -> None:
    assert hits("chaosengines", engine("shop", selectors={"workloads": [{"names": "web"}]}))
    assert hits("chaosengines", engine("shop", selectors={"pods": [{"names": "web-1"}]}))


@pytest.mark.parametrize(
    ("selector", "hit"),
    [
        ({"namespaces": ["shop"], "labelSelectors": {"app": "web"}}, True),
        ({"namespaces": ["shop"]}, True),
        ({"labelSelectors": {"app": "web"}}, False),
        ({"namespaces": ["shop"], "labelSelectors": {"app": "web"}, "nodes": ["far"]}, True),
        (
            {"namespaces": ["shop"], "expressionSelectors": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
            False,
        ),
        ({"pods": {"shop": ["web-1"]}, "labelSelectors": {"app": "other"}}, True),
        ({"pods": {"shop": ["a"]}}, False),
    ],
)
def test_an_object_of_chaos_mesh_hits_what_it_selects(selector: Json, hit: bool) -> None:
    assert hits("podchaos", mesh(selector=selector)) is hit


def test_both_ends_of_a_broken_network_are_hit() -> None:
    ends = {"selector": {"namespaces": ["other"]}, "target": {"mode": "all", "selector": {"namespaces": ["shop"]}}}
    assert hits("networkchaos", mesh("NetworkChaos", **ends))


def injecting(phase: str) -> Json:
    return {"experiment": {"desiredPhase": "Stop", "containerRecords": [{"phase": phase}]}}


@pytest.mark.parametrize(
    ("item", "active"),
    [
        (mesh(), True),
        (mesh(status=injecting("Injected")), True),
        (mesh(status=injecting("Not Injected")), False),
        (mesh(status={"experiment": {"desiredPhase": "Run"}}), True),
        (mesh(status={"conditions": [{"type": "AllRecovered", "status": "True"}]}), False),
        (mesh(action="pod-kill", status={"conditions": [{"type": "AllInjected", "status": "True"}]}), False),
        (mesh(action="pod-kill", status={"conditions": [{"type": "AllInjected", "status": "False"}]}), True),
    ],
)
def test_what_will_inject_does_injects_or_has_not_recovered_is_active(item: Json, active: bool) -> None:
    assert is_active(CHAOS_MESH, item) is active


@pytest.mark.parametrize(("said", "active"), [("initialized", True), ("completed", False), ("stopped", False)])
def test_an_engine_that_has_ended_is_not_active(said: str, active: bool) -> None:
    assert is_active(LITMUS, {**engine(), "status": {"engineStatus": said}}) is active


def test_a_cluster_that_has_none_of_them_is_asked_once_a_minute_and_for_nothing_else() -> None:
    server, now = Server(), [0.0]
    foreign = Foreign(server, lambda: now[0])
    for second in range(59):
        now[0] = float(second)
        assert foreign.on(WEB, lambda: pytest.fail("nothing is active: nobody's labels matter")) == ""
    assert server.asked == [LITMUS, CHAOS_MESH]
    now[0] = 60.0
    foreign.on(WEB, lambda: LABELS)
    assert server.asked == [LITMUS, CHAOS_MESH] * 2


def test_who_may_not_see_all_namespaces_looks_in_the_one_that_is_hit_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = mesh(namespace="shop", selector={"labelSelectors": {"app": "web"}})
    assert holder(Server({"podchaos": [own]}, only="shop")) == "PodChaos shop/theirs (chaos-mesh.org), which is active"
    assert "foreign.partly resource=podchaos seen_in=shop" in caplog.text
    with pytest.raises(Denied, match="podchaos is forbidden"):
        holder(Server({"podchaos": [own]}, only="elsewhere"))
