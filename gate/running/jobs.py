"""Jobs of Kubernetes as those see them who had them made: whether one is over, and what its containers said last."""

from collections.abc import Iterator, Sequence
from typing import Any

from gate.running.ports import Cluster

Json = dict[str, Any]

JOBS = "jobs"
JOB_NAME = "batch.kubernetes.io/job-name"
"""The label that Kubernetes gives to the pods of a Job."""
COMPLETE, FAILED, SUSPENDED = "Complete", "Failed", "Suspended"
LONGEST = 200
"""Letters of what a container said that are told on."""
SPEAKS = {"terminationMessagePolicy": "FallbackToLogsOnError"}
"""For containers: what one that failed has written last is in its pod's status."""


def condition(job: Json, kind: str) -> str:
    """What the condition says, if it holds; empty if not."""
    conditions: Sequence[Json] = (job.get("status") or {}).get("conditions") or ()
    found = (each for each in conditions if (each["type"], each["status"]) == (kind, "True"))
    return next((f"{each.get('reason') or kind}: {each.get('message') or ''}".rstrip(": ") for each in found), "")


def is_over(job: Json) -> bool:
    return any(condition(job, kind) for kind in (COMPLETE, FAILED))


def pods_of(cluster: Cluster, namespace: str, job: str) -> Sequence[Json]:
    return cluster.list("pods", namespace, labels=f"{JOB_NAME}={job}")[0]


def what_is_said(pods: Sequence[Json]) -> str:
    """Why the pods of a Job failed, or do not run, in one clause; empty where none of them knows."""
    return next((said for pod in pods for said in _of_pod(pod)), "")


def why_failed(cluster: Cluster, namespace: str, job: Json) -> str:
    """What the Job says of its failure, and its container, if that can be heard; empty if it has not failed."""
    failure = condition(job, FAILED)
    said = what_is_said(pods_of(cluster, namespace, job["metadata"]["name"])) if failure else ""
    if failure.startswith("BackoffLimitExceeded") and said:  # that a container has failed is all that this means
        return said
    return f"{failure}; {said}" if said else failure


def _of_pod(pod: Json) -> Iterator[str]:
    """What there is to say, what explains most first."""
    status = pod.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    for each in containers:
        ended = (each.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            yield f"{each['name']} ended with exit code {ended['exitCode']}{quoted(ended.get('message'))}"
    for each in containers:
        waits = (each.get("state") or {}).get("waiting") or {}
        if waits.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            yield f"{each['name']} waits, {waits['reason']}{quoted(waits.get('message'))}"
    if status.get("reason"):
        yield f"its pod failed, {status['reason']}{quoted(status.get('message'))}"
    for each in status.get("conditions") or ():
        if (each["type"], each["status"]) == ("PodScheduled", "False"):
            yield f"its pod has no node, {each.get('reason') or 'nobody says why'}{quoted(each.get('message'))}"


def quoted(text: str | None) -> str:
    """The end of a text, where programs say why, in one line behind a colon; empty if there is none."""
    words = " ".join((text or "").split())
    return f': "{words if len(words) <= LONGEST else f"…{words[-LONGEST:]}"}"' if words else ""
