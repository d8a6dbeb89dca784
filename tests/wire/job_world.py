"""A workload whose runs are executed by Jobs: on the sandbox they are processes of `chaos-gate execute`."""

import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from gate.cluster.api import Api
from gate.cluster.executor_jobs import RUN, ExecutorJobs, Outfit
from gate.cluster.gates import Gates
from gate.cluster.job_template import PLAIN, JobTemplate
from gate.cluster.leases import Leases
from gate.cluster.runs import RunJournal, Runs, run_from
from gate.faults import FAULTS
from gate.model import (
    GateStatus,
    Judgement,
    Phase,
    Probe,
    Run,
    RunEntry,
    RunSpec,
    RunStatus,
    Step,
    Targets,
    Window,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.running.background import Threads
from gate.running.job_executor import JobExecutor
from gate.running.judge import judge
from gate.running.mode import Mode
from gate.running.ports import World
from gate.running.reverting import give_up
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.runtime.images import Image
from gate.sandbox.shipped import policy, shipped
from gate.tracking.judgements import decided
from gate.wire.identity import identity
from gate.wire.ties import RunLeases, read_run, surrounding
from tests.builders import deployment
from tests.faults.application import Application
from tests.faults.cases import NEEDS_THE_REAL_ONE
from tests.grounds import GATE_IMAGE, Ground

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
Eventually = Callable[[Callable[[], object]], None]

SPECIAL = ("chaos-gate-config", "chaos-gate-detours", "chaos-gate-ephemeral", "chaos-gate-exec", "chaos-gate-jobs")
"""The shipped roles that faults need beside the executor's own."""
AN_ADMINISTRATORS = frozenset({"node-cordon", "node-drain"})
"""No account of a team may do this: nodes belong to no namespace."""
AROUND = frozenset({"copy"})
"""Done around steps, not by one."""
ELSEWHERE = AN_ADMINISTRATORS | AROUND | NEEDS_THE_REAL_ONE
"""The faults that no Job does, or that the sandbox has nothing for."""
DONE = Image(name="done:1", argv=("true",))
ACCOUNT = "chaos-gate-executor"
RBAC = "rbac.authorization.k8s.io"
PODS = 2
BEGINS = timedelta(seconds=120)
"""The time that a Job has to begin, where a test does not want it to be over."""
THERE = Probe(
    name="somebody is there",
    kind="kubernetes",
    settings={"resource": "deployments", "name": "web"},
    expect={"field": "spec.replicas", "atLeast": 0},
    every=timedelta(milliseconds=100),
    when=(Window.BEFORE, Window.AFTER),
)


def fragile(number: int) -> Image:
    """An executor that, as the first one of a run, dies before its write of that number, counted from 0."""
    argv = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.wire.fragile", str(number))
    return Image(name=f"fragile:{number}", argv=argv)


def rights_of_jobs() -> list[Json]:
    """What is shipped for a gate whose runs are executed by Jobs."""
    return list(yaml.safe_load_all((shipped("charts") / "chaos-gate" / "rbac-jobs.yaml").read_text()))


@dataclass
class Shop:
    """A Deployment in a namespace with the team's service account, and the gate's own namespace beside it."""

    ground: Ground
    namespace: str
    eventually: Eventually
    folder: Path
    home: str = field(default_factory=lambda: f"gate-{uuid.uuid4().hex[:8]}")

    @property
    def api(self) -> Api:
        return self.ground.api

    @property
    def name(self) -> WorkloadName:
        return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=self.namespace, name="web")

    @property
    def told(self) -> dict[str, str]:
        """What each Job finds in its environment. Without a policy it would wait for working hours."""
        return {"CHAOS_GATE_NAMESPACE": self.home, "CHAOS_GATE_POLICY_TEXT": policy().read_text()}

    def create(self) -> None:
        self.create_around()
        self.api.create("deployments", self.namespace, deployment("web", self.namespace, replicas=PODS))
        self.eventually(lambda: len(self.pods()) == PODS)

    @contextmanager
    def around_an_application(self, settings: Json | None) -> Iterator[Application]:
        """An application that these settings of a fault fit, with an account that may do all that a team's may."""
        self.create_around()
        for role in SPECIAL:
            self.give(role)
        application = Application(ground=self.ground, namespace=self.namespace, eventually=self.eventually)
        application.create(settings)
        yield application
        self.delete()

    def create_around(self) -> None:
        """Everything but the workload."""
        self.post("/api/v1/namespaces", {"metadata": {"name": self.home}})
        self.say(Mode.RUN)
        labels = {"metadata": {"labels": {"chaosgate.dev/chaos": "allowed"}}}
        self.api.patch("namespaces", "", self.namespace, labels)
        self.post(f"/api/v1/namespaces/{self.namespace}/serviceaccounts", {"metadata": {"name": ACCOUNT}})
        self._give("chaos-gate-executor", self.namespace)
        self._give("chaos-gate-mode", self.home)

    def give(self, role: str) -> None:
        """The team's account may do that as well, in its own namespace."""
        self._give(role, self.namespace)

    def delete(self) -> None:
        self.ground.ask("DELETE", f"/api/v1/namespaces/{self.home}")

    def post(self, path: str, body: Json) -> None:
        made = self.ground.ask("POST", path, body)
        assert made.status_code == 201, made.text

    def _give(self, name: str, namespace: str, whom: tuple[str, str] | None = None, *, at_home: bool = False) -> None:
        """The shipped role of that name, as a role there, for one account alone: the team's, or another one."""
        account, home = whom or (ACCOUNT, self.namespace)
        roles = [each for each in rights_of_jobs() if "rules" in each and each["metadata"]["name"] == name]
        rules = roles[-1 if at_home else 0]["rules"]
        path = f"/apis/{RBAC}/v1/namespaces/{namespace}"
        role = {"apiGroup": RBAC, "kind": "Role", "name": name}
        subjects = [{"kind": "ServiceAccount", "name": account, "namespace": home}]
        self.post(f"{path}/roles", {"metadata": {"name": name}, "rules": rules})
        self.post(f"{path}/rolebindings", {"metadata": {"name": name}, "roleRef": role, "subjects": subjects})

    def take(self, name: str, namespace: str) -> None:
        """Take what was given."""
        path = f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings/{name}"
        assert self.ground.ask("DELETE", path).status_code == 200

    def as_gate(self) -> Api:
        return Api.from_environment(str(self.kubeconfig_of_gate()))

    def kubeconfig_of_gate(self) -> Path:
        """Of the gate with the shipped rights, and that to make Jobs, in this namespace and its own alone."""
        self.post(f"/api/v1/namespaces/{self.home}/serviceaccounts", {"metadata": {"name": "chaos-gate"}})
        for name in ("chaos-gate", "chaos-gate-hires"):
            self._give(name, self.namespace, ("chaos-gate", self.home))
        self._give("chaos-gate", self.home, ("chaos-gate", self.home), at_home=True)
        return self.ground.kubeconfig_of(self.home, "chaos-gate", self.folder)

    @contextmanager
    def reviewing(self) -> Iterator[None]:
        """The gate may ask who calls it, as it is shipped."""
        (binding,) = (each for each in rights_of_jobs() if each["metadata"]["name"] == "chaos-gate-callers")
        name = f"callers-{self.home}"
        subjects = [{"kind": "ServiceAccount", "name": "chaos-gate", "namespace": self.home}]
        path = f"/apis/{RBAC}/v1/clusterrolebindings"
        self.post(path, {"metadata": {"name": name}, "roleRef": binding["roleRef"], "subjects": subjects})
        try:
            yield
        finally:
            self.ground.ask("DELETE", f"{path}/{name}")

    @contextmanager
    def seeing_zones(self) -> Iterator[None]:
        """The team's account has the shipped role for zones, in the whole cluster."""
        (role,) = (each for each in rights_of_jobs() if each["metadata"]["name"] == "chaos-gate-zones")
        name, path = f"zones-{self.home}", f"/apis/{RBAC}/v1"
        self.post(f"{path}/clusterroles", {"metadata": {"name": name}, "rules": role["rules"]})
        try:
            subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}]
            reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
            self.post(
                f"{path}/clusterrolebindings", {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}
            )
            yield
        finally:
            for kind in ("clusterrolebindings", "clusterroles"):
                self.ground.ask("DELETE", f"{path}/{kind}/{name}")

    def token(self, account: str, *audiences: str) -> str:
        """Of a service account of the team's namespace."""
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token"
        told = self.ground.ask("POST", path, {"spec": {"audiences": list(audiences)}})
        assert told.status_code == 201, told.text
        return str(told.json()["status"]["token"])

    def as_team(self) -> Api:
        """As the account that executes its runs."""
        return Api.from_environment(str(self.ground.kubeconfig_of(self.namespace, ACCOUNT, self.folder)))

    def dismiss(self) -> None:
        """The team's account is no more."""
        gone = self.ground.ask("DELETE", f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{ACCOUNT}")
        assert gone.status_code == 200, gone.text

    def say(self, mode: Mode) -> None:
        body = {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": str(mode)}}
        if self.api.get("configmaps", self.home, "chaos-gate-mode"):
            self.api.patch("configmaps", self.home, "chaos-gate-mode", body)
        else:
            self.api.create("configmaps", self.home, body)

    def pods(self) -> list[Json]:
        found = self.api.list("pods", self.namespace, labels="app=web")[0]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def replicas(self) -> int:
        found = self.api.get("deployments", self.namespace, "web")
        assert found is not None
        return int(found["spec"]["replicas"])

    def begin(
        self,
        fault: str = "scale",
        hold: timedelta = timedelta(seconds=1),
        targets: Targets = Targets.FIXED,
        **settings: Any,
    ) -> Run:
        """A run of one step that its gate waits for, and nobody executes yet."""
        found = self.api.get("deployments", self.namespace, "web")
        assert found is not None
        workload = Workload(name=self.name, uid=found["metadata"]["uid"])
        recover = timedelta(seconds=20)
        step = Step(name="it breaks", fault=fault, settings=settings, hold=hold, recover=recover, targets=targets)
        spec = RunSpec(
            workload=workload,
            version="0123456789",
            images=(),
            workflow=Workflow(name="survives", baseline=timedelta(seconds=0.5), steady_state=(THERE,), steps=(step,)),
            subscriptions=("web",),
            revision="r1",
            seed="1",
            deadline=datetime.now(UTC) + timedelta(minutes=5),
        )
        gates = Gates(self.api)
        gate = gates.create(workload)
        entry = RunEntry(name="web-survives", workflow="survives", subscriptions=("web",), decided=decided(spec))
        gate = gates.save(gate, GateStatus(phase=Phase.PENDING, version=spec.version, runs=(entry,)))
        return Runs(self.api).create(gate, entry.name, spec)

    def look(self, run: Run) -> Run:
        found = Runs(self.api).get(run.namespace, run.name)
        assert found is not None
        return found

    def jobs(self, run: Run) -> list[Json]:
        found = self.api.list("jobs", run.namespace, labels=f"{RUN}={run.uid}")[0]
        return sorted(found, key=lambda job: str(job["metadata"]["name"]))

    def pods_of_jobs(self, run: Run) -> list[Json]:
        return self.api.list("pods", run.namespace, labels=f"{RUN}={run.uid}")[0]

    def story(self, run: Run) -> str:
        """For those who read why a test failed."""
        return "\n".join(each.what for each in self.look(run).status.timeline)


class Watching:
    """The runs of one namespace, read anew each time."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    def all(self) -> Sequence[Run]:
        return [run_from(item) for item in self._api.list("chaosruns", self._namespace)[0]]

    def read(self, run: Run) -> Run | None:
        return read_run(self._api, run.namespace, run.name)

    def around(self, run: Run, *, everywhere: bool) -> Sequence[Run]:
        return surrounding(self._api, run, everywhere=everywhere)

    def show(self, run: Run, activity: str) -> None:
        Runs(self._api).save_activity(run, activity)


@contextmanager
def looked_after(
    shop: Shop,
    *,
    image: str = GATE_IMAGE.name,
    begins: timedelta = BEGINS,
    api: Api | None = None,
    template: JobTemplate = PLAIN,
    evidence_url: str = "",
) -> Iterator[None]:
    """A gate that has the runs of the shop executed by Jobs, as an administrator or as whoever `api` is."""
    api, clock, stop = api or shop.api, SystemClock(), threading.Event()
    background = Threads(clock)
    told = {**shop.told, **({"CHAOS_GATE_EVIDENCE_URL": evidence_url} if evidence_url else {})}
    outfit = Outfit(image=image, account=ACCOUNT, environment=told, template=template, hands_in=bool(evidence_url))
    executor = JobExecutor(
        store=Watching(api, shop.namespace),
        leases=RunLeases(Leases(api, identity(), clock.monotonic)),
        jobs=ExecutorJobs(api, outfit, clock.now),
        clock=clock,
        mode=lambda: Mode.RUN,
        leads=lambda: True,
        end=partial(_end, api, clock, background),
        begins=begins,
    )
    thread = threading.Thread(target=executor.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        executor.poke()
        thread.join()
        background.close()


def _end(api: Api, clock: SystemClock, background: Threads, run: Run, judgement: Judgement) -> RunStatus:
    nobody: Any = None
    world = World(
        cluster=api,
        workloads=nobody,
        permission=lambda *_: None,
        clock=clock,
        background=background,
        resolve=str,
        faults=FAULTS,
        probes={},
        loads={},
    )
    return give_up(run.status, world, RunJournal(Runs(api), run), judgement)


def judged(run: Run) -> Judgement:
    return judge(run.spec, run.status.evidence)[0]
