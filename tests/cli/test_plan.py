"""`chaos-gate plan`: what would happen, on the pods that are there, and nothing of it happens."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gate.cli import cli
from gate.cli.noting import post
from gate.cluster.runs import Runs
from gate.documents.blocks import Block
from gate.errors import Permanent
from gate.faults import FAULTS
from gate.model import RunPhase, RunStatus
from gate.sandbox.gitlab import GitLab
from tests import grounds
from tests.builders import deployment
from tests.grounds import Ground
from tests.runs import created, spec
from tests.sandbox.gitlab_world import Project

PODS = 3
NAMESPACE = "shop"
SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: web}
spec:
  workload: {kind: Deployment, namespace: shop, name: web}
  environment: staging
  workflows: [{name: hits}]
"""
FAULT = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Fault
metadata: {name: full-queue}
spec:
  parameters:
    release: {default: "3"}
    registry: {default: registry.shop}
  job: {image: "${parameters.registry}/queue:${parameters.release}", inject: [fill], revert: [drain]}
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: hits}
spec:
  parameters:
    hold: {default: 20s}
  baseline: 10s
  steadyState:
    - name: somebody is there
      kubernetes: {resource: deployments, name: web}
      expect: {field: status.readyReplicas, atLeast: 1}
  steps:
    - {name: one pod dies, fault: pod-kill, hold: "${parameters.hold}", recover: 30s}
    - {name: the queue is full, fault: full-queue, with: {count: 2}, hold: 30s, recover: 30s}
    - {name: busy, fault: cpu-stress, hold: 30s, recover: 30s}
"""
POLICY = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Policy
metadata: {name: ours}
spec:
  blastRadius:
    - {faults: [pod-kill], pods: 1}
  images: {registries: ["registry.shop/*"]}
  when: {windows: [{from: "00:00", to: "24:00"}]}
"""
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds.sandbox(tmp_path_factory.mktemp("plan")) as (ground, _):
        labels = {"chaosgate.dev/chaos": "allowed"}
        ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
        ground.api.create("deployments", NAMESPACE, deployment("web", NAMESPACE, replicas=PODS))
        (node,) = ground.api.list("nodes")[0]
        zone = {"metadata": {"labels": {"topology.kubernetes.io/zone": "zone-b"}}}
        ground.api.patch("nodes", "", node["metadata"]["name"], zone)
        yield ground


@pytest.fixture
def shop(running: Ground, eventually: Eventually) -> Ground:
    def ready() -> bool:
        web = running.api.get("deployments", NAMESPACE, "web") or {}
        return int(web.get("status", {}).get("readyReplicas") or 0) == PODS

    eventually(ready)
    return running


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    for folder, name, text in (
        ("subscriptions", "web.yaml", SUBSCRIPTION),
        ("workflows", "hits.yaml", WORKFLOW),
        ("workflows", "queue.yaml", FAULT),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def plan(shop: Ground, *words: str | Path, **environment: str) -> Result:
    runner = CliRunner(env={"KUBECONFIG": str(shop.kubeconfig), "CHAOS_GATE_POLICY": None, **environment})
    return runner.invoke(cli, ["plan", *map(str, words)])


def planned(shop: Ground, *words: str | Path) -> dict[str, Any]:
    result = plan(shop, *words, "--output", "json")
    assert result.exit_code == 0, result.output
    (one,) = json.loads(result.stdout)
    assert isinstance(one, dict)
    return one


def everything(shop: Ground) -> list[tuple[str, str, str]]:
    """All objects that a plan could have changed or made, with their versions, but those that beat by themselves."""
    kinds = ("pods", "deployments", "jobs", "chaosruns", "configmaps", "namespaces")
    return [
        (kind, item["metadata"]["name"], item["metadata"]["resourceVersion"])
        for kind in kinds
        for item in shop.api.list(kind)[0]
    ]


def test_each_target_is_said_with_its_name_node_and_zone(shop: Ground, catalogue: Path) -> None:
    pods = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in shop.api.list("pods", NAMESPACE)[0]}
    (workflow,) = planned(shop, catalogue / "subscriptions" / "web.yaml")["workflows"]
    (hit,) = workflow["steps"][0]["targets"]
    assert (hit["node"], hit["zone"]) == (pods[hit["name"]], "zone-b")
    assert workflow["steps"][0]["ready"] == PODS


def test_it_says_how_long_all_of_it_takes_what_is_touched_and_how_it_comes_back(shop: Ground, catalogue: Path) -> None:
    said = plan(shop, catalogue / "subscriptions" / "web.yaml").output
    assert "takes up to 3m" in said
    assert "touches: the pod is deleted or evicted" in said
    assert "comes back: its owner replaces it" in said
    assert f"chosen among {PODS} ready pods by the run's seed" in said


