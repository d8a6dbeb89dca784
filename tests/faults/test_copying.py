"""The copy of a workload: nobody else finds it, it shares nothing that is written; and what cannot be copied."""

from typing import Any

import pytest

from gate.documents.isolation import NOT_COPIED
from gate.errors import Permanent
from gate.faults import template
from gate.model import COPY, WorkloadKind, WorkloadName
from tests.builders import deployment, pod_template, service
from tests.faults.application import Application, Eventually

Json = dict[str, Any]
TAKEN = {"app": "web", "tier": "front", "team": "shop", "version": "7"}


def workload(**pod: Any) -> Json:
    """A Deployment whose pods have several labels."""
    pods = pod_template(image="registry.shop:5000/web:1")
    pods["metadata"]["labels"] = TAKEN
    pods["spec"] |= pod
    return deployment(template=pods, replicas=3, minReadySeconds=2, paused=True)


def copied(*services: Json, of: Json | None = None, kind: WorkloadKind = WorkloadKind.DEPLOYMENT) -> Json:
    item = of or workload()
    return template.deployment("copy-1", kind, item["spec"], item["spec"]["template"], services)


def behind(name: str, **selector: str) -> Json:
    found = service(name)
    found["spec"]["selector"] = selector
    return found


# ------------------------------------------------------------------------------------------------------ what it is like


def test_it_is_found_by_its_own_label_and_by_no_label_of_the_workload() -> None:
    spec = copied()
    assert spec["selector"] == {"matchLabels": {template.COPY: "copy-1"}}
    assert spec["template"]["metadata"]["labels"] == {
        "tier": "front",
        "team": "shop",
        "version": "7",
        template.COPY: "copy-1",
    }


def test_no_service_that_there_is_sends_traffic_to_it() -> None:
    services = [behind("all", tier="front"), behind("some", team="shop", version="7"), behind("others", team="bank")]
    labels = copied(*services, behind("hand-made"))["template"]["metadata"]["labels"]
    assert labels == {template.COPY: "copy-1"}
    assert not any(template.selects(each, labels) for each in services)


def test_what_stays_is_what_makes_the_pods_what_they_are() -> None:
    item = workload(serviceAccountName="web")
    spec = copied(of=item)
    assert spec["template"]["spec"] == item["spec"]["template"]["spec"]
    assert (spec["minReadySeconds"], "paused" in spec, "replicas" in spec) == (2, False, False)


def test_a_rollout_is_copied_as_a_deployment_without_its_strategy() -> None:
    item = workload()
    item["spec"]["strategy"] = {"canary": {}}
    assert "strategy" in copied(of=item)
    assert "strategy" not in copied(of=item, kind=WorkloadKind.ROLLOUT)


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("web:1", "web@sha256:new"),
        ("web", "web@sha256:new"),
        ("registry.shop:5000/team/web", "registry.shop:5000/team/web@sha256:new"),
        ("registry.shop:5000/team/web:1", "registry.shop:5000/team/web@sha256:new"),
        ("web:1@sha256:old", "web@sha256:new"),
    ],
)
def test_another_version_is_pulled_by_its_digest(image: str, pinned: str) -> None:
    pods = pod_template(image=image)
    (container,) = template.pinned(pods, {"main": "sha256:new"})["spec"]["containers"]
    assert container == {"name": "main", "image": pinned}


def test_its_service_has_the_ports_and_is_reached_within_the_cluster_only() -> None:
    original = service()
    original["spec"] |= {
        "type": "LoadBalancer",
        "clusterIP": "10.0.0.7",
        "sessionAffinity": "ClientIP",
        "ports": [{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30007}],
    }
    assert template.service("copy-1", original) == {
        "selector": {template.COPY: "copy-1"},
        "ports": [{"name": "http", "port": 80, "targetPort": "web"}],
        "sessionAffinity": "ClientIP",
    }
    original["spec"]["clusterIP"] = "None"
    assert template.service("copy-1", original)["clusterIP"] == "None"


# -------------------------------------------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (
            {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
            ['the volume "data" (persistentVolumeClaim) would be that of the workload itself'],
        ),
        (
            {"volumes": [{"name": "log", "hostPath": {"path": "/var/log"}}, {"name": "x", "nfs": {}}]},
            [
                'the volume "log" (hostPath) would be that of the workload itself',
                'the volume "x" (nfs) would be that of the workload itself',
            ],
        ),
        ({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "ephemeral": {}}, {"name": "c", "secret": {}}]}, []),
        ({"hostNetwork": True}, ["its pods are in the network of their nodes (hostNetwork)"]),
        (
            {"containers": [{"name": "main", "image": "web", "ports": [{"containerPort": 80, "hostPort": 8080}]}]},
            ['the container "main" has the port 8080 of its node (hostPort)'],
        ),
        ({}, []),
    ],
)
def test_what_two_would_quarrel_about_is_not_copied(pod: Json, said: list[str]) -> None:
    assert template.problems(WorkloadKind.DEPLOYMENT, workload(**pod)) == said


