"""The scale subresource: what `kubectl scale` and autoscalers read and write instead of the object itself."""

from gate.sandbox.kubernetes.language.decoding import UndecodableError, check_object, decode
from gate.sandbox.kubernetes.language.errors import Conflict, Invalid, invalid
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, uid_of
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.registry.column import AGE, integer, of, string
from gate.sandbox.kubernetes.registry.resource import Resource, Scale

API_VERSION = "autoscaling/v1"
SCALES = Resource(
    group="autoscaling",
    kind="Scale",
    plural="scales",
    columns=(
        string("Name", lambda scale, _now: name_of(scale)),
        integer("Desired", of("spec.replicas", 0)),
        integer("Available", of("status.replicas", 0)),
        AGE,
    ),
)
"""How it is shown, and what the refusal names where it is about no custom resource."""


def scale_of(scale: Scale, obj: Object) -> Object:
    """The autoscaling/v1 Scale that shows the object."""
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector, replicas = lookup(obj, scale.selector, ""), lookup(obj, scale.replicas, 0)
    status: Object = {"replicas": lookup(obj, scale.observed, 0)}
    if selector:
        status["selector"] = selector if isinstance(selector, str) else str(LabelSelector.from_object(selector))
    return {
        "kind": "Scale",
        "apiVersion": API_VERSION,
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def read(body: Object) -> Object:
    """The Scale in a body; BadRequest where it is none, or a type is wrong."""
    check_object(body)
    kind, version = body["kind"], body["apiVersion"] = (
        body.get("kind") or "Scale",
        body.get("apiVersion") or API_VERSION,
    )
    if (kind, version) != ("Scale", API_VERSION):
        raise UndecodableError(
            f'{kind} in version "{version.rpartition("/")[2]}" cannot be handled as a Scale',
            f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:110"',
        )
    return decode("Scale", API_VERSION, body).object


def scaled(resource: Resource, scale: Scale, obj: Object, wanted: Object) -> Object:
    """The object as the Scale wants it; Invalid for a number of replicas that cannot be, Conflict for another uid."""
    if uid_of(wanted) not in ("", uid_of(obj)):
        because = f"Precondition failed: UID in precondition: {uid_of(wanted)}, UID in object meta: {uid_of(obj)}"
        raise Conflict.of(resource, name_of(obj), because)
    replicas = lookup(wanted, "spec.replicas", 0)
    if replicas < 0:
        cause = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise Invalid.of(resource if resource.custom else SCALES, name_of(obj), [cause])
    *parents, last = scale.replicas.split(".")
    place = obj
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = replicas
    revision = lookup(wanted, "metadata.resourceVersion")
    if revision:
        obj["metadata"]["resourceVersion"] = revision
    return obj
