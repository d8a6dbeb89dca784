"""job: a fault of one's own. A Job with a container of the author's does it, and another one takes it back.

The Job that does it stays until it was taken back: it is what says that there is something to take back, however the
record of that got lost. One record has both, so a Job to revert can be made by whoever finds it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from gate.documents.units import Lasting
from gate.documents.variables import FACTS, own_variables
from gate.errors import Conflict, Futile, Permanent, Temporary
from gate.faults.choosing import Choice, choose
from gate.faults.objects import OURS, Json, must_find, named, zone_of
from gate.faults.stress import LONGER
from gate.model import Step, Target, Undo, WorkloadName, fingerprint
from gate.running.jobs import (
    COMPLETE,
    FAILED,
    JOBS,
    SPEAKS,
    SUSPENDED,
    condition,
    is_over,
    pods_of,
    what_is_said,
    why_failed,
)
from gate.running.ports import Cluster

ACT = "chaosgate.dev/act"
"""The label that says whose Job it is: the name that the act has in its record."""


Words = Annotated[list[str], Field(min_length=1)]


class Settings(Choice):
    """Which pods, and what is run for each of them."""

    touches: ClassVar[str] = "a Job runs a command of the author for it"
    comes_back: ClassVar[str] = "another Job runs the command that takes it back, until it ends well"

    image: str = Field(
        min_length=1, description="The image of the container.", examples=["registry.example/team/tool:1.4"]
    )
    inject: Words = Field(
        description="The command that does it, word by word; it ends when it is done.", examples=[["/tool", "break"]]
    )
    effect: Words | None = Field(
        default=None,
        description="A command that looks for the effect afterwards, and fails if there is none.",
        examples=[["/tool", "look"]],
    )
    revert: Words = Field(
        description="The command that takes it back, also if it was done twice, half, or not at all.",
        examples=[["/tool", "mend"]],
    )
    env: Annotated[dict[str, str], AfterValidator(own_variables)] = Field(
        default={}, description="Variables for all of them.", examples=[{"LEVEL": "2"}]
    )
    service_account: str = Field(
        default="", description="As whom they speak to the API; as nobody if left out.", examples=["chaos"]
    )
    privileged: bool = Field(
        default=False,
        description="Whether they run privileged, which only images may that the administrators' policy names.",
    )
    revert_within: Lasting = Field(default=timedelta(minutes=2), description="How long it may take to take it back.")


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Raises `Denied` if we may not look at Jobs: what was never begun could not be taken back either."""
    settings = Settings.model_validate(step.settings)
    commands = {"inject": settings.inject, "revert": settings.revert, "effect": settings.effect or []}
    undos = [
        Undo(
            id=f"{step.name}/{pod.name}",
            step=step.name,
            fault=step.fault,
            target=pod,
            settings={
                "name": f"chaos-gate-{fingerprint(seed, step.name, pod.uid)}",
                "seconds": int((step.hold + LONGER).total_seconds()),
                "image": settings.image,
                "commands": commands,
                "account": settings.service_account,
                "privileged": settings.privileged,
                "env": settings.env | _facts(step, workload, pod),
            },
            patience=settings.revert_within,
        )
        for pod in choose(settings, step, pods, seed, partial(zone_of, cluster))
    ]
    for undo in undos:
        _job(undo, cluster, _doing(undo))
    return undos


def inject(undo: Undo, cluster: Cluster) -> None:
    """Have it done; when it is, `prove` sees. Raises `Permanent` if another one's Job has the name."""
    must_find(cluster, undo.target)
    does = ["inject", "effect"] if undo.settings["commands"]["effect"] else ["inject"]
    _create(undo, cluster, _doing(undo), does, undo.settings["seconds"])


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """Raises `Futile` if it failed, with what it said, and `Temporary` while it has not ended."""
    name = _doing(undo)
    job = _job(undo, cluster, name)
    if job is None:
        return None
    if condition(job, COMPLETE):
        return f"the Job {name} is complete"
    if condition(job, FAILED):
        raise Futile(f"the Job {name} failed: {why_failed(cluster, undo.target.namespace, job)}")
    said = what_is_said(pods_of(cluster, undo.target.namespace, name))
    raise Temporary(f"the Job {name} has not ended" + (f": {said}" if said else ""))


