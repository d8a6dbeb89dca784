"""What of a recorded rollout is the same every time it is played: its story.

Of the counts over time two things are: the order in which the ReplicaSets are given their sizes, all of them in one
row, and what the Deployment counts whenever it has come to rest. What it counts in between is chance: its controller
looks when it gets to it, so 3, 4, 3 may be told as 3, or 4 and 5 as 5, and what is ready is counted in one step or in
three. What holds there all the same are the bounds that `out_of_bounds` looks for.

Not in the story either, because the real Kubernetes does it differently each time: how the statuses of several objects
interleave, and whether it says ReplicaSetUpdated between NewReplicaSetCreated and what follows. (It says so when it
sees the new pods counted in a step of its own. When it sees them together with the fact that the old ones are old no
count has grown, and it says nothing. Where its write of NewReplicaSetCreated meets somebody else's, it says
ReplicaSetUpdated only.)
"""

import json
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.samples.playing import Object
from tests.samples.recording import Step


@dataclass(frozen=True, kw_only=True)
class Story:
    conditions: list[str]
    """Of the Deployment, as they come, change or go: `Available=True MinimumReplicasAvailable: <message>`."""
    generations: list[int]
    """Its observedGeneration."""
    revisions: list[str]
    """Its revision annotation."""
    replica_sets: dict[str, list[str]]
    """By name: each size that it was given, and each revision, with those before."""
    sizes: list[str]
    """Of all ReplicaSets together, each time that one is given another size: `web-hash1: 2, web-hash2: 2`."""
    rests: list[str]
    """What the Deployment counts each time that somebody is about to change its spec, and at the end."""
    end: dict[str, Object]
    """Deployment and ReplicaSets as they are at the end, by name, without times and versions."""


def story_of(steps: list[Step]) -> Story:
    deployments = [step.object for step in steps if step.kind == "Deployment"]
    replica_sets: dict[str, list[str]] = {}
    end: dict[str, Object] = {}
    for step in steps:
        name = f"{step.kind} {step.object['metadata']['name']}"
        if step.kind == "Pod":
            continue
        end[name] = timeless(step.object)
        if step.type == "DELETED":
            del end[name]
        if step.kind == "ReplicaSet":
            _add(replica_sets.setdefault(name, []), _size(step))
    return Story(
        conditions=_conditions(deployments),
        generations=_distinct([each["status"].get("observedGeneration", 0) for each in deployments]),
        revisions=_distinct([_annotation(each, "revision") for each in deployments]),
        replica_sets=replica_sets,
        sizes=_sizes(steps),
        rests=[_counted(each) for each, after in pairwise([*deployments, {}]) if each.get("spec") != after.get("spec")],
        end=dict(sorted(end.items())),
    )


def out_of_bounds(steps: list[Step]) -> list[str]:
    """Where more pods were counted than the strategy allows, or fewer available ones once all had been available.

    Nothing of a rollout in which somebody scales: it leaves its bounds for a moment.
    """
    if len({step.object["spec"]["replicas"] for step in steps if step.kind == "Deployment"}) > 1:
        return []
    found, was_whole = [], False
    for deployment in (step.object for step in steps if step.kind == "Deployment"):
        status, wanted = deployment["status"], deployment["spec"]["replicas"]
        surge, unavailable = _leeway(deployment["spec"])
        was_whole = was_whole or status.get("availableReplicas", 0) == wanted
        # Those on their way out may still be counted when those that take their place are counted already.
        most = wanted + surge + (surge + unavailable if was_whole else 0)
        if status.get("replicas", 0) > most:
            found.append(f"{status['replicas']} pods, where there may be {most}")
        if was_whole and status.get("availableReplicas", 0) < wanted - unavailable:
            found.append(f"{status.get('availableReplicas', 0)} available, of {wanted} with {unavailable} to spare")
    return found


def _leeway(spec: Object) -> tuple[int, int]:
    """How many pods there may be too many, and too few."""
    rolling = spec["strategy"].get("rollingUpdate")
    if rolling is None:
        return 0, int(spec["replicas"])
    surge, unavailable = rolling["maxSurge"], rolling["maxUnavailable"]
    return (
        surge if isinstance(surge, int) else math.ceil(spec["replicas"] * int(surge.rstrip("%")) / 100),
        unavailable if isinstance(unavailable, int) else spec["replicas"] * int(unavailable.rstrip("%")) // 100,
    )


def _sizes(steps: list[Step]) -> list[str]:
    """Where a Deployment is scaled in the middle, two that are equally large have their turn as their names will."""
    told: list[str] = []
    present: dict[str, Object] = {}
    for step in (step for step in steps if step.kind == "ReplicaSet"):
        present[step.object["metadata"]["name"]] = step.object
        if step.type == "DELETED":
            del present[step.object["metadata"]["name"]]
        shares_of = {_annotation(each, "desired-replicas") for each in present.values() if each["spec"]["replicas"]}
        if len(shares_of) <= 1:
            _add(told, ", ".join(f"{name}: {each['spec']['replicas']}" for name, each in present.items()))
    return told


