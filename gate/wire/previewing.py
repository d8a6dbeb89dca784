"""What would happen to a workload if it were judged now, found out by looking alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gate.cluster.api import Api, Form
from gate.cluster.foreign import Foreign
from gate.cluster.kinds import KINDS
from gate.cluster.workloads import Workloads
from gate.documents.blocks import Block
from gate.documents.review import duration_of
from gate.documents.target import asks_service
from gate.errors import Denied, GateError, Permanent
from gate.faults import ACTS
from gate.faults.objects import ZONE
from gate.model import (
    COPY,
    Isolation,
    Rollout,
    Run,
    RunSpec,
    Step,
    Target,
    Undo,
    Workflow,
    WorkloadName,
    WorkloadSelector,
)
from gate.policy.ask import ask
from gate.policy.namespaces import OPT_IN, OPTED_IN
from gate.policy.question import Answer, Question, Reach
from gate.policy.rules import Policy
from gate.running.mode import Mode
from gate.running.turns import CAPS, Caps, beyond
from gate.wire.locking import ClusterLocks
from gate.wire.policing import Policing, accounts_of, groups_of
from gate.wire.ties import surrounding

NOW = timedelta(0)
NOBODY = "chaos-gate-plan"
"""The name of the run that is never made."""
NODE, POD = "Node", "Pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPreview:
    """The copy that a workflow would hit."""

    pods: int = 0
    problem: str = ""
    """Why there can be none."""
    decision: Answer | None = None
    """What the policy says of its being made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing that would be hit."""

    kind: str
    namespace: str
    name: str
    uid: str
    node: str
    zone: str
    """Empty if it has none, or we may not look at nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPreview:
    """What a step would do."""

    step: Step
    targets: Sequence[Hit]
    """Of a copy, as many as these: its own pods are not there yet."""
    ready: int
    """Pods of the workload that it hits that are ready now; which of them, the run's seed chooses."""
    touches: str
    others: str
    """What is hit beside them; empty: nothing."""
    comes_back: str
    problem: str
    """Why it could not even be begun; empty if it could."""
    decision: Answer | None
    """What the policy says; None where the facts that it asks for cannot be read."""
    undecided: str
    """Why there is no decision."""
    locks: Sequence[str]
    """What would keep the step from acting now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPreview:
    """What a run of the workflow would do."""

    workflow: Workflow
    longest: timedelta
    steps: Sequence[StepPreview]
    copy: CopyPreview | None
    waits_for: str
    """What would keep the run from beginning now; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen to a workload if it were judged now."""

    workload: WorkloadName
    version: str
    """Empty if that cannot be told yet."""
    rollout: str
    """How far its rollout is, in words."""
    workflows: Sequence[WorkflowPreview]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a preview asks besides the cluster."""

    rules: Policy
    owners: tuple[str, ...] | None
    """The documents that ask for it; None for a run by hand."""
    now: datetime
    monotonic: Callable[[], float]
    seed: str = "plan"
    leave_ready: int = 0
    caps: Caps = CAPS
    account: str = ""
    """The service account that would execute it; empty if nobody has said."""
    mode: Mode = Mode.RUN


def preview(api: Api, name: WorkloadName, workflows: Sequence[Workflow], asking: Asking) -> Preview:
    """Of each fault only `plan` is called, which reads. `api` should be one that cannot do anything else."""
    rollout = Workloads(api).rollout(name)
    if rollout is None:
        raise Permanent(f"there is no {name} in the cluster at {api.host}")
    looked = _Looked(api, asking, rollout)
    return Preview(
        workload=name,
        version=rollout.version.key if rollout.version else "",
        rollout=rollout.message or str(rollout.progress),
        workflows=[looked.workflow(each) for each in workflows],
    )


