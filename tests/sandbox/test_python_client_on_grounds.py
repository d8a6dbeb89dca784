"""The Kubernetes project's Python client does its ordinary calls on both grounds, typed and dynamic."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, dynamic, watch
from kubernetes.client import ApiClient, ApiException, AppsV1Api, CoreV1Api, CustomObjectsApi

from tests.grounds import IMAGES, Ground

GATE = {
    "apiVersion": "chaosgate.dev/v1alpha1",
    "kind": "ChaosGate",
    "metadata": {"name": "web"},
    "spec": {"workload": {"kind": "Deployment", "name": "web", "uid": "a-uid"}},
}


@pytest.fixture
def connection(cluster: Ground) -> Iterator[ApiClient]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as made:
        yield made


def config_map(name: str, **data: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"of": "test"}), data=data)


def deployment(replicas: int) -> client.V1Deployment:
    labels = {"app": "web"}
    container = client.V1Container(name="web", image=IMAGES[0])
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(
        replicas=replicas, selector=client.V1LabelSelector(match_labels=labels), template=template
    )
    return client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec)


def refused(call: Any, *arguments: Any, **more: Any) -> tuple[int, str]:
    """The status and the reason with which the server refuses the call."""
    with pytest.raises(ApiException) as refusal:
        call(*arguments, **more)
    return refusal.value.status, json.loads(refusal.value.body)["reason"]


def test_an_object_is_created_read_replaced_patched_and_deleted(connection: ApiClient, namespace: str) -> None:
    core = CoreV1Api(connection)
    made = core.create_namespaced_config_map(namespace, config_map("a", n="1"))
    assert core.read_namespaced_config_map("a", namespace).to_dict() == made.to_dict()
    made.data = {"n": "2"}
    replaced = core.replace_namespaced_config_map("a", namespace, made)
    assert (replaced.data, replaced.metadata.uid) == ({"n": "2"}, made.metadata.uid)
    assert refused(core.replace_namespaced_config_map, "a", namespace, made) == (409, "Conflict")
    assert core.patch_namespaced_config_map("a", namespace, {"data": {"m": "3"}}).data == {"n": "2", "m": "3"}
    assert refused(core.create_namespaced_config_map, namespace, config_map("a")) == (409, "AlreadyExists")
    core.delete_namespaced_config_map("a", namespace)
    assert refused(core.read_namespaced_config_map, "a", namespace) == (404, "NotFound")


def test_a_list_is_read_in_pages(connection: ApiClient, namespace: str) -> None:
    core = CoreV1Api(connection)
    for name in "abcde":
        core.create_namespaced_config_map(namespace, config_map(name))
    names, token = [], None
    while token != "":
        page = core.list_namespaced_config_map(namespace, label_selector="of=test", limit=2, _continue=token)
        names.append([item.metadata.name for item in page.items])
        token = page.metadata._continue or ""
    assert names == [["a", "b"], ["c", "d"], ["e"]]
    whole = core.list_namespaced_config_map(namespace, field_selector="metadata.name!=c", label_selector="of in (test)")
    assert [item.metadata.name for item in whole.items] == ["a", "b", "d", "e"]
    core.delete_collection_namespaced_config_map(namespace, label_selector="of=test")
    assert core.list_namespaced_config_map(namespace, label_selector="of=test").items == []


def test_a_watch_goes_on_from_the_version_of_a_list(connection: ApiClient, namespace: str) -> None:
    core = CoreV1Api(connection)
    core.create_namespaced_config_map(namespace, config_map("before"))
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("a", n="1"))
    core.patch_namespaced_config_map("a", namespace, {"data": {"n": "2"}})
    core.delete_namespaced_config_map("a", namespace)
    following = watch.Watch()
    seen = []
    for event in following.stream(
        core.list_namespaced_config_map,
        namespace,
        resource_version=version,
        label_selector="of=test",
        timeout_seconds=9,
    ):
        seen.append((event["type"], event["object"].metadata.name, event["object"].data["n"]))
        if len(seen) == 3:
            following.stop()
    assert seen == [("ADDED", "a", "1"), ("MODIFIED", "a", "2"), ("DELETED", "a", "2")]


def test_a_deployment_is_scaled_and_its_status_follows(connection: ApiClient, namespace: str) -> None:
    apps = AppsV1Api(connection)
    apps.create_namespaced_deployment(namespace, deployment(1))
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})
    assert apps.read_namespaced_deployment_scale("web", namespace).spec.replicas == 2
    following = watch.Watch()
    for event in following.stream(apps.list_namespaced_deployment, namespace, timeout_seconds=30):
        if event["object"].status.available_replicas == 2:
            following.stop()
    ready = apps.read_namespaced_deployment_status("web", namespace)
    assert (ready.status.ready_replicas, ready.status.observed_generation) == (2, 2)
    assert [owner.kind for owner in apps.list_namespaced_replica_set(namespace).items[0].metadata.owner_references] == [
        "Deployment"
    ]
    pods = CoreV1Api(connection).list_namespaced_pod(namespace, label_selector="app=web").items
    assert {pod.status.phase for pod in pods} == {"Running"}
    apps.delete_namespaced_deployment("web", namespace, propagation_policy="Background")
    assert refused(apps.read_namespaced_deployment, "web", namespace) == (404, "NotFound")


def test_what_is_wrong_is_refused_with_its_causes(connection: ApiClient, namespace: str) -> None:
    wrong = deployment(1)
    wrong.spec.template.metadata.labels = {"app": "other"}
    apps = AppsV1Api(connection)
    assert refused(apps.create_namespaced_deployment, namespace, wrong) == (422, "Invalid")
    patch = [{"op": "test", "path": "/data/n", "value": "1"}]
    core = CoreV1Api(connection)
    core.create_namespaced_config_map(namespace, config_map("a", n="2"))
    assert refused(core.patch_namespaced_config_map, "a", namespace, patch) == (422, "Invalid")


def test_custom_objects_have_a_status_of_their_own(connection: ApiClient, namespace: str) -> None:
    custom = CustomObjectsApi(connection)
    place = ("chaosgate.dev", "v1alpha1", namespace, "chaosgates")
    made = custom.create_namespaced_custom_object(*place, GATE)
    assert made["metadata"]["generation"] == 1
    custom.patch_namespaced_custom_object_status(*place, "web", {"status": {"phase": "Open"}})
    read = custom.get_namespaced_custom_object(*place, "web")
    assert (read["status"], read["metadata"]["generation"]) == ({"phase": "Open"}, 1)
    assert len(custom.list_namespaced_custom_object(*place)["items"]) == 1
    custom.delete_namespaced_custom_object(*place, "web")
    assert refused(custom.get_namespaced_custom_object, *place, "web") == (404, "NotFound")


def test_the_dynamic_client_finds_kinds_by_discovery(connection: ApiClient, namespace: str) -> None:
    found = dynamic.DynamicClient(connection)
    gates = found.resources.get(api_version="chaosgate.dev/v1alpha1", kind="ChaosGate")
    made = gates.create(body=GATE, namespace=namespace)
    assert made.spec.workload.name == "web"
    labelled = gates.patch(
        name="web",
        namespace=namespace,
        body={"metadata": {"labels": {"a": "b"}}},
        content_type="application/merge-patch+json",
    )
    assert labelled.metadata.labels.a == "b"
    version = gates.get(namespace=namespace).metadata.resourceVersion
    gates.delete(name="web", namespace=namespace)
    events = found.watch(gates, namespace=namespace, resource_version=version, timeout=9)
    assert next(iter(events))["type"] == "DELETED"
    services = found.resources.get(api_version="v1", kind="Service")
    made = services.create(
        body={"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}}},
        namespace=namespace,
    )
    assert (made.spec.type, made.spec.ports[0].targetPort) == ("ClusterIP", 80)
