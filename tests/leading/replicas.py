"""Replicas of the gate as real processes on either ground, and a record of who of them wrote what."""

import json
import re
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import git
import requests
import yaml

from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.runtime.processes import Processes
from gate.sandbox.ports import keep
from gate.sandbox.shipped import policy
from tests import grounds
from tests.grounds import Ground
from tests.waiting import pauses

DOCUMENTS = {
    "subscriptions/web.yaml": """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: web}
spec:
  workload: {kind: Deployment, namespace: %s, name: web}
  environment: staging
  workflows: [{name: long}]
  settle: 200ms
  onSubscribe: run
""",
    "workflows/long.yaml": """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: long}
spec:
  baseline: 3s
  steadyState:
    - name: somebody is there
      kubernetes: {resource: deployments, name: web}
      every: 200ms
      expect: {field: status.readyReplicas, atLeast: 1}
      tolerate: {failures: 90%, streak: 30s}
  steps:
    - {name: it breaks, %act, hold: 10m, recover: 5s}
""",
}
"""A run that goes on for longer than any test: who executes it writes its status every second."""

SECRET = "of-the-webhooks"

AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, as the API server saw it."""

    at: datetime
    who: str
    what: str
    writes: bool


@dataclass(kw_only=True)
class Place:
    """A ground with a namespace for the gate, one for a workload, and a catalogue."""

    ground: Ground
    asked: Callable[[], list[Asked]]
    """What replicas asked so far. A write that was refused is none."""
    own: str = field(default_factory=lambda: f"gate-{uuid.uuid4().hex[:8]}")
    shop: str = field(default_factory=lambda: f"shop-{uuid.uuid4().hex[:8]}")
    act: str = "fault: pod-kill"
    """What the step does, as the document says it."""

    def object(self, resource: str, namespace: str, name: str) -> dict[str, Any]:
        return self.ground.api.get(resource, namespace, name) or {}

    def leader(self) -> str:
        return str(self.object("leases", self.own, "chaos-gate").get("spec", {}).get("holderIdentity", ""))

    def runs(self) -> list[dict[str, Any]]:
        return self.ground.api.list("chaosruns", self.shop)[0]

    def executor(self) -> str:
        """Who holds the lease of the only run that has something in force."""
        held = [
            self.object("leases", self.shop, run["metadata"]["name"]).get("spec", {}).get("holderIdentity", "")
            for run in self.runs()
            if run.get("status", {}).get("evidence", {}).get("effects")
        ]
        return str(held[0]) if len(held) == 1 else ""

    def gate(self) -> dict[str, Any]:
        gates = self.ground.api.list("chaosgates", self.shop)[0]
        return dict(gates[0].get("status", {})) if gates else {}

    def say(self, mode: str) -> None:
        self.ground.api.patch("configmaps", self.own, "chaos-gate-mode", {"data": {"mode": mode}})

    def upgrade(self, image: str) -> None:
        body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}
        path = f"/apis/apps/v1/namespaces/{self.shop}/deployments/web"
        answer = self.ground.ask("PATCH", path, body, media="application/strategic-merge-patch+json")
        assert answer.status_code == 200, answer.text

    def fill(self, catalogue: Path) -> None:
        labels = {"chaosgate.dev/chaos": "allowed"}
        for name in (self.own, self.shop):
            made = self.ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
            assert made.status_code == 201, made.text
        api = self.ground.api
        api.create("configmaps", self.own, {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "run"}})
        api.create("deployments", self.shop, WEB)
        with git.Repo.init(catalogue, initial_branch="main") as repository:
            for path, text in DOCUMENTS.items():
                file = catalogue / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text.replace("%s", self.shop).replace("%act", self.act))
            repository.git.add("--all")
            with repository.config_writer() as config:
                config.set_value("user", "name", "test").set_value("user", "email", "test@example.org")
            repository.git.commit("--quiet", "--message=documents")

    def push(self, catalogue: Path) -> str:
        """Another revision of the same documents; returns its id."""
        with git.Repo(catalogue) as repository:
            repository.git.commit("--quiet", "--allow-empty", "--message=nothing new")
            return str(repository.head.commit.hexsha)


WEB = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1"}], "terminationGracePeriodSeconds": 0},
        },
    },
}


class Replica:
    """One `chaos-gate serve`."""

    def __init__(
        self, name: str, processes: Processes, place: Place, folder: Path, port: int, kubeconfig: Path | None = None
    ) -> None:
        """It is an administrator, unless it is given another kubeconfig."""
        self.name, self._processes, self._place, self._folder = name, processes, place, folder
        self._url = f"http://127.0.0.1:{port}"
        self._log = folder / f"{name}.log"
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig or place.ground.kubeconfig),
            "CHAOS_GATE_CATALOGUE": str(folder / "catalogue"),
            "CHAOS_GATE_STATE": str(folder / name),
            "CHAOS_GATE_NAMESPACE": place.own,
            "CHAOS_GATE_NAMESPACES": place.shop,
            "CHAOS_GATE_POLICY": str(policy()),
            "CHAOS_GATE_LISTEN": f"127.0.0.1:{port}",
            "CHAOS_GATE_FETCH_EVERY": "1h",
            "CHAOS_GATE_WEBHOOK_SECRETS_FILE": str(folder / "webhook-secrets"),
        }
        processes.start(name, (sys.executable, "-m", "gate.cli", "serve"), env=environment, log=self._log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def identity(self) -> str:
        found = re.search(r"gate\.start replica=(\S+)", self.log)
        return found[1] if found else ""

    def readyz(self) -> dict[str, Any]:
        try:
            return dict(requests.get(f"{self._url}/readyz", timeout=2).json())
        except requests.RequestException:
            return {}

    def get(self, path: str) -> requests.Response:
        return requests.get(self._url + path, timeout=5)

    def hears_of_a_push(self) -> None:
        """As GitLab would say it, of the catalogue."""
        said = {"object_kind": "push", "ref": "refs/heads/main", "project": {"path_with_namespace": "catalogue"}}
        headers = {"X-Gitlab-Token": SECRET}
        assert requests.post(f"{self._url}/webhooks/gitlab", json=said, headers=headers, timeout=5).status_code == 202

    def until(self, holds: Callable[[], object], seconds: float = 30) -> float:
        """Wait for it; how long that took. Fails, with the replica's log, when it does not come to hold."""
        began, pause = time.monotonic(), pauses()
        while not holds():
            assert time.monotonic() - began < seconds, self.log[-5000:]
            time.sleep(next(pause))
        return time.monotonic() - began

    def signal(self, number: signal.Signals) -> None:
        self._processes.signal(self.name, number)

    def writes(self, since: datetime) -> list[str]:
        return [each.what for each in self.asked(since) if each.writes]

    def reads(self, since: datetime) -> list[str]:
        return [each.what for each in self.asked(since) if not each.writes]

    def asked(self, since: datetime) -> list[Asked]:
        """All that it asked, in the order in which the server saw it."""
        agent = f"chaos-gate/{self.identity}"
        return [each for each in self._place.asked() if each.who == agent and each.at >= since]


