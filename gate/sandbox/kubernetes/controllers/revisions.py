"""The ReplicaSets of one Deployment as its revisions: which has which template, and what each notes; pure."""

import hashlib
import json
from collections.abc import Iterable

from gate.sandbox.kubernetes.controllers.ownership import reference_to
from gate.sandbox.kubernetes.controllers.rollout import MAX_REPLICAS, Bounds, size
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of
from gate.sandbox.kubernetes.store.lifecycle import NAME_ALPHABET, copy

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_NOT_INHERITED = {
    *(REVISION, HISTORY, _DESIRED, MAX_REPLICAS),
    *("kubectl.kubernetes.io/last-applied-configuration", "deprecated.deployment.rollback.to"),
}
LONGEST_NAME = 253
"""Characters; the Deployment's name is cut where the hash would not fit behind it."""


def replica_set_of(deployment: Object, revision: int, *, replicas: int) -> Object:
    """A new ReplicaSet for the Deployment's template."""
    template = copy(deployment["spec"]["template"])
    suffix = template_hash(template, lookup(deployment, "status.collisionCount", 0))
    labels = {**(template["metadata"].get("labels") or {}), HASH: suffix}
    template["metadata"]["labels"] = labels
    selector = copy(deployment["spec"]["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: suffix}
    made: Object = {
        "metadata": {
            "name": f"{name_of(deployment)[: LONGEST_NAME - 1 - len(suffix)]}-{suffix}",
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": inherited(deployment) | {REVISION: str(revision)} | sizes(deployment),
            "ownerReferences": [reference_to(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "selector": selector,
            "template": template,
        },
    }
    wait_as_long(made["spec"], deployment)
    return made


def template_hash(template: Object, collisions: int) -> str:
    """What tells the ReplicaSets of one Deployment apart, in the alphabet of the real one."""
    text = json.dumps([_without_hash(template), collisions], sort_keys=True)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return "".join(NAME_ALPHABET[ord(digit) % len(NAME_ALPHABET)] for digit in str(number))


def wait_as_long(spec: Object, deployment: Object) -> None:
    """Give the ReplicaSet the Deployment's minReadySeconds; the real server shows no zero."""
    minimum = deployment["spec"].get("minReadySeconds")
    if minimum:
        spec["minReadySeconds"] = minimum
    else:
        spec.pop("minReadySeconds", None)


def same_template(replica_set: Object, deployment: Object) -> bool:
    return _without_hash(replica_set["spec"]["template"]) == _without_hash(deployment["spec"]["template"])


def _without_hash(template: Object) -> Object:
    bare = copy(template)
    labels = bare["metadata"].get("labels") or {}
    labels.pop(HASH, None)
    bare["metadata"].pop("creationTimestamp", None)  # kubectl and the Python client write it as null
    return bare


def is_scaled(deployment: Object, replica_sets: Iterable[Object]) -> bool:
    """Whether spec.replicas changed since the ReplicaSets were last sized: then scale first, roll afterwards."""
    noted = (annotations_of(each).get(_DESIRED) for each in replica_sets if size(each))
    return any(each is not None and int(each) != deployment["spec"]["replicas"] for each in noted)


def is_saturated(deployment: Object, new: Object) -> bool:
    wanted = deployment["spec"]["replicas"]
    noted = annotations_of(new).get(_DESIRED)
    return bool(
        size(new) == wanted
        and noted is not None
        and int(noted) == wanted
        and lookup(new, "status.availableReplicas", 0) == wanted
    )


def annotations_of(obj: Object) -> dict[str, str]:
    return dict(obj["metadata"].get("annotations") or {})


def inherited(deployment: Object) -> dict[str, str]:
    return {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_INHERITED}


def sizes(deployment: Object) -> dict[str, str]:
    """What a ReplicaSet notes of how many pods the Deployment wants: so scaling is told from rolling."""
    bounds = Bounds.of(deployment)
    return {_DESIRED: str(bounds.wanted), MAX_REPLICAS: str(bounds.maximum)}


def revision_of(replica_set: Object) -> int:
    return int(annotations_of(replica_set).get(REVISION, 0))


def age(replica_set: Object) -> tuple[str, int, str]:
    """Oldest first; creation times have whole seconds, the revision decides between equals."""
    return replica_set["metadata"]["creationTimestamp"], revision_of(replica_set), name_of(replica_set)
