"""config-change: a key of a ConfigMap or Secret has another value for a while, or is missing; or a variable of a copy.

What a Secret held is in no record: records can be read by more people than secrets. It is kept in an annotation of the
Secret itself, which comes and goes in the same write as the other value.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field, model_validator

from gate.documents.blocks import Block, shown_as
from gate.errors import Permanent
from gate.faults import variables
from gate.faults.objects import RESOURCES, Json, found, must_find, named, patch
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

CONFIG_MAP, SECRET = "ConfigMap", "Secret"
KEPT = "chaosgate.dev/before"
"""An annotation of a changed Secret: what its key held, base64 as in the Secret, or null."""


class Settings(Block):
    """Which key of what, and what it holds meanwhile."""

    touches: ClassVar[str] = "a key of the object has another value, or is missing"
    comes_back: ClassVar[str] = "the key gets the value that it had, unless somebody has changed it meanwhile"

    model_config = shown_as({"configMap": "checkout-settings", "key": "retries", "value": "0"})

    others: ClassVar[str] = "everybody who reads the object, and the workload does"
    of_copies: ClassVar[str] = "env"

    config_map: str = Field(
        default="", description="The ConfigMap, in the target's namespace; either this,", examples=["checkout-settings"]
    )
    secret: str = Field(default="", description="or the Secret.", examples=["checkout-secrets"])
    key: str = Field(default="", description="The key in it.", examples=["retries"])
    env: str = Field(
        default="", description="Instead of these, a variable; with isolation: copy only.", examples=["RETRIES"]
    )
    container: str = Field(
        default="", description="With env: of which container; the first one if left out.", examples=["checkout"]
    )
    value: str | None = Field(
        default=None, description="What it holds meanwhile; left out, the key or variable is missing.", examples=["0"]
    )

    @model_validator(mode="after")
    def _one_thing(self) -> "Settings":
        if (bool(self.config_map), bool(self.secret), bool(self.env)).count(True) != 1:
            raise ValueError("say either configMap or secret, by its name, or env")
        if bool(self.key) == bool(self.env):
            raise ValueError("key says which one of a ConfigMap or Secret; a variable is named by env alone")
        if self.container and not self.env:
            raise ValueError("container says whose variable; it needs env")
        return self

    @property
    def kind(self) -> str:
        return CONFIG_MAP if self.config_map else SECRET

    @property
    def written(self) -> str | None:
        """The value as it stands in the object."""
        if self.value is None or self.kind == CONFIG_MAP:
            return self.value
        return base64.b64encode(self.value.encode()).decode()


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Nothing if nothing would change. Raises `Permanent` for what cannot be changed, or would be felt by no pod."""
    settings = Settings.model_validate(step.settings)
    if settings.env:
        wanted = variables.Variable(name=settings.env, value=settings.value, container=settings.container)
        return variables.plan(step, wanted, workload, pods, cluster)
    name = settings.config_map or settings.secret
    item = cluster.get(RESOURCES[settings.kind], workload.namespace, name)
    if item is None or not pods:
        return []
    metadata = item["metadata"]
    target = Target(
        kind=settings.kind, namespace=workload.namespace, name=name, uid=metadata["uid"], images=pods[0].images
    )
    if item.get("immutable") or settings.key in (item.get("binaryData") or {}):
        raise Permanent(f'"{settings.key}" of {named(target)} cannot be changed: it is immutable, or binary')
    if not any(_is_mounted(must_find(cluster, pod), settings, name) for pod in pods):
        why = "a change would be felt by no pod that runs; mount it as a volume, and not by subPath"
        raise Permanent(f'no pod of {workload} reads "{settings.key}" of {named(target)} from a volume: {why}')
    if _value(item, settings.key) == settings.written:
        return []
    return [
        Undo(
            id=f"{step.name}/{settings.kind}/{name}",
            step=step.name,
            fault=step.fault,
            target=target,
            settings={"key": settings.key, **_known(settings.written)},
            before=_held(item, settings.key, target),
        )
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Permanent` if somebody has changed it since the plan: what they wrote could not be put back."""
    if variables.is_one(undo):
        variables.inject(undo, cluster)
        return
    item, key, ours = must_find(cluster, undo.target), undo.settings["key"], undo.settings.get("value")
    now = _value(item, key)
    if now == ours:
        return
    if _held(item, key, undo.target) != undo.before:
        raise Permanent(f"{named(undo.target)} was changed meanwhile")
    kept = {"metadata": {"annotations": {KEPT: json.dumps(now)}}} if undo.target.kind == SECRET else {}
    patch(cluster, undo.target, item, {"data": {key: ours}} | kept)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """That pods took it is not to be seen from here: that is what probes are for."""
    if variables.is_one(undo):
        return variables.prove(undo, cluster)
    item, key = found(cluster, undo.target), undo.settings["key"]
    if item is None or _value(item, key) != undo.settings.get("value"):
        return None
    return f'"{key}" of {named(undo.target)} {"has another value" if "value" in undo.settings else "is missing"}'


def revert(undo: Undo, cluster: Cluster) -> str:
    """Back to what it was, unless somebody has changed it meanwhile: then theirs is the last word.

    Raises `Permanent` if a Secret has our value, and nobody knows any more what it held.
    """
    if variables.is_one(undo):
        return variables.revert(undo, cluster)
    item, key = found(cluster, undo.target), undo.settings["key"]
    what = f'"{key}" of {named(undo.target)}'
    if item is None:
        return f"{named(undo.target)} is gone; there is nothing to put back"
    kept = (item["metadata"].get("annotations") or {}).get(KEPT)
    forget: Json = {"metadata": {"annotations": {KEPT: None}}} if kept is not None else {}
    now = _value(item, key)
    if now == undo.settings.get("value"):
        if undo.target.kind == SECRET and kept is None:
            raise Permanent(
                f"{what} has the value of the fault, and the annotation {KEPT} is gone: put it back by hand"
            )
        before = undo.before.get("value") if kept is None else json.loads(kept)
        patch(cluster, undo.target, item, {"data": {key: before}} | forget)
        return f"{what} has its own value again"
    if forget:
        patch(cluster, undo.target, item, forget)
    if forget or _held(item, key, undo.target) != undo.before:
        return f"{what} was changed by somebody else meanwhile, and is left so"
    return f"{what} has its own value"


def _held(item: Json, key: str, target: Target) -> dict[str, str]:
    """What the record knows of the state before: the value, or of a Secret no more than which one of its states."""
    if target.kind == SECRET:
        return {"resourceVersion": item["metadata"]["resourceVersion"]}
    return _known(_value(item, key))


def _known(value: str | None) -> dict[str, str]:
    """What is not there is left out: a record loses what is null, because merge patches take that for a deletion."""
    return {} if value is None else {"value": value}


def _value(item: Json, key: str) -> str | None:
    value: str | None = (item.get("data") or {}).get(key)
    return value


def _is_mounted(pod: Json, settings: Settings, name: str) -> bool:
    """Whether a change of the key comes into the pod while it runs. Variables and `subPath` stay as they were."""
    volumes = {volume["name"] for volume in pod["spec"].get("volumes") or () if _shows(volume, settings, name)}
    return any(
        mount["name"] in volumes and not mount.get("subPath") and not mount.get("subPathExpr")
        for container in pod["spec"]["containers"]
        for mount in container.get("volumeMounts") or ()
    )


def _shows(volume: Json, settings: Settings, name: str) -> bool:
    return any(
        source.get("name", source.get("secretName")) == name
        and settings.key in [item["key"] for item in source.get("items") or [{"key": settings.key}]]
        for source in _sources(volume, "configMap" if settings.kind == CONFIG_MAP else "secret")
    )


def _sources(volume: Json, field: str) -> Iterator[Json]:
    """What a volume shows of such objects, also in parts."""
    for part in (volume, *((volume.get("projected") or {}).get("sources") or ())):
        if part.get(field):
            yield part[field]
