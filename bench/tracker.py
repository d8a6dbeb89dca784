"""`make bench-tracker`: the gate beside a real control plane with 10,000 Deployments, 500 of them subscribed.

Subscribed Deployments have one pod of kwok's, the others none. `Recreate` is their strategy, so that the event that
completes a rollout is one of the Deployment's own. The mode is `pause`: runs are made and none is executed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import requests

from bench.gate import COMMAND, committed, megabytes, processor_seconds, serving
from bench.table import Figure, percentile, show
from tests.grounds import Ground, control_plane

NAMESPACES = 20
WRITERS = 8
LABEL = {"bench": "subscribed"}
WHOLE = "/apis/apps/v1/deployments"
GATES = "/apis/chaosgate.dev/v1alpha1/chaosgates"

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: bench}
spec:
  workload: {kind: Deployment, namespaces: ["bench-*"], selector: {matchLabels: {bench: subscribed}}}
  environment: staging
  workflows: [{name: nothing}]
  settle: 0s
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: nothing}
spec:
  steadyState: [{name: is there, http: {url: "http://127.0.0.1:9/"}}]
  steps: [{name: one, fault: pod-kill, hold: 5s, recover: 5s}]
"""

FLOOR = """
import json, resource, sys, time
import requests
session = requests.Session(); session.trust_env = False
url, session.verify, cert, key = sys.argv[1:5]; session.cert = (cert, key)
began = time.monotonic(); found = 0; query = {"limit": 500}
while True:
    page = json.loads(session.get(url + "/apis/apps/v1/deployments", params=query).content)
    found += len(page["items"])
    if not page["metadata"].get("continue"): break
    query["continue"] = page["metadata"]["continue"]
print(json.dumps([found, time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=10_000)
    parser.add_argument("--subscribed", type=int, default=500)
    parser.add_argument("--burst", type=int, default=1_000)
    parser.add_argument("--json", type=Path, default=Path("build/bench-tracker.json"))
    parser.add_argument("--profile", type=Path, help="write a profile of the gate here (pyinstrument, HTML)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-tracker-") as folder:
        place = Path(folder)
        (place / "kubernetes").mkdir()
        with control_plane(place / "kubernetes") as (ground, _):
            print(show(Bench(ground, place, asked).run(), asked.json))
    return 0


class Bench:
    """One control plane, one gate, and what is measured on them."""

    def __init__(self, ground: Ground, place: Path, asked: argparse.Namespace) -> None:
        self.ground, self.place, self.asked = ground, place, asked
        self.figures: list[Figure] = []
        self.names = [(f"bench-{number % NAMESPACES}", f"s{number}") for number in range(asked.subscribed)]
        self.round = 0

    def run(self) -> list[Figure]:
        self._fill()
        floor = self._floor()
        catalogue = self._catalogue()
        with self._gate(catalogue) as (process, ready):
            self.add("start to ready", ready, "s", goal=1.5 * floor[0], floor=floor[0])
            self._wait_for("all are recorded", lambda: self._count("recorded") >= len(self.names))
            self._latencies()
            self._idle(process)
            self._noise(process)
            self._burst()
            self.add("resident memory", megabytes(process), "MB", goal=100, floor=floor[1])
        self._down(catalogue)
        return self.figures

    def add(self, what: str, value: float, unit: str, *, goal: float | None = None, floor: float | None = None) -> None:
        self.figures.append(Figure(what=what, value=value, unit=unit, goal=goal, floor=floor))
        say(f"{what}: {value:.3g} {unit}")

    # ---------------------------------------------------------------------------------------------------- the ground

    def _fill(self) -> None:
        for number in range(NAMESPACES):
            self.ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": f"bench-{number}"}})
        self.ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "chaos-gate"}})
        mode = {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "pause"}}
        self.ground.ask("POST", "/api/v1/namespaces/chaos-gate/configmaps", mode)
        others = [(f"bench-{number % NAMESPACES}", f"o{number}") for number in range(self.asked.deployments)]
        others = others[len(self.names) :]
        say(f"making {len(self.names) + len(others)} Deployments")
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda name: self._make(*name, replicas=1), self.names))
            list(writers.map(lambda name: self._make(*name, replicas=0), others))
        self.others = others
        self._wait_for("all have rolled out", self._all_complete)

    def _make(self, namespace: str, name: str, *, replicas: int) -> None:
        labels = {"app": name}
        body = {
            "metadata": {"name": name, "labels": {**labels, **(LABEL if replicas else {})}},
            "spec": {
                "replicas": replicas,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "app:0"}], "terminationGracePeriodSeconds": 0},
                },
            },
        }
        answer = session_of(self.ground).post(
            f"{self.ground.url}/apis/apps/v1/namespaces/{namespace}/deployments", json=body, timeout=60
        )
        if answer.status_code != 201:
            raise SystemExit(f"making {namespace}/{name}: {answer.text}")

    def _set_image(self, namespace: str, name: str, image: str) -> None:
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
        answer = session_of(self.ground).patch(
            f"{self.ground.url}/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
            data=json.dumps(patch),
            headers={"Content-Type": "application/strategic-merge-patch+json"},
            timeout=60,
        )
        answer.raise_for_status()

    def _all_complete(self) -> bool:
        return all(
            is_complete(item) or (not item["spec"]["replicas"] and (item.get("status") or {}).get("observedGeneration"))
            for item in self._list(WHOLE)
        )

    def _list(self, path: str) -> list[Any]:
        items: list[Any] = []
        query = {"limit": "500"}
        while True:
            page = self.ground.ask("GET", path, params=query).json()
            items += page["items"]
            if not page["metadata"].get("continue"):
                return items
            query["continue"] = page["metadata"]["continue"]

    def _count(self, what: str) -> int:
        return sum(bool((gate.get("status") or {}).get(what)) for gate in self._list(GATES))

    def _wait_for(self, what: str, holds: Callable[[], bool], patience: float = 900) -> None:
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what}: not within {patience:.0f} s")
            time.sleep(1)
        say(what)

    # ------------------------------------------------------------------------------------------------------- the gate

    def _catalogue(self) -> Path:
        documents = {"subscriptions/bench.yaml": SUBSCRIPTION, "workflows/nothing.yaml": WORKFLOW}
        return committed(self.place / "catalogue", documents)

    def _gate(self, catalogue: Path) -> AbstractContextManager[tuple[subprocess.Popen[bytes], float]]:
        command: tuple[str, ...] = COMMAND
        if self.asked.profile:
            command = (sys.executable, "-m", "pyinstrument", "-r", "html", "-o", str(self.asked.profile), *COMMAND)
        return serving(self.place, self.ground.kubeconfig, catalogue, command)

    def _floor(self) -> tuple[float, float]:
        """Seconds and megabytes that a bare list of all Deployments takes."""
        session = self.ground.session
        arguments = [self.ground.url, str(session.verify), *(session.cert or ())]
        done = subprocess.run([sys.executable, "-c", FLOOR, *arguments], capture_output=True, check=True, text=True)
        found, seconds, megabytes = json.loads(done.stdout)
        say(f"floor: {found} Deployments in {seconds:.2f} s, {megabytes:.0f} MB")
        return seconds, megabytes

    # ------------------------------------------------------------------------------------------------ what is measured

    def _latencies(self) -> None:
        for rate, count in ((1, 20), (10, 100), (100, 400)):
            late = self._measured(rate, count)
            self.add(f"decision saved, {rate}/s, p50", 1000 * percentile(late, 0.50), "ms", goal=15)
            self.add(f"decision saved, {rate}/s, p99", 1000 * percentile(late, 0.99), "ms", goal=50)

    def _measured(self, rate: int, count: int) -> list[float]:
        """Seconds from the Deployment's event that completes a rollout to the event of its gate's decision."""
        image = self._next_image()
        chosen = self.names[:count]
        with Observer(self.ground, WHOLE) as deployments, Observer(self.ground, GATES) as gates:
            with ThreadPoolExecutor(WRITERS) as writers:
                began = time.monotonic()
                for number, name in enumerate(chosen):
                    time.sleep(max(0.0, began + number / rate - time.monotonic()))
                    writers.submit(self._set_image, *name, image)
            decided = {key: gates.wait(lambda gate, key=key: is_decided(gate, key, image), within=60) for key in chosen}
            complete = {
                key: deployments.wait(lambda item, key=key: is_named(item, key) and runs(item, image), within=60)
                for key in chosen
            }
        return [max(0.0, decided[key] - complete[key]) for key in chosen]

    def _next_image(self) -> str:
        self.round += 1
        return f"app:{self.round}"

    def _idle(self, process: subprocess.Popen[bytes]) -> None:
        time.sleep(5)
        self.add("CPU while nothing changes", cpu(process, 20), "%", goal=0.5)

    def _noise(self, process: subprocess.Popen[bytes]) -> None:
        """100 unsubscribed Deployments a second change an annotation."""
        stop = threading.Event()

        def annotate() -> None:
            began, number = time.monotonic(), 0
            with ThreadPoolExecutor(WRITERS) as writers:
                while not stop.is_set():
                    namespace, name = self.others[number % len(self.others)]
                    body = json.dumps({"metadata": {"annotations": {"bench": str(number)}}})
                    writers.submit(
                        lambda path, body: session_of(self.ground).patch(
                            self.ground.url + path,
                            data=body,
                            headers={"Content-Type": "application/merge-patch+json"},
                            timeout=60,
                        ),
                        f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
                        body,
                    )
                    number += 1
                    time.sleep(max(0.0, began + number / 100 - time.monotonic()))

        thread = threading.Thread(target=annotate)
        thread.start()
        try:
            self.add("CPU while 100 unsubscribed change each second", cpu(process, 20), "%", goal=8)
        finally:
            stop.set()
            thread.join()

    def _burst(self) -> None:
        """More images changed at once than anybody could follow by hand: nothing may be lost, nothing judged twice."""
        rounds = -(-self.asked.burst // len(self.names))
        image = ""
        began = time.monotonic()
        with Observer(self.ground, WHOLE) as deployments, Observer(self.ground, GATES) as gates:
            for _ in range(rounds):
                image = self._next_image()
                with ThreadPoolExecutor(WRITERS) as writers:
                    list(writers.map(lambda name, image=image: self._set_image(*name, image), self.names))
            saved = max(
                gates.wait(lambda gate, key=key: is_decided(gate, key, image), within=300) for key in self.names
            )
            last = max(
                deployments.wait(lambda item, key=key: is_named(item, key) and runs(item, image), within=300)
                for key in self.names
            )
        count = rounds * len(self.names)
        self.add(f"burst of {count}: last one saved after the last rollout", max(0.0, saved - last), "s", goal=10)
        say(f"the burst took {last - began:.0f} s to roll out")
        self._check(image)

    def _down(self, catalogue: Path) -> None:
        """200 changes while no gate runs."""
        image = self._next_image()
        chosen = self.names[:200]
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda name: self._set_image(*name, image), chosen))
        self._wait_for("the changes have rolled out", self._all_complete)
        began = time.monotonic()
        with self._gate(catalogue):
            keys = set(chosen)

            def judged() -> int:
                return sum(is_decided(gate, key_of(gate), image) for gate in self._list(GATES) if key_of(gate) in keys)

            self._wait_for("what changed meanwhile is judged", lambda: judged() == len(chosen), patience=120)
        self.add("not judged of 200 changed while the gate was down", len(chosen) - judged(), "", goal=0)
        say(f"they were judged {time.monotonic() - began:.1f} s after the start")

    def _check(self, image: str) -> None:
        """Every gate answers for what runs, with one set of runs for it."""
        gates = {key_of(gate): gate for gate in self._list(GATES)}
        wrong = [key for key in self.names if not is_decided(gates.get(key, {}), key, image)]
        self.add("burst: gates that are wrong", len(wrong), "", goal=0)
        versions: dict[tuple[Any, ...], int] = {}
        for run in self._list("/apis/chaosgate.dev/v1alpha1/chaosruns"):
            spec = run["spec"]
            of = (spec["workload"]["uid"], spec["version"], spec["workflow"]["name"])
            versions[of] = versions.get(of, 0) + 1
        self.add("burst: versions with more than one set of runs", sum(n > 1 for n in versions.values()), "", goal=0)


class Observer:
    """A watch that notes when each event came: the same that any client would see."""

    def __init__(self, ground: Ground, path: str) -> None:
        self._ground, self._path = ground, path
        self._events: list[tuple[float, Any]] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        version = self._ground.ask("GET", self._path, params={"limit": "1"}).json()["metadata"]["resourceVersion"]
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1200"}
        self._session = new_session(self._ground)
        self._response = self._session.get(self._ground.url + self._path, params=query, stream=True, timeout=(10, 1200))
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The watch ends with the control plane: closing a stream that another thread reads would block."""

    def _follow(self) -> None:
        try:
            for line in self._response.iter_lines(chunk_size=None):
                at = time.monotonic()
                with self._changed:
                    self._events.append((at, json.loads(line)["object"]))
                    self._changed.notify_all()
        except requests.RequestException:
            return  # the control plane has ended

    def wait(self, wanted: Callable[[Any], bool], within: float) -> float:
        """When the first event came that is wanted."""
        deadline, seen = time.monotonic() + within, 0
        while True:
            with self._changed:
                if len(self._events) == seen and not self._changed.wait(deadline - time.monotonic()):
                    raise SystemExit(f"an event of {self._path} that was waited for did not come")
                fresh, seen = self._events[seen:], len(self._events)
            for at, item in fresh:
                if wanted(item):
                    return at


