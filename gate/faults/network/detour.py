"""A Service led through a proxy for a while: its selector finds the proxy's pod instead of its own pods.

The proxy dials a second Service, which has the selector that the first one had: so it follows the pods, and never comes
back to itself. It carries the fault before the first connection reaches it. What was connected before stays connected
past it, as it does whenever a Service changes its mind.

Taken back in the other order: the proxy forgets the fault, the Service finds its pods again, and what is connected
through the proxy ends with it, after the time that nodes need to learn of the way back.
"""

import logging
from collections.abc import Mapping, Sequence

from gate.errors import Conflict, GateError, Permanent, Temporary
from gate.faults.containers import status_of
from gate.faults.network import asking
from gate.faults.network.settings import SIDECAR, Through
from gate.faults.objects import OURS, Json, found, must_find, named, patch
from gate.faults.stress import LONGER
from gate.model import Step, Target, Undo, WorkloadName, fingerprint
from gate.running.ports import Cluster

log = logging.getLogger(__name__)

DETOUR = "chaosgate.dev/detour"
"""The label by which the proxy's pod is found: its value is the name of what belongs to one detour."""
PODS, SERVICES = "pods", "services"
LEAVING = 3
"""Seconds from the end of a proxy's pod, which takes it out of every Service, to that of the proxy."""
LOW_PORTS = 1024
OWNERS = {
    "meta.helm.sh/release-name": "Helm",
    "argo-rollouts.argoproj.io/managed-by-rollouts": "Argo Rollouts",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
"""Labels and annotations of a Service by those who would put its selector back, or trip over ours."""
HASH = "rollouts-pod-template-hash"


def plan(
    step: Step,
    settings: Through,
    behaviour: str,
    workload: WorkloadName,
    pods: Sequence[Target],
    seed: str,
    cluster: Cluster,
) -> list[Undo]:
    """Raises `Permanent` for a Service that cannot be led elsewhere, or belongs to somebody who would lead it back."""
    item = cluster.get(SERVICES, workload.namespace, settings.service)
    if item is None or not pods:
        return []
    what = f"Service {workload.namespace}/{settings.service}"
    if why := _unfit(item) or _owned(item):
        raise Permanent(f"{what} cannot be led through a proxy: {why}")
    target = Target(
        kind="Service",
        namespace=workload.namespace,
        name=settings.service,
        uid=item["metadata"]["uid"],
        images=pods[0].images,
    )
    name = f"chaos-gate-{fingerprint(seed, step.name, target.uid)}"
    return [
        Undo(
            id=f"{step.name}/{target.kind}/{target.name}",
            step=step.name,
            fault=step.fault,
            target=target,
            settings={
                "pod": name,
                "container": SIDECAR,
                "name": name,
                "fault": asking.fault_of(settings, behaviour, step.hold + LONGER),
                "image": settings.image,
                "protocol": settings.protocol,
                "listens": _listens(item, must_find(cluster, pods[0]), what),
            },
            before={"selector": item["spec"]["selector"]},
        )
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Permanent` if somebody has changed the Service since the plan, `Temporary` until the proxy is there."""
    item = must_find(cluster, undo.target)
    now = item["spec"].get("selector")
    if now not in (undo.before["selector"], _ours(undo)):
        raise Permanent(f"the selector of {named(undo.target)} was changed meanwhile")
    behind = _make(undo, cluster, SERVICES, _behind(undo, item))
    pod = _make(undo, cluster, PODS, _pod(undo, behind["spec"]["clusterIP"]))
    if not _runs(pod):
        raise Temporary(f"the proxy of {named(undo.target)} has not begun")
    for each in undo.settings["listens"]:
        asking.set_fault(undo, cluster, each["proxy"])
    if now != _ours(undo):
        patch(cluster, undo.target, item, {"spec": {"selector": _instead(now, _ours(undo))}})


def prove(undo: Undo, cluster: Cluster) -> str | None:
    if _mine(undo, cluster, PODS) is None:
        return None
    return asking.felt(undo, asking.proxies(undo, cluster).values(), f"the proxy before {named(undo.target)}")


def revert(undo: Undo, cluster: Cluster) -> str:
    """Whose selector somebody has changed meanwhile, it stays so. The proxy and the second Service go in each case.

    The Service first: it must lead to its pods also where we may do nothing else any more.
    """
    item = found(cluster, undo.target)
    said = f"{named(undo.target)} is gone; there is nothing to put back"
    if item is not None:
        _heal(undo, cluster)
        said = _lead_back(undo, cluster, item)
    troubles = []
    for resource in (PODS, SERVICES):
        try:
            _remove(undo, cluster, resource)
        except GateError as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return said


def _lead_back(undo: Undo, cluster: Cluster, item: Json) -> str:
    """Whoever applies a manifest in the middle of a step adds the old keys to ours: they stay, and ours goes."""
    now: Mapping[str, str] = item["spec"].get("selector") or {}
    if now.get(DETOUR) == undo.settings["pod"]:
        others = {key: value for key, value in now.items() if key != DETOUR}
        patch(cluster, undo.target, item, {"spec": {"selector": _instead(now, others or undo.before["selector"])}})
        return f"{named(undo.target)} leads to its own pods again"
    if now == undo.before["selector"]:
        return f"{named(undo.target)} leads to its own pods"
    return f"the selector of {named(undo.target)} was changed by somebody else meanwhile, and is left so"


def _remove(undo: Undo, cluster: Cluster, resource: str) -> None:
    left = _mine(undo, cluster, resource)
    if left is not None and "deletionTimestamp" not in left["metadata"]:
        cluster.delete(resource, undo.target.namespace, undo.settings["pod"], uid=left["metadata"]["uid"])


def _heal(undo: Undo, cluster: Cluster) -> None:
    """What still goes through the proxy shall pass. A proxy that cannot be asked goes all the same."""
    try:
        pod = _mine(undo, cluster, PODS)
        if pod is None or not _runs(pod):
            return
        for name, proxy in asking.proxies(undo, cluster).items():
            if undo.settings["name"] in asking.faults(proxy):
                asking.forget(undo, cluster, name)
    except GateError as error:
        log.warning("detour.heal service=%s why=%r", named(undo.target), str(error))


def _unfit(item: Json) -> str:
    spec = item["spec"]
    if spec.get("type") == "ExternalName":
        return "it is a name of something outside of the cluster"
    if spec.get("clusterIP") == "None":
        return "it is headless, so its callers know its pods by their own addresses"
    if not spec.get("selector"):
        return "it has no selector; somebody else says where it leads"
    if DETOUR in spec["selector"]:
        return "it is led through one already"
    others = [port for port in spec.get("ports") or () if port.get("protocol", "TCP") != "TCP"]
    return f"its port {others[0]['port']} is {others[0]['protocol']}, and the proxy knows TCP" if others else ""


def _owned(item: Json) -> str:
    """Who would put the selector back, or lose track; empty if nobody is known to."""
    metadata = item["metadata"]
    said = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    owner = next((who for mark, who in OWNERS.items() if mark in said), "")
    if HASH in item["spec"]["selector"]:
        owner = "Argo Rollouts"
    controllers = [each for each in metadata.get("ownerReferences") or () if each.get("controller")]
    if controllers:
        owner = f"{controllers[0]['kind']} {controllers[0]['name']}"
    return f"it belongs to {owner}, which leads it itself; put a proxy into the pods instead" if owner else ""


def _listens(item: Json, pod: Json, what: str) -> list[Json]:
    """The proxies: for each port of the pods that the Service leads to, one that listens there instead.

    `behind` is a port of the second Service. A port that has a name keeps it: that is how a Service finds it.
    """
    numbers = {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if "name" in port
    }
    made: dict[int, Json] = {}
    for port in item["spec"]["ports"]:
        wanted = port.get("targetPort", port["port"])
        if isinstance(wanted, str) and wanted not in numbers:
            raise Permanent(f"{what} leads to the port {wanted}, which {pod['metadata']['name']} does not have")
        number = int(numbers[wanted] if isinstance(wanted, str) else wanted)
        made.setdefault(number, {"proxy": f"port-{number}", "listen": number, "behind": port["port"]})
        if isinstance(wanted, str):
            made[number]["name"] = wanted
    return list(made.values())


def _ours(undo: Undo) -> dict[str, str]:
    return {DETOUR: undo.settings["pod"]}


def _instead(now: Mapping[str, str], wanted: Mapping[str, str]) -> Json:
    """What a merge patch needs to have one selector in the place of another."""
    return {**dict.fromkeys(now.keys() - wanted.keys()), **wanted}


def _behind(undo: Undo, item: Json) -> Json:
    """The second Service: where the first one led."""
    ports = [
        {field: port[field] for field in ("name", "port", "targetPort", "protocol") if field in port}
        for port in item["spec"]["ports"]
    ]
    return {"spec": {"selector": undo.before["selector"], "ports": ports}}


def _pod(undo: Undo, address: str) -> Json:
    """The proxy's pod. It fits namespaces that enforce the Pod Security Standard `restricted`."""
    added, listens = [], undo.settings["listens"]
    for each in listens:
        way = f"{each['proxy']} $(POD_IP):{each['listen']} {address}:{each['behind']}"
        added += ["--add", f"{way} {undo.settings['protocol']}"]
    low = any(each["listen"] < LOW_PORTS for each in listens)
    ports = [{"name": each["name"], "containerPort": each["listen"]} for each in listens if "name" in each]
    unprivileged = {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]} if low else {}
    container = {
        "name": SIDECAR,
        "image": undo.settings["image"],
        "args": ["proxy", *added],
        "ports": ports,
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVING}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "metadata": {"labels": _ours(undo)},
        "spec": {
            "containers": [container],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 2 * LEAVING,
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
                **unprivileged,
            },
        },
    }


def _runs(pod: Json) -> bool:
    return "running" in (status_of(pod, SIDECAR).get("state") or {})


def _make(undo: Undo, cluster: Cluster, resource: str, body: Json) -> Json:
    """It goes with the Service, should nobody else be left to delete it. Raises `Permanent` if its name is taken."""
    name, namespace, target = undo.settings["pod"], undo.target.namespace, undo.target
    if present := _mine(undo, cluster, resource):
        if "deletionTimestamp" in present["metadata"]:
            raise Temporary(f"{resource}/{name} of the last detour is still on its way out")
        return present
    owner = {"apiVersion": "v1", "kind": target.kind, "name": target.name, "uid": target.uid}
    metadata = {"name": name, "ownerReferences": [owner], "labels": {**OURS, **_ours(undo)}}
    try:
        return cluster.create(resource, namespace, {**body, "metadata": metadata})
    except Conflict:
        if cluster.get(resource, namespace, name) is None:
            raise
        mine = _mine(undo, cluster, resource)
        if mine is None:
            raise Permanent(f"{resource}/{name} in {namespace} is somebody else's") from None
        return mine


def _mine(undo: Undo, cluster: Cluster, resource: str) -> Json | None:
    """What was made for this Service; one of the same name that somebody else made is none."""
    item = cluster.get(resource, undo.target.namespace, undo.settings["pod"])
    if item is None:
        return None
    owners = {owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()}
    return item if undo.target.uid in owners else None
