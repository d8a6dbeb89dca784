"""The policy asked of runs: before one begins, and before each of its steps. Gathers the facts; the rules are pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gate.cluster.api import Api
from gate.cluster.gates import Gates
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.config import ExecutedBy, Settings
from gate.documents.catalogue import Catalogue
from gate.documents.positions import place_of
from gate.documents.review import Finding, Severity
from gate.errors import Denied, Permanent
from gate.faults import ACTS
from gate.model import COPY, Load, Probe, RunSpec, Step, Subscription, Target, Undo, Workflow, WorkloadName
from gate.policy.acts import NODE, opted_in
from gate.policy.ask import GROUPS, ask
from gate.policy.mandatory import passed
from gate.policy.question import Answer, Question, Reach, Word
from gate.policy.rules import Policy
from gate.policy.when import opens
from gate.running.ports import Clock
from gate.wire.alerts import Alerts, Ask, firing
from gate.wire.freezes import Frozen
from gate.wire.policies import InForce, in_force

Freezing = Callable[[WorkloadName, datetime], Frozen]
"""Which freeze periods in GitLab are on for a workload."""

COUNTS = timedelta(minutes=5)
"""How long a run may wait, in a process that knows no GitLab, and still begin on what GitLab said before."""
POD = "Pod"
OWN_ACCOUNT = "chaos-gate"
ZONE = "topology.kubernetes.io/zone"
BESIDE = tuple(group for group in GROUPS if group != "blast radius")
"""A copy is made beside its workload, and takes no pod from anybody; nor does what sends a load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policing:
    """What the policy in force says of runs. Thread-safe."""

    policy: Callable[[], Policy]
    api: Api
    now: Callable[[], datetime]
    owners: Callable[[RunSpec], tuple[str, ...]] = lambda _: ()
    """The documents that ask for a run, as far as the catalogue in force knows them. A Job knows none: what they may is
    asked before it is made. Raises `Temporary` while they are not known.
    """
    account: str = ""
    """The service account that executes runs."""
    alerts: Ask = firing
    freezes: Freezing | None = None
    """What GitLab says of a workload's projects. None: whoever made this process has asked before, as a gate does
    before it makes a Job, which knows no GitLab.
    """
    asked: datetime | None = None
    """When that was, about. What GitLab said then lets no run begin that has waited for long since."""

    def admits(self, spec: RunSpec) -> str:
        """What holds the run before it begins; empty if nothing does. Raises `Denied` if the policy forbids a step."""
        policy = self.policy()
        facts = self.facts(policy, spec)
        # All are asked, also where one has to wait: another one may be forbidden.
        held = [_held(policy, *self._asked(policy, spec, step, None, facts)) for step in _unlike(spec.workflow.steps)]
        return next(filter(None, held), "") or self._outdated(policy)

    def _outdated(self, policy: Policy) -> str:
        if self.asked is None or not policy.when.gitlab or self.now() - self.asked < COUNTS:
            return ""
        return (
            f"the policy: GitLab was asked about freezes at {self.asked:%H:%M %Z}, and cannot be asked from here again"
        )

    def again(self, spec: RunSpec, step: Step, targets: Sequence[Target]) -> str:
        """The same of an act that was put off: meanwhile there may be another policy, and another time. Alerts are left
        out, which the step may have set off itself.
        """
        policy = self.policy()
        policy = replace(policy, when=replace(policy.when, not_during=()))
        reach = self._reach(policy, step, spec, targets, begun=True) if _is_a_step(step) else None
        return _held(policy, *self._asked(policy, spec, step, reach, self.facts(policy, spec)))

    def holds(self, run: str, spec: RunSpec, step: Step, undos: Sequence[Undo]) -> str:
        """The same of one step, whose targets are known, or of the copy that the run makes before its steps."""
        policy = self.policy()
        reach = None if step.fault == COPY else self._reach(policy, step, spec, [undo.target for undo in undos])
        # Whoever follows a pod that was hit belongs to a step that has begun, which may have set off the alerts itself.
        if any(undo.follows for undo in undos):
            # Nor is GitLab asked, which may take its time: this is the thread that takes the fault back.
            policy = replace(policy, when=replace(policy.when, not_during=(), gitlab=None))
        return _held(policy, *self._asked(policy, spec, step, reach, self.facts(policy, spec)))

    def _asked(
        self, policy: Policy, spec: RunSpec, step: Step, reach: Reach | None, facts: Mapping[str, Any]
    ) -> tuple[Question, Answer]:
        name = step.target or spec.workload.name
        question = Question(
            at=self.now(),
            fault=step.fault,
            namespace=name.namespace,
            opted_in=opted_in(labels_of(self.api, name.namespace)),
            workload=name,
            reach=reach,
            hold=step.hold,
            owners=self._owners(policy, spec) or None,
            account=self.account or None,
            accounts=accounts_of(spec.workflow),
            **facts,
        )
        return question, ask(policy, question, *groups_of(step))

    def _owners(self, policy: Policy, spec: RunSpec) -> tuple[str, ...]:
        """As far as some rule is about them: freezes are those of the projects that the same documents name."""
        return self.owners(spec) if policy.ownership or (policy.when.gitlab and self.freezes) else ()

    def facts(self, policy: Policy, spec: RunSpec) -> dict[str, Any]:
        """What is the same for all steps, as far as some rule is about it."""
        when = policy.when
        alerts, silent = self.alerts(when.not_during)
        frozen = self.freezes(spec.workload.name, self.now()) if when.gitlab and self.freezes else Frozen()
        return {
            "images": images_of(spec.workflow),
            "privileged": privileged_of(spec.workflow),
            # By hand somebody may play anything by that name.
            "workflow": "" if spec.asked_by else spec.workflow.name,
            "passed": self._passed(spec) if when.mandatory else None,
            "alerts": alerts,
            "silent": silent,
            "freezes": frozen.freezes,
            "unheard": frozen.unheard,
            "before": self._before(spec) if when.interval else None,
        }

    def _passed(self, spec: RunSpec) -> Mapping[str, datetime]:
        """When the workload last passed each workflow, as its gate remembers it and as runs say."""
        name = spec.workload.name
        runs, _ = Runs(self.api).list(name.namespace)
        return passed(Gates(self.api).get(name), [run for run in runs if run.spec.workload.name == name])

    def _before(self, spec: RunSpec) -> datetime | None:
        """When the last run of the workload ended that had begun. Those of the same version are one with this one."""
        name = spec.workload.name
        runs, _ = Runs(self.api).list(name.namespace)
        ended = (
            run.status.finished
            for run in runs
            if run.spec.workload.name == name and run.spec.version != spec.version and run.status.started
        )
        return max((moment for moment in ended if moment), default=None)

    def _reach(
        self, policy: Policy, step: Step, spec: RunSpec, targets: Sequence[Target], *, begun: bool = False
    ) -> Reach:
        """`begun`: some of the targets may have been hit by now, and were ready before."""
        ready = Workloads(self.api).ready_pods(step.target or spec.workload.name)
        whole = any(target.kind not in {POD, NODE} for target in targets)
        # Also one by one: a pod that is waited for in vain is down beside the next one.
        hit = [pod for pod in ready if whole] or [target for target in targets if target.kind == POD]
        before = len({pod.uid for pod in (*ready, *hit)}) if begun else len(ready)
        nodes = tuple(target.name for target in targets if target.kind == NODE)
        zones: tuple[str, ...] = ()
        if any(limit.zones for limit in policy.limits):
            zones = tuple(sorted({self._zone(node) for node in (*nodes, *(pod.node for pod in hit))}))
        return Reach(pods=len(hit), ready=before, nodes=nodes, zones=zones)

    def _zone(self, node: str) -> str:
        found = self.api.get("nodes", "", node) if node else None
        return str(((found or {}).get("metadata", {}).get("labels") or {}).get(ZONE, ""))


