"""What a copy of a workload is made from: its pod template and its Service, and what cannot be copied. Pure.

A copy must not be found by whoever looks for the workload, and must not write to what the workload writes to.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gate.documents.isolation import NOT_COPIED
from gate.model import WorkloadKind

Json = Mapping[str, Any]

COPY = "chaosgate.dev/copy"
"""The label by which the pods of a copy are found: its value is the copy's name."""
OF_ONE_POD = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "name", "projected", "secret"}
"""The fields of a volume that no pod shares with another one, or only to read."""
HASHES = {"pod-template-hash", "rollouts-pod-template-hash"}
KEPT = ("strategy", "minReadySeconds", "progressDeadlineSeconds")
"""What a copy has from a Deployment's specification beside template and replicas."""
PORT = ("name", "port", "targetPort", "protocol", "appProtocol")
FRONT = ("publishNotReadyAddresses", "sessionAffinity", "sessionAffinityConfig")
DIGEST = "sha256:"


def problems(kind: WorkloadKind, workload: Json) -> list[str]:
    """Why there can be no copy of the workload, in one clause each; none if there can be one."""
    if kind in NOT_COPIED:
        return [f"a {kind} cannot be copied: {NOT_COPIED[kind]}"]
    template = workload["spec"].get("template")
    if not template:
        return ["it takes its pod template from another object, by workloadRef"]
    return list(_of_pods(template["spec"]))


def _of_pods(pod: Json) -> Iterator[str]:
    """What two pods on one node, or two writers, would quarrel about."""
    for volume in pod.get("volumes") or ():
        kinds = sorted(volume.keys() - OF_ONE_POD)
        if kinds:
            yield f'the volume "{volume["name"]}" ({kinds[0]}) would be that of the workload itself'
    if pod.get("hostNetwork"):
        yield "its pods are in the network of their nodes (hostNetwork)"
    for container in _containers(pod):
        ports = [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]
        if ports:
            yield f'the container "{container["name"]}" has the port {ports[0]} of its node (hostPort)'


def of_version(images: Mapping[str, str], template: Json) -> list[str]:
    """Why the template cannot run the version of these images (container -> digest), in one clause each."""
    names = {container["name"] for container in _containers(template["spec"])}
    found = [f'that version has no container "{name}", the pod template has one' for name in names - set(images)]
    found += [f'that version has a container "{name}", the pod template has none' for name in set(images) - names]
    found += [f'no digest is known of the image of "{name}"' for name in images if not images[name].startswith(DIGEST)]
    return sorted(found)


def pinned(template: Json, images: Mapping[str, str]) -> Json:
    """The template with these images instead of its own, by digest."""

    def pin(container: Json) -> Json:
        folder, slash, last = container["image"].partition("@")[0].rpartition("/")
        return {**container, "image": f"{folder}{slash}{last.partition(':')[0]}@{images[container['name']]}"}

    spec = template["spec"]
    lists = {
        field: [pin(each) for each in spec[field]] for field in ("initContainers", "containers") if spec.get(field)
    }
    return {**template, "spec": {**spec, **lists}}


def deployment(name: str, kind: WorkloadKind, spec: Json, template: Json, services: Iterable[Json]) -> dict[str, Any]:
    """The specification of the copy's Deployment, without a number of replicas. `spec` is that of the workload."""
    labels = {**_free(spec, template, services), COPY: name}
    annotations = template.get("metadata", {}).get("annotations") or {}
    kept = KEPT if kind is WorkloadKind.DEPLOYMENT else KEPT[1:]  # the strategy of a Rollout is another thing
    return {
        "selector": {"matchLabels": {COPY: name}},
        "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": template["spec"]},
        **{field: spec[field] for field in kept if field in spec},
    }


def service(name: str, original: Json) -> dict[str, Any]:
    """The specification of the copy's Service: the ports of the original, within the cluster only."""
    spec = original["spec"]
    headless = {"clusterIP": "None"} if spec.get("clusterIP") == "None" else {}
    return {
        "selector": {COPY: name},
        "ports": [{field: port[field] for field in PORT if field in port} for port in spec.get("ports") or ()],
        **{field: spec[field] for field in FRONT if field in spec},
        **headless,
    }


def selects(service: Json, labels: Mapping[str, str]) -> bool:
    """Whether the Service sends traffic to pods with these labels. One without a selector sends none by itself."""
    selector = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def labels_of(template: Json) -> Mapping[str, str]:
    labels: Mapping[str, str] = template.get("metadata", {}).get("labels") or {}
    return labels


def _free(spec: Json, template: Json, services: Iterable[Json]) -> dict[str, str]:
    """The template's labels without those by which the workload, or a Service, finds its pods."""
    selector = spec.get("selector") or {}
    taken = HASHES | set(selector.get("matchLabels") or {})
    taken |= {expression["key"] for expression in selector.get("matchExpressions") or ()}
    labels = {key: value for key, value in labels_of(template).items() if key not in taken}
    for each in services:
        if selects(each, labels):
            labels = {key: value for key, value in labels.items() if key not in each["spec"]["selector"]}
    return labels


def _containers(pod: Json) -> Sequence[Json]:
    return [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
