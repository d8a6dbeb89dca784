"""A stage with documents of a test's own, and what can be seen and done on it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from gate.sandbox.demo.seeding import Rest
from gate.sandbox.demo.stage import CATALOGUE, PROJECT, Stage
from tests.waiting import pauses

RUNS = "chaosgate.dev/v1alpha1/namespaces/shop/chaosruns"
GATES = "chaosgate.dev/v1alpha1/namespaces/shop/chaosgates"
CHECKOUT = "apps/v1/namespaces/shop/deployments/checkout"

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: checkout}
spec:
  workload: {kind: Deployment, namespace: shop, name: %s}
  environment: staging
  workflows: [{name: quick}]
  settle: 200ms
  gitlab: {project: shop/checkout}
"""
QUICK = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: quick}
spec:
  baseline: 500ms
  steadyState:
    - name: customers can buy
      http: {url: "http://checkout.shop:8080/buy"}
      every: 100ms
      tolerate: {failures: 50%%, streak: 2s}
  steps:
    - {name: one pod dies, fault: %s, hold: %s, recover: 5s}
"""
KILL = QUICK % ("pod-kill", "1s")

Json = Any


class Play:
    """A stage with documents of the test's own, and what can be seen and done on it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._kubernetes = Rest(stage.kubernetes.admin_url)

    def until(self, what: str, holds: Callable[[], Any], seconds: float = 120) -> Any:
        deadline, pause = time.monotonic() + seconds, pauses()
        while not (found := holds()):
            assert time.monotonic() < deadline, f"not {what}:\n{self.log()}"
            time.sleep(next(pause))
        return found

    def log(self) -> str:
        return (self.stage.folder / "gate.log").read_text()

    def document(self, path: str, text: str, action: str = "update") -> None:
        revision = self.stage.team.commit(CATALOGUE, "change", {path: text}, action=action)
        self.until(f"{path} is read", lambda: self.readyz().get("catalogue", {}).get("revision") == revision)

    def gate(self) -> Json:
        found = self.stage.object(GATES)["items"]
        return next((each.get("status") or {} for each in found if each["spec"]["workload"]["name"] == "checkout"), {})

    def runs(self) -> list[Json]:
        return list(self.stage.object(RUNS)["items"])

    def replicas(self) -> int:
        return int(self.stage.object(CHECKOUT)["spec"]["replicas"])

    def readyz(self) -> Json:
        try:
            with urllib.request.urlopen(f"{self.stage.gate_url}/readyz", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:  # not ready, and says why
            return json.load(error)
        except OSError:
            return {}

    def commit(self, file: str = "one") -> str:
        return self.stage.team.commit(PROJECT, "change", {file: "text"})

    def upgrade(self, version: str, sha: str = "", pipeline: int = 0) -> None:
        """What a deploy job does, without the job."""
        annotations = {"chaosgate.dev/project": PROJECT, "chaosgate.dev/commit": sha}
        annotations |= {"chaosgate.dev/pipeline": str(pipeline)}
        template = {"spec": {"containers": [{"name": "checkout", "image": f"checkout:{version}"}]}}
        patch = {"metadata": {"annotations": annotations if sha else {}}, "spec": {"template": template}}
        request = urllib.request.Request(
            f"{self.stage.kubernetes.url}/apis/{CHECKOUT}",
            data=json.dumps(patch).encode(),
            headers={
                "Content-Type": "application/strategic-merge-patch+json",
                "Authorization": f"Bearer {self.stage.kubernetes.token}",
            },
            method="PATCH",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def pipeline(self, sha: str) -> int:
        return int(
            Rest(self.stage.gitlab.url, {"PRIVATE-TOKEN": self.stage.root_token}).post(
                f"/api/v4/projects/shop%2Fcheckout/statuses/{sha}", {"state": "success", "name": "build"}
            )["pipeline_id"]
        )

    def close(self) -> None:
        self._kubernetes.close()