def revert(undo: Undo, cluster: Cluster) -> str:
    """Stop what still does it, have it taken back, remove both Jobs. Raises `Temporary` until each of these is over."""
    doing, undoing = _job(undo, cluster, _doing(undo)), _job(undo, cluster, _undoing(undo))
    if doing is None and undoing is None and undo.injected is None:
        return f"nothing was begun for {named(undo.target)}"
    if doing is not None:
        _stop(undo, cluster, doing)
    if undoing is None:
        _create(undo, cluster, _undoing(undo), ["revert"], max(1, round(undo.patience.total_seconds())))
        raise Temporary(f"the Job {_undoing(undo)} has begun to take it back")
    if failure := why_failed(cluster, undo.target.namespace, undoing):
        _delete(undo, cluster, undoing)
        raise Temporary(f"the Job {_undoing(undo)} failed to take it back: {failure}; there will be another one")
    if not condition(undoing, COMPLETE):
        raise Temporary(f"the Job {_undoing(undo)} still takes it back")
    said = why_failed(cluster, undo.target.namespace, doing) if doing else ""
    for job in (doing, undoing):  # in this order: what is left says that it was taken back already
        if job is not None:
            _delete(undo, cluster, job)
    return f"a Job took it back from {named(undo.target)}" + (f"; the one that did it had failed: {said}" * bool(said))


def _facts(step: Step, workload: WorkloadName, pod: Target) -> dict[str, str]:
    facts = {
        "NAMESPACE": pod.namespace,
        "POD": pod.name,
        "NODE": pod.node,
        "WORKLOAD_KIND": str(workload.kind),
        "WORKLOAD": workload.name,
        "STEP": step.name,
    }
    return {FACTS + name: value for name, value in facts.items()}


def _doing(undo: Undo) -> str:
    return f"{undo.settings['name']}-inject"


def _undoing(undo: Undo) -> str:
    return f"{undo.settings['name']}-revert"


def _create(undo: Undo, cluster: Cluster, name: str, does: Sequence[str], seconds: int) -> None:
    """A Job that runs the commands one after the other, each once. One that is there already is not made again."""
    *first, last = (_container(undo.settings, each) for each in does)
    account = {"serviceAccountName": undo.settings["account"]} if undo.settings["account"] else {}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": bool(account),
        "initContainers": first,
        "containers": [last],
        **account,
    }
    labels = OURS | {ACT: undo.settings["name"]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"backoffLimit": 0, "activeDeadlineSeconds": seconds, "template": template}
    try:
        cluster.create(JOBS, undo.target.namespace, {"metadata": {"name": name, "labels": labels}, "spec": spec})
    except Conflict:
        if (item := cluster.get(JOBS, undo.target.namespace, name)) is None:
            raise
        if not _is_ours(item, undo):
            raise Permanent(f"the Job {undo.target.namespace}/{name} is somebody else's") from None


def _container(settings: Mapping[str, Json], act: str) -> Json:
    variables = settings["env"] | {f"{FACTS}ACT": act}
    env = [{"name": name, "value": value} for name, value in sorted(variables.items())]
    rights = {"securityContext": {"privileged": True}} if settings.get("privileged") else {}
    command = settings["commands"][act]
    return {"name": act, "image": settings["image"], "command": command, "env": env, **rights, **SPEAKS}


def _stop(undo: Undo, cluster: Cluster, job: Json) -> None:
    """Raises `Temporary` while anything of it still runs: what takes it back shall be the last."""
    name = job["metadata"]["name"]
    if not is_over(job):
        if not job["spec"].get("suspend"):
            cluster.patch(JOBS, undo.target.namespace, name, {"spec": {"suspend": True}})
        if not condition(job, SUSPENDED):
            raise Temporary(f"the Job {name} is being stopped")
    pods = pods_of(cluster, undo.target.namespace, name)
    if any(pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"} for pod in pods):
        raise Temporary(f"a pod of the Job {name} has not ended yet")


def _delete(undo: Undo, cluster: Cluster, job: Json) -> None:
    cluster.delete(JOBS, undo.target.namespace, job["metadata"]["name"], uid=job["metadata"]["uid"])


def _job(undo: Undo, cluster: Cluster, name: str) -> Json | None:
    """The Job of this act; one of the same name that somebody else made is none."""
    item = cluster.get(JOBS, undo.target.namespace, name)
    return item if item is not None and _is_ours(item, undo) else None


def _is_ours(item: Json, undo: Undo) -> bool:
    return bool((item["metadata"].get("labels") or {}).get(ACT) == undo.settings["name"])
