"""A pod that runs is given another container: what both servers take and refuse, and what a kubelet does then."""

from typing import Any

import pytest

from tests.builders import pod_template
from tests.faults.application import Eventually
from tests.grounds import Ground

Json = dict[str, Any]
AID = {"name": "aid", "image": "web:2", "command": ["sleep", "1000d"]}
MERGE = "application/merge-patch+json"
on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""Nobody starts containers where kwok plays the node."""


def path_of(namespace: str, what: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/pods/p{what}"


@pytest.fixture
def pod(cluster: Ground, namespace: str) -> str:
    """The namespace of a pod `p` with one container and one volume."""
    mount = {"name": "data", "mountPath": "/data"}
    spec = pod_template({"name": "main", "image": "web:1", "volumeMounts": [mount]})["spec"]
    spec["volumes"] = [{"name": "data", "emptyDir": {}}]
    made = cluster.ask("POST", path_of(namespace).removesuffix("/p"), {"metadata": {"name": "p"}, "spec": spec})
    assert made.status_code == 201, made.text
    return namespace


def given(cluster: Ground, namespace: str, *containers: Json, **more: Any) -> Any:
    body = {"spec": {"ephemeralContainers": list(containers), **more}}
    return cluster.ask("PATCH", path_of(namespace, "/ephemeralcontainers"), body, media=MERGE)


def read(cluster: Ground, namespace: str) -> Json:
    found: Json = cluster.ask("GET", path_of(namespace)).json()
    return found


def test_it_gets_what_every_container_has_and_nothing_else_of_the_pod_changes(cluster: Ground, pod: str) -> None:
    before = read(cluster, pod)
    made = given(cluster, pod, AID, activeDeadlineSeconds=5)
    assert made.status_code == 200, made.text
    after = made.json()
    assert after["spec"].pop("ephemeralContainers") == [
        AID
        | {
            "imagePullPolicy": "IfNotPresent",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
    ]
    assert after["spec"].keys() == before["spec"].keys()
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert [each["name"] for each in read(cluster, pod)["spec"]["ephemeralContainers"]] == ["aid"]


@pytest.mark.parametrize(
    ("container", "field", "message"),
    [
        ({"image": ""}, "[0].image", "Required value"),
        ({"name": "main"}, "[0].name", 'Duplicate value: "main"'),
        ({"targetContainerName": "other"}, "[0].targetContainerName", 'Not found: "other"'),
        (
            {"livenessProbe": {"httpGet": {"port": 80}}},
            "[0].livenessProbe",
            "Forbidden: cannot be set for an Ephemeral Container",
        ),
        ({"ports": [{"containerPort": 80}]}, "[0].ports", "Forbidden: cannot be set for an Ephemeral Container"),
        (
            {"resources": {"limits": {"cpu": "1"}}},
            "[0].resources",
            "Forbidden: cannot be set for an Ephemeral Container",
        ),
        (
            {"volumeMounts": [{"name": "data", "mountPath": "/d", "subPath": "part"}]},
            "[0].volumeMounts[0].subPath",
            "Forbidden: cannot be set for an Ephemeral Container",
        ),
        ({"volumeMounts": [{"name": "other", "mountPath": "/d"}]}, "[0].volumeMounts[0].name", 'Not found: "other"'),
    ],
)
def test_what_it_cannot_be_is_refused_by_both_in_the_same_words(
    cluster: Ground, pod: str, container: Json, field: str, message: str
) -> None:
    refused = given(cluster, pod, AID | container)
    assert refused.status_code == 422, refused.text
    causes = {each["field"]: each["message"] for each in refused.json()["details"]["causes"]}
    assert causes == {f"spec.ephemeralContainers{field}": message}


@pytest.mark.parametrize(
    ("containers", "word"),
    [([], "removed"), ([AID | {"image": "web:3"}], "changed"), ([AID | {"tty": True}], "changed")],
)
def test_one_that_is_there_can_neither_go_nor_change(
    cluster: Ground, pod: str, containers: list[Json], word: str
) -> None:
    assert given(cluster, pod, AID).status_code == 200
    refused = given(cluster, pod, *containers)
    assert refused.status_code == 422, refused.text
    (cause,) = refused.json()["details"]["causes"]
    assert cause["field"] == "spec.ephemeralContainers"
    assert f'existing ephemeral containers "aid" may not be {word}' in cause["message"]


def test_it_is_given_at_its_own_place_only(cluster: Ground, pod: str) -> None:
    refused = cluster.ask("PATCH", path_of(pod), {"spec": {"ephemeralContainers": [AID]}}, media=MERGE)
    assert refused.status_code == 422, refused.text
    stale = {"metadata": {"resourceVersion": "1"}, "spec": {"ephemeralContainers": [AID]}}
    assert cluster.ask("PATCH", path_of(pod, "/ephemeralcontainers"), stale, media=MERGE).status_code == 409
    assert cluster.ask("GET", path_of(pod, "/ephemeralcontainers")).json()["kind"] == "Pod"


def state_of(cluster: Ground, namespace: str, name: str) -> Json:
    statuses = read(cluster, namespace)["status"].get("ephemeralContainerStatuses") or ()
    return next((each["state"] for each in statuses if each["name"] == name), {})


@on_the_sandbox
def test_it_runs_beside_the_others_once_and_its_end_is_nobodys_concern(
    cluster: Ground, pod: str, eventually: Eventually
) -> None:
    eventually(lambda: read(cluster, pod)["status"]["phase"] == "Running")
    short = {"name": "short", "image": "web:2", "command": ["sh", "-c", "echo done >/dev/termination-log; exit 3"]}
    assert given(cluster, pod, short).status_code == 200
    eventually(lambda: "terminated" in state_of(cluster, pod, "short"))
    ended = state_of(cluster, pod, "short")["terminated"]
    assert (ended["exitCode"], ended["message"]) == (3, "done\n")
    present = read(cluster, pod)["spec"]["ephemeralContainers"]
    assert given(cluster, pod, *present, AID).status_code == 200
    eventually(lambda: "running" in state_of(cluster, pod, "aid"))
    assert cluster.api.execute(pod, "p", "aid", ["echo", "hello"]) == "hello\n"
    found = read(cluster, pod)
    assert found["status"]["phase"] == "Running"
    assert [each["restartCount"] for each in found["status"]["ephemeralContainerStatuses"]] == [0, 0]
    assert [each["ready"] for each in found["status"]["containerStatuses"]] == [True]


@on_the_sandbox
def test_it_goes_with_its_pod(cluster: Ground, pod: str, eventually: Eventually) -> None:
    eventually(lambda: read(cluster, pod)["status"]["phase"] == "Running")
    assert given(cluster, pod, AID).status_code == 200
    eventually(lambda: "running" in state_of(cluster, pod, "aid"))
    gone = cluster.ask("DELETE", path_of(pod), {"kind": "DeleteOptions", "gracePeriodSeconds": 1})
    assert gone.status_code == 200, gone.text
    eventually(lambda: cluster.ask("GET", path_of(pod)).status_code == 404)


@on_the_sandbox
def test_an_image_that_is_not_there_is_told_and_keeps_nobody_from_anything(
    cluster: Ground, pod: str, eventually: Eventually
) -> None:
    assert given(cluster, pod, AID | {"image": "nobody:1"}).status_code == 200
    eventually(lambda: "Pull" in state_of(cluster, pod, "aid").get("waiting", {}).get("reason", ""))
    eventually(lambda: read(cluster, pod)["status"]["phase"] == "Running")