def _held(policy: Policy, question: Question, answer: Answer) -> str:
    """Who holds it, in words. Raises `Denied`, with every rule that is against it, if waiting does not help."""
    if answer.denied:
        raise Denied(f"the policy forbids it: {'; '.join(map(str, answer.denied))}")
    if answer.word is not Word.WAIT:
        return ""
    opening = opens(policy, question)
    until = f"; by the clock from {opening:%a %Y-%m-%d %H:%M %Z}" if opening and opening > question.at else ""
    return f"the policy: {'; '.join(map(str, answer.against))}{until}"


def _is_a_step(step: Step) -> bool:
    """Whether it is one of the workflow's, and not something that is made beside the workload."""
    return step.fault in ACTS and step.fault != COPY


def groups_of(step: Step) -> Sequence[str]:
    """The groups of rules that are asked about it."""
    return tuple(GROUPS) if _is_a_step(step) else BESIDE


def _unlike(steps: Sequence[Step]) -> Sequence[Step]:
    """Steps that the policy may say different things of, while their targets are not known."""
    return list({(step.fault, step.target, step.hold): step for step in steps}.values())


def images_of(workflow: Workflow) -> tuple[str, ...]:
    """Every image that the documents name for something of the workflow."""
    return _named(workflow, "image")


def privileged_of(workflow: Workflow) -> tuple[str, ...]:
    """Every image that a step would run privileged."""
    found = (each.settings.get("image") for each in workflow.steps if each.settings.get("privileged"))
    return tuple(sorted({image for image in found if isinstance(image, str)}))


