"""Makes the copy of a version that a run hits instead of the workload, and waits until it is ready to be hit."""

from dataclasses import replace
from datetime import timedelta

from gate.documents.target import asks_service
from gate.errors import Permanent
from gate.model import (
    COPY,
    ContainerImage,
    Copy,
    Reason,
    Step,
    Target,
    Undo,
    Version,
    WorkloadKind,
    WorkloadName,
)
from gate.running.execution import Execution, Stopped, errored
from gate.running.ports import Fault
from gate.running.stepping import choose

READY_WITHIN = timedelta(minutes=5)
"""How long the pods of a copy may take to be ready."""
LEARNT_WITHIN = timedelta(seconds=2)
"""How long resolvers and balancers may take to learn of a new Service and of pods that are ready."""
NOW = timedelta(0)


def copy_of(run: Execution, images: tuple[ContainerImage, ...], *, pinned: bool) -> Copy:
    """A copy of the version of these images, ready. `pinned`: the workload itself runs another one.

    Raises `Stopped` with NoCopy if there can be none, and with VersionChanged if it runs something else.
    """
    key = Version(images=images).key
    fault = run.fault(COPY)
    undo = _plan(run, images, pinned=pinned)
    run.log.note(f"makes a copy of version {key}: {undo.settings['name']}", activity="waiting for the copy to be ready")
    run.log.evidence(undo=(*run.log.status.evidence.undo, undo))
    run.patiently(run.log.save)
    try:
        run.patiently(lambda: fault.inject(undo, run.world.cluster))
    except Permanent as error:
        raise errored(Reason.NO_COPY, str(error)) from error
    run.log.undo(replace(undo, injected=run.time.now()))
    copy = Copy(name=undo.settings["name"], version=key, pods=_ready(run, fault, undo))
    _must_be_of(copy, images)
    if undo.settings["service"]:
        run.wait_until(run.time.now() + LEARNT_WITHIN)
    run.log.evidence(copies=(*run.log.status.evidence.copies, copy))
    run.patiently(run.log.save)
    return copy


def standing_copy(run: Execution) -> Copy | None:
    """The copy of the version that is judged, which another executor left behind ready; None if it is gone."""
    evidence = run.log.status.evidence
    there = {undo.settings["name"] for undo in evidence.undo if undo.fault == COPY and undo.reverted is None}
    copies = (copy for copy in evidence.copies if copy.version == run.spec.version and copy.name in there)
    return next(copies, None)


def _plan(run: Execution, images: tuple[ContainerImage, ...], *, pinned: bool) -> Undo:
    """Asked of the policy as every act is: the pods of a copy take their place, too."""
    workload = run.spec.workload.name
    settings = {
        "service": run.spec.workflow.service if asks_service(run.spec.workflow) else "",
        "images": {image.container: image.digest for image in images},
        "pinned": pinned,
        "run": run.world.run,
        "attempt": run.log.status.attempt,
    }
    step = Step(name=f"copy {run.stage}".strip(), fault=COPY, settings=settings, hold=NOW, recover=NOW)
    try:
        undos = choose(run, step, workload)
    except Permanent as error:
        raise errored(Reason.NO_COPY, str(error)) from error
    refusal = run.world.permission(run.spec, step, [undo.target for undo in undos])
    if refusal is not None:
        raise Stopped(refusal)
    run.check()
    return undos[0]


def _ready(run: Execution, fault: Fault, undo: Undo) -> tuple[Target, ...]:
    """The pods of the copy, once all of them are ready."""
    name = WorkloadName(
        kind=WorkloadKind.DEPLOYMENT, namespace=run.spec.workload.name.namespace, name=undo.settings["name"]
    )
    end = run.time.now() + READY_WITHIN
    while True:
        what = run.patiently(lambda: fault.prove(undo, run.world.cluster))
        pods = tuple(run.patiently(lambda: run.world.workloads.ready_pods(name)))
        if what and len(pods) >= undo.settings["replicas"]:
            run.log.note(what)
            return pods
        if run.time.now() >= end:
            minutes = READY_WITHIN.total_seconds() / 60
            message = f"the copy had {len(pods)} of {undo.settings['replicas']} ready pods after {minutes:.0f} minutes"
            raise errored(Reason.NO_COPY, message)
        run.pause()


def _must_be_of(copy: Copy, images: tuple[ContainerImage, ...]) -> None:
    """Raises `Stopped` if a pod of the copy runs another version: nothing would be learned about this one."""
    for pod in copy.pods:
        if not set(images) <= set(pod.images):
            raise errored(Reason.VERSION_CHANGED, f"pod {pod.name} of the copy does not run version {copy.version}")
