"""A ChaosEngine: each of its experiments becomes a workflow of one step, so that each keeps its own probes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gate.documents.units import in_words
from gate.importing.account import Part
from gate.importing.documents import USUAL_BASELINE, Document, Draft, Names, stands_up, subscription
from gate.importing.litmus.environment import Environment
from gate.importing.litmus.faults import FAULTS, OF_ONES_OWN, WITHOUT, Meaning
from gate.importing.litmus.probes import probes, windows
from gate.importing.litmus.workload import About, about
from gate.model import Targets, Window, WorkloadKind
from gate.quantities import duration

Json = dict[str, Any]
USUAL_TIMEOUT = 180
"""Seconds that Litmus waits for the pods to be well again, unless it is told otherwise."""
LONGEST_TIMEOUT = 86_400
REASONS: Mapping[str, str] = {
    "chaosServiceAccount": "the gate's executor has its own service account",
    "annotationCheck": "a namespace opts in by a label: chaosgate.dev/chaos=allowed",
    "auxiliaryAppInfo": "write a probe for each workload that has to be well, too",
    "jobCleanUpPolicy": "a run leaves no Jobs behind",
    "terminationGracePeriodSeconds": "the executor is the gate's affair",
    "weight": "a weight is a probe's here, in a workflow with a threshold",
    "probeRef": "the probe is kept in ChaosCenter, not in this file; write it into steadyState",
    "permissions": "the gate's own rights are in its chart",
    "definition": "the gate brings its own code; nothing of how Litmus runs the fault is needed",
    "components": "how Litmus runs the fault is of no use here",
    "metadata": "names and labels of Litmus' own objects are of no use here",
    "description": "what a fault does is written in docs/authors.md",
    "status": "what became of earlier runs stays with Litmus",
}
"""Key -> why what stands under it is left out, where nothing more can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The documents that an engine became; without any, the account says why."""

    drafts: Sequence[Draft]
    about: About


def engine(spec: Part, name: str, origin: str, experiments: Mapping[str, Part], names: Names) -> Engine:
    """`experiments`: the ChaosExperiments that are there, by their names, for what the engine leaves to them."""
    whom = about(spec)
    if spec["engineState"].text == "stop":
        spec["engineState"].left_out("it was stopped; take its workflow out of the subscription if it shall not run")
    else:
        spec["engineState"].kept("a workflow that is subscribed is run")
    several, drafts = len(spec["experiments"].items) > 1, list[Draft]()
    for part in spec["experiments"].items:
        fault = part["name"].text
        defaults = [experiments[fault]["spec"]["definition"]["env"]] if fault in experiments else []
        draft = _shaped(part, part["spec"], [part["spec"]["components"]["env"], *defaults], whom.kind, origin)
        if draft is not None and not spec.account.refusals:
            drafts.append(replace(draft, name=names.give("Workflow", name, fault if several else "")))
    if not drafts and whom.workload:
        spec["appinfo"].left_out("no Subscription: there is no workflow to subscribe to")
    return Engine(drafts=drafts, about=whom)


def subscribed(engines: Sequence[Engine], name: str, origin: str, names: Names) -> list[Document]:
    """The workflows, and for each workload a subscription that asks for its own, in their order."""
    documents = [draft.document for each in engines for draft in each.drafts]
    workloads: list[Mapping[str, Any]] = []
    for each in engines:
        if each.drafts and each.about.workload and each.about.workload not in workloads:
            workloads.append(each.about.workload)
    for workload in workloads:
        own = [draft for each in engines if each.about.workload == workload for draft in each.drafts]
        documents.append(subscription(names.give("Subscription", name), origin, workload, own))
    return documents


def standing_alone(experiment: Part, origin: str, names: Names) -> list[Document]:
    """A ChaosExperiment that no engine here uses: a workflow of what it says itself."""
    named, definition = experiment["metadata"], experiment["spec"]["definition"]
    draft = _shaped(named, definition, [definition["env"]], WorkloadKind.DEPLOYMENT, origin)
    return [replace(draft, name=names.give("Workflow", named["name"].text)).document] if draft else []


def _shaped(named: Part, spec: Part, variables: Sequence[Part], kind: WorkloadKind, origin: str) -> Draft | None:
    """The workflow of one experiment, still without a name of its own; None if its fault has no counterpart."""
    fault = named["name"].text
    meaning = FAULTS.get(fault)
    if meaning is None:
        _without(named, WITHOUT.get(fault) or f'"{fault}": {OF_ONES_OWN}')
        return None
    environment = Environment.of(*variables)
    hold = environment.seconds("TOTAL_CHAOS_DURATION", meaning.duration)
    environment.kept("TOTAL_CHAOS_DURATION", f"hold: {in_words(hold)}")
    found = probes(spec["probe"], hold)
    feeling = [each["name"] for each in found if "http" in each]
    if meaning.needs_probe and not feeling:
        _without(named, f"{meaning.fault} needs a probe that feels it; add an httpProbe first")
        return None
    settings = meaning.settings(environment) | ({"probe": feeling[0]} if meaning.needs_probe else {})
    step = {"name": fault, "fault": meaning.fault, **({"with": settings} if settings else {})}
    step |= {**_again(meaning, environment, hold), "hold": in_words(hold)}
    recover = _recovery(spec["components"]["statusCheckTimeouts"])
    step["recover"] = in_words(recover)
    baseline = max(environment.seconds("RAMP_TIME", 0), USUAL_BASELINE, *(duration(each["every"]) for each in found))
    environment.differs("RAMP_TIME", f"baseline: {in_words(baseline)} before; nobody waits afterwards")
    environment.settle()
    said = f"{fault} is the fault {meaning.fault}"
    if meaning.difference:
        named["name"].differs(f"{said}: {meaning.difference}")
    else:
        named["name"].kept(said)
    return Draft(
        name="",
        origin=origin,
        probes=[*found, *_lacking(spec, kind, found)],
        steps=[step],
        baseline=baseline,
        longest=baseline + hold + recover,
    )


def _without(named: Part, why: str) -> None:
    named["name"].left_out(f"no Workflow: {why}")
    named.left_out("it belongs to a fault that has no counterpart")


def _again(meaning: Meaning, environment: Environment, hold: timedelta) -> Json:
    """Litmus hits again at intervals; here, what replaces a pod is hit as soon as it is ready."""
    if meaning.interval is None:
        return {}
    interval = environment.seconds("CHAOS_INTERVAL", meaning.interval)
    if interval >= hold or environment.text("SEQUENCE") == "serial":
        environment.kept("CHAOS_INTERVAL", "there is time for one round only")
        return {}
    why = "targets: follow: what replaces a pod is hit when it is ready, not every"
    environment.differs("CHAOS_INTERVAL", f"{why} {in_words(interval)}")
    return {"targets": str(Targets.FOLLOW)}


def _recovery(timeouts: Part) -> timedelta:
    """How long Litmus waits for the pods to be well again is the nearest to how soon a service has to be steady."""
    value = timeouts["timeout"].value
    seconds = value if isinstance(value, int) and 0 < value < LONGEST_TIMEOUT else USUAL_TIMEOUT
    timeouts.assumed(f"recover: {seconds}s: the service has to be steady again by then, not only its pods")
    return timedelta(seconds=seconds)


def _lacking(spec: Part, kind: WorkloadKind, found: Sequence[Json]) -> list[Json]:
    """Litmus looks at the pods before and after, whatever the probes ask; here somebody has to look in both parts."""
    when = [str(window) for window in (Window.BEFORE, Window.AFTER) if window not in windows(found)]
    if not when:
        return []
    spec["probe"].assumed(f"a probe that asks {' and '.join(when)} whether the workload is available was added")
    return [stands_up(kind, when)]