def accounts_of(workflow: Workflow) -> tuple[str, ...]:
    """Every service account as which something of the workflow speaks to the API."""
    return _named(workflow, "serviceAccount")


def _named(workflow: Workflow, field: str) -> tuple[str, ...]:
    """What faults, loads and probes have there. What stands deeper is something else, such as a body that is sent."""
    blocks: tuple[Step | Load | Probe, ...] = (*workflow.steps, *workflow.load, *workflow.steady_state)
    named = (each.settings.get(field) for each in blocks)
    return tuple(sorted({each for each in named if isinstance(each, str) and each}))


def policy_of(settings: Settings, changed: Callable[[], None] = lambda: None) -> InForce:
    """The policy in force, as the settings say where it is. Raises `GateError` if it cannot be read at all."""
    return in_force(
        file=settings.policy,
        text=settings.policy_text,
        zone=settings.time_zone,
        own=settings.namespace,
        nodes=settings.nodes,
        changed=changed,
    )


def policing_of(settings: Settings, api: Api, clock: Clock, policy: Callable[[], Policy]) -> Policing:
    """That of a process which knows neither the catalogue nor GitLab."""
    return Policing(
        policy=policy,
        api=api,
        now=clock.now,
        account=account_of(settings),
        alerts=Alerts(clock.monotonic),
    )


def refusals(
    policy: Callable[[], Policy], account: str, now: Callable[[], datetime]
) -> Callable[[str, WorkloadName, Sequence[Workflow]], Sequence[str]]:
    """What says of a subscription's document how it reaches beyond what its owner may target."""

    def refused(path: str, workload: WorkloadName, workflows: Sequence[Workflow]) -> Sequence[str]:
        rules = policy()
        against: list[str] = []
        for workflow, step in ((each, step) for each in workflows for step in each.steps):
            name = step.target or workload
            question = Question(
                at=now(),
                fault=step.fault,
                namespace=name.namespace,
                workload=name,
                owners=(path,),
                account=account,
                accounts=accounts_of(workflow),
            )
            against += map(str, ask(rules, question, "ownership").denied)
        return list(dict.fromkeys(against))

    return refused


def account_of(settings: Settings) -> str:
    """The service account that executes runs, by its name alone."""
    return settings.job_account if settings.executor is ExecutedBy.JOB else OWN_ACCOUNT


def reviewed(policy: Policy, catalogue: Catalogue, now: datetime, account: str = "") -> list[Finding]:
    """What the policy would refuse of the documents, whatever the cluster is like. `account` would execute the runs.

    Who finds workloads by a selector asks for each namespace there as it is written: a pattern is within another one if
    that fits it, so that `shop-*` is a team's that has `shop-*`, and `*` is not.
    """
    findings = []
    for subscription, workload, namespaces in _asking(catalogue):
        workflows, _ = catalogue.resolve(subscription)
        path = subscription.place.rpartition(":")[0]
        for workflow, step in ((each, step) for each in workflows for step in each.steps):
            name = step.target or workload
            for namespace in [name.namespace] if name else namespaces:
                question = Question(
                    at=now,
                    fault=step.fault,
                    namespace=namespace,
                    workload=name,
                    owners=(path,),
                    hold=step.hold,
                    account=account or None,
                    accounts=accounts_of(workflow),
                    images=images_of(workflow),
                    privileged=privileged_of(workflow),
                )
                for ruling in ask(policy, question).denied:
                    why = f'the policy forbids the step "{step.name}" of {workflow.name}: {ruling}'
                    place = place_of(subscription, ("spec", "workflows"))
                    findings.append(Finding(severity=Severity.ERROR, place=place, path="spec.workflows", why=why))
    return list(dict.fromkeys(findings))


def _asking(catalogue: Catalogue) -> Iterator[tuple[Subscription, WorkloadName | None, Sequence[str]]]:
    """Each subscription as it is written, with its workload if it names one, and the namespaces that it is about."""
    for each in catalogue.loaded.subscriptions:
        yield each, each.workload, [each.workload.namespace]
    for found in catalogue.loaded.selections:
        yield found.pattern, None, found.selector.namespaces or ["*"]


def labels_of(api: Api, namespace: str) -> Mapping[str, str]:
    """Of a namespace. Raises `Permanent` where there is none."""
    found = api.get("namespaces", "", namespace)
    if found is None:
        raise Permanent(f"there is no namespace {namespace}")
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels
