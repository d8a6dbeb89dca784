"""What administrators add to the Jobs that execute runs: a pod template without what the gate says itself.

It only adds. Whatever decides what is executed, as whom, and how often, is the gate's, and refused here.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gate.documents.tree import Illegible, trees
from gate.errors import GateError

Json = dict[str, Any]

CONTAINER = "executor"
"""The only container of such a Job. One that did not end with it would keep the Job from its end."""
OURS = "chaosgate.dev/"
"""How the labels begin by which the gate knows its Jobs."""

_METADATA = {"labels": dict, "annotations": dict}
_POD = {
    "affinity": dict,
    "containers": list,
    "dnsConfig": dict,
    "dnsPolicy": str,
    "hostAliases": list,
    "imagePullSecrets": list,
    "nodeSelector": dict,
    "priorityClassName": str,
    "runtimeClassName": str,
    "schedulerName": str,
    "securityContext": dict,
    "tolerations": list,
    "topologySpreadConstraints": list,
    "volumes": list,
}
_CONTAINER = {
    "name": str,
    "env": list,
    "envFrom": list,
    "imagePullPolicy": str,
    "resources": dict,
    "securityContext": dict,
    "volumeMounts": list,
}
_WRITTEN: dict[type, str] = {dict: "a mapping", list: "a list", str: "a text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTemplate:
    """Additions to the pod of a Job, as Kubernetes writes them."""

    metadata: Json = field(default_factory=dict)
    pod: Json = field(default_factory=dict)
    """Its `spec`, without the container."""
    container: Json = field(default_factory=dict)


PLAIN = JobTemplate()
"""Nothing is added."""


def read_template(file: Path, ours: Collection[str]) -> JobTemplate:
    """`ours` are the variables that the gate sets. Raises `GateError` with all that is wrong.

    What is deeper than the names of fields, the API server looks at when a Job is made.
    """
    said = _said(file)
    problems = [f"{file}: {problem}" for problem in _problems(said, ours)]
    if problems:
        raise GateError("; ".join(problems))
    pod = dict(said.get("spec") or {})
    containers = pod.pop("containers", None) or [{}]
    container = {key: value for key, value in containers[0].items() if key != "name"}
    return JobTemplate(metadata=dict(said.get("metadata") or {}), pod=pod, container=container)


def _said(file: Path) -> Any:
    try:
        documents = [*trees(file.read_text(encoding="utf-8"), str(file))]
    except (OSError, UnicodeDecodeError) as error:
        raise GateError(f"{file} cannot be read: {error}") from error
    if len(documents) != 1:
        raise GateError(f"{file} holds {len(documents)} documents; write one, with `metadata` and `spec` of a pod")
    (document,) = documents
    if isinstance(document, Illegible):
        raise GateError(str(document.problem))
    if document.problems:
        raise GateError("; ".join(str(problem) for problem in document.problems))
    return document.value


def _problems(said: Any, ours: Collection[str]) -> Iterator[str]:
    if problems := [*_shape(said, "", {"metadata": dict, "spec": dict})]:
        yield from problems
        return
    metadata, pod = said.get("metadata", {}), said.get("spec", {})
    if problems := [*_shape(metadata, "metadata", _METADATA), *_shape(pod, "spec", _POD)]:
        yield from problems
        return
    for name in metadata.get("labels", {}):
        if str(name).startswith(OURS):
            yield f"metadata.labels: {name} is the gate's to set"
    containers = pod.get("containers", [])
    if len(containers) > 1:
        yield f"spec.containers has {len(containers)} entries; there is one container, {CONTAINER}"
    for container in containers[:1]:
        yield from _of_container(container, ours)


def _of_container(container: Any, ours: Collection[str]) -> Iterator[str]:
    where = "spec.containers[0]"
    if problems := [*_shape(container, where, _CONTAINER)]:
        yield from problems
        return
    if container.get("name") != CONTAINER:
        yield f'{where}.name is {container.get("name")!r}; write "{CONTAINER}"'
    for number, variable in enumerate(container.get("env", [])):
        name = variable.get("name") if isinstance(variable, dict) else None
        if not isinstance(name, str):
            yield f"{where}.env[{number}] has no name"
        elif name in ours:
            yield f"{where}.env[{number}]: {name} is the gate's to set; set it for the gate"


def _shape(said: Any, where: str, fields: Mapping[str, type]) -> Iterator[str]:
    """What is not known there, or not of its type."""
    if not isinstance(said, dict):
        yield f"{where or 'it'} is no mapping; write {', '.join(list(fields)[:2])} and so on there"
        return
    below = f"{where}." if where else ""
    for key, value in said.items():
        if key not in fields:
            close = get_close_matches(str(key), fields, n=1)
            yield f"{below}{key} is not to be said here{f'; did you mean {close[0]}?' if close else ''}"
        elif not isinstance(value, fields[key]):
            yield f"{below}{key} is no {_WRITTEN[fields[key]].partition(' ')[2]}"