def test_a_fault_of_ones_own_is_planned_as_one_that_is_built_in(shop: Ground, catalogue: Path) -> None:
    (workflow,) = planned(shop, catalogue / "subscriptions" / "web.yaml")["workflows"]
    step = workflow["steps"][1]
    assert (step["fault"], len(step["targets"]), step["problem"]) == ("job", 2, "")
    assert step["comesBack"].startswith("another Job runs the command")


def test_the_policy_is_asked_about_the_image_that_a_parameter_makes(shop: Ground, catalogue: Path) -> None:
    (catalogue / "policy.yaml").write_text(POLICY.replace("[pod-kill], pods: 1", "[pod-kill, job], pods: 2"))
    workflow = catalogue / "workflows" / "hits.yaml"
    said = []
    for added in ("", ", registry: registry.elsewhere"):
        workflow.write_text(WORKFLOW.replace("{count: 2}", f"{{count: 2{added}}}"))
        asked = planned(shop, catalogue / "subscriptions" / "web.yaml", "--policy", catalogue / "policy.yaml")
        said.append(json.dumps(asked["workflows"][0]["steps"][1]["policy"]["rules"]))
    right, elsewhere = said
    assert "the image registry.shop/queue:3 is among" in right
    assert "the image registry.elsewhere/queue:3 is not among" in elsewhere


def test_the_policy_says_which_rules_spoke(shop: Ground, catalogue: Path) -> None:
    (workflow,) = planned(shop, catalogue / "subscriptions" / "web.yaml", "--policy", catalogue / "policy.yaml")[
        "workflows"
    ]
    kill, queue, _ = workflow["steps"]
    assert kill["policy"]["answer"] == "allow"
    assert queue["policy"]["answer"] == "deny"
    assert all(rule["place"] for rule in queue["policy"]["rules"])


ASKING = POLICY.replace(
    "  when: {windows",
    """\
  ownership: [{team: red, paths: ["*"], namespaces: [shop], accounts: [executor]}]
  when: {minimumInterval: 1h, mandatory: [{workflow: basics, within: 7d}], windows""",
)


def test_the_policy_is_asked_about_accounts_alerts_runs_before_and_what_must_have_passed(
    shop: Ground, catalogue: Path
) -> None:
    policy = catalogue / "policy.yaml"
    silent = 'notDuring: [{prometheus: "http://127.0.0.1:9"}], windows'
    policy.write_text(ASKING.replace("windows", silent))
    words = (catalogue / "subscriptions" / "web.yaml", "--policy", policy)
    before = replace(spec(NAMESPACE), version="fedcba9876")
    run = created(shop.api, NAMESPACE, "before", before)
    try:
        ended = datetime.now(UTC) - timedelta(minutes=5)
        Runs(shop.api).save_status(run, RunStatus(phase=RunPhase.EXECUTED, attempt=1, started=ended, finished=ended))
        (workflow,) = planned(shop, *words, "--account", "root")["workflows"]
    finally:
        shop.api.delete("chaosruns", NAMESPACE, "before", uid=run.uid)
    said = " ".join(rule["why"] for rule in workflow["steps"][0]["policy"]["rules"])
    assert "the service account root is not among executor" in said
    assert "http://127.0.0.1:9 does not say which alerts fire" in said
    assert "1h have to be between two" in said
    assert "the workflow basics was never passed there" in said
    assert workflow["steps"][0]["policy"]["answer"] == "deny"


def test_the_mode_of_the_gate_is_what_a_run_would_wait_for(shop: Ground, catalogue: Path) -> None:
    shop.api.create("configmaps", NAMESPACE, {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "drain"}})
    try:
        (workflow,) = planned(shop, catalogue / "subscriptions" / "web.yaml", "--gate", NAMESPACE)["workflows"]
        assert workflow["waitsFor"] == "the mode drain"
    finally:
        shop.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}/configmaps/chaos-gate-mode")


def test_a_copy_is_asked_about_and_takes_no_pod_from_anybody(shop: Ground, catalogue: Path) -> None:
    file = catalogue / "workflows" / "hits.yaml"
    text = WORKFLOW.replace("  baseline: 10s\n", "  baseline: 10s\n  isolation: copy\n")
    file.write_text(text.replace("resource: deployments, name: web", 'resource: deployments, name: "${target.name}"'))
    words = (catalogue / "subscriptions" / "web.yaml", "--policy", catalogue / "policy.yaml")
    (workflow,) = planned(shop, *words)["workflows"]
    decision = workflow["copy"]["decision"]
    assert {rule["rule"] for rule in decision["rulings"]} >= {"spec.namespaces"}
    assert not any(rule["rule"].startswith("spec.blastRadius") for rule in decision["rulings"])


