"""A variable of a copy has another value for a while, or is missing: what `config-change` does with `env`.

A new value makes a new pod template, and so new pods, one after the other. Only copies are changed: the template of a
workload belongs to whoever deploys it, and its pods to its customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gate.errors import Permanent
from gate.faults import template
from gate.faults.containers import container_of
from gate.faults.objects import RESOURCES, Json, found, must_find, named, patch
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName
from gate.running.ports import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What it is meanwhile; None: it is missing."""

    name: str
    value: str | None
    container: str


def is_one(undo: Undo) -> bool:
    return undo.target.kind == WorkloadKind.DEPLOYMENT


def plan(step: Step, wanted: Variable, workload: WorkloadName, pods: Sequence[Target], cluster: Cluster) -> list[Undo]:
    """Nothing if nothing would change. Raises `Permanent` for what is no copy, or has no such container."""
    item = cluster.get(RESOURCES[workload.kind], workload.namespace, workload.name)
    if item is None or not pods:
        return []
    if (item["metadata"].get("labels") or {}).get(template.COPY) != workload.name:
        raise Permanent(f"{workload} is no copy, and its variables belong to whoever deploys it; write isolation: copy")
    target = Target(
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        uid=item["metadata"]["uid"],
        images=pods[0].images,
    )
    container = str(container_of(item["spec"]["template"], wanted.container, target)["name"])
    _insist_on_one(item["spec"]["template"], container, wanted.name, target)
    before, at = _entry(item["spec"]["template"], container, wanted.name)
    ours = _entry_of(wanted)
    if before == ours:
        return []
    return [
        Undo(
            id=f"{step.name}/{workload.name}/{wanted.name}",
            step=step.name,
            fault=step.fault,
            target=target,
            settings={"container": container, "env": wanted.name, "entry": ours},
            before={"entry": before, "at": at},
        )
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Permanent` if somebody has changed it since the plan: what they wrote could not be put back."""
    item = must_find(cluster, undo.target)
    now = _now(undo, item["spec"]["template"])
    if now == undo.settings["entry"]:
        return
    if now != undo.before["entry"]:
        raise Permanent(f"{_what(undo)} was changed meanwhile")
    _write(undo, cluster, item, undo.settings["entry"])


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """A container of the copy was started with it."""
    present, _ = cluster.list("pods", undo.target.namespace, labels=f"{template.COPY}={undo.target.name}")
    for pod in present:
        if _now(undo, pod) == undo.settings["entry"] and _was_started(pod, undo.settings["container"]):
            meanwhile = "has another value" if undo.settings["entry"] else "is missing"
            return f"{_what(undo)} {meanwhile} in pod {pod['metadata']['name']}"
    return None


def revert(undo: Undo, cluster: Cluster) -> str:
    """Back to what it was, unless somebody has changed it meanwhile: then theirs is the last word."""
    item = found(cluster, undo.target)
    if item is None:
        return f"{named(undo.target)} is gone; there is nothing to put back"
    now = _now(undo, item["spec"]["template"])
    if now == undo.settings["entry"]:
        _write(undo, cluster, item, undo.before["entry"])
        return f"{_what(undo)} is as it was again"
    if now == undo.before["entry"]:
        return f"{_what(undo)} is as it was"
    return f"{_what(undo)} was changed by somebody else meanwhile, and is left so"


def _entry_of(wanted: Variable) -> Json:
    """As the server shows it: it leaves out what is empty."""
    if wanted.value is None:
        return {}
    return {"name": wanted.name, **({"value": wanted.value} if wanted.value else {})}


def _insist_on_one(pod: Json, container: str, name: str, target: Target) -> None:
    """The last one counts, and what is changed and put back is one of them, at one place."""
    every = next((each.get("env") or [] for each in pod["spec"]["containers"] if each["name"] == container), [])
    if sum(entry["name"] == name for entry in every) > 1:
        why = f"{name} is listed more than once in {container} of {named(target)}"
        raise Permanent(f"{why}, and only one of them could be put back; remove all but the last, which counts")


def _now(undo: Undo, pod: Json) -> Json:
    return _entry(pod, undo.settings["container"], undo.settings["env"])[0]


def _entry(pod: Json, container: str, name: str) -> tuple[Json, int]:
    """How the variable is set in a pod, or in a template of one, and its place; empty, and behind all, if it is not."""
    every = next((each.get("env") or [] for each in pod["spec"]["containers"] if each["name"] == container), [])
    found = ((dict(entry), place) for place, entry in enumerate(every) if entry["name"] == name)
    return next(found, ({}, len(every)))


def _write(undo: Undo, cluster: Cluster, item: Json, entry: Json) -> None:
    """A merge patch takes lists as a whole: `patch` insists that nobody has changed them since they were read."""
    containers = [
        _with(each, undo, entry) if each["name"] == undo.settings["container"] else each
        for each in item["spec"]["template"]["spec"]["containers"]
    ]
    patch(cluster, undo.target, item, {"spec": {"template": {"spec": {"containers": containers}}}})


def _with(container: Json, undo: Undo, entry: Json) -> Json:
    """The container with the variable set like that, at its place among the others: later ones may refer to it."""
    every = [each for each in container.get("env") or () if each["name"] != undo.settings["env"]]
    if entry:
        every.insert(undo.before["at"], entry)
    rest = {field: value for field, value in container.items() if field != "env"}
    return {**rest, "env": every} if every else rest


def _was_started(pod: Json, container: str) -> bool:
    statuses: Sequence[Json] = (pod.get("status") or {}).get("containerStatuses") or ()
    status = next((each for each in statuses if each["name"] == container), {})
    return "waiting" not in (status.get("state") or {"waiting": {}}) or bool(status.get("restartCount"))


def _what(undo: Undo) -> str:
    return f"{undo.settings['env']} in {undo.settings['container']} of {named(undo.target)}"
