"""A container without a shell: a fault that needs one uses an ephemeral container beside it, or says why it cannot."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gate.cluster.api import Api
from gate.errors import Futile, Permanent, Temporary
from gate.faults import ACTS, beside, cpu_stress
from gate.faults.beside import LONGER, begin, is_beside
from gate.model import Target, Undo
from tests.builders import deployment, pod_template
from tests.faults.application import POLITE, Application, Eventually
from tests.faults.application import bare as without_shell
from tests.grounds import Ground

Json = dict[str, Any]
on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""No command can be run in containers that are played by kwok."""
CASES: dict[str, Json] = {
    "cpu-stress": {"workers": 2},
    "memory-stress": {"size": "4Mi"},
    "disk-fill": {"size": "4Mi", "leave": "0%", "path": "/data"},
}


@pytest.fixture
def bare(cluster: Ground, namespace: str, eventually: Eventually) -> Iterator[Application]:
    """A Deployment `web` of one pod, whose container finds no shell. What waits in it has its own."""
    application = Application(ground=cluster, namespace=namespace, eventually=eventually)
    main = without_shell("main") | {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    template = pod_template(main, {"name": "beside", "image": "web:2", "command": POLITE})
    template["spec"] |= {"terminationGracePeriodSeconds": 1, "volumes": [{"name": "data", "emptyDir": {}}]}
    application.api.create("deployments", namespace, deployment("web", namespace, template=template, replicas=1))
    eventually(lambda: len(application.pods()) == 1)
    yield application
    cluster.ask("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")


@on_the_sandbox
@pytest.mark.parametrize("fault", CASES)
def test_it_is_felt_and_taken_back_in_a_container_of_its_own(fault: str, bare: Application) -> None:
    (undo,) = bare.plan(fault, image="web:3", **CASES[fault])
    for _ in range(2):
        bare.inject(undo)
    bare.eventually(lambda: ACTS[fault].prove(undo, bare.api))
    (made,) = bare.read("pods", undo.target.name)["spec"]["ephemeralContainers"]
    assert made["image"] == "web:3"
    assert "were ended" in bare.revert(undo)
    assert bare.programs() == []
    assert ACTS[fault].prove(undo, bare.api) in {None, ""}
    assert bare.revert(undo)
    assert [pod.uid for pod in bare.pods()] == [undo.target.uid], "the pod is the same, and ready"


@on_the_sandbox
@pytest.mark.parametrize("fault", CASES)
def test_without_an_image_it_is_refused_in_one_line_and_nothing_is_done(fault: str, bare: Application) -> None:
    before = bare.read("pods", bare.pods()[0].name)
    with pytest.raises(Permanent, match=rf"main of Pod .* has no shell to run {fault} in: name an `image`") as refused:
        bare.plan(fault, **CASES[fault])
    assert "\n" not in str(refused.value)
    assert bare.read("pods", before["metadata"]["name"])["spec"] == before["spec"]


@on_the_sandbox
def test_a_container_that_cannot_be_killed_from_within_is_not_killed(bare: Application) -> None:
    (undo,) = bare.plan("container-kill")
    with pytest.raises(Futile, match=r"main of Pod .* was not killed: it has no shell .* use pod-kill"):
        bare.inject(undo)


@on_the_sandbox
def test_where_there_is_a_shell_the_image_is_not_used(bare: Application) -> None:
    (undo,) = bare.plan("cpu-stress", container="beside", image="web:3")
    assert not is_beside(undo)
    bare.inject(undo)
    assert "ephemeralContainers" not in bare.read("pods", undo.target.name)["spec"]
    assert "were ended" in bare.revert(undo)


@on_the_sandbox
def test_a_program_that_nobody_ends_ends_by_itself(bare: Application) -> None:
    (undo,) = bare.plan("cpu-stress", image="web:3")
    short = replace(undo, settings={**undo.settings, "seconds": 2})
    bare.inject(short)
    bare.eventually(lambda: bare.programs() == [])
    assert cpu_stress.prove(short, bare.api) is None


@on_the_sandbox
def test_a_container_to_which_nobody_comes_ends_by_itself(bare: Application) -> None:
    (undo,) = bare.plan("cpu-stress", image="web:3")
    with pytest.raises(Temporary):
        begin(replace(undo, settings={**undo.settings, "seconds": 1 - LONGER}), bare.api)

    def state() -> Json:
        statuses = bare.read("pods", undo.target.name)["status"].get("ephemeralContainerStatuses") or [{}]
        found: Json = statuses[0].get("state") or {}
        return found

    bare.eventually(lambda: "terminated" in state())
    assert "nothing is left" in bare.revert(undo)
    with pytest.raises(Permanent, match="ended: Completed"):
        cpu_stress.inject(undo, bare.api)


@on_the_sandbox
def test_another_attempt_gets_a_container_of_its_own_with_all_of_its_time(bare: Application) -> None:
    (lost,) = bare.plan("cpu-stress", image="web:3")
    bare.inject(lost)
    assert "were ended" in bare.revert(lost)
    (undo,) = bare.plan("cpu-stress", image="web:3")
    bare.inject(undo)
    names = [each["name"] for each in bare.read("pods", undo.target.name)["spec"]["ephemeralContainers"]]
    assert names == [lost.settings["container"], undo.settings["container"]]
    assert len(set(names)) == 2
    assert "were ended" in bare.revert(undo)


@on_the_sandbox
def test_a_shell_that_comes_too_late_does_nothing(bare: Application) -> None:
    """Whoever takes back before it runs need not wait for it: it only waits, and nobody gives it anything to do."""
    (undo,) = bare.plan("cpu-stress", image="nobody:1")
    with pytest.raises(Temporary, match="just been made"):
        cpu_stress.inject(undo, bare.api)
    bare.eventually(lambda: "Pull" in why(undo, bare.api))
    assert "nobody:1, does not run: " in why(undo, bare.api)
    assert "nothing is left" in bare.revert(undo)


def why(undo: Undo, api: Api) -> str:
    try:
        begin(undo, api)
    except Temporary as error:
        return str(error)
    return ""


def by_hand(bare: Application, **settings: Any) -> Undo:
    """As it is planned where commands can be run."""
    pod = bare.pods()[0]
    undo = Undo(
        id=f"it breaks/{pod.name}",
        step="it breaks",
        fault="cpu-stress",
        target=pod,
        settings={"container": "main", "mark": f"{pod.uid}-1", "seconds": 31, "arguments": ["1"]},
    )
    item = bare.read("pods", pod.name)
    return beside.instead(undo, beside.Aided(image="web:3", **settings), item, Permanent("no shell"))


def said(bare: Application, undo: Undo, state: Json) -> None:
    """Tell of the container as a kubelet does."""
    name, pod = undo.settings["container"], undo.target
    status = {"name": name, "image": "web:3", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    bare.api.patch(
        "pods", pod.namespace, pod.name, {"status": {"ephemeralContainerStatuses": [status]}}, subresource="status"
    )


@pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
def test_a_real_server_takes_it_and_what_its_kubelet_says_is_understood(bare: Application) -> None:
    undo = by_hand(bare)
    assert "just been made" in why(undo, bare.api)
    (made,) = bare.read("pods", undo.target.name)["spec"]["ephemeralContainers"]
    assert (made["name"], made["image"], made["command"][-1]) == (undo.settings["container"], "web:3", str(31 + LONGER))
    assert "nobody says why" in why(undo, bare.api)
    assert len(bare.read("pods", undo.target.name)["spec"]["ephemeralContainers"]) == 1
    said(bare, undo, {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}})
    assert why(undo, bare.api).endswith("web:3, does not run: ErrImagePull: manifest unknown")
    said(bare, undo, {"running": {"startedAt": "2026-11-22T00:00:00Z"}})
    assert why(undo, bare.api) == ""
    said(bare, undo, {"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
    with pytest.raises(Permanent, match="ended: OOMKilled"):
        begin(undo, bare.api)
    assert "nothing is left" in cpu_stress.revert(undo, bare.api)


def test_only_the_volume_that_is_filled_is_mounted_and_no_part_of_one() -> None:
    mounts = [
        {"name": "all", "mountPath": "/"},
        {"name": "data", "mountPath": "/data/"},
        {"name": "part", "mountPath": "/data/part", "subPath": "x"},
        {"name": "more", "mountPath": "/data-more"},
    ]
    trusted = {"runAsNonRoot": True}
    item = {"spec": {"containers": [{"name": "main", "volumeMounts": mounts, "securityContext": trusted}]}}
    seen = Server(item)
    undo = replace(
        beside.instead(UNDO, beside.Aided(image="tools:1"), item, Permanent("no shell")),
        target=replace(TARGET, uid="u"),
    )
    for path, named in (
        ("/data/x", ["data"]),
        ("/data", ["data"]),
        ("/data-more", ["more"]),
        ("/etc", ["all"]),
        ("", []),
    ):
        with pytest.raises(Temporary):
            begin(undo, seen, path)
        (container,) = seen.written["spec"]["ephemeralContainers"]
        assert [each["name"] for each in container.get("volumeMounts", [])] == named
        assert container["securityContext"] == trusted
    with pytest.raises(Permanent, match="subPath"):
        begin(undo, seen, "/data/part/y")


TARGET = Target(kind="Pod", namespace="shop", name="web-1", uid="u")
UNDO = Undo(
    id="a/web-1",
    step="a",
    fault="disk-fill",
    target=TARGET,
    settings={"container": "main", "mark": "u-1", "seconds": 9, "arguments": []},
)


class Server:
    """Has one pod, and keeps what it is asked to write."""

    def __init__(self, item: Json) -> None:
        self.item = item | {"metadata": {"uid": "u", "resourceVersion": "1"}, "status": {}}
        self.written: Json = {}

    def get(self, resource: str, namespace: str, name: str) -> Json:
        return self.item

    def patch(self, resource: str, namespace: str, name: str, body: Json, *, subresource: str = "") -> Json:
        assert subresource == "ephemeralcontainers"
        self.written = body
        return self.item