def is_named(item: Any, key: tuple[str, str]) -> bool:
    return key_of(item) == key


def key_of(item: Any) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata["namespace"], metadata["name"].removeprefix("deployment-")


def runs(item: Any, image: str) -> bool:
    return item["spec"]["template"]["spec"]["containers"][0]["image"] == image and is_complete(item)


def is_complete(item: Any) -> bool:
    status, wanted = item.get("status") or {}, item["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return bool(status.get("observedGeneration", 0) >= item["metadata"]["generation"] and counts == [wanted] * 3)


def is_decided(gate: Any, key: tuple[str, str], image: str) -> bool:
    if not gate or key_of(gate) != key:
        return False
    status = gate.get("status") or {}
    return bool(status.get("image") == image and status.get("runs"))


def cpu(process: subprocess.Popen[bytes], seconds: float) -> float:
    """Percent of one core over so many seconds."""
    before, began = processor_seconds(process), time.monotonic()
    time.sleep(seconds)
    return 100 * (processor_seconds(process) - before) / (time.monotonic() - began)


_sessions = threading.local()


def session_of(ground: Ground) -> requests.Session:
    """One connection for each thread that writes."""
    if not hasattr(_sessions, "own"):
        _sessions.own = new_session(ground)
    own: requests.Session = _sessions.own
    return own


def new_session(ground: Ground) -> requests.Session:
    made = requests.Session()
    made.trust_env, made.cert, made.verify = False, ground.session.cert, ground.session.verify
    return made


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
