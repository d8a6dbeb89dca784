"""The Job controller: pods until enough of them have ended well, each counted exactly once, then the Job is over.

A pod carries a finalizer until its end is noted in the Job's status; so a count survives whatever happens to the pod.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from gate.sandbox.kubernetes.controllers import job_status
from gate.sandbox.kubernetes.controllers.job_status import TRACKED, End, Pods
from gate.sandbox.kubernetes.controllers.ownership import claim, pod_of
from gate.sandbox.kubernetes.language.conditions import is_true
from gate.sandbox.kubernetes.language.errors import ApiError, NotFound
from gate.sandbox.kubernetes.language.objects import (
    Object,
    controller_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from gate.sandbox.kubernetes.loops.events import EventType, Tell
from gate.sandbox.kubernetes.registry.resources import JOBS, PODS
from gate.sandbox.kubernetes.rules.jobs import JOB_NAME
from gate.sandbox.kubernetes.store.changes import Change, Key
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

_FIRST_PAUSE = timedelta(seconds=10)
"""Between a pod's failure and the next try."""


class Jobs:
    watches = (JOBS, PODS)

    def __init__(self, store: Store, tell: Tell, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._tell = tell
        self._clock = clock

    def keys(self, change: Change) -> Iterable[Key]:
        obj = change.entry.shared
        if change.resource is JOBS:
            yield namespace_of(obj), name_of(obj)
            return
        name = _job_of(obj)
        if name is not None:
            yield namespace_of(obj), name

    def reconcile(self, key: Key) -> float | None:
        """One step; what is written makes an event that asks for the next one."""
        try:
            job = self._store.get(JOBS, *key)
        except NotFound:
            self._let_go(self._orphans(*key))
            return None
        over_at = job_status.finished_at(job["status"])
        if over_at is not None:
            self._let_go(claim(self._store, PODS, job))
            return self._forget(job, over_at)
        return self._advance(job)

    def _advance(self, job: Object) -> float | None:
        all_pods = claim(self._store, PODS, job)
        pods, now = Pods.of(all_pods), self._clock()
        status = job_status.counted(job["status"], {uid_of(pod) for pod in all_pods if job_status.is_tracked(pod)})
        status = job_status.noted(status, succeeded=pods.succeeded, failed=pods.lost)
        status = job_status.begun(job, status, now)
        end = job_status.end(job, status, pods, now)
        active, pause = pods.active, timedelta()
        gone: list[Object] = []
        if end is not None:
            gone = active
            status = job_status.noted(status, succeeded=[], failed=[] if end.is_success else gone)
            status = self._told_of(end, status, now)
        elif not is_terminating(job):
            if job["spec"]["suspend"]:
                gone = active
            else:
                active, gone, pause = self._bring_to_size(job, status, pods)
            status = self._told_of_suspension(job, status, now)
        if end is None or end.is_success:  # what nobody needs is let go first, so that it never counts as failed
            self._let_go(gone)
        self._delete(job, gone)
        active = [pod for pod in active if pod not in gone]
        terminating = len(pods.terminating) + len(gone)
        finished = end if not terminating and not any(job_status.uncounted(status).values()) else None
        if finished is not None:
            status = job_status.finished(finished, status, now)
        self._write(job, job_status.shown(status, active, terminating))
        if finished is not None:  # which nobody is told before it is written, nor twice
            self._tell_end(job, finished)
        self._let_go([*pods.succeeded, *pods.lost, *gone])
        return self._again(job, status, pause)

    def _told_of_suspension(self, job: Object, status: Object, now: datetime) -> Object:
        """A Job that is resumed begins anew: its deadline is about the time in which it may have pods."""
        suspended = bool(job["spec"]["suspend"])
        if suspended == is_true(status, "Suspended"):
            return status
        state, verb = ("True", "suspended") if suspended else ("False", "resumed")
        told = job_status.new_condition("Suspended", state, f"Job{verb.capitalize()}", f"Job {verb}", now)
        self._tell(job, verb.capitalize(), f"Job {verb}")
        others = [each for each in status.get("conditions") or () if each["type"] != "Suspended"]
        start = {} if suspended else {"startTime": timestamp(now)}
        return status | {"conditions": [told, *others]} | start

    def _bring_to_size(self, job: Object, status: Object, pods: Pods) -> tuple[list[Object], list[Object], timedelta]:
        """The pods that are active then, those to give up, and how long to wait before there may be more."""
        missing = job_status.wanted_active(job, status, pods) - len(pods.active)
        if missing <= 0:
            return pods.active, pods.active[len(pods.active) + missing :], timedelta()
        pause = pods.pause(_FIRST_PAUSE, self._clock())
        if pause:
            return pods.active, [], pause
        made = []
        for _ in range(missing):
            try:
                made.append(self._store.create(PODS, pod_of(job, finalizers=(TRACKED,))))
            except ApiError as error:
                self._tell(job, "FailedCreate", f"Error creating: {error}", kind=EventType.WARNING)
                return [*pods.active, *made], [], timedelta(seconds=1)
            self._tell(job, "SuccessfulCreate", f"Created pod: {name_of(made[-1])}")
        return [*pods.active, *made], [], timedelta()

    def _told_of(self, end: End, status: Object, now: datetime) -> Object:
        told, conditions = end.condition(now, final=False), status.get("conditions") or []
        known = any(each["type"] == told["type"] for each in conditions)
        return status if known else status | {"conditions": [*conditions, told]}

    def _tell_end(self, job: Object, end: End) -> None:
        if end.is_success:
            self._tell(job, "Completed", "Job completed")
        else:
            self._tell(job, end.reason, end.message, kind=EventType.WARNING)

    def _delete(self, job: Object, pods: Iterable[Object]) -> None:
        for pod in pods:
            self._store.delete(PODS, namespace_of(pod), name_of(pod))
            self._tell(job, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _let_go(self, pods: Sequence[Object]) -> None:
        """Take the finalizer from these pods: their end is noted, or nobody is there to note it."""

        def change(present: Object) -> Object:
            kept = [each for each in present["metadata"].get("finalizers") or () if each != TRACKED]
            present["metadata"]["finalizers"] = kept
            return present

        for pod in pods:
            if job_status.is_tracked(pod):
                self._store.patch(PODS, namespace_of(pod), name_of(pod), change)

    def _orphans(self, namespace: str, job: str) -> list[Object]:
        """The pods of a Job that is gone."""
        return [e.copy() for e in self._store.entries(PODS, namespace)[0] if _job_of(e.shared) == job]

    def _forget(self, job: Object, over_at: datetime) -> float | None:
        """Delete the Job when it has been over for as long as it says."""
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None or is_terminating(job):
            return None
        left = (over_at + timedelta(seconds=seconds) - self._clock()).total_seconds()
        if left > 0:
            return left
        self._store.delete(JOBS, namespace_of(job), name_of(job), Deletion(uid=uid_of(job), policy="Foreground"))
        return None

    def _write(self, job: Object, status: Object) -> None:
        if status != job["status"]:
            self._store.update(JOBS, job | {"status": status}, "status")

    def _again(self, job: Object, status: Object, pause: timedelta) -> float | None:
        waits = [pause] if pause else []
        left = job_status.until_deadline(job, status, self._clock())
        if left is not None and left > timedelta():
            waits.append(left)
        return min(waits).total_seconds() if waits else None


def _job_of(pod: Object) -> str | None:
    """The name of the Job that the pod belongs to, or belonged to before it was let go as an orphan."""
    owner = controller_of(pod)
    if owner is None:
        return labels_of(pod).get(JOB_NAME) if job_status.is_tracked(pod) else None
    return str(owner["name"]) if owner["kind"] == JOBS.kind else None
