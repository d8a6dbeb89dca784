"""A run that a person asks for: what it is to do, and that it may be asked for at all.

It waits for its turn, is held by locks and is allowed or denied like every other run, for the same executor takes it.
The gate of its workload does not know it, so that neither its verdict nor GitLab can change by it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gate.catalogue.folder import read_paths
from gate.cluster.api import Api
from gate.cluster.clock import ServerClock
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.errors import Denied, GateError, Permanent
from gate.model import (
    Progress,
    Run,
    RunSpec,
    Subscription,
    Workflow,
    WorkflowUse,
    WorkloadKind,
    WorkloadName,
    fingerprint,
)
from gate.running.ports import Clock
from gate.running.time import since_boot
from gate.running.turns import touched
from gate.wire.vocabulary import vocabulary


def workload_named(text: str) -> WorkloadName:
    """`shop/deployment/checkout`, or `shop/checkout` for a Deployment. `Permanent` if it is neither."""
    kinds = {str(kind).lower(): kind for kind in WorkloadKind}
    found = re.fullmatch(r"([a-z0-9.-]+)/(?:([A-Za-z]+)/)?([a-z0-9.-]+)", text)
    kind = kinds.get((found[2] or WorkloadKind.DEPLOYMENT).lower()) if found else None
    if found is None or kind is None:
        raise Permanent(
            f"{text!r} is not NAMESPACE/KIND/NAME, such as shop/deployment/checkout; "
            f"the kind is one of {', '.join(WorkloadKind)}"
        )
    return WorkloadName(kind=kind, namespace=found[1], name=found[3])


def workflow_from(
    paths: Sequence[Path], name: str, workload: WorkloadName, parameters: Mapping[str, object], environment: str = ""
) -> Workflow:
    """The workflow of that name among these documents, or the only one, with its parameters filled in.

    Raises `GateError` that says everything which keeps it from being used.
    """
    words = vocabulary()
    loaded = read_paths(list(paths), words)
    names = [each.name for each in loaded.workflows]
    if not name and len(names) != 1:
        wrong = "; ".join(map(str, loaded.problems))
        why = wrong or f"{paths[0]} holds {len(names)} workflows; name one, and its folder with --workflows"
        raise Permanent(why)
    use = WorkflowUse(name=name or names[0], parameters=dict(parameters))
    asked = Subscription(
        name="by hand",
        workload=workload,
        environment=environment,
        workflows=(use,),
        settle=timedelta(0),
        deadline=timedelta(0),
        place=f"{paths[0]}:1",
    )
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words)
    resolved, problems = catalogue.resolve(asked)
    if problems:
        raise GateError("; ".join(map(str, problems)))
    return resolved[0]


def ask_for(
    api: Api,
    name: WorkloadName,
    workflow: Workflow,
    *,
    seed: str,
    deadline: timedelta,
    revision: str = "",
    clock: Clock,
) -> Run:
    """Make the run, as the person whose kubeconfig this is; it ends by the API server's clock, as gates have it, not by
    that of their machine. Raises `GateError` where it could only fail, or is not theirs to make.
    """
    timed = ServerClock(clock, since_boot)
    api = api.timing(timed)
    rollout = Workloads(api).rollout(name)
    if rollout is None:
        raise Permanent(f"there is no {name} in the cluster at {api.host}")
    if rollout.progress is not Progress.COMPLETE or rollout.version is None:
        raise Permanent(f"{name} has no version to be judged now: {rollout.message}; try again when it is complete")
    now = timed.now()
    spec = RunSpec(
        workload=rollout.workload,
        version=rollout.version.key,
        images=rollout.version.images,
        workflow=workflow,
        subscriptions=(),
        revision=revision,
        seed=seed,
        deadline=now + deadline,
        asked_by=api.user(),
    )
    strays = [str(each) for each in touched(spec) if each.namespace != name.namespace]
    if strays:
        why = f"the workflow {workflow.name} also hits {', '.join(strays)}"
        raise Permanent(f"{why}; a run by hand stays in its namespace, {name.namespace}; subscribe it instead")
    try:
        return Runs(api).create_by_hand(_name(name, seed, now), spec)
    except Denied as error:
        why = str(error).removesuffix("; grant it in the gate's role")
        remedy = f"the operators may bind the ClusterRole chaos-gate-by-hand to you in the namespace {name.namespace}"
        raise Denied(f"you may not run a workflow by hand there: {why}; {remedy}") from error


def _name(workload: WorkloadName, seed: str, now: datetime) -> str:
    return f"{workload.name[:40].rstrip('.-')}-by-hand-{fingerprint(seed, now.isoformat())}"
