"""copy: a Deployment of our own, made from the workload's pod template, and a Service in front of it, for one run.

Not a fault that a step could ask for: what the gate does around the steps of a workflow with `isolation: copy`. It has
the shape of a fault, because it comes back as one does.
"""

from collections.abc import Sequence

from pydantic import Field

from gate.documents.blocks import Block
from gate.errors import Conflict, Permanent
from gate.faults import template
from gate.faults.objects import OURS, RESOURCES, Json, must_find, named
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName, fingerprint
from gate.running.ports import Cluster

DEPLOYMENTS, SERVICES = "deployments", "services"
COPY_OF = "chaosgate.dev/copy-of"
"""The annotation that says of what, for people."""


class Settings(Block):
    """Of which version, and for whom."""

    service: str = Field(
        default="",
        description="The Service whose ports the copy has, too; none if left out.",
        examples=["checkout"],
    )
    images: dict[str, str] = Field(default={}, description="Container -> digest of the version; any if left out.")
    pinned: bool = Field(default=False, description="These images are pulled by digest, whatever the template says.")
    run: str = Field(default="", description="The ChaosRun that it belongs to; to the workload itself if left out.")
    attempt: int = Field(default=1, description="Which attempt of the run; each has a copy with a name of its own.")


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Raises `Permanent` for what cannot be copied, and `Denied` where we may not look for Services: what we could not
    make we could not take back either.
    """
    settings = Settings.model_validate(step.settings)
    item = cluster.get(RESOURCES[workload.kind], workload.namespace, workload.name)
    if item is None:
        return []
    _must_be_copyable(workload, item, settings)
    if not pods:
        return []
    services, _ = cluster.list(SERVICES, workload.namespace)
    if settings.service:
        _front(settings.service, workload, item, services)
    uid = item["metadata"]["uid"]
    target = Target(
        kind=workload.kind, namespace=workload.namespace, name=workload.name, uid=uid, images=pods[0].images
    )
    name = f"chaos-gate-copy-{fingerprint(seed, step.name, uid, str(settings.attempt))}"
    return [
        Undo(
            id=f"{step.name}/{name}",
            step=step.name,
            fault=step.fault,
            target=target,
            settings={
                "name": name,
                "service": settings.service,
                "images": settings.images if settings.pinned else {},
                "replicas": int(item["spec"].get("replicas", 1)),
                "owner": _owner(workload, item, settings.run, cluster),
            },
        )
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """The Service and the Deployment belong to the run, and go with it. Raises `Permanent` if somebody else has their
    name.
    """
    item, name, namespace = must_find(cluster, undo.target), undo.settings["name"], undo.target.namespace
    services, _ = cluster.list(SERVICES, namespace)
    if undo.settings["service"]:
        front = next((each for each in services if each["metadata"]["name"] == undo.settings["service"]), None)
        if front is None:
            raise Permanent(f"the Service {namespace}/{undo.settings['service']} is gone")
        _create(undo, cluster, SERVICES, template.service(name, front))
    pods = item["spec"]["template"]
    pods = template.pinned(pods, undo.settings["images"]) if undo.settings["images"] else pods
    spec = template.deployment(name, WorkloadKind(undo.target.kind), item["spec"], pods, services)
    _create(undo, cluster, DEPLOYMENTS, spec | {"replicas": undo.settings["replicas"]})


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """All pods of the copy are ready."""
    item, wanted = _ours(undo, cluster, DEPLOYMENTS), undo.settings["replicas"]
    if item is None or (undo.settings["service"] and _ours(undo, cluster, SERVICES) is None):
        return None
    status = item.get("status") or {}
    seen = int(status.get("observedGeneration") or 0) >= item["metadata"].get("generation", 1)
    if not seen or status.get("readyReplicas", 0) < wanted:
        return None
    return f"{undo.settings['name']} is a copy of {named(undo.target)} with {wanted} ready pods"


def revert(undo: Undo, cluster: Cluster) -> str:
    """Its pods go with the Deployment, as they do when anybody deletes one."""
    gone = [_delete(undo, cluster, resource) for resource in (SERVICES, DEPLOYMENTS)]
    what = f"the copy {undo.settings['name']} of {named(undo.target)}"
    return f"{what} is deleted" if any(gone) else f"{what} is not there"


def _must_be_copyable(workload: WorkloadName, item: Json, settings: Settings) -> None:
    found = template.problems(workload.kind, item)
    if not found and settings.images:
        found = template.of_version(settings.images, item["spec"]["template"])
    if found:
        raise Permanent(f"there can be no copy of {workload}: {'; '.join(found)}")


def _front(name: str, workload: WorkloadName, item: Json, services: Sequence[Json]) -> Json:
    """The Service of that name, if it is one that leads to the workload. Raises `Permanent`."""
    labels = template.labels_of(item["spec"]["template"])
    leading = [each for each in services if template.selects(each, labels)]
    front = next((each for each in leading if each["metadata"]["name"] == name), None)
    if front is not None:
        return front
    names = ", ".join(sorted(each["metadata"]["name"] for each in leading))
    instead = f"name one of {names} in `service`" if names else "no other one does, either"
    raise Permanent(f"no Service {workload.namespace}/{name} leads to the pods of {workload}; {instead}")


def _owner(workload: WorkloadName, item: Json, run: str, cluster: Cluster) -> Json:
    """Whoever has the copy, so that Kubernetes deletes it with him should nobody else be left to do it."""
    version, kind, owner = item["apiVersion"], str(workload.kind), item
    if run:
        found = cluster.get("chaosruns", workload.namespace, run)
        if found is None:
            raise Permanent(f"there is no ChaosRun {workload.namespace}/{run} that a copy could belong to")
        version, kind, owner = found["apiVersion"], "ChaosRun", found
    return {"apiVersion": version, "kind": kind, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}


def _create(undo: Undo, cluster: Cluster, resource: str, spec: Json) -> None:
    name, namespace = undo.settings["name"], undo.target.namespace
    if _ours(undo, cluster, resource):
        return
    metadata = {
        "name": name,
        "labels": {**OURS, template.COPY: name},
        "annotations": {COPY_OF: f"{undo.target.kind} {undo.target.name}"},
        "ownerReferences": [undo.settings["owner"]],
    }
    try:
        cluster.create(resource, namespace, {"metadata": metadata, "spec": spec})
    except Conflict:
        if cluster.get(resource, namespace, name) is None:
            raise
        if _ours(undo, cluster, resource) is None:
            raise Permanent(f"{resource}/{name} in {namespace} is somebody else's") from None


def _delete(undo: Undo, cluster: Cluster, resource: str) -> bool:
    item = _ours(undo, cluster, resource)
    if item is None:
        return False
    return cluster.delete(resource, undo.target.namespace, item["metadata"]["name"], uid=item["metadata"]["uid"])


def _ours(undo: Undo, cluster: Cluster, resource: str) -> Json | None:
    """The object of this act; one of the same name that somebody else made is none."""
    item = cluster.get(resource, undo.target.namespace, undo.settings["name"])
    if item is None:
        return None
    owners = {owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()}
    marked = (item["metadata"].get("labels") or {}).get(template.COPY) == undo.settings["name"]
    return item if marked and undo.settings["owner"]["uid"] in owners else None
