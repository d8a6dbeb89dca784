"""pod-failure: some of the workload's pods are there and not ready, as after a push of an image that cannot be pulled.

The image is the one part of a living container that may be changed. Its owner sees a pod of its own that is not ready,
and leaves it alone.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from pydantic import Field

from gate.errors import Permanent
from gate.faults.choosing import Choice, choose
from gate.faults.objects import Json, found, must_find, named, patch, zone_of
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

NOTHING = "chaos-gate.invalid/pod-failure"
"""An image that no registry has: the top-level domain `invalid` is reserved for names that do not exist (RFC 2606)."""


class Settings(Choice):
    """Which pods, and what they run instead."""

    touches: ClassVar[str] = "its containers get an image that no registry has"
    comes_back: ClassVar[str] = "each container gets the image that it had, unless somebody has set another one"

    container: str = Field(
        default="", description="Only this container of each pod; all of them if left out.", examples=["checkout"]
    )
    image: str = Field(
        default=NOTHING,
        min_length=1,
        description="What they run instead; by default what cannot be pulled.",
        examples=["registry.example/team/tool:1.4"],
    )


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Raises `Permanent` if the pods have no such container."""
    settings = Settings.model_validate(step.settings)
    return [
        Undo(
            id=f"{step.name}/{pod.name}",
            step=step.name,
            fault=step.fault,
            target=pod,
            settings={"image": settings.image},
            before={"images": _chosen(must_find(cluster, pod), settings.container, pod)},
        )
        for pod in choose(settings, step, pods, seed, partial(zone_of, cluster))
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Permanent` if somebody has changed an image meanwhile: theirs could not be put back."""
    item, before = must_find(cluster, undo.target), undo.before["images"]
    now, ours = _images(item), str(undo.settings["image"])
    if any(now[name] not in {image, ours} for name, image in before.items()):
        raise Permanent(f"an image of {named(undo.target)} was changed meanwhile")
    _write(undo.target, item, dict.fromkeys(before, ours), cluster)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """An image that was asked for is not enough: the pod must not be ready."""
    item = found(cluster, undo.target)
    if item is None or undo.settings["image"] not in _images(item).values():
        return None
    conditions: Sequence[Json] = (item.get("status") or {}).get("conditions") or ()
    unready = any((each["type"], each["status"]) == ("Ready", "False") for each in conditions)
    return f"pod {undo.target.name} is not ready" if unready else None


def revert(undo: Undo, cluster: Cluster) -> str:
    """A pod that was replaced meanwhile never had that image, and an image that somebody else has set is left."""
    item, name = found(cluster, undo.target), named(undo.target)
    if item is None:
        return f"{name} is gone; there is nothing to put back"
    now, before, ours = _images(item), undo.before["images"], undo.settings["image"]
    _write(undo.target, item, {each: image for each, image in before.items() if now[each] == ours}, cluster)
    if others := [each for each, image in before.items() if now[each] not in {image, ours}]:
        return f"the image of {', '.join(others)} in {name} was changed by somebody else meanwhile, and is left so"
    return f"{name} has its own images"


def _images(item: Json) -> dict[str, str]:
    return {container["name"]: container["image"] for container in item["spec"]["containers"]}


def _chosen(item: Json, container: str, pod: Target) -> dict[str, str]:
    images = _images(item)
    if container and container not in images:
        raise Permanent(f'{named(pod)} has no container "{container}"; it has {", ".join(images)}')
    return {container: images[container]} if container else images


def _write(target: Target, item: Json, images: Mapping[str, str], cluster: Cluster) -> None:
    """Write the images that are not there yet, if any. The server takes the containers as a whole."""
    containers = [each | {"image": images.get(each["name"], each["image"])} for each in item["spec"]["containers"]]
    if containers != item["spec"]["containers"]:
        patch(cluster, target, item, {"spec": {"containers": containers}})
