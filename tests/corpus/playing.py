"""Plays cases of the corpus: a sandbox with their services on it, a catalogue with their workflows, and a gate."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gate.model import Reason, Verdict
from gate.sandbox.demo.seeding import Rest, apply
from gate.sandbox.demo.stage import OWN, GateProcess
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Images
from gate.sandbox.ports import keep
from gate.sandbox.shipped import policy
from tests.catalogues import Origin
from tests.corpus.cases import VARIANTS, Case
from tests.grounds import CRDS

PATIENCE = 120.0
"""Seconds for all runs of a play; a gate that has not judged until then never will."""
LOOK = 1.0
"""Seconds between two looks. Each costs the process of the sandbox, which also carries what the services say, several
milliseconds: five in a second were half of all that it did.
"""
GATES = "/apis/chaosgate.dev/v1alpha1/chaosgates"

Played = tuple[str, str]
"""A case and its variant, by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the gate says about one variant."""

    verdict: Verdict
    reason: Reason | None
    message: str


def play(cases: Sequence[Case], folder: Path) -> dict[Played, Told]:
    """Both variants of each case, all at the same time. Raises `AssertionError` with the log of a stuck gate."""
    namespaces = {case.namespace(variant): (case.name, variant) for case in cases for variant in VARIANTS}
    with _stage(cases, folder) as cluster:
        deadline = time.monotonic() + PATIENCE
        while True:
            told = {namespaces[each["metadata"]["namespace"]]: each for each in cluster.get(GATES)["items"]}
            judged = {played: _told(each["status"]) for played, each in told.items() if _is_judged(each)}
            if len(judged) == len(namespaces):
                return judged
            log = (folder / "gate.log").read_text() if time.monotonic() > deadline else None
            assert log is None, f"only {sorted(judged)} were judged in time; the gate's log: {log}"
            time.sleep(LOOK)


@contextmanager
def _stage(cases: Sequence[Case], folder: Path) -> Iterator[Rest]:
    images = Images(image for case in cases for image in case.images())
    with ExitStack() as stack:
        kubernetes = stack.enter_context(Kubernetes(crds=CRDS, images=images))
        cluster = Rest(kubernetes.admin_url)
        stack.callback(cluster.close)
        _fill(cluster, cases)
        catalogue = Origin(folder / "catalogue")
        stack.callback(catalogue.close)
        catalogue.commit(**_documents(cases))
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(kubernetes.kubeconfig())
        port = stack.enter_context(keep(("127.0.0.1", 0))).getsockname()[1]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "CHAOS_GATE_CATALOGUE": str(catalogue.folder),
            "CHAOS_GATE_STATE": str(folder / "gate"),
            "CHAOS_GATE_NAMESPACE": OWN,
            "CHAOS_GATE_LISTEN": f"127.0.0.1:{port}",
            "CHAOS_GATE_RESOLVE": "services",
            "CHAOS_GATE_POLICY": str(policy()),
        }
        stack.enter_context(GateProcess(environment, folder / "gate.log"))
        yield cluster


def _fill(cluster: Rest, cases: Sequence[Case]) -> None:
    mode = {"name": "chaos-gate-mode", "namespace": OWN}
    own: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": mode, "data": {"mode": "run"}},
    ]
    for manifest in own + [each for case in cases for variant in VARIANTS for each in case.manifests(variant)]:
        apply(cluster, manifest)


def _documents(cases: Sequence[Case]) -> dict[str, str]:
    files = {f"workflows__{case.name}_yaml": case.workflow() for case in cases}
    files |= {
        f"subscriptions__{case.namespace(each)}_yaml": case.subscription(each) for case in cases for each in VARIANTS
    }
    return {name: yaml.safe_dump(document, sort_keys=False) for name, document in files.items()}


def _is_judged(gate: dict[str, Any]) -> bool:
    return (gate.get("status") or {}).get("phase") in {"Open", "Closed"}


def _told(status: dict[str, Any]) -> Told:
    reason = status.get("reason")
    return Told(
        verdict=Verdict(status["verdict"]),
        reason=Reason(reason) if reason else None,
        message=status.get("message") or "",
    )
