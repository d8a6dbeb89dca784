"""`make bench-sandbox`: the embedded Kubernetes as a process of its own, with 1,000 Deployments and 200 watchers.

Each round starts a fresh one with our custom resources, controllers and kubelet; the Deployments want no pods. A figure
is the median of the rounds, beside it stands the range. Memory is that of the sandbox and of the process that keeps
its pods, without the pods.
"""

import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import IO, Any, cast
from urllib.parse import urlsplit

from bench.table import Figure, percentile, show

DEPLOYMENTS = 1000
WATCHERS = 200
EVENTS = 200
"""So that a hundredth of them is more than one: of fifty, the 99th percentile is the slowest."""
LISTS = 20
PATIENCE = 60.0

WHOLE = "/apis/apps/v1/deployments"
HERE = "/apis/apps/v1/namespaces/default/deployments"
MERGE = {"Content-Type": "application/merge-patch+json"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

SANDBOX = """
import sys, yaml
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Images
from gate.sandbox.shipped import crds

with Kubernetes(crds=crds(), images=Images([])) as running:
    token = yaml.safe_load(running.kubeconfig())["users"][0]["user"].get("token", "")
    print(running.url, token, flush=True)
    sys.stdin.read()
"""

GOALS: Mapping[str, tuple[str, float | None]] = {
    "start until it is ready": ("s", 0.5),
    "memory after the start": ("MB", 80),
    "create one Deployment": ("ms", None),
    "list 1,000 Deployments": ("ms", 100),
    "list 1,000 Deployments as a table": ("ms", 100),
    "memory with 1,000 Deployments": ("MB", 80),
    "event to 200 watchers, p50": ("ms", None),
    "event to 200 watchers, p99": ("ms", 50),
    "memory with 200 watchers": ("MB", 80),
}
"""What is measured -> its unit, and the most that it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox in a process of its own."""

    process: subprocess.Popen[str]
    address: tuple[str, int]
    token: str

    def connection(self) -> "Connection":
        return Connection(*self.address, self.token)

    def memory(self) -> float:
        """Resident megabytes. Of the process beside it counts what is its own: the rest are the sandbox's pages."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return (_kept(self.process.pid, "Rss") + sum(_kept(int(pid), "Private_") for pid in children)) / 1e6


class Connection(HTTPConnection):
    """One connection to it, as its administrator."""

    def __init__(self, host: str, port: int, token: str) -> None:
        super().__init__(host, port, timeout=PATIENCE)
        self._credentials = {"Authorization": f"Bearer {token}"} if token else {}

    def send_request(self, method: str, path: str, body: Any = None, **headers: str) -> None:
        """Begin something; its response is still to be read."""
        self.request(method, path, None if body is None else json.dumps(body), {**self._credentials, **headers})

    def ask(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> bytes:
        self.send_request(method, path, body, **{"Accept": accept, "Content-Type": "application/json"})
        answer = self.getresponse()
        content = answer.read()
        must(answer.status < 300, f"{method} {path}: {content!r}")
        return content


@contextmanager
def started() -> Iterator[tuple[Sandbox, float]]:
    """A fresh sandbox, and the seconds from nothing to its first answer."""
    began = time.perf_counter()
    with (
        subprocess.Popen(
            [sys.executable, "-c", SANDBOX],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
        ) as process,
        cast("IO[str]", process.stdin),
    ):  # when it is closed the sandbox ends
        url, _, token = cast("IO[str]", process.stdout).readline().strip().partition(" ")
        where = urlsplit(url)
        must(bool(where.port), "the sandbox starts")
        sandbox = Sandbox(process=process, address=(str(where.hostname), where.port or 0), token=token)
        with closing(sandbox.connection()) as connection:
            connection.ask("GET", "/readyz")
        yield sandbox, time.perf_counter() - began


def deployment(number: int) -> dict[str, Any]:
    """As one of a real service: about two kilobytes, when the defaults are there."""
    name = f"service-{number}"
    probe = {"httpGet": {"path": "/healthz", "port": "http"}}
    container = {
        "name": "main",
        "image": f"registry.example.com/shop/{name}:1.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"SETTING_{each}", "value": f"value {each}"} for each in range(8)],
        "readinessProbe": probe,
        "livenessProbe": probe,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name, "team": "shop"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def one_round() -> dict[str, float]:
    """Every figure once."""
    found: dict[str, float] = {}
    with started() as (sandbox, took), closing(sandbox.connection()) as connection:
        found["start until it is ready"] = took
        found["memory after the start"] = sandbox.memory()
        began = time.perf_counter()
        for number in range(DEPLOYMENTS):
            connection.ask("POST", HERE, deployment(number))
        found["create one Deployment"] = 1000 * (time.perf_counter() - began) / DEPLOYMENTS
        version = settled(connection)
        found["list 1,000 Deployments"] = listing(connection, "application/json")
        found["list 1,000 Deployments as a table"] = listing(connection, TABLE)
        found["memory with 1,000 Deployments"] = sandbox.memory()
        with ExitStack() as open_watches:
            latencies = to_watchers(open_watches, sandbox, version)
            found["memory with 200 watchers"] = sandbox.memory()
        found["event to 200 watchers, p50"] = 1000 * percentile(latencies, 0.50)
        found["event to 200 watchers, p99"] = 1000 * percentile(latencies, 0.99)
    return found


def settled(connection: Connection) -> str:
    """The version of the list in which the controllers have seen all Deployments."""
    deadline = time.monotonic() + PATIENCE
    while True:
        listed = json.loads(connection.ask("GET", WHOLE))
        if all(item["status"].get("observedGeneration") for item in listed["items"]):
            must(len(listed["items"]) == DEPLOYMENTS, "all Deployments are there")
            return str(listed["metadata"]["resourceVersion"])
        must(time.monotonic() < deadline, "the controller has seen all Deployments")
        time.sleep(0.5)  # a look takes the time that the controllers need


def listing(connection: Connection, accept: str) -> float:
    """Milliseconds for the whole list, the median of several."""
    took = []
    for _ in range(LISTS):
        began = time.perf_counter()
        connection.ask("GET", WHOLE, accept=accept)
        took.append(1000 * (time.perf_counter() - began))
    return median(took)


def to_watchers(open_watches: ExitStack, sandbox: Sandbox, version: str) -> list[float]:
    """Seconds from the sending of a change to the reading of its event, for each event and watcher."""
    waiting = open_watches.enter_context(selectors.DefaultSelector())
    for _ in range(WATCHERS):
        watcher = open_watches.enter_context(closing(sandbox.connection()))
        watcher.send_request("GET", f"{WHOLE}?watch=1&resourceVersion={version}")
        must(watcher.sock.recv(65536).startswith(b"HTTP/1.1 200"), "the watch begins")
        waiting.register(watcher.sock, selectors.EVENT_READ)
    writer = open_watches.enter_context(closing(sandbox.connection()))
    latencies: list[float] = []
    for number in range(EVENTS):
        change = {"metadata": {"labels": {"round": f"number-{number}"}}}
        began = time.perf_counter()
        writer.send_request("PATCH", f"{HERE}/service-{number}", change, **MERGE)
        latencies += [at - began for at in arrivals(waiting, f'"round":"number-{number}"'.encode())]
        must(writer.getresponse().read().startswith(b'{"kind":"Deployment"'), "the change is taken")
    return latencies


def arrivals(waiting: selectors.BaseSelector, sign: bytes) -> list[float]:
    """When each watcher has read the event that bears the sign."""
    read: dict[int, bytes] = defaultdict(bytes)
    arrived: dict[int, float] = {}
    deadline = time.monotonic() + PATIENCE
    while len(arrived) < WATCHERS:
        must(time.monotonic() < deadline, "all watchers have heard of the change")
        for key, _ in waiting.select(1.0):
            read[key.fd] += cast("socket.socket", key.fileobj).recv(65536)
            if sign in read[key.fd] and read[key.fd].endswith(b"\n\r\n"):
                arrived.setdefault(key.fd, time.perf_counter())
    return list(arrived.values())


def figures(rounds: Sequence[Mapping[str, float]]) -> list[Figure]:
    """One for each thing that was measured: the median of the rounds, and their range."""
    made = []
    for what, (unit, goal) in GOALS.items():
        values = [each[what] for each in rounds]
        made.append(Figure(what=what, value=median(values), unit=unit, goal=goal, spread=(min(values), max(values))))
    return made


def _environment() -> dict[str, str]:
    """Ours, in which Python keeps what it compiled: whoever installs a wheel has that from the beginning."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _kept(pid: int, what: str) -> int:
    """Bytes of the process that the kernel counts under names which begin so."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def must(holds: bool, what: str) -> None:
    """Whoever measures a sandbox that does not work, measures nothing."""
    if not holds:
        raise RuntimeError(f"it does not hold that {what}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
    parser.add_argument("--json", type=Path, default=Path("build/bench-sandbox.json"), help="where the figures go")
    chosen = parser.parse_args()
    measured = figures([one_round() for _ in range(chosen.rounds)])
    sys.stdout.write(show(measured, chosen.json) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