class _Looked:
    """One look at one workload."""

    def __init__(self, api: Api, asking: Asking, rollout: Rollout) -> None:
        self._api, self._asking, self._rollout = api, asking, rollout
        self._locks = ClusterLocks(
            api=api, foreign=Foreign(api, asking.monotonic), caps=asking.caps, leave_ready=asking.leave_ready
        )
        self._zones: dict[str, str] = {}
        self._policing = Policing(policy=lambda: asking.rules, api=api, now=lambda: asking.now)

    def workflow(self, workflow: Workflow) -> WorkflowPreview:
        spec = self._spec(workflow)
        copied = workflow.isolation is Isolation.COPY
        waits = f"the mode {self._asking.mode}" if self._asking.mode is not Mode.RUN else self._holder(spec)
        return WorkflowPreview(
            workflow=workflow,
            longest=duration_of(workflow),
            steps=[self._step(step, spec) for step in workflow.steps],
            copy=self._copy(workflow, spec) if copied else None,
            waits_for=waits,
        )

    def _copy(self, workflow: Workflow, spec: RunSpec) -> CopyPreview:
        step = Step(name="copy", fault=COPY, settings={}, hold=NOW, recover=NOW)
        decision, undecided = self._decision(spec, step, spec.workload.name, (), ())
        found = _copy(self._api, self._rollout, workflow)
        return replace(found, decision=decision, problem="; ".join(filter(None, (found.problem, undecided))))

    def _spec(self, workflow: Workflow) -> RunSpec:
        version = self._rollout.version
        return RunSpec(
            workload=self._rollout.workload,
            version=version.key if version else "",
            images=version.images if version else (),
            workflow=workflow,
            subscriptions=(),
            revision="",
            seed=self._asking.seed,
            deadline=self._asking.now,
        )

    def _step(self, step: Step, spec: RunSpec) -> StepPreview:
        name, fault = step.target or self._rollout.workload.name, ACTS[step.fault]
        pods, undos, problem = list[Target](), list[Undo](), ""
        try:
            pods = list(Workloads(self._api).ready_pods(name))
            undos = fault.plan(step, name, pods, self._asking.seed, self._api)
        except GateError as error:
            problem = str(error)
        says = fault.Settings if issubclass(fault.Settings, Block) else Block
        decision, undecided = self._decision(spec, step, name, undos, pods)
        return StepPreview(
            step=step,
            targets=[self._hit(undo.target) for undo in undos],
            ready=len(pods),
            touches=says.touches,
            others=says.others,
            comes_back=says.comes_back,
            problem=problem,
            decision=decision,
            undecided=undecided,
            locks=self._held(spec, step, undos) if undos else (),
        )

    def _hit(self, target: Target) -> Hit:
        node = target.name if target.kind == NODE else target.node
        return Hit(
            kind=target.kind,
            namespace=target.namespace,
            name=target.name,
            uid=target.uid,
            node=node,
            zone=self._zone(node) if node else "",
        )

    def _zone(self, node: str) -> str:
        if node not in self._zones:
            try:
                item = self._api.get("nodes", "", node)
            except Denied:
                item = None
            labels = ((item or {}).get("metadata") or {}).get("labels") or {}
            self._zones[node] = str(labels.get(ZONE, ""))
        return self._zones[node]

    def _decision(
        self, spec: RunSpec, step: Step, name: WorkloadName, undos: Sequence[Undo], pods: Sequence[Target]
    ) -> tuple[Answer | None, str]:
        try:
            found = self._api.get("namespaces", "", name.namespace)
            facts = self._policing.facts(self._asking.rules, spec)
        except GateError as error:
            return None, f"what the policy is about in the namespace {name.namespace} cannot be read: {error}"
        labels = ((found or {}).get("metadata") or {}).get("labels") or {}
        hit = [self._hit(undo.target) for undo in undos]
        of_pods = sum(each.kind == POD for each in hit)
        whole = any(each.kind not in {POD, NODE} for each in hit)
        zones = {self._zone(pod.node) for pod in pods if pod.node} if whole else {each.zone for each in hit}
        reach = Reach(
            pods=len(pods) if whole else of_pods,
            ready=len(pods),
            nodes=tuple(each.name for each in hit if each.kind == NODE),
            zones=tuple(sorted(zones - {""})),
        )
        question = Question(
            at=self._asking.now,
            fault=step.fault,
            namespace=name.namespace,
            opted_in=labels.get(OPT_IN) == OPTED_IN,
            workload=name,
            owners=self._asking.owners,
            reach=reach if hit else None,
            hold=step.hold,
            account=self._asking.account or None,
            accounts=accounts_of(spec.workflow),
            **facts,
        )
        return ask(self._asking.rules, question, *groups_of(step)), ""

    def _held(self, spec: RunSpec, step: Step, undos: Sequence[Undo]) -> Sequence[str]:
        try:
            held = self._locks(NOBODY, spec, step, undos)
        except GateError as error:
            held = str(error)
        return [held] if held else []

    def _holder(self, spec: RunSpec) -> str:
        """The other runs that it would wait for, as if it were the youngest of all."""
        place = spec.workload.name.namespace
        mine = Run(
            namespace=place,
            name=NOBODY,
            uid=NOBODY,
            created=datetime.max.replace(tzinfo=self._asking.now.tzinfo),
            spec=spec,
        )
        try:
            others = surrounding(self._api, mine, everywhere=self._asking.caps.cluster is not None)
        except GateError as error:
            return f"others, for who they are cannot be seen: {error}"
        return beyond(mine, [each for each in others if each.name != NOBODY], self._asking.caps)


def _copy(api: Api, rollout: Rollout, workflow: Workflow) -> CopyPreview:
    name, images = rollout.workload.name, rollout.version.images if rollout.version else ()
    settings = {
        "service": workflow.service if asks_service(workflow) else "",
        "images": {image.container: image.digest for image in images},
    }
    step = Step(name="copy", fault=COPY, settings=settings, hold=NOW, recover=NOW)
    try:
        undos = ACTS[COPY].plan(step, name, Workloads(api).ready_pods(name), "plan", api)
    except GateError as error:
        return CopyPreview(problem=str(error))
    if not undos:
        return CopyPreview(problem=f"{name} has no ready pods")
    return CopyPreview(pods=undos[0].settings["replicas"])


def selected(api: Api, selector: WorkloadSelector) -> list[WorkloadName]:
    """The workloads that a selector finds now."""
    found = []
    for item in api.list(KINDS[selector.kind].RESOURCE, form=Form.METADATA)[0]:
        metadata = item["metadata"]
        name = WorkloadName(kind=selector.kind, namespace=metadata["namespace"], name=metadata["name"])
        if selector.matches(name, item["metadata"].get("labels") or {}):
            found.append(name)
    return found
