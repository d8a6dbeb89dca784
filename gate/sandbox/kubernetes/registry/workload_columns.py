"""The columns of what makes pods: Deployments, ReplicaSets, Jobs."""

from datetime import datetime

from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup, moment_of
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.registry.column import AGE, NAME, integer, of, since, string


def _images(obj: Object, _now: datetime) -> str:
    return ",".join(each.get("image", "") for each in lookup(obj, "spec.template.spec.containers", []))


def _container_names(obj: Object, _now: datetime) -> str:
    return ",".join(each.get("name", "") for each in lookup(obj, "spec.template.spec.containers", []))


def _selector(obj: Object, _now: datetime) -> str:
    return str(LabelSelector.from_object(lookup(obj, "spec.selector"))) or "<none>"


def _deployment_ready(obj: Object, _now: datetime) -> str:
    return f"{lookup(obj, 'status.readyReplicas', 0)}/{lookup(obj, 'spec.replicas', 0)}"


_TEMPLATE = (
    string("Containers", _container_names, wide=True),
    string("Images", _images, wide=True),
    string("Selector", _selector, wide=True),
)


def _job_status(job: Object, _now: datetime) -> str:
    held = {each["type"] for each in lookup(job, "status.conditions", []) if each["status"] == "True"}
    if is_terminating(job) and not held & {"Complete", "Failed"}:
        return "Terminating"
    named = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((kind for kind in named if kind in held), "Running")


def _completions(job: Object, _now: datetime) -> str:
    succeeded, wanted = lookup(job, "status.succeeded", 0), lookup(job, "spec.completions")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    parallel = lookup(job, "spec.parallelism", 0)
    return f"{succeeded}/1 of {parallel}" if parallel > 1 else f"{succeeded}/1"


def _job_duration(job: Object, now: datetime) -> str:
    start, completion = lookup(job, "status.startTime"), lookup(job, "status.completionTime")
    if not start:
        return ""
    return since(start, moment_of(completion) if completion else now)


DEPLOYMENT = (
    NAME,
    string("Ready", _deployment_ready),
    string("Up-to-date", of("status.updatedReplicas", 0)),
    string("Available", of("status.availableReplicas", 0)),
    AGE,
    *_TEMPLATE,
)
REPLICA_SET = (
    NAME,
    integer("Desired", of("spec.replicas", 0)),
    integer("Current", of("status.replicas", 0)),
    integer("Ready", of("status.readyReplicas", 0)),
    AGE,
    *_TEMPLATE,
)
JOB = (
    NAME,
    string("Status", _job_status),
    string("Completions", _completions),
    string("Duration", _job_duration),
    AGE,
    *_TEMPLATE,
)
