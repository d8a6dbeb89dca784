"""kubectl, the machine's and the one that was built, does and says the same on both grounds."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests import kubectls
from tests.grounds import IMAGES, Ground

GATE = {
    "apiVersion": "chaosgate.dev/v1alpha1",
    "kind": "ChaosGate",
    "metadata": {"name": "web"},
    "spec": {"workload": {"kind": "Deployment", "name": "web", "uid": "a-uid"}},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}


def web(image: str = IMAGES[0], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


class Kubectl:
    """One of the programs, in one namespace of one ground."""

    def __init__(self, ground: Ground, namespace: str, program: str) -> None:
        self.ground, self.namespace, self.program = ground, namespace, program

    def __call__(self, *arguments: str, said: Any = None, fails: bool = False) -> str:
        return self.ground.kubectl("-n", self.namespace, *arguments, said=said, fails=fails, program=self.program)

    def path(self, what: str, path: str) -> str:
        """What is there in the object."""
        return self("get", what, "-o", f"jsonpath={path}")


@pytest.fixture(params=kubectls.each())
def kubectl(request: pytest.FixtureRequest, cluster: Ground, namespace: str) -> Kubectl:
    return Kubectl(cluster, namespace, kubectls.program(request.param))


@pytest.fixture
def shop(kubectl: Kubectl) -> Kubectl:
    """With a Deployment of two pods, rolled out, and a Service before it."""
    kubectl("apply", "-f", "-", said={"apiVersion": "v1", "kind": "List", "items": [web(), SERVICE]})
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("wait", "endpoints/web", "--for=jsonpath={.subsets[0].addresses[1].ip}", "--timeout=30s")
    return kubectl


def columns(said: str) -> list[list[str]]:
    """The words of each line, parted where there are two blanks."""
    return [re.split(r"\s{2,}", line.strip()) for line in said.splitlines() if line.strip()]


def test_apply_creates_leaves_alone_changes_and_takes_away(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", said=config_map(a="1", b="2")) == "configmap/settings created\n"
    assert kubectl("apply", "-f", "-", said=config_map(a="1", b="2")) == "configmap/settings unchanged\n"
    assert kubectl("apply", "-f", "-", said=config_map(a="3")) == "configmap/settings configured\n"
    assert kubectl.path("cm/settings", "{.data}") == '{"a":"3"}'
    assert 'strict decoding error: unknown field "dta"' in kubectl(
        "apply", "-f", "-", said=config_map() | {"dta": {}}, fails=True
    )
    assert kubectl("apply", "-f", "-", "--dry-run=server", said=config_map(a="4")) == (
        "configmap/settings configured (server dry run)\n"
    )
    assert kubectl.path("cm/settings", "{.data.a}") == "3"
    assert kubectl("create", "-f", "-", said=config_map(), fails=True) == (
        'Error from server (AlreadyExists): error when creating "STDIN": configmaps "settings" already exists\n'
    )


def test_get_in_all_its_forms(shop: Kubectl) -> None:
    (head, row) = columns(shop("get", "deploy", "-o", "wide", "--show-labels"))
    assert head == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR", "LABELS"]
    assert row[:4] + row[5:] == ["web", "2/2", "2", "2", "web", IMAGES[0], "app=web", "app=web"]
    assert shop("get", "deploy,svc", "-o", "name") == "deployment.apps/web\nservice/web\n"
    assert shop("get", "deploy", "-o", "custom-columns=N:.metadata.name,R:.spec.replicas").split() == [
        "N",
        "R",
        "web",
        "2",
    ]
    assert shop("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.phase}") == "Running Running"
    assert shop("get", "pods", "-l", "app=web", "--no-headers", "--sort-by=.metadata.name").split()[1] == "1/1"
    assert json.loads(shop("get", "deploy", "web", "-o", "json"))["status"]["readyReplicas"] == 2
    assert "\n  readyReplicas: 2\n" in shop("get", "deploy", "web", "-o", "yaml")
    assert shop("get", "pods", "--field-selector=status.phase=Failed") == (
        f"No resources found in {shop.namespace} namespace.\n"
    )
    assert columns(shop("get", "svc", "web"))[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    kinds = [row[0].partition("/")[0] for row in columns(shop("get", "all")) if row[0] != "NAME"]
    assert kinds == ["pod", "pod", "service", "deployment.apps", "replicaset.apps"]


def test_get_says_what_is_not_there(kubectl: Kubectl) -> None:
    assert kubectl("get", "deploy", "nothing", fails=True) == (
        'Error from server (NotFound): deployments.apps "nothing" not found\n'
    )
    assert kubectl("get", "nonsense", fails=True) == 'error: the server doesn\'t have a resource type "nonsense"\n'
    assert kubectl("get", "cgate") == f"No resources found in {kubectl.namespace} namespace.\n"


def test_get_shows_what_changes_while_it_watches(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", said=config_map(a="1"))
    command = [kubectl.program, "--kubeconfig", str(kubectl.ground.kubeconfig), "-n", kubectl.namespace]
    watch = [*command, "get", "cm", "settings", "--watch", "-o", "jsonpath={.data.a}{'\\n'}"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "1\n"
        kubectl("patch", "cm", "settings", "-p", '{"data":{"a":"2"}}')
        assert watching.stdout.readline() == "2\n"
        kubectl("delete", "cm", "settings")
        assert watching.stdout.readline() == "2\n"
        watching.terminate()


def test_get_prints_a_row_for_each_change_while_it_watches(shop: Kubectl) -> None:
    command = [shop.program, "--kubeconfig", str(shop.ground.kubeconfig), "-n", shop.namespace]
    with subprocess.Popen([*command, "get", "deploy", "web", "--watch"], stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
        assert watching.stdout.readline().split()[:4] == ["web", "2/2", "2", "2"]
        shop("scale", "deploy/web", "--replicas=3")
        rows: list[list[str]] = [[]]
        while rows[-1] != ["web", "3/3", "3", "3"]:
            rows.append(watching.stdout.readline().split()[:4])
            assert rows[-1], "the watch ended"
        watching.terminate()
    assert rows[1][:2] == ["web", "2/3"]


def test_describe_tells_the_story(shop: Kubectl) -> None:
    told = shop("describe", "deployment", "web")
    assert re.search(
        r"^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$", told, re.MULTILINE
    )
    assert re.search(r"^  Available +True +MinimumReplicasAvailable$", told, re.MULTILINE)
    assert re.search(
        r"^  Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set web-\w+ from 0 to 2$",
        told,
        re.MULTILINE,
    )
    told = shop("describe", "pods")
    assert re.search(r"^Controlled By: +ReplicaSet/web-\w+$", told, re.MULTILINE)
    assert re.search(r"^    Image: +web:1$", told, re.MULTILINE)
    assert re.search(r"^  Normal +Scheduled .*Successfully assigned", told, re.MULTILINE)
    told = shop("describe", "service", "web")
    assert re.search(r"^Endpoints: +[\d.]+:8080,[\d.]+:8080$", told, re.MULTILINE)
    assert re.search(r"^Selector: +app=web$", told, re.MULTILINE)
    node = shop.path("pods", "{.items[0].spec.nodeName}")
    assert re.search(rf"^  {shop.namespace} +web-\w+-\w+ ", shop("describe", "node", node), re.MULTILINE)


def test_our_custom_resources_are_kinds_like_others(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", said=GATE) == "chaosgate.chaosgate.dev/web created\n"
    assert kubectl("apply", "-f", "-", said=GATE) == "chaosgate.chaosgate.dev/web unchanged\n"
    assert kubectl("get", "cgate", "-o", "name") == "chaosgate.chaosgate.dev/web\n"
    assert re.search(r"^Kind: +ChaosGate$", kubectl("describe", "cgate", "web"), re.MULTILINE)
    wrong = GATE | {"spec": {"workload": {"kind": "Deploymnt", "name": "web", "uid": "a-uid"}}}
    assert 'Unsupported value: "Deploymnt"' in kubectl("apply", "-f", "-", said=wrong, fails=True)
    assert kubectl("patch", "cgate", "web", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}') == (
        "chaosgate.chaosgate.dev/web patched\n"
    )
    assert kubectl("delete", "cgate", "web").startswith('chaosgate.chaosgate.dev "web" deleted')


def test_a_deployment_is_changed_in_all_the_ways_there_are(shop: Kubectl) -> None:
    said = [
        shop("set", "image", "deploy/web", f"web={IMAGES[1]}"),
        shop("set", "env", "deploy/web", "COLOR=blue"),
        shop("scale", "deploy/web", "--replicas=3"),
        shop("label", "deploy/web", "tier=front"),
        shop("label", "deploy/web", "tier=back", fails=True),
        shop("label", "deploy/web", "tier-"),
        shop("annotate", "deploy/web", "note=this"),
        shop("patch", "deploy/web", "-p", '{"spec":{"minReadySeconds":1}}'),
        shop("patch", "deploy/web", "--type=merge", "-p", '{"spec":{"minReadySeconds":null}}'),
        shop("patch", "deploy/web", "--type=json", "-p", '[{"op":"remove","path":"/metadata/annotations/note"}]'),
        shop("scale", "deploy/web", "--replicas=1", "--current-replicas=7", fails=True),
    ]
    assert said == [
        "deployment.apps/web image updated\n",
        "deployment.apps/web env updated\n",
        "deployment.apps/web scaled\n",
        "deployment.apps/web labeled\n",
        "error: 'tier' already has a value (front), and --overwrite is false\n",
        "deployment.apps/web unlabeled\n",
        "deployment.apps/web annotated\n",
        "deployment.apps/web patched\n",
        "deployment.apps/web patched\n",
        "deployment.apps/web patched\n",
        "error: Expected replicas to be 7, was 3\n",
    ]
    container = json.loads(shop.path("deploy/web", "{.spec.template.spec.containers[0]}"))
    assert (container["image"], container["env"]) == (IMAGES[1], [{"name": "COLOR", "value": "blue"}])


def test_wait_for_conditions_values_and_ends(shop: Kubectl) -> None:
    assert shop("wait", "deploy/web", "--for=condition=Available", "--timeout=20s") == (
        "deployment.apps/web condition met\n"
    )
    shop("scale", "deploy/web", "--replicas=1")
    assert shop("wait", "deploy/web", "--for=jsonpath={.status.replicas}=1", "--timeout=20s") == (
        "deployment.apps/web condition met\n"
    )
    assert "timed out waiting for the condition" in shop(
        "wait", "deploy/web", "--for=condition=Nothing", "--timeout=1s", fails=True
    )
    pod = shop("get", "pods", "-o", "name", "-l", "app=web").split()[0]
    shop("delete", "deploy", "web", "--wait=false")
    assert shop("wait", pod, "--for=delete", "--timeout=30s") in ("", f"{pod} condition met\n")
    assert "not found" in shop("get", pod, fails=True)


def test_drain_evicts_and_does_not_delete(kubectl: Kubectl) -> None:
    one = {"metadata": {"name": "one", "labels": {"app": "one"}}, "spec": web()["spec"]["template"]["spec"]}
    kubectl("apply", "-f", "-", said={"apiVersion": "v1", "kind": "Pod", **one})
    kubectl("wait", "pod/one", "--for=condition=Ready", "--timeout=20s")
    node = kubectl.path("pod/one", "{.spec.nodeName}")
    try:
        said = kubectl("drain", node, "--force", "--pod-selector=app=one", "--grace-period=1", "--timeout=20s")
        assert f"evicting pod {kubectl.namespace}/one\n" in said
        assert f"node/{node} drained\n" in said
        assert "not found" in kubectl("get", "pod", "one", fails=True)
    finally:
        kubectl("uncordon", node)


def test_delete_with_and_without_what_is_owned(shop: Kubectl) -> None:
    assert shop("delete", "deploy", "web", "--cascade=orphan").startswith('deployment.apps "web" deleted')
    (orphan,) = shop("get", "rs", "-o", "name").split()
    assert shop.path(orphan, "{.metadata.ownerReferences}") == ""
    shop("delete", orphan, "--cascade=foreground", "--timeout=30s")
    assert shop("get", "rs,pods", "-o", "name") == ""
    assert shop("delete", "deploy", "web", "--ignore-not-found") == ""
    assert shop("delete", "deploy", "web", fails=True) == (
        'Error from server (NotFound): deployments.apps "web" not found\n'
    )


def test_events_are_listed_by_what_they_are_about(shop: Kubectl) -> None:
    head, *rows = columns(shop("events", "--for=deployment/web"))
    assert head == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert [row[1:4] for row in rows] == [["Normal", "ScalingReplicaSet", "Deployment/web"]]
    reasons = shop("get", "events", "--field-selector=reason=SuccessfulCreate", "-o", "jsonpath={.items[*].reason}")
    assert reasons == "SuccessfulCreate SuccessfulCreate"


def test_the_server_says_what_it_serves(kubectl: Kubectl) -> None:
    versions = kubectl("api-versions").split()
    assert {"v1", "apps/v1", "coordination.k8s.io/v1", "policy/v1", "chaosgate.dev/v1alpha1"} <= set(versions)
    resources = [line.split() for line in kubectl("api-resources", "--no-headers").splitlines()]
    for row in (
        ["deployments", "deploy", "apps/v1", "true", "Deployment"],
        ["configmaps", "cm", "v1", "true", "ConfigMap"],
        ["nodes", "no", "v1", "false", "Node"],
        ["chaosgates", "cgate", "chaosgate.dev/v1alpha1", "true", "ChaosGate"],
    ):
        assert row in resources
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert "Server Version: v1.34." in kubectl("version")


def test_there_are_no_metrics_to_see_the_top_of(kubectl: Kubectl) -> None:
    assert kubectl("top", "pods", fails=True) == "error: Metrics API not available\n"


def test_secrets_and_accounts_are_made_and_described(kubectl: Kubectl) -> None:
    assert kubectl("create", "secret", "generic", "s", "--from-literal=a=b") == "secret/s created\n"
    assert kubectl.path("secret/s", "{.type} {.data.a}") == "Opaque Yg=="
    assert re.search(r"^a: +1 bytes$", kubectl("describe", "secret", "s"), re.MULTILINE)
    assert kubectl("create", "sa", "robot") == "serviceaccount/robot created\n"
    assert kubectl("create", "cm", "c", "--from-literal=a=b", "--dry-run=server", "-o", "name") == "configmap/c\n"
    assert kubectl("get", "cm", "c", fails=True) == 'Error from server (NotFound): configmaps "c" not found\n'


@pytest.mark.skipif(shutil.which("diff") is None, reason="kubectl diff runs diff, and there is none here")
def test_diff_shows_what_an_apply_would_change_and_changes_nothing(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", said=config_map(a="1"))
    assert kubectl("diff", "-f", "-", said=config_map(a="1")) == ""
    changed = kubectl("diff", "-f", "-", said=config_map(a="2"), fails=True)
    assert {'-  a: "1"', '+  a: "2"'} <= set(changed.splitlines())
    assert kubectl.path("cm/settings", "{.data.a}") == "1"


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["apply", "--server-side", "-f", "-"], "Server-side apply not available on the server"),
        (["explain", "deployments"], "not found in OpenAPI schema"),
        (["get", "ingresses"], 'the server doesn\'t have a resource type "ingresses"'),
    ],
    ids=lambda case: case[0] if isinstance(case, list) else "",
)
def test_what_the_sandbox_does_not_do_it_refuses_plainly(
    lasting_sandbox: Ground, arguments: list[str], refusal: str
) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on this machine")
    assert refusal in lasting_sandbox.kubectl(*arguments, said=config_map(a="1"), fails=True)