def _counted(deployment: Object) -> str:
    status = deployment["status"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    return ", ".join(f"{status.get(count, 0)} {count}" for count in counts)


def _conditions(versions: list[Object]) -> list[str]:
    told: list[str] = []
    present: dict[str, str] = {}
    for version in versions:
        now = {each["type"]: _said(each) for each in version["status"].get("conditions", [])}
        if _is_chance(present.get("Progressing", ""), now.get("Progressing", "")):
            now["Progressing"] = _begun(now["Progressing"]) or present["Progressing"]
        told += [text for kind, text in now.items() if present.get(kind) != text]
        told += [f"{kind} is gone" for kind in present if kind not in now]
        present = now
    return told


def _is_chance(before: str, after: str) -> bool:
    return " NewReplicaSetCreated:" in before and " ReplicaSetUpdated:" in after


def _begun(progressing: str) -> str:
    """What is said of that ReplicaSet when it is made; "" where it is not about one."""
    about = re.search(r'ReplicaSet "([^"]+)" is progressing', progressing)
    return f'Progressing=True NewReplicaSetCreated: Created new replica set "{about[1]}"' if about else ""


def _said(condition: Object) -> str:
    return f"{condition['type']}={condition['status']} {condition['reason']}: {condition['message']}"


def _size(step: Step) -> str:
    if step.type == "DELETED":
        return "deleted"
    replica_set = step.object
    revisions = [_annotation(replica_set, name) for name in ("revision-history", "revision")]
    return f"{replica_set['spec']['replicas']} pods, revision {','.join(filter(None, revisions))}"


def _annotation(obj: Object, name: str) -> str:
    annotations: dict[str, str] = obj["metadata"].get("annotations", {})
    return annotations.get(f"deployment.kubernetes.io/{name}", "")


def timeless(value: Any) -> Any:
    """The same without what depends on when it happened."""
    if isinstance(value, dict):
        return {name: timeless(inner) for name, inner in value.items() if not _is_moment(name)}
    if isinstance(value, list):
        return [timeless(each) for each in value]
    return value


def _is_moment(name: str) -> bool:
    return name in ("resourceVersion", "uid") or name.endswith(("Time", "Timestamp"))


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        _add(found, value)
    return found


def _add(found: list[Any], value: Any) -> None:
    if not found or found[-1] != value:
        found.append(value)


@dataclass(frozen=True, kw_only=True)
class ServiceStory:
    """What a Service's Endpoints and EndpointSlice say. Which pod comes first, and its address, is chance."""

    pods: dict[str, list[str]]
    """By form and pod: each state in which it is shown, until it is gone."""
    end: dict[str, Object]
    """The last version of each object, without addresses, nodes and versions, the pods sorted by name."""


def service_story_of(steps: list[Step]) -> ServiceStory:
    pods: dict[str, list[str]] = {}
    end: dict[str, Object] = {}
    for step in steps:
        if step.kind not in ("Endpoints", "EndpointSlice"):
            continue
        shown = _shown_in(step.object)
        for name in {*shown, *(name for name in pods if name.startswith(f"{step.kind} "))}:
            _add(pods.setdefault(name, []), shown.get(name, "gone"))
        end[f"{step.kind} {step.object['metadata']['name']}"] = _placeless(timeless(step.object))
    return ServiceStory(pods=pods, end=end)


def _shown_in(obj: Object) -> dict[str, str]:
    if obj["kind"] == "EndpointSlice":
        return {
            f"EndpointSlice {each['targetRef']['name']}": ", ".join(
                key for key, is_so in each["conditions"].items() if is_so
            )
            for each in obj["endpoints"] or []
        }
    return {
        f"Endpoints {address['targetRef']['name']}": key
        for subset in obj.get("subsets", [])
        for key in ("addresses", "notReadyAddresses")
        for address in subset.get(key, [])
    }


def _placeless(value: Any) -> Any:
    if isinstance(value, dict):
        dropped = ("ip", "nodeName", "zone", "generation", "endpoints.kubernetes.io/last-change-trigger-time")
        kept = {name: _placeless(inner) for name, inner in value.items() if name not in dropped}
        if "targetRef" in kept:
            kept.pop("addresses", None)
        return {name: inner for name, inner in kept.items() if inner != {}}
    if isinstance(value, list):
        return sorted((_placeless(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


@dataclass(frozen=True, kw_only=True)
class JobStory:
    """What is the same of a Job each time. How many pods of several are counted in one step is chance."""

    conditions: list[str]
    counts: list[str]
    """Of a Job with one pod at a time: how many ended so and are counted, and how many are noted and are not."""
    pods: list[list[str]]
    """Of each pod, in the order of their making: its phases, and whether its end is still to be counted."""
    end: Object
    """The last version of the Job, without times."""
    fields: list[str]
    """The fields of its last status; of the times it matters which there are."""


def job_story_of(steps: list[Step]) -> JobStory:
    jobs = [step.object for step in steps if step.kind == "Job"]
    pods: dict[str, list[str]] = {}
    for step in steps:
        if step.kind == "Pod":
            _add(pods.setdefault(step.object["metadata"]["name"], []), _state(step.object))
    return JobStory(
        conditions=_conditions(jobs),
        counts=_distinct([_counts(each) for each in jobs]) if jobs[0]["spec"]["parallelism"] == 1 else [],
        pods=list(pods.values()),
        end=timeless(jobs[-1]),
        fields=sorted(jobs[-1]["status"]),
    )


def _state(pod: Object) -> str:
    tracked = "batch.kubernetes.io/job-tracking" in pod["metadata"].get("finalizers", [])
    return f"{pod['status']['phase']}, {'to be counted' if tracked else 'let go'}"


def _counts(job: Object) -> str:
    status = job["status"]
    noted = {key: len(uids) for key, uids in status.get("uncountedTerminatedPods", {}).items()}
    return f"{status.get('succeeded', 0)} succeeded, {status.get('failed', 0)} failed, noted: {noted}"
