"""Who answers at which port of a Service, where its pods do not agree on that: the same on both grounds."""

from typing import Any

import pytest

from tests.differential.samples import pod
from tests.grounds import Ground

SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?labelSelector=kubernetes.io/service-name={}"


@pytest.fixture
def three(cluster: Ground, namespace: str, eventually) -> str:
    """Two pods that give the same name to different ports, and one with a name of its own below the Service `web`."""
    shop = [
        ("a", {"ports": [{"name": "http", "containerPort": 8080}]}, {}),
        ("b", {"ports": [{"name": "http", "containerPort": 9090}]}, {}),
        ("c", {}, {"hostname": "me", "subdomain": "web"}),
    ]
    for name, container, spec in shop:
        made = pod(name, metadata={"labels": {"app": "web"}})
        made["spec"] |= spec
        made["spec"]["containers"][0] |= container
        # A real namespace may have to wait for its service account first.
        eventually(
            lambda made=made: cluster.ask("POST", f"/api/v1/namespaces/{namespace}/pods", made).status_code == 201
        )
    return namespace


def serve(cluster: Ground, namespace: str, *ports: dict[str, Any]) -> None:
    spec = {"clusterIP": "None", "selector": {"app": "web"}, "ports": list(ports)}
    service = {"metadata": {"name": "web"}, "spec": spec}
    assert cluster.ask("POST", f"/api/v1/namespaces/{namespace}/services", service).status_code == 201


def in_slices(cluster: Ground, namespace: str) -> dict[str, tuple[list[tuple[str, int]], str | None]]:
    """The ports of each pod that is ready, and what it is called."""
    return {
        endpoint["targetRef"]["name"]: (
            sorted((port["name"], port["port"]) for port in each.get("ports") or ()),
            endpoint.get("hostname"),
        )
        for each in slices(cluster, namespace)
        for endpoint in each.get("endpoints") or ()
        if endpoint["conditions"]["ready"]
    }


def slices(cluster: Ground, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.ask("GET", SLICES.format(namespace, "web")).json()["items"]
    return found


def in_endpoints(cluster: Ground, namespace: str) -> list[tuple[list[tuple[str, int]], list[tuple[str, str | None]]]]:
    """The same in the old form: which ports have which pods."""
    subsets = cluster.ask("GET", f"/api/v1/namespaces/{namespace}/endpoints/web").json().get("subsets") or []
    return sorted(
        (
            sorted((port["name"], port["port"]) for port in subset.get("ports") or ()),
            sorted((each["targetRef"]["name"], each.get("hostname")) for each in subset.get("addresses") or ()),
        )
        for subset in subsets
    )


def test_a_port_by_name_is_the_number_that_each_pod_gives_it(cluster, three, eventually):
    serve(
        cluster, three, {"name": "x", "port": 80, "targetPort": "http"}, {"name": "y", "port": 81, "targetPort": 7000}
    )
    wanted = {
        "a": ([("x", 8080), ("y", 7000)], None),
        "b": ([("x", 9090), ("y", 7000)], None),
        "c": ([("y", 7000)], "me"),
    }
    eventually(lambda: in_slices(cluster, three) == wanted)
    assert len(slices(cluster, three)) == 3
    everybody = [("a", None), ("b", None), ("c", "me")]
    old = [([("x", 8080)], [("a", None)]), ([("x", 9090)], [("b", None)]), ([("y", 7000)], everybody)]
    eventually(lambda: in_endpoints(cluster, three) == old)

    names = {each["metadata"]["name"] for each in slices(cluster, three)}
    only = [{"op": "replace", "path": "/spec/ports", "value": [{"port": 80, "targetPort": 7000}]}]
    place = f"/api/v1/namespaces/{three}/services/web"
    assert cluster.ask("PATCH", place, only, media="application/json-patch+json").status_code == 200
    eventually(lambda: {each[0][0][1] if each[0] else 0 for each in in_slices(cluster, three).values()} == {7000})
    eventually(lambda: len(slices(cluster, three)) == 1)
    assert slices(cluster, three)[0]["metadata"]["name"] in names, "one of those that were there"


def test_a_port_that_no_pod_has_leaves_pods_without_ports(cluster, three, eventually):
    serve(cluster, three, {"name": "x", "port": 80, "targetPort": "absent"})
    eventually(lambda: in_slices(cluster, three) == {"a": ([], None), "b": ([], None), "c": ([], "me")})
    eventually(lambda: cluster.ask("GET", f"/api/v1/namespaces/{three}/endpoints/web").status_code == 200)
    assert in_endpoints(cluster, three) == []
