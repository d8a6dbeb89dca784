"""`make bench-tracker`: the gate beside a real control plane with 10,000 Deployments, 500 of them subscribed; for the
burst it is as many as are changed.

A floor is what a bare loop takes that lists and watches with `requests`, and only parses. Subscribed Deployments have
one pod of kwok's, the others none. `Recreate` is their strategy, so that the event that completes a rollout is one of
the Deployment's own. The mode is `pause`: runs are made and none is executed.

For the latencies the controllers rest, and the statuses are written by the benchmark (`bench.staged`); what a control
plane carries alone, of rollouts that its own controllers make, is printed beside. In the burst they work.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from bench.gate import COMMAND, committed, megabytes, processor_seconds, serving
from bench.observer import Observer, session_of
from bench.staged import WRITERS, Staged
from bench.table import Figure, percentile, show
from tests.control_plane.running import ControlPlane
from tests.grounds import Ground, control_plane

NAMESPACES = 20
ALONE = 100
"""So many rollouts show how many a second the control plane carries without a gate."""
LABEL = "bench"
SUBSCRIBED, LATER, WIDE = "subscribed", "later", "wide"
"""Values of the label: of those that are subscribed from the start, of those that are for the burst, and of many that
have no pods, for one selector to find in the end.
"""
WHOLE = "/apis/apps/v1/deployments"
NONE_YET = "0 of 1 replicas are updated"
NO_PODS = "scaled to zero: there is nothing that could be judged"
CONTROLLERS = "kube-controller-manager"
SETTLING = 20
"""Seconds until controllers that were started anew have gone through everything."""
GATES = "/apis/chaosgate.dev/v1alpha1/chaosgates"

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: bench-LABEL}
spec:
  workload: {kind: Deployment, namespaces: ["bench-*"], selector: {matchLabels: {bench: LABEL}}}
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
import json, sys, time
import requests
session = requests.Session(); session.trust_env = False
url, session.verify, cert, key = sys.argv[1:5]; session.cert = (cert, key)
path = url + "/apis/apps/v1/deployments"
began = time.monotonic(); found = 0; query = {"limit": 500}
while True:
    page = json.loads(session.get(path, params=query).content)
    found += len(page["items"])
    if not page["metadata"].get("continue"): break
    query["continue"] = page["metadata"]["continue"]
most = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([found, time.monotonic() - began, most]), flush=True)
since = page["metadata"]["resourceVersion"]
del page
query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": "3600", "allowWatchBookmarks": "true"}
for line in session.get(path, params=query, stream=True).iter_lines(chunk_size=None):
    json.loads(line)
"""
"""A list and then a watch, and nothing else: seconds and megabytes of the list; the watch goes on until it is ended."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=10_000)
    parser.add_argument("--subscribed", type=int, default=500)
    parser.add_argument("--burst", type=int, default=1_000)
    parser.add_argument("--wide", type=int, default=3_000, help="how many one selector finds in the end")
    parser.add_argument("--json", type=Path, default=Path("build/bench-tracker.json"))
    parser.add_argument("--profile", type=Path, help="write a profile of the gate here (pyinstrument, HTML)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-tracker-") as folder:
        place = Path(folder)
        (place / "kubernetes").mkdir()
        with control_plane(place / "kubernetes") as (ground, parts):
            print(show(Bench(ground, parts, place, asked).run(), asked.json))
    return 0


class Bench:
    """One control plane, one gate, and what is measured on them."""

    def __init__(self, ground: Ground, parts: ControlPlane, place: Path, asked: argparse.Namespace) -> None:
        self.ground, self.parts, self.place, self.asked = ground, parts, place, asked
        self.figures: list[Figure] = []
        self.names = [(f"bench-{number % NAMESPACES}", f"s{number}") for number in range(asked.subscribed)]
        more = range(asked.subscribed, max(asked.subscribed, asked.burst))
        self.later = [(f"bench-{number % NAMESPACES}", f"s{number}") for number in more]
        self.round = 0

    def run(self) -> list[Figure]:
        self._fill()
        self._alone()
        catalogue = self._catalogue()
        with self._floor() as (bare, seconds, least), self._gate(catalogue) as (process, ready):
            self.add("start to ready", ready, "s", goal=1.5 * seconds, floor=seconds)
            self._wait_for("all are recorded", lambda: self._count("recorded") >= len(self.names))
            self._latencies()
            self._idle(process, bare)
            self._noise(process, bare)
            self.add("resident memory", megabytes(process), "MB", goal=100, floor=least)
            self._subscribe_more(catalogue)
            self._burst()
            self.add("resident memory after the burst", megabytes(process), "MB", goal=100, floor=least)
            self._widen(catalogue)
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
        others = others[len(self.names) + len(self.later) :]
        say(f"making {len(self.names) + len(self.later) + len(others)} Deployments")
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda name: self._make(*name, label=SUBSCRIBED), self.names))
            list(writers.map(lambda name: self._make(*name, label=LATER), self.later))
            list(writers.map(lambda name: self._make(*name, label=WIDE, replicas=0), others[: self.asked.wide]))
            list(writers.map(lambda name: self._make(*name, replicas=0), others[self.asked.wide :]))
        self.others = others
        self._wait_for("all have rolled out", self._all_complete)

    def _make(self, namespace: str, name: str, *, label: str = "", replicas: int = 1) -> None:
        labels = {"app": name}
        body = {
            "metadata": {"name": name, "labels": {**labels, **({LABEL: label} if label else {})}},
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
        documents = {"subscriptions/first.yaml": _subscribing(SUBSCRIBED), "workflows/nothing.yaml": WORKFLOW}
        return committed(self.place / "catalogue", documents)

    def _subscribe_more(self, catalogue: Path) -> None:
        """From the next fetch on the burst is about as many workloads as it changes."""
        if self.later:
            committed(catalogue, {"subscriptions/later.yaml": _subscribing(LATER)})
            self.names += self.later
            self._wait_for("more are recorded", lambda: self._count("version") >= len(self.names))

    def _widen(self, catalogue: Path) -> None:
        """One selector that finds thousands: each of them gets an answer that says why, and none gets a run."""
        names = {(namespace, name) for namespace, name in self.others[: self.asked.wide]}
        committed(catalogue, {"subscriptions/wide.yaml": _subscribing(WIDE)})

        def answered() -> int:
            gates = [gate for gate in self._list(GATES) if key_of(gate) in names]
            return sum(NO_PODS in (gate.get("status") or {}).get("message", "") for gate in gates)

        began = time.monotonic()
        while (missing := len(names) - answered()) and time.monotonic() < began + 300:
            time.sleep(1)
        say(f"{len(names) - missing} of {len(names)} had them after {time.monotonic() - began:.0f} s")
        self.add(f"{len(names)} that one selector finds: without an answer that says why", missing, "", goal=0)

    def _gate(self, catalogue: Path) -> AbstractContextManager[tuple[subprocess.Popen[bytes], float]]:
        command: tuple[str, ...] = COMMAND
        if self.asked.profile:
            command = (sys.executable, "-m", "pyinstrument", "-r", "html", "-o", str(self.asked.profile), *COMMAND)
        return serving(self.place, self.ground.kubeconfig, catalogue, command)

    @contextmanager
    def _floor(self) -> Iterator[tuple[subprocess.Popen[bytes], float, float]]:
        """A bare loop; the seconds and megabytes that its list of all Deployments took."""
        session = self.ground.session
        arguments = [self.ground.url, str(session.verify), *(session.cert or ())]
        with subprocess.Popen([sys.executable, "-c", FLOOR, *arguments], stdout=subprocess.PIPE) as process:
            try:
                found, seconds, most = json.loads(process.stdout.readline() if process.stdout else b"")
                say(f"floor: {found} Deployments in {seconds:.2f} s, {most:.0f} MB")
                yield process, seconds, most
            finally:
                process.terminate()

    # ------------------------------------------------------------------------------------------------ what is measured

    def _alone(self) -> None:
        """The control plane's own floor: rollouts by its own controllers, and no gate."""
        image, chosen = self._next_image(), self.names[:ALONE]
        began = time.monotonic()
        with Observer(self.ground, WHOLE) as deployments:
            with ThreadPoolExecutor(WRITERS) as writers:
                list(writers.map(lambda name: self._set_image(*name, image), chosen))
            ended = max(
                deployments.wait(lambda item, key=key: is_named(item, key) and runs(item, image), within=120)
                for key in chosen
            )
        self.add("rollouts that the control plane carries alone", len(chosen) / (ended - began), "/s")

    def _latencies(self) -> None:
        self.parts.kill(CONTROLLERS, signal.SIGTERM)
        for rate, count in ((1, 20), (10, 100), (100, 400)):
            late, heard = self._measured(rate, count)
            for share, goal in ((0.50, 15), (0.99, 50)):
                value, floor = (1000 * percentile(times, share) for times in (late, heard))
                self.add(f"decision saved, {rate}/s, p{100 * share:.0f}", value, "ms", goal=goal, floor=floor)
        self.parts.restart(CONTROLLERS)
        time.sleep(SETTLING)
        self._wait_for("the controllers have taken over again", self._all_complete)

    def _measured(self, rate: int, count: int) -> tuple[list[float], list[float]]:
        """Seconds from the Deployment's event that completes a rollout to the event of its gate's decision; and, as the
        floor, from the answer to the write that completes it to that event.
        """
        image, chosen = self._next_image(), self.names[:count]
        staged = Staged(self.ground)
        staged.prepare(chosen, image)
        self._wait_for("the gate has seen them roll out", lambda: self._count_rolling(chosen) == count)
        answered: dict[tuple[str, str], float] = {}

        def complete(name: tuple[str, str]) -> None:
            staged.complete(name)
            answered[name] = time.monotonic()

        with Observer(self.ground, WHOLE) as deployments, Observer(self.ground, GATES) as gates:
            with ThreadPoolExecutor(WRITERS) as writers:
                began = time.monotonic()
                for number, name in enumerate(chosen):
                    time.sleep(max(0.0, began + number / rate - time.monotonic()))
                    writers.submit(complete, name)
            decided = {key: gates.wait(lambda gate, key=key: is_decided(gate, key, image), within=60) for key in chosen}
            ended = {
                key: deployments.wait(lambda item, key=key: is_named(item, key) and runs(item, image), within=60)
                for key in chosen
            }
        late = [max(0.0, decided[key] - ended[key]) for key in chosen]
        return late, [max(0.0, ended[key] - answered[key]) for key in chosen]

    def _count_rolling(self, chosen: Sequence[tuple[str, str]]) -> int:
        """Of how many the gate has said that nothing of them is updated yet."""
        wanted = set(chosen)
        return sum(
            key_of(gate) in wanted and NONE_YET in (gate.get("status") or {}).get("message", "")
            for gate in self._list(GATES)
        )

    def _next_image(self) -> str:
        self.round += 1
        return f"app:{self.round}"

    def _idle(self, process: subprocess.Popen[bytes], bare: subprocess.Popen[bytes]) -> None:
        time.sleep(5)
        used, least = cpu((process, bare), 20)
        self.add("CPU while nothing changes", used, "%", goal=0.5, floor=least)

    def _noise(self, process: subprocess.Popen[bytes], bare: subprocess.Popen[bytes]) -> None:
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
            used, least = cpu((process, bare), 20)
            self.add("CPU while 100 unsubscribed change each second", used, "%", goal=8, floor=least)
        finally:
            stop.set()
            thread.join()

    def _burst(self) -> None:
        """More images changed at once than anybody could follow by hand: nothing may be lost, nothing judged twice."""
        image = self._next_image()
        began = time.monotonic()
        with Observer(self.ground, WHOLE) as deployments, Observer(self.ground, GATES) as gates:
            with ThreadPoolExecutor(WRITERS) as writers:
                list(writers.map(lambda name: self._set_image(*name, image), self.names))
            saved = max(
                gates.wait(lambda gate, key=key: is_decided(gate, key, image), within=300) for key in self.names
            )
            last = max(
                deployments.wait(lambda item, key=key: is_named(item, key) and runs(item, image), within=300)
                for key in self.names
            )
        self.add(
            f"burst of {len(self.names)}: last one saved after the last rollout", max(0.0, saved - last), "s", goal=10
        )
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


