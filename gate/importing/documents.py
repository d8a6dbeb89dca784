"""Documents of ours that come out of an import, and how they are written."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

from gate.documents.forms import API_VERSION
from gate.documents.tree import plain
from gate.documents.units import in_words
from gate.errors import BadDocument
from gate.importing.account import Entry
from gate.model import WorkloadKind

LONGEST_NAME = 63
USUAL_DEADLINE = timedelta(minutes=30)
USUAL_BASELINE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of ours."""

    kind: str
    name: str
    spec: Mapping[str, Any]
    origin: str
    """What it was made from, for people."""

    @property
    def value(self) -> dict[str, Any]:
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "metadata": {"name": self.name},
            "spec": dict(self.spec),
        }

    @property
    def text(self) -> str:
        """As YAML, with a comment that says where it is from."""
        written = yaml.dump(self.value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
        return f"# Imported from {' '.join(self.origin.split())}.\n{written}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came out of an import."""

    documents: tuple[Document, ...] = ()
    entries: tuple[Entry, ...] = ()
    refused: tuple[BadDocument, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A workflow on its way: what its document will say, and how long it may take at most."""

    name: str
    origin: str
    probes: Sequence[Mapping[str, Any]]
    steps: Sequence[Mapping[str, Any]]
    baseline: timedelta = USUAL_BASELINE
    longest: timedelta

    @property
    def document(self) -> Document:
        spec = {"baseline": in_words(self.baseline), "steadyState": list(self.probes), "steps": list(self.steps)}
        return Document(kind="Workflow", name=self.name, spec=spec, origin=self.origin)


def subscription(name: str, origin: str, workload: Mapping[str, Any], workflows: Sequence[Draft]) -> Document:
    """For the workload, with a deadline in which all of them have room."""
    longest = sum((each.longest for each in workflows), timedelta(0))
    minutes = -(-(longest * 3 // 2) // timedelta(minutes=1))  # room for getting ready and for waiting
    deadline = max(USUAL_DEADLINE, timedelta(minutes=minutes))
    spec = {
        "workload": dict(workload),
        "environment": "staging",
        "workflows": [{"name": each.name} for each in workflows],
        "deadline": in_words(deadline),
    }
    return Document(kind="Subscription", name=name, spec=spec, origin=origin)


def stands_up(kind: WorkloadKind, when: Iterable[str]) -> dict[str, Any]:
    """The probe that looks at the workload itself, for experiments that only look whether the pods are there."""
    about: dict[WorkloadKind, tuple[str, dict[str, Any]]] = {
        WorkloadKind.DEPLOYMENT: ("deployments", {"condition": "Available"}),
        WorkloadKind.STATEFUL_SET: ("statefulsets", {"field": "status.readyReplicas", "atLeast": 1}),
        WorkloadKind.DAEMON_SET: ("daemonsets", {"field": "status.numberReady", "atLeast": 1}),
        WorkloadKind.ROLLOUT: ("rollouts", {"condition": "Available"}),
    }
    resource, expect = about[kind]
    asked = {"resource": resource, "name": "${workload.name}"}
    return {"name": "the workload is available", "kubernetes": asked, "expect": expect, "when": list(when)}


class Names:
    """Names that Kubernetes takes, each given once."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def give(self, kind: str, *wanted: str) -> str:
        """The words as one name, with a number if another document of the kind has it."""
        whole = "-".join(each for each in wanted if each)
        name = re.sub(r"[^a-z0-9.]+", "-", whole.lower()).strip("-.")[:LONGEST_NAME].strip("-.") or "imported"
        number, given = 1, name
        while (kind, given) in self._given:
            number += 1
            given = f"{name[: LONGEST_NAME - len(str(number)) - 1]}-{number}"
        self._given.add((kind, given))
        return given


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.2 would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _as_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if plain(text) != text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _as_text)