@pytest.mark.parametrize("kind", NOT_COPIED)
def test_kinds_that_cannot_be_copied_say_why(kind: WorkloadKind) -> None:
    (said,) = template.problems(kind, workload())
    assert said == f"a {kind} cannot be copied: {NOT_COPIED[kind]}"


def test_a_rollout_that_has_its_template_elsewhere_is_not_copied() -> None:
    (said,) = template.problems(WorkloadKind.ROLLOUT, {"spec": {"workloadRef": {"kind": "Deployment", "name": "web"}}})
    assert "workloadRef" in said


def test_a_version_with_other_containers_or_without_digests_does_not_fit() -> None:
    images = {"beside": "sha256:1", "main": "web:1+abc"}
    assert template.of_version(images, pod_template()) == [
        'no digest is known of the image of "main"',
        'that version has a container "beside", the pod template has none',
    ]
    assert template.of_version({}, pod_template()) == ['that version has no container "main", the pod template has one']


# ------------------------------------------------------------------------------------------------------ on both grounds


def test_its_pods_are_ready_and_only_its_own_service_leads_to_them(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan(COPY, service="web")
    web.inject(undo)
    web.feel(undo)
    name, before = undo.settings["name"], {pod.uid for pod in web.pods()}
    own = web.api.list("pods", web.namespace, labels=f"{template.COPY}={name}")[0]
    assert len(own) == 3
    leading = [
        each["metadata"]["name"]
        for each in web.api.list("services", web.namespace)[0]
        if any(template.selects(each, pod["metadata"]["labels"]) for pod in own)
    ]
    assert leading == [name]
    assert not before & {pod["metadata"]["uid"] for pod in own}
    web.revert(undo)
    eventually(lambda: not web.api.list("pods", web.namespace, labels=f"{template.COPY}={name}")[0])
    assert {pod.uid for pod in web.pods()} == before


def test_its_pods_run_what_the_workload_runs(web: Application) -> None:
    images = {image.container: image.digest for image in web.pods()[0].images}
    (undo,) = web.plan(COPY, images=images)
    web.inject(undo)
    web.feel(undo)
    assert web.api.get("services", web.namespace, undo.settings["name"]) is None, "nobody asks it by a host"
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=web.namespace, name=undo.settings["name"])
    assert {pod.images for pod in web.pods_of(name)} == {web.pods()[0].images}
    web.revert(undo)


def test_another_version_runs_by_its_digests_under_the_present_template(web: Application) -> None:
    main, beside = sorted(web.pods()[0].images, key=lambda image: image.container, reverse=True)
    (undo,) = web.plan(COPY, images={main.container: main.digest, beside.container: beside.digest}, pinned=True)
    web.inject(undo)
    web.feel(undo)
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=web.namespace, name=undo.settings["name"])
    assert {pod.images for pod in web.pods_of(name)} == {web.pods()[0].images}
    pods = web.read("deployments", name.name)["spec"]["template"]["spec"]["containers"]
    assert [container["image"].partition("@")[2] for container in pods] == [main.digest, beside.digest]
    web.revert(undo)


def test_a_service_that_does_not_lead_there_is_refused_with_those_that_do(web: Application) -> None:
    with pytest.raises(Permanent, match=r"no Service .*/front leads to the pods .*; name one of web in `service`"):
        web.plan(COPY, service="front")


def test_what_has_the_name_and_is_somebody_elses_stays(web: Application) -> None:
    (undo,) = web.plan(COPY)
    theirs = deployment(undo.settings["name"], web.namespace, replicas=0)
    web.api.create("deployments", web.namespace, theirs)
    with pytest.raises(Permanent, match="is somebody else's"):
        web.inject(undo)
    assert web.revert(undo).endswith("is not there")
    assert web.read("deployments", undo.settings["name"])


def test_a_copy_is_not_made_for_a_run_that_is_not_there(web: Application) -> None:
    with pytest.raises(Permanent, match=r"there is no ChaosRun .*/nobody that a copy could belong to"):
        web.plan(COPY, run="nobody")


def test_each_attempt_has_a_copy_of_its_own(web: Application) -> None:
    names = [web.plan(COPY, attempt=attempt)[0].settings["name"] for attempt in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def test_nothing_of_the_template_is_in_the_record(web: Application) -> None:
    """Variables may be secret, and records are read by more people than Deployments."""
    (undo,) = web.plan(COPY, service="web")
    assert undo.settings.keys() == {"name", "service", "images", "replicas", "owner"}
    assert undo.before == {}