@contextmanager
def replicas(place: Place, folder: Path) -> Iterator[tuple[Replica, Replica]]:
    """Two replicas; the first one leads, and executes a run."""
    (folder / "webhook-secrets").write_text(SECRET)
    with ExitStack() as stack:
        processes = stack.enter_context(Processes(exited=lambda _: None))
        ports = [stack.enter_context(keep(("127.0.0.1", 0))).getsockname()[1] for _ in range(2)]
        one = Replica("one", processes, place, folder, ports[0])
        one.until(lambda: place.executor() == one.identity != "")
        two = Replica("two", processes, place, folder, ports[1])
        two.until(lambda: two.readyz().get("ready"))
        yield one, two


@contextmanager
def on_sandbox(folder: Path, **names: str) -> Iterator[Place]:
    asked: list[Asked] = []

    def note(request: Request) -> None:
        # That a lease is written by who holds it is the API server's to see to; answers are not heard here.
        writes = request.method != "GET" and "/leases" not in request.path
        who = request.headers.get("user-agent", "")
        asked.append(Asked(at=datetime.now(UTC), who=who, what=f"{request.method} {request.path}", writes=writes))

    with grounds.sandbox(folder, faults=note) as (ground, _):
        place = Place(ground=ground, asked=lambda: list(asked), **names)
        place.fill(folder / "catalogue")
        yield place


@contextmanager
def on_control_plane(folder: Path, **names: str) -> Iterator[Place]:
    policy, log = folder / "audit.yaml", folder / "audit.log"
    policy.write_text(yaml.safe_dump(AUDIT))
    arguments = [f"--audit-policy-file={policy}", f"--audit-log-path={log}"]

    def asked() -> list[Asked]:
        return [_audited(json.loads(line)) for line in log.read_text().splitlines() if "chaos-gate/" in line]

    (folder / "control-plane").mkdir()
    with grounds.control_plane(folder / "control-plane", arguments=arguments) as (ground, _):
        place = Place(ground=ground, asked=asked, **names)
        place.fill(folder / "catalogue")
        yield place


def _audited(event: dict[str, Any]) -> Asked:
    done = event.get("responseStatus", {}).get("code", 500) < 300
    return Asked(
        at=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        who=event.get("userAgent", ""),
        what=f"{event['verb']} {event['requestURI']}",
        writes=done and event["verb"] not in {"get", "list", "watch"},
    )
