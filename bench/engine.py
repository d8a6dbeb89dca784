"""`make bench-engine`: runs alone and 50 at once in one gate beside a sandbox, each with a probe at 10 a second.

How late a question is, the evidence files tell: later than the most punctual one of its window, for the rhythm is one
of whole intervals. What a run takes beyond its declared times is its length without baseline, hold, the time until it
was steady again, and the second for which it has to be so. How soon the mode abort has put everything back, the API
server tells: from the gate's first look at the mode since, to its last write to a workload.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

from bench.gate import committed, megabytes, processor_seconds, serving
from bench.table import Figure, percentile, show
from gate.reports.chain import read
from gate.running.observation import STEADY_FOR
from gate.sandbox.kubernetes.registry.routes import Request
from tests.grounds import IMAGES, Ground, sandbox

HOME = "chaos-gate"
BASELINE, HOLD, RECOVER = 2, 20, 5
STOPPED, UNTIL_STOPPED = 20, 120
"""So many workloads are scaled to zero, for so many seconds, when the mode becomes abort."""
EVERY = timedelta(milliseconds=100)
RUNS = "/apis/chaosgate.dev/v1alpha1/chaosruns"
MERGE = "application/merge-patch+json"

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: {which}}}
spec:
  workload: {{kind: Deployment, namespaces: ["bench-*"], selector: {{matchLabels: {{bench: {which}}}}}}}
  environment: staging
  workflows: [{{name: {which}}}]
  settle: 0s
  onSubscribe: run
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {{name: {which}}}
spec:
  baseline: {baseline}s
  steadyState:
    - name: it answers
      http: {{url: "{url}"}}
      every: 100ms
      tolerate: {{failures: 50%}}
  steps:
    - {{name: it breaks, fault: {fault}, hold: {hold}s, recover: {recover}s}}
"""

