"""Jobs as the API server knows them: what it fills in, and what it refuses. What they do is in `controllers/job.py`."""

from gate.sandbox.kubernetes.language.errors import Cause, forbidden, invalid, not_negative, not_supported, required
from gate.sandbox.kubernetes.language.objects import Object, labels_of, lookup, name_of, uid_of
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.rules import defaults, pod_validation
from gate.sandbox.kubernetes.rules.validation import dns_named

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"

_SCHEDULING = ("nodeSelector", "tolerations", "schedulingGates")
_NOT_DONE = ("backoffLimitPerIndex", "managedBy", "maxFailedIndexes", "podFailurePolicy", "successPolicy")


def job(obj: Object) -> None:
    """The defaults."""
    spec = obj.setdefault("spec", {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    for field, value in (
        ("parallelism", 1),
        ("backoffLimit", 6),
        ("completionMode", "NonIndexed"),
        ("suspend", False),
        ("manualSelector", False),
        ("podReplacementPolicy", "TerminatingOrFailed"),
    ):
        if spec.get(field) is None:
            spec[field] = value
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod = template.setdefault("spec", {})
    policy = pod.get("restartPolicy")
    defaults.pod_spec(pod)
    if policy is None:
        pod["restartPolicy"] = ""  # a Job has to say it
    if template["metadata"].get("labels") and not labels_of(obj):  # it has those of its pods, where it has none itself
        obj["metadata"]["labels"] = dict(template["metadata"]["labels"])


def new_job(obj: Object) -> None:
    """A new Job selects the pods that carry its own uid, and gives it to them."""
    obj["status"] = {}
    spec = obj.setdefault("spec", {})
    if spec.get("manualSelector"):
        return
    uid, name = uid_of(obj), name_of(obj)
    labels = {CONTROLLER_UID: uid, JOB_NAME: name, "controller-uid": uid, "job-name": name}
    metadata = spec.setdefault("template", {}).setdefault("metadata", {})
    metadata["labels"] = {**labels, **(metadata.get("labels") or {})}
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), CONTROLLER_UID: uid}


def validate(new: Object, old: Object | None) -> list[Cause]:
    spec = new["spec"]
    causes = dns_named(new, old)
    selector = spec.get("selector")
    if selector is None:
        causes.append(required("spec.selector"))
    elif not spec["manualSelector"]:
        causes += _generated(new, selector)
    numbers = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
    causes += not_negative(spec, "spec", numbers)
    causes += _modes(spec)
    pods = lookup(spec, "template.spec", {})
    policy = pods.get("restartPolicy") or "Always"
    causes += pod_validation.template({**pods, "restartPolicy": policy}, "spec.template.spec")
    causes += _restarts(policy)
    labels = _labels(new)
    if selector is None or not LabelSelector.from_object(selector).matches(labels or {}):
        detail = "`selector` does not match template `labels`"
        causes.append(invalid("spec.template.metadata.labels", labels, detail))
    return causes if old is None else [*causes, *_changes(new, old)]


def _changes(new: Object, old: Object) -> list[Cause]:
    """What stays as it was; where the pods of a Job may go is open until it has begun."""
    before, after = old["spec"], new["spec"]
    if before.get("suspend") and not lookup(old, "status.startTime"):
        before = before | {"template": _sent_where(before["template"], after.get("template") or {})}
    return [
        invalid(f"spec.{field}", after.get(field), "field is immutable")
        for field in ("completions", "selector", "template", "completionMode")
        if before.get(field) != after.get(field)
    ]


def _sent_where(template: Object, other: Object) -> Object:
    """The template with what the other one says of the places for its pods."""
    made: Object = {}
    for part, fields in (("metadata", ("labels", "annotations")), ("spec", _SCHEDULING)):
        ours, theirs = template.get(part) or {}, other.get(part) or {}
        kept = {name: value for name, value in ours.items() if name not in fields}
        made[part] = kept | {name: theirs[name] for name in fields if name in theirs}
    return template | made


def _generated(job: Object, selector: Object) -> list[Cause]:
    """What the server has made for the Job is as it made it: the labels of its pods, and the selector."""
    uid, name, labels = uid_of(job), name_of(job), _labels(job) or {}
    causes = []
    for label, value in (("controller-uid", uid), ("job-name", name), (CONTROLLER_UID, uid), (JOB_NAME, name)):
        field, detail = f"spec.template.metadata.labels[{label}]", f"must be '{value}'"
        if label not in labels:
            causes.append(required(field, detail))
        elif labels[label] != value:
            causes.append(invalid(field, labels, detail))
    if selector != {"matchLabels": {CONTROLLER_UID: uid}}:
        causes.append(invalid("spec.selector", selector, "`selector` not auto-generated"))
    return causes


def _labels(job: Object) -> Object | None:
    """Those of its pods, in the order in which refusals show them."""
    labels = lookup(job, "spec.template.metadata.labels")
    return labels and dict(sorted(labels.items()))


def _restarts(policy: str) -> list[Cause]:
    """Always is what pods have of which nobody said anything, and so counts as missing."""
    field, policies = "spec.template.spec.restartPolicy", ("OnFailure", "Never")
    if policy == "Always":
        return [required(field, 'valid values: "OnFailure", "Never"')]
    return [] if policy in policies else [not_supported(field, policy, policies)]


def _modes(spec: Object) -> list[Cause]:
    causes = []
    for field, done, known in (
        ("completionMode", "NonIndexed", ("NonIndexed", "Indexed")),
        ("podReplacementPolicy", "TerminatingOrFailed", ("Failed", "TerminatingOrFailed")),
    ):
        if spec[field] not in known:
            causes.append(not_supported(f"spec.{field}", spec[field], known))
        elif spec[field] != done:
            causes.append(forbidden(f"spec.{field}", f"the sandbox does {done} only"))
    asked = [field for field in _NOT_DONE if spec.get(field) is not None]
    asked += ["manualSelector"] if spec["manualSelector"] else []
    return causes + [forbidden(f"spec.{field}", "the sandbox does not do this") for field in asked]
