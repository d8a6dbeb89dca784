"""The kubernetes probe, asked of API servers that are really there."""

from collections.abc import Callable
from typing import Any

import pytest

from gate.probes import kubernetes
from gate.running.ports import Answer, Asker, NoSample
from tests.builders import deployment
from tests.grounds import Ground
from tests.probes.servers import surroundings

Eventually = Callable[[Callable[[], object]], None]
Json = dict[str, Any]
REPLICAS = 2


class Web:
    """A Deployment of two pods, and probes of its namespace."""

    def __init__(self, ground: Ground, namespace: str) -> None:
        self.api, self.namespace = ground.api, namespace
        self.api.create("deployments", namespace, deployment("web", namespace, replicas=REPLICAS))

    def probe(self, expect: Json, **settings: Any) -> Asker:
        block = {"resource": "pods", "labels": {"app": "web"}, "namespace": self.namespace, **settings}
        return kubernetes.prepare(block, expect, surroundings(self.api))

    def scale(self, replicas: int) -> None:
        self.api.patch("deployments", self.namespace, "web", {"spec": {"replicas": replicas}})


@pytest.fixture
def web(cluster: Ground, namespace: str) -> Web:
    return Web(cluster, namespace)


def good(ask: Asker) -> bool:
    answer = ask()
    assert isinstance(answer, Answer), answer
    return answer.ok


def test_a_deployment_becomes_available(web: Web, eventually: Eventually) -> None:
    whole = {"resource": "deployments", "labels": {}, "name": "web"}
    available = web.probe({"condition": "Available"}, **whole)
    complete = web.probe({"condition": {"type": "Progressing", "reason": "^NewReplicaSetAvailable$"}}, **whole)
    replicas = web.probe({"field": "status.readyReplicas", "atLeast": REPLICAS}, **whole)
    for ask in (available, complete, replicas):
        eventually(lambda ask=ask: good(ask))
    assert replicas() == Answer(ok=True, value=REPLICAS)


def test_ready_pods_are_counted_and_pods_that_go_are_not(web: Web, eventually: Eventually) -> None:
    two = web.probe({"condition": "Ready", "count": {"atLeast": REPLICAS, "atMost": REPLICAS}})
    none = web.probe({"count": {"atMost": 0}})
    others = web.probe({"count": {"atMost": 0}}, labels={"app": "other"})
    eventually(lambda: good(two))
    assert good(others)
    assert not good(none)
    web.scale(0)
    eventually(lambda: good(none))
    assert not good(two)


def test_a_field_of_each_pod_is_compared(web: Web, eventually: Eventually) -> None:
    running = web.probe({"field": "status.conditions[?@.type=='Ready'].status", "equals": "True"})
    wrong = web.probe({"field": "spec.containers[0].image", "matches": "^shop:"})
    eventually(lambda: good(running))
    answer = wrong()
    assert isinstance(answer, Answer)
    assert answer.detail.endswith("spec.containers[0].image is web:1, which does not match ^shop:")


def test_an_event_is_seen_when_it_comes(web: Web, eventually: Eventually) -> None:
    ready = web.probe({"condition": "Ready", "count": {"atLeast": REPLICAS}})
    eventually(lambda: good(ready))
    down = [{"field": "reason", "equals": "ScalingReplicaSet"}, {"field": "message", "matches": "Scaled down"}]
    seen = web.probe({"count": {"atLeast": 1}}, resource="events", labels={}, where=down)
    assert not good(seen)
    web.scale(1)
    eventually(lambda: good(seen))


def test_a_resource_that_the_cluster_does_not_have_is_no_sample(web: Web) -> None:
    assert isinstance(web.probe({"count": {"atLeast": 1}}, resource="rollouts")(), NoSample)
