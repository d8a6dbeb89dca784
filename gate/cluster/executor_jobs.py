"""The Jobs that execute runs: one container with the gate's image, as a service account of the target's namespace."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gate.cluster.api import Api
from gate.cluster.callers import AUDIENCE
from gate.cluster.gates import API_VERSION
from gate.cluster.job_template import CONTAINER, PLAIN, JobTemplate
from gate.cluster.said import Json
from gate.errors import Conflict, Permanent
from gate.model import Run, fingerprint
from gate.running.job_executor import ExecutorJob
from gate.running.jobs import JOBS, SPEAKS, is_over, pods_of, what_is_said, why_failed

RUN = "chaosgate.dev/run"
"""The label with the uid of the run that a Job executes."""
NUMBER = "chaosgate.dev/executor"
"""The label that says which one of its run's it is."""
AFTERWARDS = timedelta(minutes=5)
"""How long it may go on after the deadline of its run, to take back and to write down how it ended."""
GRACE = 60
"""Seconds that it has to take everything back when it is told to end."""
KEPT = timedelta(days=1)
"""How long its log can be read."""
LONGEST_START = 40
"""Letters of a run's name with which the names of its Jobs begin."""
CREDENTIALS = "chaos-gate-credentials"
"""The Secret with what probes and loads may send, beside the workload."""
PLACE = "/var/lib/chaos-gate/credentials"
IDENTITY = "/var/run/secrets/chaos-gate"
EVIDENCE = "/var/lib/chaos-gate/evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What is the same for all of them."""

    image: str
    account: str
    environment: Mapping[str, str] = field(default_factory=dict)
    present: Callable[[], Mapping[str, str]] = dict
    """More of it, as it is when a Job is made. Raises `GateError`."""
    credentials: bool = False
    """They find the secrets for probes and loads of their namespace, if it has any."""
    hands_in: bool = False
    """They hand their evidence in to the gate, and have a token to say who they are."""
    template: JobTemplate = PLAIN


class ExecutorJobs:
    """Makes, finds and removes them."""

    def __init__(self, api: Api, outfit: Outfit, now: Callable[[], datetime]) -> None:
        self._api, self._outfit, self._now = api, outfit, now

    def of(self, run: Run) -> Sequence[ExecutorJob]:
        found = [self._seen(item) for item in self._api.list(JOBS, run.namespace, labels=f"{RUN}={run.uid}")[0]]
        return sorted(found, key=lambda job: job.number)

    def make(self, run: Run, number: int) -> None:
        body = job_for(run, number, self._outfit, self._now())
        try:
            self._api.create(JOBS, run.namespace, body, strict=True)
        except Conflict:
            item = self._api.get(JOBS, run.namespace, body["metadata"]["name"])
            if item is None:
                raise
            if (item["metadata"].get("labels") or {}).get(RUN) != run.uid:
                raise Permanent(f"the Job {run.namespace}/{item['metadata']['name']} is somebody else's") from None

    def remove(self, run: Run, job: ExecutorJob) -> None:
        self._api.delete(JOBS, run.namespace, job.name, uid=job.uid)

    def _seen(self, item: Json) -> ExecutorJob:
        metadata = item["metadata"]
        over, number = is_over(item), metadata["labels"].get(NUMBER, "")
        if over:
            said = why_failed(self._api, metadata["namespace"], item)
        else:
            said = what_is_said(pods_of(self._api, metadata["namespace"], metadata["name"]))
        return ExecutorJob(
            name=metadata["name"],
            uid=metadata["uid"],
            number=int(number) if number.isdecimal() else 0,
            over=over,
            said=said,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A volume of the pod, and the variable that says where it is."""

    name: str
    volume: Json
    place: str
    variable: str
    value: str


def _parts(run: Run, outfit: Outfit) -> Iterator[_Part]:
    if outfit.credentials:
        yield _Part(
            name="credentials",
            volume={"secret": {"secretName": CREDENTIALS, "optional": True}},
            place=f"{PLACE}/{run.namespace}",
            variable="CHAOS_GATE_CREDENTIALS",
            value=PLACE,
        )
    if outfit.hands_in:
        token = {"serviceAccountToken": {"audience": AUDIENCE, "path": "token"}}
        yield _Part(
            name="chaos-gate-token",
            volume={"projected": {"sources": [token]}},
            place=IDENTITY,
            variable="CHAOS_GATE_EVIDENCE_TOKEN_FILE",
            value=f"{IDENTITY}/token",
        )
        if all(each.get("name") != "CHAOS_GATE_EVIDENCE" for each in outfit.template.container.get("env", ())):
            yield _Part(
                name="chaos-gate-evidence",
                volume={"emptyDir": {}},
                place=EVIDENCE,
                variable="CHAOS_GATE_EVIDENCE",
                value=EVIDENCE,
            )


def job_for(run: Run, number: int, outfit: Outfit, now: datetime) -> Json:
    """The Job with that number. It goes with its run, tries once, and ends by itself some time after the run should."""
    labels = {"app.kubernetes.io/managed-by": "chaos-gate", RUN: run.uid, NUMBER: str(number)}
    lasts = max(timedelta(0), run.spec.deadline - now) + AFTERWARDS
    template, environment = outfit.template, {**outfit.environment, **outfit.present()}
    container: Json = {
        **template.container,
        "name": CONTAINER,
        "image": outfit.image,
        "args": ["execute", f"{run.namespace}/{run.name}"],
        "env": [
            *template.container.get("env", ()),
            *({"name": name, "value": value} for name, value in sorted(environment.items())),
        ],
        **SPEAKS,
    }
    pod: Json = {
        **template.pod,
        "restartPolicy": "Never",
        "serviceAccountName": outfit.account,
        "terminationGracePeriodSeconds": GRACE,
        "containers": [container],
    }
    for part in _parts(run, outfit):
        container["env"].append({"name": part.variable, "value": part.value})
        mount = {"name": part.name, "mountPath": part.place, "readOnly": "emptyDir" not in part.volume}
        container["volumeMounts"] = [*container.get("volumeMounts", ()), mount]
        pod["volumes"] = [*pod.get("volumes", ()), {"name": part.name, **part.volume}]
    all_labels = {**template.metadata.get("labels", {}), **labels}
    owner = {"apiVersion": API_VERSION, "kind": "ChaosRun", "name": run.name, "uid": run.uid}
    return {
        "metadata": {"name": name_of(run, number), "labels": labels, "ownerReferences": [owner]},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": int(lasts.total_seconds()),
            "ttlSecondsAfterFinished": int(KEPT.total_seconds()),
            "template": {"metadata": {**template.metadata, "labels": all_labels}, "spec": pod},
        },
    }


def name_of(run: Run, number: int) -> str:
    start = run.name[:LONGEST_START].replace(".", "-").rstrip("-")
    return f"{start}-{fingerprint(run.uid)}-{number}"