def test_what_holds_a_step_is_said(shop: Ground, catalogue: Path, eventually: Eventually) -> None:
    budget = {
        "metadata": {"name": "all", "namespace": NAMESPACE},
        "spec": {"minAvailable": PODS, "selector": {"matchLabels": {"app": "web"}}},
    }
    shop.api.create("poddisruptionbudgets", NAMESPACE, budget)
    try:
        eventually(lambda: "observedGeneration" in str(shop.api.get("poddisruptionbudgets", NAMESPACE, "all")))
        (workflow,) = planned(shop, catalogue / "subscriptions" / "web.yaml")["workflows"]
        assert "PodDisruptionBudget shop/all" in str(workflow["steps"][0]["locks"])
        assert workflow["steps"][1]["locks"] == []
    finally:
        shop.ask("DELETE", f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets/all")


def test_a_workflow_is_planned_against_a_workload(shop: Ground, catalogue: Path) -> None:
    words = (catalogue / "workflows" / "hits.yaml", "--workflows", catalogue / "workflows", "--workload", "shop/web")
    one = planned(shop, *words, "--set", "hold=5s")
    assert (one["subscription"], one["workflows"][0]["steps"][0]["hold"]) == ("", "5s")


def test_another_seed_may_choose_other_pods_and_the_same_one_never_does(shop: Ground, catalogue: Path) -> None:
    def chosen(seed: str) -> str:
        (workflow,) = planned(shop, catalogue / "subscriptions" / "web.yaml", "--seed", seed)["workflows"]
        return str(workflow["steps"][0]["targets"][0]["name"])

    first = [chosen(seed) for seed in "abcdef"]
    assert len(set(first)) > 1
    assert chosen("a") == first[0]


def test_nothing_in_the_cluster_changes(shop: Ground, catalogue: Path) -> None:
    before = everything(shop)
    for output in ("text", "json", "markdown"):
        assert plan(shop, catalogue / "subscriptions" / "web.yaml", "--output", output).exit_code == 0
    assert everything(shop) == before


def test_a_document_that_is_not_there_is_said_before_kubernetes_is_looked_for() -> None:
    result = CliRunner(env={"KUBECONFIG": "nowhere.kubeconfig"}).invoke(cli, ["plan", "nowhere.yaml"])
    assert result.exit_code == 2
    assert "'nowhere.yaml' does not exist" in result.output


def test_a_workflow_without_a_workload_is_told_what_is_missing(shop: Ground, catalogue: Path) -> None:
    result = plan(shop, catalogue / "workflows" / "hits.yaml")
    assert result.exit_code != 0
    assert "--workload shop/deployment/checkout" in str(result.exception)


def test_the_plan_is_one_note_of_the_merge_request_and_the_next_one_replaces_it(
    shop: Ground, catalogue: Path, gitlab: GitLab, project: Project
) -> None:
    project.commit()
    project.client.post(f"{project.path}/repository/branches", branch="topic", ref="main")
    project.commit({"new": "x"}, branch="topic")
    made = project.client.post(
        f"{project.path}/merge_requests", source_branch="topic", target_branch="main", title="New"
    )
    job = {
        "CI_SERVER_URL": gitlab.url,
        "CI_PROJECT_PATH": str(project.client.get(project.path)["path_with_namespace"]),
        "CI_MERGE_REQUEST_IID": str(made["iid"]),
        "CHAOS_GATE_GITLAB_TOKEN": project.member(f"bot{project.id}"),
    }
    for seed in ("a", "b"):
        words = (catalogue / "subscriptions" / "web.yaml", "--seed", seed, "--post-to-merge-request")
        result = plan(shop, *words, **job)
        assert result.exit_code == 0, result.output
        assert f"/-/merge_requests/{made['iid']}#note_" in result.stderr
    (note,) = project.client.get(f"{project.path}/merge_requests/{made['iid']}/notes")
    assert note["body"].startswith("<!-- chaos-gate plan ")
    assert "| one pod dies | pod-kill | Pod web-" in note["body"]
    assert "in zone zone-b (1 of 3 ready pods)" in note["body"]


@pytest.mark.parametrize("missing", ["CI_MERGE_REQUEST_IID", "CHAOS_GATE_GITLAB_TOKEN"])
def test_outside_of_a_merge_request_it_is_said_what_is_missing(missing: str) -> None:
    names = ("CI_SERVER_URL", "CI_PROJECT_PATH", "CI_MERGE_REQUEST_IID", "CHAOS_GATE_GITLAB_TOKEN")
    with pytest.raises(Permanent, match=missing):
        post("text", "subscriptions", {name: "1" for name in names if name != missing})


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_each_fault_says_what_it_touches_and_how_it_comes_back(kind: str) -> None:
    settings = FAULTS[kind].Settings
    assert issubclass(settings, Block)
    assert settings.touches
    assert settings.comes_back
