"""kubectl, the machine's and the one that was built, prints the same on both grounds, word for word.

Left out is only what differs by nature (tests/sandbox/kubectl_talk.py), and what kwok's pods do not have: containers.
"""

import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from kubectl_talk import Talk, common
from test_kubectl_on_grounds import GATE, SERVICE, config_map, web

from tests import kubectls
from tests.grounds import IMAGES, Ground

pytestmark = pytest.mark.cluster

CONTAINERS = (
    r"^Priority:|^Service Account:|^Tolerations:|NoExecute op=Exists|Container ID:|Image ID:|PodReadyToStartContainers"
    r"|  (Pulled|Created|Started)  "
)
"""What the sandbox's pods have and kwok's have not, and what the real scheduler and admission add."""


@pytest.fixture(params=kubectls.each())
def talk(request: pytest.FixtureRequest, lasting_sandbox: Ground, real: Ground) -> Iterator[Talk]:
    namespace = f"talk-{uuid.uuid4().hex[:8]}"
    both = (lasting_sandbox, real)
    for ground in both:
        made = ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert made.status_code == 201, made.text
    yield Talk(sandbox=lasting_sandbox, real=real, program=kubectls.program(request.param), namespace=namespace)
    for ground in both:
        ground.ask("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.fixture
def shop(talk: Talk) -> Talk:
    """With a Deployment of two pods, rolled out, and a Service before it."""
    deployment = web()
    deployment["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
    talk.agree_on("apply", "-f", "-", said={"apiVersion": "v1", "kind": "List", "items": [deployment, SERVICE]})
    rolled_out(talk)
    two = "--for=jsonpath={.subsets[0].addresses[1].ip}"
    talk.agree_on("wait", "endpoints/web", two, "--timeout=30s")
    return talk


def rolled_out(talk: Talk) -> None:
    said = talk.agree_on("rollout", "status", "deployment/web", "--timeout=30s", but=r"^Waiting ")
    assert said == 'deployment "web" successfully rolled out'


def test_tables(shop: Talk) -> None:
    shop.agree_on("apply", "-f", "-", said={"apiVersion": "v1", "kind": "List", "items": [config_map(a="1"), GATE]})
    for what in ("deploy", "pods", "rs", "svc", "cm/settings", "cgate", "endpointslices", "sa/nobody"):
        shop.come_to_agree_on("get", what)
        shop.come_to_agree_on("get", what, "-o", "wide")
    shop.come_to_agree_on("get", "all")
    shop.come_to_agree_on("get", "deploy,svc,cm/settings", "--show-kind", "--show-labels")
    shop.come_to_agree_on("get", "pods", "-L", "app,tier", "--chunk-size=1")
    shop.come_to_agree_on("get", "endpoints", "-o", "wide")
    shop.agree_on("get", "pods", "--field-selector=status.phase=Failed")


def test_objects_as_yaml(shop: Talk) -> None:
    shop.agree_on("apply", "-f", "-", said={"apiVersion": "v1", "kind": "List", "items": [config_map(a="1"), GATE]})
    for what in ("deploy/web", "rs", "svc/web", "cm/settings", "cgate/web"):
        assert "<uid>" in shop.come_to_agree_on("get", what, "-o", "yaml")


def test_descriptions(shop: Talk) -> None:
    shop.agree_on("apply", "-f", "-", said={"apiVersion": "v1", "kind": "List", "items": [config_map(a="1"), GATE]})
    for what in ("deploy/web", "rs", "svc/web", "cm/settings", "cgate/web"):
        shop.come_to_agree_on("describe", what)
    assert "Controlled By:" in shop.come_to_agree_on("describe", "pods", but=CONTAINERS)


def test_events(shop: Talk) -> None:
    assert "from 0 to 2" in shop.agree_on("events", "--for=deployment/web")
    assert "Created pod" in shop.agree_on("get", "events", "--field-selector=reason=SuccessfulCreate")
    shop.agree_on("events", "--types=Warning")
    told = [sorted(line for line in common(answer.text) if "kubelet" not in line) for answer in shop.ask("events")]
    reasons = [{line.split("  ")[2] for line in lines} - {"Pulled", "Created", "Started"} for lines in told]
    assert reasons[0] == reasons[1] == {"REASON", "Scheduled", "SuccessfulCreate", "ScalingReplicaSet"}


def test_rollouts_that_go_forth_and_back(shop: Talk) -> None:
    shop.agree_on("set", "image", "deployment/web", f"web={IMAGES[1]}")
    rolled_out(shop)
    shop.agree_on("rollout", "restart", "deployment/web")
    rolled_out(shop)
    shop.agree_on("rollout", "history", "deployment/web")
    shop.agree_on("rollout", "history", "deployment/web", "--revision=2")
    shop.come_to_agree_on("rollout", "history", "deployment/web", "--revision=1", "-o", "yaml")
    shop.agree_on("rollout", "history", "deployment/web", "--revision=7")
    shop.agree_on("rollout", "status", "deployment/web", "--revision=1")
    shop.agree_on("rollout", "undo", "deployment/web", "--dry-run=client")
    shop.agree_on("rollout", "undo", "deployment/web", "--dry-run=server")
    shop.agree_on("rollout", "undo", "deployment/web", "--to-revision=1")
    rolled_out(shop)
    shop.agree_on("rollout", "history", "deployment/web")
    shop.agree_on("rollout", "undo", "deployment/web", "--to-revision=9")
    assert IMAGES[0] in shop.come_to_agree_on("get", "rs", "-o", "wide", "--sort-by=.status.replicas")


def test_a_rollout_that_gets_stuck(shop: Talk) -> None:
    template = {
        "metadata": {"annotations": {"chaosgate.dev/pod": "never-starts"}},
        "spec": {"containers": [{"name": "web", "image": "web:none"}]},
    }
    stuck = {"spec": {"progressDeadlineSeconds": 1, "template": template}}
    shop.agree_on("patch", "deployment", "web", f"--patch={json.dumps(stuck)}")
    said = shop.agree_on("rollout", "status", "deployment/web", "--timeout=30s", but=r"^Waiting ")
    assert said == 'error: deployment "web" exceeded its progress deadline'
    shop.come_to_agree_on("get", "deploy,rs", "-o", "wide", "--sort-by=.spec.replicas")
    assert "ProgressDeadlineExceeded" in shop.come_to_agree_on("describe", "deployment", "web")
    shop.agree_on("rollout", "undo", "deployment/web")
    rolled_out(shop)
    shop.come_to_agree_on("get", "deploy")


def test_rollouts_that_stand_still_and_those_of_what_has_none(shop: Talk) -> None:
    for verb in ("pause", "pause", "restart", "undo", "resume", "resume"):
        shop.agree_on("rollout", verb, "deployment/web")
    for arguments in (("undo", "deploy/nothing"), ("status", "rs/web"), ("restart", "svc/web"), ("history", "svc/web")):
        shop.agree_on("rollout", *arguments)


def test_changes(shop: Talk) -> None:
    for line in (
        "scale deploy/web --replicas=1 --current-replicas=5",
        "scale deploy/web --replicas=3",
        "expose deploy web --name=other --port=80",
        "set resources deploy web --limits=cpu=100m --dry-run=server",
        "set env deploy/web A=B --list",
        "set selector svc other a=b",
        "label svc other x=y",
        "label svc other x=z",
        "annotate svc other x=y",
        "patch svc other -p {}",
        "get svc other -o wide --show-labels",
        "cordon nobody",
        "taint node nobody a=b:NoSchedule",
        "create cm c --from-literal=a=b -o yaml",
        "create cm c --from-literal=a=b",
        "create token nobody",
        "edit cm nobody",
    ):
        shop.agree_on(*line.split())


def test_waiting_and_deleting(shop: Talk) -> None:
    for line in (
        "wait --for=condition=Available deploy/web --timeout=20s",
        "wait --for=condition=Nothing deploy/web --timeout=1s",
        "wait --for=jsonpath={.spec.replicas}=2 deploy/web",
        "wait --for=create svc/web",
        "wait --for=delete pod/nobody",
        "wait --for=condition=Ready pod/nobody",
        "delete svc web --dry-run=server",
        "delete svc web",
        "delete svc web",
        "delete pod nobody --grace-period=0 --force",
        "delete rs --all --wait=false",
        "delete deploy --all --wait --cascade=foreground --timeout=30s",
    ):
        shop.agree_on(*line.split())
    shop.come_to_agree_on("get", "all")


def test_a_drain_that_a_budget_stops(shop: Talk) -> None:
    """Evictions that are refused are tried again after five seconds, which is later than this waits."""
    shop.agree_on("create", "pdb", "web", "--selector=app=web", "--min-available=2")
    shop.agree_on("wait", "pdb/web", "--for=jsonpath={.status.currentHealthy}=2", "--timeout=20s")
    shop.come_to_agree_on("get", "pdb", "-o", "wide")
    shop.come_to_agree_on("describe", "pdb", "web")
    refusals = []
    for ground in (shop.sandbox, shop.real):
        pod = ground.ask("GET", f"/api/v1/namespaces/{shop.namespace}/pods").json()["items"][0]
        node = pod["spec"]["nodeName"]
        drain = [*shop.command(ground), "drain", node, "--pod-selector=app=web", "--timeout=1s"]
        try:
            done = subprocess.run(drain, capture_output=True, text=True, timeout=60, check=False)
        finally:
            ground.kubectl("uncordon", node, program=shop.program)
        assert done.returncode == 1
        said = re.sub(r"web-\w+-\w+", "a pod", done.stdout + done.stderr)  # the sandbox has both on its only node
        refusals.append({line for line in said.splitlines() if "will retry after 5s" in line})
    assert refusals[0] == refusals[1] != set()
    assert shop.come_to_agree_on("get", "deploy").split()[6] == "2/2"


def test_jobs(talk: Talk) -> None:
    talk.agree_on("create", "job", "hello", f"--image={IMAGES[0]}", "--", "true")
    talk.agree_on("create", "job", "hello", f"--image={IMAGES[0]}")
    talk.agree_on("wait", "job/hello", "--for=condition=Complete", "--timeout=30s")
    talk.come_to_agree_on("get", "jobs", "-o", "wide")
    talk.come_to_agree_on("get", "pods")
    talk.come_to_agree_on("describe", "job", "hello", but=r"^  Normal|Duration")
    talk.agree_on("delete", "job", "hello")
    talk.come_to_agree_on("get", "jobs,pods")


def test_rights(talk: Talk) -> None:
    talk.agree_on("create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log")
    talk.agree_on("create", "rolebinding", "reader", "--role=reader", "--user=jane")
    for line in (
        "get pods",
        "get nonsense",
        "--list",
        "get pods -q",
        "get nodes",
        "* *",
        "--list --as=jane",
        "get pods --as=jane",
        "get pods --as=jane -A",
        "get pods/one --as=jane",
        "get pods --subresource=log --as=jane",
        "create pods --subresource=exec --as=jane",
        "create deployments.apps --as=jane",
        "get /healthz --as=jane",
        "use /healthz --as=jane",
    ):
        talk.agree_on("auth", "can-i", *line.split())
    talk.agree_on("auth", "whoami", "--as=jane", "--as-group=shop")
    talk.agree_on("get", "secrets", "--as=jane")
    talk.agree_on("logs", "nobody", "--as=jane")
    talk.agree_on("exec", "nobody", "--as=jane", "--", "true")
    talk.agree_on("describe", "role", "reader")
    talk.agree_on("describe", "rolebinding", "reader")


def test_what_is_not_there(talk: Talk) -> None:
    for line in (
        "get deploy nothing",
        "get nonsense",
        "describe pod nobody",
        "logs nobody",
        "logs nobody -f --previous",
        "logs deploy/nothing",
        "logs -l app=nothing",
        "exec nobody -- true",
        "exec deploy/nothing -- true",
        "top pods",
    ):
        talk.agree_on(*line.split())


def test_logs_and_commands_of_containers_that_are_not_there(shop: Talk) -> None:
    name = "--container=other"
    for pod in ("deploy/web", "-lapp=web"):
        assert "other" in shop.agree_on("logs", pod, name, "--tail=1", but=r"^Found 2 pods")
    assert "other" in shop.agree_on("exec", "deploy/web", name, "--", "true")


def test_what_is_served(talk: Talk) -> None:
    assert len(talk.agree_as_far_as_it_goes("api-resources", "-o", "wide")) > 20
    assert "deployments.apps" in talk.agree_as_far_as_it_goes("api-resources", "-o", "name")
    assert "apps/v1" in talk.agree_as_far_as_it_goes("api-versions")
    talk.agree_on("get", "--raw", "/readyz")


def test_rows_appear_as_objects_come_change_and_go(talk: Talk) -> None:
    """A watch that ends by itself, and rows of a table while somebody else changes things."""
    for verb in ("create", "apply"):
        for more in ((), ("--output-watch-events",)):
            talk.ask(verb, "-f", "-", said=config_map(a="1"))
            with ExitStack() as watches:
                watching = [
                    watches.enter_context(
                        subprocess.Popen(
                            [*talk.command(ground), "get", "cm/settings", "-w", *more],
                            stdout=subprocess.PIPE,
                            text=True,
                        )
                    )
                    for ground in (talk.sandbox, talk.real)
                ]
                rows = [[each.stdout.readline() for _ in range(2)] for each in watching if each.stdout]
                talk.agree_on("patch", "cm", "settings", "-p", '{"data":{"b":"2"}}')
                talk.agree_on("label", "cm", "settings", "x=y")
                talk.agree_on("delete", "cm", "settings")
                for each, seen in zip(watching, rows, strict=True):
                    assert each.stdout is not None
                    seen += [each.stdout.readline() for _ in range(3)]
                    each.terminate()
            assert common("".join(rows[0])) == common("".join(rows[1]))
            assert len(rows[0]) == 5