def is_named(item: Any, key: tuple[str, str]) -> bool:
    return key_of(item) == key


def key_of(item: Any) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata["namespace"], metadata["name"].removeprefix("deployment-")


def has(item: Any, image: str) -> bool:
    return bool(item["spec"]["template"]["spec"]["containers"][0]["image"] == image)


def runs(item: Any, image: str) -> bool:
    return has(item, image) and is_complete(item)


def is_complete(item: Any) -> bool:
    status, wanted = item.get("status") or {}, item["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return bool(status.get("observedGeneration", 0) >= item["metadata"]["generation"] and counts == [wanted] * 3)


def is_decided(gate: Any, key: tuple[str, str], image: str) -> bool:
    if not gate or key_of(gate) != key:
        return False
    status = gate.get("status") or {}
    return bool(status.get("image") == image and status.get("runs"))


def cpu(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> list[float]:
    """Percent of one core over so many seconds, for each of them."""
    before, began = [processor_seconds(each) for each in processes], time.monotonic()
    time.sleep(seconds)
    used = [processor_seconds(each) - then for each, then in zip(processes, before, strict=True)]
    return [100 * each / (time.monotonic() - began) for each in used]


def _subscribing(label: str) -> str:
    return SUBSCRIPTION.replace("LABEL", label)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