SERVICE = """
import asyncio
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"
async def talk(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--only", choices=["alone", "together", "stopped"], help="leave the others out")
    parser.add_argument("--json", type=Path, default=Path("build/bench-engine.json"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as folder, service() as url:
        place = Path(folder)
        documents = {}
        acts = {"alone": ("pod-kill", 3), "many": ("pod-kill", HOLD), "stopped": ("scale-to-zero", UNTIL_STOPPED)}
        for which, (fault, hold) in acts.items():
            documents[f"subscriptions/{which}.yaml"] = SUBSCRIPTION.format(which=which)
            documents[f"workflows/{which}.yaml"] = WORKFLOW.format(
                which=which, fault=fault, hold=hold, baseline=BASELINE, recover=RECOVER, url=url
            )
        catalogue = committed(place / "catalogue", documents)
        seen: list[Seen] = []
        with sandbox(place, faults=partial(note, seen)) as (ground, _):
            bench = Bench(ground, place, asked.runs)
            bench.prepare()
            with serving(place, ground.kubeconfig, catalogue) as (process, _):
                figures = [
                    *(bench.alone() if asked.only in {None, "alone"} else []),
                    *(bench.together(process) if asked.only in {None, "together"} else []),
                    *(bench.stopped(seen) if asked.only in {None, "stopped"} else []),
                ]
        print(show(figures, asked.json))
    return 0


@contextmanager
def service() -> Iterator[str]:
    """Something that answers at once, as a process of its own; its address."""
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://localhost:{cast('IO[str]', process.stdout).readline().strip()}/"  # a name, to be looked up
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Seen:
    """The gate looked at the mode, or wrote a workload."""

    at: float
    writes: bool


def note(seen: list[Seen], request: Request) -> None:
    """As the API server hears it."""
    if request.headers.get("user-agent", "").startswith("chaos-gate/"):
        if request.method == "GET" and request.path.endswith("/configmaps/chaos-gate-mode"):
            seen.append(Seen(time.monotonic(), writes=False))
        elif request.method != "GET" and "/deployments/" in request.path:
            seen.append(Seen(time.monotonic(), writes=True))


class Bench:
    """A sandbox, a gate, and what is measured on them."""

    def __init__(self, ground: Ground, place: Path, runs: int) -> None:
        self.ground, self.place, self.runs = ground, place, runs

    def prepare(self) -> None:
        labels = {"chaosgate.dev/chaos": "allowed"}
        stopped = (f"bench-stopped-{number}" for number in range(STOPPED))
        for name in (HOME, "bench-alone", *(f"bench-{number}" for number in range(self.runs)), *stopped):
            self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        mode = {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "run"}}
        self.ask("POST", f"/api/v1/namespaces/{HOME}/configmaps", mode)

    def alone(self) -> Iterator[Figure]:
        beyond = []
        for count, image in enumerate(IMAGES[:3], 1):
            self.deploy("bench-alone", "alone", image)
            runs = self.wait(partial(self.finished_alone, count))
            beyond.append(beyond_declared(max(runs, key=lambda run: str(run["status"]["started"])), hold=3))
            say(f"alone: {beyond[-1]:.2f} s beyond what was declared")
        spread = (min(beyond), max(beyond))
        yield Figure(what="a run beyond its declared times", value=median(beyond), unit="s", goal=1, spread=spread)

    def finished_alone(self, count: int) -> list[Any]:
        return finished(self.made(), count)

    def together(self, process: subprocess.Popen[bytes]) -> Iterator[Figure]:
        self.set_mode("pause")
        for number in range(self.runs):
            self.deploy(f"bench-{number}", "many", IMAGES[0])
        self.wait(lambda: len(self.many()) == self.runs)
        before = megabytes(process)
        say(f"{self.runs} runs wait")
        self.set_mode("run")
        self.wait(lambda: all(run.get("status", {}).get("phase", "Pending") != "Pending" for run in self.many()))
        began, used = time.monotonic(), processor_seconds(process)
        threading.Event().wait(HOLD / 2)
        share = 100 * (processor_seconds(process) - used) / (time.monotonic() - began)
        runs = self.wait(lambda: finished(self.many(), self.runs))
        for run in runs:
            if run["status"].get("verdict") != "PASSED":
                say(f"{run['metadata']['namespace']}: {run['status'].get('reason')}: {run['status'].get('message')}")
        most = megabytes(process, "VmHWM")
        passed = sum(run["status"].get("verdict") == "PASSED" for run in runs)
        late, missing = self.lateness()
        name = f"{self.runs} runs at once"
        yield Figure(what=f"{name}: not passed", value=len(runs) - passed, unit="", goal=0)
        yield Figure(what=f"{name}: probes late, p50", value=1000 * percentile(late, 0.50), unit="ms")
        yield Figure(what=f"{name}: probes late, p99", value=1000 * percentile(late, 0.99), unit="ms", goal=50)
        yield Figure(what=f"{name}: questions without a sample", value=missing, unit="", goal=0)
        yield Figure(what=f"{name}: processor", value=share, unit="%", goal=100)
        yield Figure(what=f"{name}: memory for each", value=(most - before) / self.runs, unit="MB", goal=2)

    def stopped(self, seen: list[Seen]) -> Iterator[Figure]:
        """The mode stays as it is then."""
        for number in range(STOPPED):
            self.deploy(f"bench-stopped-{number}", "stopped", IMAGES[0])
        self.wait(lambda: self.scaled_to(0) == STOPPED)
        say(f"{STOPPED} workloads are scaled to zero")
        said = time.monotonic()
        self.set_mode("abort")
        self.wait(lambda: self.scaled_to(1) == STOPPED)
        since = [each for each in seen if each.at >= said]
        read = next(each.at for each in since if not each.writes)
        back = max(each.at for each in since if each.writes)
        yield Figure(what=f"{STOPPED} stopped by the mode: the last one is back", value=back - read, unit="s", goal=2)

    def scaled_to(self, replicas: int) -> int:
        """How many of the workloads that are stopped want so many pods."""
        found = self.ground.ask("GET", "/apis/apps/v1/deployments").json()["items"]
        ours = [each for each in found if each["metadata"]["namespace"].startswith("bench-stopped-")]
        return sum(each["spec"]["replicas"] == replicas for each in ours)

    # ------------------------------------------------------------------------------------------------------ the ground

    def ask(self, method: str, path: str, body: Any, media: str = "application/json") -> None:
        answer = self.ground.ask(method, path, body, media=media)
        if answer.status_code >= 300:
            raise SystemExit(f"{method} {path}: {answer.text}")

    def set_mode(self, mode: str) -> None:
        path = f"/api/v1/namespaces/{HOME}/configmaps/chaos-gate-mode"
        self.ask("PATCH", path, {"data": {"mode": mode}}, MERGE)

    def deploy(self, namespace: str, which: str, image: str) -> None:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        container = {"name": "web", "image": image}
        if self.ground.ask("GET", f"{path}/web").status_code == 200:
            change = {"spec": {"template": {"spec": {"containers": [container]}}}}
            self.ask("PATCH", f"{path}/web", change, "application/strategic-merge-patch+json")
            return
        labels = {"app": "web"}
        pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        self.ask("POST", path, {"metadata": {"name": "web", "labels": {"bench": which}}, "spec": spec})

    def made(self) -> list[Any]:
        return list(self.ground.ask("GET", RUNS).json()["items"])

    def many(self) -> list[Any]:
        return [run for run in self.made() if run["spec"]["workflow"]["name"] == "many"]

    def wait(self, found: Callable[[], Any], patience: float = 180) -> Any:
        deadline = time.monotonic() + patience
        while not (what := found()):
            if time.monotonic() > deadline:
                raise SystemExit((self.place / "gate.log").read_text()[-3000:])
            threading.Event().wait(0.5)
        return what

    def lateness(self) -> tuple[list[float], int]:
        """Seconds by which each question of the many runs was late, and how many questions had no sample."""
        late, missing = [], 0
        for file in self.place.rglob("bench-[0-9]*/*.jsonl.gz"):
            windows: dict[tuple[str, str], list[datetime]] = defaultdict(list)
            for line in read(file):
                if line.kind == "attempt":  # a run that begins again has its windows anew
                    windows.clear()
                elif line.kind == "sample":
                    asked = line.content
                    missing += "sample" not in asked
                    windows[asked["window"], asked["step"]].append(datetime.fromisoformat(asked["at"]))
            for moments in windows.values():
                places = [at - number * EVERY for number, at in enumerate(sorted(moments))]
                late += [(place - min(places)).total_seconds() for place in places]
        return late, missing


def finished(runs: list[Any], count: int) -> list[Any]:
    """All of them, once so many are judged; none before."""
    done = [run for run in runs if run.get("status", {}).get("verdict")]
    return done if len(done) == count else []


def beyond_declared(run: Any, hold: int) -> float:
    status = run["status"]
    lasted = datetime.fromisoformat(status["finished"]) - datetime.fromisoformat(status["started"])
    (step,) = status["evidence"]["steps"]
    return lasted.total_seconds() - (BASELINE + hold + float(step["recovery"]) + STEADY_FOR.total_seconds())


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
