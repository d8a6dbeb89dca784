"""A real gate with the shipped rights for Jobs: an upgrade gets its verdict, and the gate itself has broken nothing."""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gate.model import Phase
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.runtime.processes import Processes
from gate.sandbox.ports import keep
from gate.sandbox.shipped import policy
from tests import grounds
from tests.catalogues import Origin
from tests.grounds import GATE_IMAGE
from tests.wire.job_world import Eventually, Shop

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: web}
spec:
  workload: {kind: Deployment, namespace: shop, name: web}
  environment: staging
  workflows: [{name: short}]
  settle: 200ms
  onSubscribe: run
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: short}
spec:
  baseline: 1s
  steadyState:
    - name: somebody is there
      kubernetes: {resource: deployments, name: web}
      every: 200ms
      expect: {field: status.readyReplicas, atLeast: 1}
      tolerate: {failures: 90%, streak: 30s}
  steps:
    - {name: one pod dies, fault: pod-kill, hold: 2s, recover: 20s}
"""


@dataclass
class Watched:
    """A shop whose API server notes who writes what."""

    shop: Shop
    writes: list[tuple[str, str]]


@pytest.fixture
def watched(tmp_path: Path, in_time: Eventually) -> Iterator[Watched]:
    writes: list[tuple[str, str]] = []

    def note(request: Request) -> None:
        if request.method != "GET":
            writes.append((request.headers.get("user-agent", ""), f"{request.method} {request.path}"))

    with grounds.sandbox(tmp_path, faults=note) as (ground, _):
        shop = Shop(ground=ground, namespace="shop", eventually=in_time, folder=tmp_path)
        shop.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        shop.create()
        yield Watched(shop=shop, writes=writes)


def test_an_upgrade_is_judged_by_a_gate_that_may_break_nothing(
    watched: Watched, catalogue: Origin, tmp_path: Path, in_time: Eventually
) -> None:
    shop, log = watched.shop, tmp_path / "gate.log"
    catalogue.commit(subscriptions__web_yaml=SUBSCRIPTION, workflows__short_yaml=WORKFLOW)
    with ExitStack() as stack:
        processes = stack.enter_context(Processes(exited=lambda _: None))
        port = stack.enter_context(keep(("127.0.0.1", 0))).getsockname()[1]
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "KUBECONFIG": str(shop.kubeconfig_of_gate()),
            "CHAOS_GATE_CATALOGUE": str(catalogue.folder),
            "CHAOS_GATE_STATE": str(tmp_path / "state"),
            "CHAOS_GATE_NAMESPACE": shop.home,
            "CHAOS_GATE_NAMESPACES": "shop",
            "CHAOS_GATE_POLICY": str(policy()),
            "CHAOS_GATE_LISTEN": f"127.0.0.1:{port}",
            "CHAOS_GATE_EXECUTOR": "job",
            "CHAOS_GATE_JOB_IMAGE": GATE_IMAGE.name,
        }
        processes.start("gate", (sys.executable, "-m", "gate.cli", "serve"), env=environment, log=log)

        def answer() -> str:
            gates = shop.api.list("chaosgates", "shop")[0]
            return str(gates[0].get("status", {}).get("phase", "")) if gates else ""

        try:
            in_time(lambda: answer() in {Phase.OPEN, Phase.CLOSED})
        except AssertionError as error:
            raise AssertionError(log.read_text()[-5000:]) from error
        assert answer() == Phase.OPEN, log.read_text()[-5000:]
    gate = re.findall(r"gate\.start replica=(\S+)", log.read_text())[0]
    kills = [who for who, what in watched.writes if what.startswith("DELETE") and "/pods/web-" in what]
    assert len(kills) == 1
    assert kills != [f"chaos-gate/{gate}"]
    assert kills[0].startswith("chaos-gate/")
    by_gate = {what.split("?")[0] for who, what in watched.writes if who == f"chaos-gate/{gate}"}
    assert [what for what in by_gate if re.search(r"/(pods|deployments|replicasets|pods/eviction)(/|$)", what)] == []
