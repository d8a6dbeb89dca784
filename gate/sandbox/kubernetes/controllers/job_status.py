"""The status of a Job: which pods count, how it ends, and what it waits for; pure, in the real controller's words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from gate.sandbox.kubernetes.language.conditions import condition, is_true
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup, moment_of, timestamp, uid_of

TRACKED = "batch.kubernetes.io/job-tracking"
"""The finalizer of a pod that is not counted yet."""

_FINISHED = ("Succeeded", "Failed")
_LONGEST_PAUSE = timedelta(minutes=10)


class End(Enum):
    """How a Job ends: the condition that says so when all is counted, the one that says so before, and why."""

    SUCCESS = ("Complete", "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")
    BACK_OFF = ("Failed", "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    DEADLINE = ("Failed", "FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")

    def condition(self, now: datetime, *, final: bool) -> Object:
        last, first, reason, message = self.value
        return new_condition(last if final else first, "True", reason, message, now)

    @property
    def reason(self) -> str:
        return self.value[2]

    @property
    def message(self) -> str:
        return self.value[3]

    @property
    def is_success(self) -> bool:
        return self is End.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods of a Job, sorted by what they mean for it."""

    active: list[Object]
    terminating: list[Object]
    succeeded: list[Object]
    failed: list[Object]

    @classmethod
    def of(cls, pods: Iterable[Object]) -> "Pods":
        sorted_pods: dict[str, list[Object]] = {"active": [], "terminating": [], "succeeded": [], "failed": []}
        for pod in pods:
            phase = lookup(pod, "status.phase")
            if phase in _FINISHED:
                sorted_pods[phase.lower()].append(pod)
            else:
                sorted_pods["terminating" if is_terminating(pod) else "active"].append(pod)
        return cls(**sorted_pods)

    @property
    def lost(self) -> list[Object]:
        """Those that count as failed: a pod on its way out does not come back."""
        return [*self.failed, *self.terminating]

    def pause(self, first: timedelta, now: datetime) -> timedelta:
        """How long to wait before another pod: ever longer after each failure since the latest success."""
        since = max(map(_ended_at, self.succeeded), default=None)
        failures = [at for at in map(_ended_at, self.failed) if since is None or at > since]
        if not failures:
            return timedelta()
        pause: timedelta = min(first * 2 ** min(len(failures) - 1, 10), _LONGEST_PAUSE)
        return max(max(failures) + pause - now, timedelta())


def uncounted(status: Object) -> Object:
    """The uids of the pods that are seen and not counted yet, by how they ended."""
    noted = status.get("uncountedTerminatedPods") or {}
    return {key: list(noted.get(key) or ()) for key in ("succeeded", "failed")}


def counted(status: Object, tracked: set[str]) -> Object:
    """The status with those pods counted that have lost their finalizer."""
    noted = uncounted(status)
    kept = {key: [uid for uid in uids if uid in tracked] for key, uids in noted.items()}
    sums = {key: status.get(key, 0) + len(noted[key]) - len(kept[key]) for key in noted}
    return status | sums | {"uncountedTerminatedPods": kept}


def noted(status: Object, *, succeeded: Sequence[Object], failed: Sequence[Object]) -> Object:
    """The status with these pods noted as ended, if they are not counted yet."""
    known = uncounted(status)
    for key, pods in (("succeeded", succeeded), ("failed", failed)):
        known[key] += [uid_of(pod) for pod in pods if is_tracked(pod) and uid_of(pod) not in known[key]]
    return status | {"uncountedTerminatedPods": known}


def total(status: Object, key: str) -> int:
    """How many pods ended so, counted or not."""
    return int(status.get(key, 0)) + len(uncounted(status)[key])


def end(job: Object, status: Object, pods: Pods, now: datetime) -> End | None:
    """How the Job ends, if it does."""
    for each in End:
        told = condition(status, each.value[1])
        if told is not None and told.get("reason") == each.value[2]:
            return each
    spec = job["spec"]
    restarts = sum(_restarts(pod) for pod in pods.active if lookup(pod, "spec.restartPolicy") == "OnFailure")
    if total(status, "failed") > spec["backoffLimit"] or restarts > max(spec["backoffLimit"] - 1, 0):
        return End.BACK_OFF
    if (left := until_deadline(job, status, now)) is not None and left <= timedelta():
        return End.DEADLINE
    succeeded, wanted = total(status, "succeeded"), spec.get("completions")
    reached = succeeded > 0 and not pods.active if wanted is None else succeeded >= wanted
    return End.SUCCESS if reached else None


def begun(job: Object, status: Object, now: datetime) -> Object:
    """The status with its start, which a Job that is made suspended does not have yet."""
    return status if job["spec"]["suspend"] or status.get("startTime") else status | {"startTime": timestamp(now)}


def finished(end: End, status: Object, now: datetime) -> Object:
    """The status of the Job that is over, all of whose pods are counted."""
    completion = {"completionTime": timestamp(now)} if end.is_success else {}
    return status | completion | {"conditions": [*status["conditions"], end.condition(now, final=True)]}


def until_deadline(job: Object, status: Object, now: datetime) -> timedelta | None:
    """How much of the Job's time is left; None if it has no deadline, or its time does not pass."""
    seconds, start = job["spec"].get("activeDeadlineSeconds"), status.get("startTime")
    if seconds is None or start is None or job["spec"]["suspend"]:
        return None
    return moment_of(start) + timedelta(seconds=seconds) - now


def wanted_active(job: Object, status: Object, pods: Pods) -> int:
    spec, succeeded = job["spec"], total(status, "succeeded")
    if spec.get("completions") is None:
        return len(pods.active) if succeeded else int(spec["parallelism"])
    return min(int(spec["parallelism"]), max(int(spec["completions"]) - succeeded, 0))


def finished_at(status: Object) -> datetime | None:
    """When the Job ended, or at least began, if somebody else says that it has ended and not when; None before."""
    for kind in ("Complete", "Failed"):
        if is_true(status, kind):
            return moment_of(lookup(condition(status, kind), "lastTransitionTime") or status["startTime"])
    return None


def shown(status: Object, active: Sequence[Object], terminating: int) -> Object:
    """The status as it is written: with the present counts, and without those that are zero and not always shown."""
    noted_pods = {key: uids for key, uids in uncounted(status).items() if uids}
    ready = sum(is_true(pod["status"], "Ready") for pod in active)
    always = {"uncountedTerminatedPods": noted_pods, "ready": ready, "terminating": terminating}
    found = status | {"active": len(active)} | always
    return {key: value for key, value in found.items() if value or key in always}


def is_tracked(pod: Object) -> bool:
    return TRACKED in (pod["metadata"].get("finalizers") or ())


def new_condition(kind: str, status: str, reason: str, message: str, now: datetime) -> Object:
    at = timestamp(now)
    times = {"lastProbeTime": at, "lastTransitionTime": at}
    return {"type": kind, "status": status, **times, "reason": reason, "message": message}


def _ended_at(pod: Object) -> datetime:
    """When the last container ended, or else when the pod was made."""
    states = [lookup(each, "state.terminated.finishedAt") for each in lookup(pod, "status.containerStatuses", [])]
    return max((moment_of(at) for at in states if at), default=moment_of(pod["metadata"]["creationTimestamp"]))


def _restarts(pod: Object) -> int:
    return sum(each.get("restartCount", 0) for each in lookup(pod, "status.containerStatuses", []))
