"""`chaos-gate run`: a person's run is executed and judged by the gate, and is nobody's verdict but its own."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from gate.cli import cli
from gate.cli.run import Parameter, ending
from gate.cli.watching import LONELY, Watching
from gate.cluster.api import Api
from gate.errors import Conflict, Denied, GateError, Permanent, Temporary
from gate.model import Judgement, Reason, Run, RunPhase, RunStatus, TimelineEntry, Verdict, WorkloadKind
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.runtime.processes import Processes
from gate.sandbox.ports import keep
from gate.sandbox.shipped import policy, rights
from gate.tracking.queue import WorkQueue
from gate.wire.by_hand import ask_for, workflow_from, workload_named
from gate.wire.judging import Judging
from gate.wire.ties import read_run
from tests import grounds
from tests.builders import deployment
from tests.catalogues import Origin
from tests.grounds import Ground
from tests.runs import created, spec
from tests.wire.job_world import rights_of_jobs

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: web}
spec:
  workload: {kind: Deployment, namespace: shop, name: web}
  environment: staging
  workflows: [{name: short}]
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: short}
spec:
  parameters:
    hold: {default: 1s}
  baseline: 1s
  steadyState:
    - name: somebody is there
      kubernetes: {resource: deployments, name: web}
      every: 200ms
      expect: {field: status.readyReplicas, atLeast: 1}
      tolerate: {failures: 90%, streak: 30s}
  steps:
    - {name: one pod dies, fault: pod-kill, hold: "${parameters.hold}", recover: 20s}
"""
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def in_time() -> Eventually:
    """Waits for what takes a process that loads the whole product, on a machine that is busy."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 150
        while not holds():
            assert time.monotonic() < deadline, f"{holds} did not come to hold"
            threading.Event().wait(0.05)

    return wait


def invoked(kubeconfig: Path, *words: str) -> Result:
    runner = CliRunner(env={"KUBECONFIG": str(kubeconfig)})
    return runner.invoke(cli, ["run", *words], catch_exceptions=True)


@pytest.fixture
def shop(tmp_path: Path, eventually: Eventually) -> Iterator[Ground]:
    """Two pods of `web`, which may be hit."""
    with grounds.sandbox(tmp_path) as (ground, _):
        labels = {"chaosgate.dev/chaos": "allowed"}
        ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "shop", "labels": labels}})
        ground.api.create("deployments", "shop", deployment("web", "shop", replicas=2))
        eventually(lambda: ready(ground.api) == 2)
        yield ground


def ready(api: Api) -> int:
    web = api.get("deployments", "shop", "web") or {}
    return int(web.get("status", {}).get("readyReplicas") or 0)


@pytest.fixture
def gate(shop: Ground, catalogue: Origin, tmp_path: Path, in_time: Eventually) -> Iterator[Path]:
    """A gate that knows the shop, and has recorded what runs there; its log."""
    catalogue.commit(subscriptions__web_yaml=SUBSCRIPTION, workflows__short_yaml=WORKFLOW)
    mode = {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "run"}}
    shop.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "chaos-gate"}})
    shop.api.create("configmaps", "chaos-gate", mode)
    log = tmp_path / "gate.log"
    with Processes(exited=lambda _: None) as processes, keep(("127.0.0.1", 0)) as port:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "KUBECONFIG": str(shop.kubeconfig),
            "CHAOS_GATE_CATALOGUE": str(catalogue.folder),
            "CHAOS_GATE_STATE": str(tmp_path / "state"),
            "CHAOS_GATE_NAMESPACE": "chaos-gate",
            "CHAOS_GATE_NAMESPACES": "shop",
            "CHAOS_GATE_POLICY": str(policy()),
            "CHAOS_GATE_LISTEN": f"127.0.0.1:{port.getsockname()[1]}",
        }
        processes.start("gate", (sys.executable, "-m", "gate.cli", "serve"), env=environment, log=log)
        in_time(lambda: any(answer.get("recorded") for answer in answers(shop)))
        yield log


def answers(shop: Ground) -> list[dict[str, Any]]:
    """What the gates have concluded, and from which runs."""
    told = ("phase", "verdict", "version", "recorded", "runs", "judged", "judgements", "announcements")
    found = [each.get("status", {}) for each in shop.api.list("chaosgates", "shop")[0]]
    return [{name: status.get(name) for name in told} for status in found]


def test_a_run_by_hand_is_judged_and_no_gate_hears_of_it(shop: Ground, gate: Path, catalogue: Origin) -> None:
    before = answers(shop)
    folder = str(catalogue.folder / "workflows")
    ended = invoked(
        shop.kubeconfig,
        "short",
        "--workflows",
        folder,
        "--workload",
        "shop/web",
        "--set",
        "hold=2s",
        "--deadline",
        "3m",
    )
    assert ended.exit_code == 0, ended.output + gate.read_text()[-5000:]
    assert "PASSED" in ended.output
    (run,) = shop.api.list("chaosruns", "shop")[0]
    assert (run["spec"]["askedBy"], run["spec"]["workflow"]["steps"][0]["hold"]) == (shop.api.user(), 2.0)
    name = f"shop/{run['metadata']['name']}"
    words = ("short", "--like", name, "--workload", "shop/deployment/web", "--seed", run["spec"]["seed"])
    once_more = invoked(shop.kubeconfig, *words, "--detach")
    assert once_more.exit_code == 0, once_more.output
    again = shop.api.get("chaosruns", "shop", once_more.output.strip().partition("/")[2])
    assert again is not None
    assert again["spec"] | {"deadline": ""} == run["spec"] | {"deadline": ""}
    assert answers(shop) == before


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("mode=on", "on"),
        ("at=12:30", "12:30"),
        ("count=010", 10),
        ("share=1e3", 1000.0),
        ("list=[a, 1]", ["a", 1]),
        ("text=", ""),
        ("text='7'", "7"),
        ("odd={a", "{a"),
    ],
)
def test_a_value_is_read_as_a_document_would_have_it(said: str, value: object) -> None:
    assert Parameter().convert(said, None, None) == (said.partition("=")[0], value)


# ------------------------------------------------------------------------------------------------ what may be asked for


def refused(shop: Ground, *words: str) -> str:
    ended = invoked(shop.kubeconfig, *words)
    assert isinstance(ended.exception, GateError), ended.output
    assert shop.api.list("chaosruns", "shop")[0] == []
    return str(ended.exception)


def test_what_cannot_be_run_is_said_before_anything_is_made(shop: Ground, tmp_path: Path) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(WORKFLOW)
    assert "there is no Deployment shop/nothing" in refused(shop, str(file), "--workload", "shop/nothing")
    strange = refused(shop, str(file), "--workload", "shop/web", "--set", "holt=1s")
    assert "holt" in strange
    assert "hold" in strange
    target = 'pod-kill, target: {kind: Deployment, namespace: elsewhere, name: db}, hold: "${parameters.hold}"'
    file.write_text(WORKFLOW.replace('pod-kill, hold: "${parameters.hold}"', target))
    assert "a run by hand stays in its namespace, shop" in refused(shop, str(file), "--workload", "shop/web")
    nowhere = refused(shop, "nowhere", "--workflows", str(tmp_path), "--workload", "shop/web")
    assert '"nowhere" is not one of the workflows: short' in nowhere
    assert "not NAMESPACE/KIND/NAME" in refused(shop, str(file), "--workload", "shop/pod/web")


def test_the_right_to_make_runs_is_needed_and_the_shipped_role_gives_it(
    shop: Ground, tmp_path: Path, eventually: Eventually
) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(WORKFLOW)
    shop.ask("POST", "/api/v1/namespaces/shop/serviceaccounts", {"metadata": {"name": "dev"}})
    config = shop.kubeconfig_of("shop", "dev", tmp_path)
    roles = list(yaml.safe_load_all(rights().read_text()))
    (rules,) = [each["rules"] for each in roles if each["metadata"]["name"] == "chaos-gate-by-hand"]
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop"
    may_not = [rule for rule in rules if "chaosruns" not in rule["resources"]]
    shop.ask("POST", f"{path}/roles", {"metadata": {"name": "dev"}, "rules": may_not})
    about = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dev"}
    subjects = [{"kind": "ServiceAccount", "name": "dev", "namespace": "shop"}]
    shop.ask("POST", f"{path}/rolebindings", {"metadata": {"name": "dev"}, "roleRef": about, "subjects": subjects})
    words = (str(file), "--workload", "shop/web", "--detach")

    def denial() -> Denied | None:
        ended = invoked(config, *words).exception
        return ended if isinstance(ended, Denied) and "chaosruns" in str(ended) else None

    eventually(denial)
    assert "bind the ClusterRole chaos-gate-by-hand to you in the namespace shop" in str(denial())
    shop.ask("DELETE", f"{path}/roles/dev")
    shop.ask("POST", f"{path}/roles", {"metadata": {"name": "dev"}, "rules": rules})
    eventually(lambda: invoked(config, *words).exit_code == 0)
    assert {each["spec"]["askedBy"] for each in shop.api.list("chaosruns", "shop")[0]} == {
        "system:serviceaccount:shop:dev"
    }


class Behind(SystemClock):
    """That of a machine which was asleep, say."""

    def now(self) -> datetime:
        return super().now() - timedelta(hours=3)


def test_when_a_run_ends_goes_by_the_clock_of_the_cluster_whatever_the_machine_says(
    shop: Ground, tmp_path: Path
) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(WORKFLOW)
    name, deadline = workload_named("shop/web"), timedelta(minutes=30)
    made = ask_for(shop.api, name, workflow_from([file], "", name, {}), seed="s", deadline=deadline, clock=Behind())
    assert abs(made.spec.deadline - deadline - datetime.now(UTC)) < timedelta(minutes=5)


def test_who_runs_by_hand_may_change_no_run() -> None:
    for manifests in (list(yaml.safe_load_all(rights().read_text())), rights_of_jobs()):
        for role in manifests:
            if role["metadata"]["name"] == "chaos-gate-by-hand":
                verbs = {verb for rule in role["rules"] for verb in rule["verbs"]}
                assert verbs == {"get", "list", "create"}


# ---------------------------------------------------------------------------------------------- what the executor takes


def test_a_run_by_hand_that_reaches_beyond_its_namespace_has_only_to_be_ended(cluster: Ground, namespace: str) -> None:
    here, astray = spec(namespace), spec("elsewhere")
    created(cluster.api, namespace, "here", replace(here, asked_by="dev"))
    created(cluster.api, namespace, "astray", replace(astray, asked_by="dev"))
    read = {name: read_run(cluster.api, namespace, name) for name in ("here", "astray")}
    assert {name: run and run.abort for name, run in read.items()} == {"here": None, "astray": Reason.POLICY_DENIED}


def test_a_run_that_no_gate_made_is_ended_also_when_it_comes_with_a_finalizer(cluster: Ground, namespace: str) -> None:
    created(cluster.api, namespace, "forged", finalizers=["chaosgate.dev/revert"])
    try:
        read = read_run(cluster.api, namespace, "forged")
        assert read is not None
        assert read.abort is Reason.SUPERSEDED
    finally:
        cluster.api.patch("chaosruns", namespace, "forged", {"metadata": {"finalizers": None}})


# ----------------------------------------------------------------------------------------------------- how it is judged


class Shelf:
    """One run, and the verdicts that were given to it."""

    def __init__(self, run: Run | None, trouble: Exception | None = None) -> None:
        self.run, self.trouble = run, trouble
        self.given: list[tuple[Verdict, int | None]] = []

    def get(self, _namespace: str, _name: str) -> Run | None:
        return self.run

    def save_verdict(self, run: Run, judgement: Judgement, score: int | None) -> Run:
        if self.trouble:
            raise self.trouble
        self.given.append((judgement.verdict, score))
        return run


EXECUTED = RunStatus(phase=RunPhase.EXECUTED)


def run_of(asked_by: str = "dev", status: RunStatus = EXECUTED) -> Run:
    of = replace(spec(), asked_by=asked_by)
    return Run(namespace="shop", name="r", uid="u", created=of.deadline, spec=of, status=status)


def looked(shelf: Shelf) -> timedelta | None:
    queue: WorkQueue[tuple[str, str]] = WorkQueue(lambda: 0.0)
    return Judging(queue, shelf, lambda _: (Judgement(verdict=Verdict.PASSED), 90), leads=lambda: True).look(("", ""))


def test_a_run_by_hand_gets_its_verdict_once_it_is_executed_and_no_other_run_does() -> None:
    executed = Shelf(run_of())
    assert looked(executed) is None
    assert executed.given == [(Verdict.PASSED, 90)]
    for other in (
        None,
        run_of(asked_by=""),
        run_of(status=RunStatus()),
        run_of(status=JUDGED.status),
    ):
        shelf = Shelf(other)
        assert looked(shelf) is None
        assert shelf.given == []


@pytest.mark.parametrize("trouble", [Conflict("it was written meanwhile"), Temporary("away"), ValueError("a mistake")])
def test_a_verdict_that_could_not_be_written_is_tried_again(trouble: Exception) -> None:
    again = looked(Shelf(run_of(), trouble))
    assert again is not None
    assert again > timedelta(0)


# ---------------------------------------------------------------------------------------------------- how it is watched


class Seen:
    """A run on a clock that only moves while somebody waits: each look shows the next thing."""

    def __init__(self, *shown: Run | Exception | None) -> None:
        self.shown, self.now = list(shown), 0.0
        self.lines: list[str] = []

    def look(self) -> Run | None:
        shown = self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]
        if isinstance(shown, Exception):
            raise shown
        return shown

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def end(self) -> Run:
        return Watching(
            self.look,
            deadline=timedelta(minutes=5),
            monotonic=lambda: self.now,
            sleep=self.sleep,
            say=self.lines.append,
        ).end()

    @property
    def said(self) -> list[str]:
        return [line.partition("] ")[2] for line in self.lines]


NEVER = spec().deadline
JUDGED = run_of(
    status=RunStatus(
        phase=RunPhase.JUDGED,
        timeline=(TimelineEntry(at=NEVER, what="begins"), TimelineEntry(at=NEVER, what="one pod dies")),
        verdict=Verdict.PASSED,
    )
)


def test_what_happens_is_told_once_and_the_end_is_the_verdict() -> None:
    waits = run_of(status=RunStatus(activity="Waiting: held by run shop/other"))
    begun = run_of(status=RunStatus(phase=RunPhase.RUNNING, timeline=JUDGED.status.timeline[:1], activity="baseline"))
    seen = Seen(waits, waits, Temporary("cannot be reached"), Temporary("cannot be reached"), begun, begun, JUDGED)
    assert seen.end() is JUDGED
    held = "Waiting: held by run shop/other"
    assert seen.said == [held, "cannot be reached; looking again", "begins", "baseline", "one pod dies"]


def test_a_run_that_nobody_takes_up_is_said_to_be_alone_once() -> None:
    untouched = run_of(status=RunStatus())
    seen = Seen(*[untouched] * int(6 * LONELY), JUDGED)
    seen.end()
    assert sum("nobody has taken it up" in line for line in seen.said) == 1


def test_a_run_that_nobody_judges_is_not_watched_for_ever() -> None:
    seen = Seen(run_of(status=RunStatus()))
    (said,), code = ending(seen.end)
    assert "no gate runs for it" in said
    assert (code, seen.now) == (5, 7 * 60), "as late as chaos-gate wait would be"


def test_a_run_that_is_deleted_has_no_verdict() -> None:
    with pytest.raises(Permanent, match="deleted before it had a verdict"):
        Seen(run_of(status=RunStatus()), None).end()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("shop/checkout", WorkloadKind.DEPLOYMENT),
        ("shop/deployment/checkout", WorkloadKind.DEPLOYMENT),
        ("shop/StatefulSet/checkout", WorkloadKind.STATEFUL_SET),
    ],
)
def test_a_workload_is_named_by_namespace_kind_and_name(text: str, kind: WorkloadKind) -> None:
    named = workload_named(text)
    assert (named.kind, named.namespace, named.name) == (kind, "shop", "checkout")
